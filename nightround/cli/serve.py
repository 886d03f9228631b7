"""`nightround serve`: every job of the studies at its hour."""

from __future__ import annotations

import os
import time
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import data_option, found_content, wait_option
from nightround.cli.printing import log_to_stderr
from nightround.cli.study_job import now

if TYPE_CHECKING:
    from nightround.night.firings import Schedule


@click.command()
@click.argument("studies", nargs=-1, metavar="[FOLDER|STUDY...]")
@data_option
@wait_option
def serve(studies: tuple[str, ...], data: Path, wait: float | None) -> None:
    """Make the round of each STUDY at its hour, until stopped.

    A FOLDER stands for every study in it, also those that are put there later; without any, all studies that are known
    by name. The hour is `[schedule] nightly` of the study's own clock, else that of the job file; an edit of either
    needs no restart.
    """
    from nightround.night import run_job, study_hours
    from nightround.night.scheduler import Rounds
    from nightround.night.scheduler import serve as serve_jobs
    from nightround.night.served_studies import ServedStudies
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
        return study_hours.zone_of(study, data=data, content=content)

    def own(schedule: Schedule, study: str) -> Schedule:
        return study_hours.schedule_of(schedule.job, study, data=data, content=content)

    def missed(job: str, study: str) -> bool:
        return run_job.was_missed(job, study, data=data, content=content, environ=os.environ, now=now())

    def send(study: str) -> None:
        run_job.send_between_rounds(study, data=data, content=content, environ=os.environ, clock=now, sleep=time.sleep)

    served = ServedStudies(studies, data, content)
    served.require_known()
    serve_jobs(Rounds(study_hours.schedules(content), run, zone_of, own), served, missed=missed, send=send)
