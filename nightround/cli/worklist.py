"""`nightround worklist`: the open findings as a spreadsheet to fill in, and its answers read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround.cli.options import data_option, existing_file, json_option, language_option, study_argument, wait_option
from nightround.cli.printing import head, number, print_json, print_table, say, text, words
from nightround.cli.study_job import run_alone

if TYPE_CHECKING:
    from nightround.findings.worklist_lines import LineReceipt
    from nightround.model.language import Language
    from nightround.night import Night


@click.command()
@study_argument
@click.option("--for", "whom", default="", metavar="ROLE|GROUP", help="Whose findings; those of all unless given.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.xlsx", help="Write the list.")
@click.option("--read", "filled", type=existing_file, metavar="FILE.xlsx", help="Read the answers of a list.")
@click.option("--by", default="", metavar="WHO", help="Who filled it in; the history keeps the name.")
@wait_option
@data_option
@language_option
@json_option
def worklist(study: str, out: Path | None, filled: Path | None, by: str, **given: Any) -> None:
    """Write what is open as a spreadsheet, or read one of STUDY.

    Record ids are in it, and no value of a patient. A line that is answered is checked against the finding as it is
    now: what has changed since is refused, and every line is reported.
    """
    if (out is None) is (filled is None):
        raise click.UsageError(text("terminal.usage.worklist_one"))
    if filled is not None:
        if not by.strip():
            raise click.UsageError(text("terminal.usage.worklist_by"))
        _read(study, filled, by, **given)
    elif out is not None:
        _write(study, out, **given)


def _write(
    study: str, out: Path, *, whom: str, wait: float | None, data: Path, language: Language, as_json: bool
) -> None:
    from nightround.findings.worklist_sheet import MOST_WRITTEN, write_sheet
    from nightround.night.worklist_step import worklist_of
    from redcap_sync.private_files import write_private

    def step(night: Night) -> int:
        lines, places = worklist_of(night.facts, night.store, whom)
        sheet = write_sheet(night.facts.study.id, lines[:MOST_WRITTEN], places, language, whom=whom)
        write_private(out, sheet)
        return len(lines)

    found = run_alone(study, data, "worklist", step, wait=wait)
    count = min(found, MOST_WRITTEN)
    if as_json:
        print_json({"file": str(out), "lines": count, "left_out": found - count})
        return
    say(text("terminal.worklist.written", file=str(out), count=count))
    if found > count:
        say(text("terminal.worklist.left_out", count=found - count))


def _read(
    study: str,
    filled: Path,
    by: str,
    *,
    whom: str,
    wait: float | None,
    data: Path,
    language: Language,
    as_json: bool,
) -> None:
    from nightround.findings.spreadsheet_parts import LARGEST_FILE
    from nightround.findings.worklist_lines import counted
    from nightround.findings.worklist_sheet import read_sheet
    from nightround.night.worklist_step import take_lines
    from nightround.texts.catalogue import in_language
    from redcap_sync.regular_files import read_regular_file

    del whom
    content = read_regular_file(filled, largest=LARGEST_FILE)
    receipts = run_alone(
        study,
        data,
        "worklist",
        lambda night: take_lines(night, read_sheet(content, night.facts.study.id).lines, by=by),
        wait=wait,
    )
    counts = counted(receipts)
    if as_json:
        lines = [one.document(lambda message: in_language(message, "en")) for one in receipts]
        print_json({"lines": lines, "counts": counts})
        return
    line, finding, result, why = (head(name, language) for name in ("line", "finding", "result", "why"))
    print_table((number(line), finding, words(result), words(why)), [_line(one, language) for one in receipts])
    say(text("terminal.worklist.read", **counts))


def _line(one: LineReceipt, language: Language) -> tuple[str, ...]:
    from nightround.texts.catalogue import in_language
    from redcap_sync.messages import Message

    result = in_language(Message.of(f"worklist.result.{one.fate.value}"), language)
    return (str(one.number), one.finding_id[:8], result, in_language(one.why, language) if one.why else "")
