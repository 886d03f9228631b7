"""`nightround night`: the whole round, now."""

from pathlib import Path

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument, wait_option


@click.command()
@study_argument
@data_option
@wait_option
@json_option
def night(study: str, data: Path, wait: float | None, *, as_json: bool) -> None:
    """Make the whole round of STUDY now."""
    study_job.run(study, data, "nightly", as_json=as_json, wait=wait)
