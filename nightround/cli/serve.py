"""`nightround serve`: every job of the studies at its hour."""

import os
import time
from pathlib import Path

import click

from nightround.cli.options import data_option, found_content
from nightround.cli.printing import log_to_stderr
from nightround.cli.study_job import now


@click.command()
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@data_option
def serve(studies: tuple[str, ...], data: Path) -> None:
    """Make the round of each STUDY at its hour, until stopped."""
    from nightround.night.run_job import run_scheduled, schedules
    from nightround.night.scheduler import serve as serve_jobs

    log_to_stderr()
    content = found_content()

    def run(job: str) -> None:
        run_scheduled(job, studies, data=data, content=content, environ=os.environ, clock=now, sleep=time.sleep)

    serve_jobs(schedules(content), run)
