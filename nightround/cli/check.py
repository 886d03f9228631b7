"""`nightround check`: the rules on the last snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument

if TYPE_CHECKING:
    from nightround.night import Night


@click.command()
@study_argument
@data_option
@json_option
def check(study: str, data: Path, *, as_json: bool) -> None:
    """Judge the rules on the last snapshot of STUDY.

    Findings are not changed. It ends with 3 where a night would: where there are findings at or above the severity the
    study agreed on, waived and snoozed ones aside.
    """
    study_job.run(study, data, "check", as_json=as_json, steps=_judged)


def _judged(night: Night) -> None:
    snapshot = night.last_snapshot()
    night.weigh(snapshot, night.validate(snapshot))
