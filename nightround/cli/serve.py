"""`nightround serve`: every job of the studies at its hour."""

from __future__ import annotations

import os
import time
from datetime import tzinfo
from functools import partial
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
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Rounds at the same time.")
@click.option(
    "--per-server",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Rounds at the same time that ask one REDCap server.",
)
@data_option
@wait_option
def serve(studies: tuple[str, ...], *, workers: int, per_server: int, data: Path, wait: float | None) -> None:
    """Make the round of each STUDY at its hour, until stopped.

    A FOLDER stands for every study in it, also those that are put there later; without any, all studies that are known
    by name. The hour is `[schedule] nightly` of the study's own clock, else that of the job file; an edit of either
    needs no restart. Each round is a process of its own.
    """
    from nightround.night import run_job, study_hours
    from nightround.night.round_process import ServerLimits, in_own_process, server_of
    from nightround.night.scheduler import Rounds
    from nightround.night.scheduler import serve as serve_jobs
    from nightround.night.served_studies import ServedStudies

    log_to_stderr()
    content = found_content()
    limits = ServerLimits(per_server, partial(server_of, data=data, content=content, environ=os.environ))

    def run(job: str, study: str) -> None:
        with limits.place(study):
            in_own_process(partial(make_round, data=data, wait=wait), job, study)

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
    rounds = Rounds(study_hours.schedules(content), run, zone_of, own, workers=workers)
    serve_jobs(rounds, served, missed=missed, send=send)


def make_round(job: str, study: str, *, data: Path, wait: float | None) -> None:
    """Make one round, in the process that was started for it."""
    from nightround.night.run_job import run_scheduled
    from nightround.night.study_locks import BY_CLOCK, Waiting

    log_to_stderr()
    waiting = BY_CLOCK if wait is None else Waiting(wait, mailed=True)
    run_scheduled(
        job,
        [study],
        data=data,
        content=found_content(),
        environ=os.environ,
        clock=now,
        sleep=time.sleep,
        waiting=waiting,
    )
