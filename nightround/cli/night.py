"""`nightround night`: the whole round, now."""

from pathlib import Path

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument


@click.command()
@study_argument
@data_option
@json_option
def night(study: str, data: Path, *, as_json: bool) -> None:
    """Make the whole round of STUDY now."""
    study_job.run(study, data, "nightly", as_json=as_json)
