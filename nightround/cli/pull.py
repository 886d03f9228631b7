"""`nightround pull`: the first step of a round alone."""

from pathlib import Path

import click

from nightround.cli import study_job
from nightround.cli.options import data_option, json_option, study_argument, wait_option


@click.command()
@study_argument
@data_option
@wait_option
@json_option
def pull(study: str, data: Path, wait: float | None, *, as_json: bool) -> None:
    """Pull STUDY from REDCap into a snapshot.

    It is kept only if it proves complete; else the last good snapshot stays.
    """
    study_job.run(study, data, "pull", as_json=as_json, wait=wait, steps=lambda night: night.pull())
