"""`nightround serve`: every job of the studies at its hour."""

import os
import time
from datetime import tzinfo
from pathlib import Path

import click

from nightround.cli.options import data_option, found_content, wait_option
from nightround.cli.printing import log_to_stderr
from nightround.cli.study_job import now


@click.command()
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@data_option
@wait_option
def serve(studies: tuple[str, ...], data: Path, wait: float | None) -> None:
    """Make the round of each STUDY at its hour, until stopped.

    The hours are those of each study's own clock, `time_zone` in its study.toml.
    """
    from nightround.night import run_job
    from nightround.night.scheduler import serve as serve_jobs
    from nightround.night.study_locks import BY_CLOCK, Waiting

    log_to_stderr()
    content = found_content()
    waiting = BY_CLOCK if wait is None else Waiting(wait, mailed=True)

    def run(job: str, study: str) -> None:
        run_job.run_scheduled(
            job,
            [study],
            data=data,
            content=content,
            environ=os.environ,
            clock=now,
            sleep=time.sleep,
            waiting=waiting,
        )

    def zone_of(study: str) -> tzinfo:
        return run_job.zone_of(study, data=data, content=content)

    def missed(job: str, study: str) -> bool:
        return run_job.was_missed(job, study, data=data, content=content, environ=os.environ, now=now())

    def send(study: str) -> None:
        run_job.send_between_rounds(study, data=data, content=content, environ=os.environ, clock=now, sleep=time.sleep)

    serve_jobs(run_job.schedules(content), studies, run, zone_of=zone_of, missed=missed, send=send)
