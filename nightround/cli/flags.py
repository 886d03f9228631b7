"""`nightround flags`: findings as questions on the record itself, in REDCap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import data_option, folder_of, json_option, study_argument, wait_option
from nightround.cli.printing import language, print_json, say, text
from nightround.cli.study_job import run_alone

if TYPE_CHECKING:
    from nightround.night.flags_writing import FlagsDone


@click.command()
@study_argument
@click.option("--instrument", is_flag=True, help="Print the instrument data_query for the data dictionary, as CSV.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; nothing is.")
@click.option("--apply", "applied", is_flag=True, help="Write the questions, and read each of them again.")
@wait_option
@data_option
@json_option
def flags(
    study: str, data: Path, wait: float | None, *, instrument: bool, dry_run: bool, applied: bool, as_json: bool
) -> None:
    """Put findings of STUDY on their records in REDCap.

    Each open finding becomes an instance of the repeating instrument data_query on its record. What is answered there
    is taken over by the next night. Nothing else in the project is written to.
    """
    if instrument + dry_run + applied != 1:
        raise click.UsageError(text("flags.usage.one"))
    if instrument:
        _print_instrument(study, as_json=as_json)
        return
    done = run_alone(study, data, "flags", lambda night: night.flags(apply=applied), wait=wait)
    _print(study, done, as_json=as_json)


def _print_instrument(study: str, *, as_json: bool) -> None:
    from redcap_sync.write_back.query_instrument import dictionary_rows, instrument_csv

    folder_of(study)
    if as_json:
        print_json({"instrument": list(dictionary_rows())})
    else:
        say(instrument_csv(), nl=False)


def _print(study: str, done: FlagsDone, *, as_json: bool) -> None:
    from nightround.night.flags_step import shown_lines
    from nightround.texts.catalogue import in_language

    if as_json:
        print_json({"study": Path(study).name, **done.document()})
        return
    for line in shown_lines(done):
        say(in_language(line, language()))
