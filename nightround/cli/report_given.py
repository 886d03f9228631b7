"""`nightround report-given`: who was given a report; `handed` is its old name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument
from nightround.cli.printing import say, text

if TYPE_CHECKING:
    from nightround.night import Night


@click.command("report-given")
@study_argument
@click.argument("role")
@click.option("--snapshot", metavar="ID", help="Of which snapshot; the last one unless given.")
@click.option("--open", "is_open", is_flag=True, help="The open version was given, not the closed one.")
@data_option
@json_option
def report_given(study: str, role: str, snapshot: str | None, data: Path, *, is_open: bool, as_json: bool) -> None:
    """Record that ROLE was given the report of STUDY."""

    def note(night: Night) -> None:
        night.note_receipt(role, snapshot, "open" if is_open else "closed")

    study_job.run(study, data, "report-given", as_json=as_json, steps=note)


@click.command("handed", hidden=True, params=report_given.params)
@click.pass_context
def handed(context: click.Context, /, **given: Any) -> None:
    """Old name of `report-given`, kept for one release."""
    say(text("terminal.usage.old_name"), err=True)
    context.invoke(report_given, **given)
