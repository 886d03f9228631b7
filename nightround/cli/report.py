"""`nightround report`: the interim report, now or again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument
from nightround.cli.printing import text

if TYPE_CHECKING:
    from nightround.night import Night


@click.command()
@study_argument
@click.option("--snapshot", metavar="ID", help="Make the report of a past snapshot again, byte for byte.")
@click.option("--open", "only_open", is_flag=True, help="Only the open version: nothing by group.")
@click.option(
    "--patient", metavar="RECORD", help="The profile of one patient instead: visits, values, findings, what is new."
)
@click.option("--listings", is_flag=True, help="Also list the records behind each count, in private files.")
@data_option
@json_option
def report(
    study: str,
    snapshot: str | None,
    patient: str | None,
    data: Path,
    *,
    only_open: bool,
    listings: bool,
    as_json: bool,
) -> None:
    """Print the interim report of STUDY from its last snapshot.

    There are two versions, the closed one and the open one, which shows nothing by group; a study that compares no
    groups has one report.
    """
    given = {"--snapshot": snapshot, "--patient": patient, "--open": only_open, "--listings": listings}
    require_together({name for name, value in given.items() if value not in {None, False}})

    def make(night: Night) -> None:
        if snapshot:
            night.report_again(snapshot)
            return
        last = night.last_snapshot()
        if patient is not None:
            night.profile(last, patient)
            return
        night.report(last, night.validate(last), ("open",) if only_open else ("closed", "open"), listings=listings)

    study_job.run(study, data, "report", as_json=as_json, steps=make)


def require_together(given: set[str]) -> None:
    """Refuse options that ask for different things: a past report and a patient's profile stand alone."""
    alone = sorted(given & {"--snapshot", "--patient"})
    if alone and len(given) > 1:
        others = ", ".join(sorted(given - {alone[0]}))
        raise click.UsageError(text("terminal.usage.not_together", option=alone[0], others=others))
