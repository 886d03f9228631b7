"""`nightround check`: the rules on the last snapshot."""

from pathlib import Path

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument


@click.command()
@study_argument
@data_option
@json_option
def check(study: str, data: Path, *, as_json: bool) -> None:
    """Judge the rules on the last snapshot of STUDY.

    Findings are not changed. It ends with 3 where there are violations at or above the severity the study agreed on.
    """
    study_job.run(study, data, "check", as_json=as_json, steps=lambda night: night.validate(night.last_snapshot()))
