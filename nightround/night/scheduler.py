"""The one module that imports APScheduler: runs the jobs of a study at their hours.

APScheduler's own default skips a job that starts more than one second late, and runs it twice when
two were missed; both are wrong for a nightly round, so the three settings below are always given.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from nightround.model.errors import StudyFilesWrong

if TYPE_CHECKING:
    from apscheduler.schedulers.blocking import BlockingScheduler

MISFIRE_HOURS = 6
"""A machine that slept through the hour still makes its round when it wakes, within these hours."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """A job's name and its hour in cron's five fields, in the machine's own time zone."""

    job: str
    cron: str


def serve(schedules: Iterable[Schedule], run: Callable[[str], None], *, zone: tzinfo | None = None) -> None:
    """Run each job at its hours until interrupted; a round that is under way is let come to its end."""
    scheduler = build_scheduler(schedules, run, zone=zone)
    # A container's first process is stopped by SIGTERM, which does nothing there unless it is handled.
    signal.signal(signal.SIGTERM, _stop)
    try:
        for job in scheduler.get_jobs():
            log.info("job %s is scheduled: %s", job.id, job.trigger)
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        log.info("stopping, after the round that is under way")
        if scheduler.running:
            scheduler.shutdown(wait=True)


def _stop(*_: object) -> None:
    raise SystemExit


def build_scheduler(
    schedules: Iterable[Schedule], run: Callable[[str], None], *, zone: tzinfo | None = None
) -> BlockingScheduler:
    """Make the scheduler with its jobs; one engine function is registered, with the job's name as its argument."""
    from apscheduler.schedulers.blocking import BlockingScheduler
    from apscheduler.triggers.cron import CronTrigger

    scheduler = BlockingScheduler(timezone=zone)
    for schedule in schedules:
        try:
            trigger = CronTrigger.from_crontab(schedule.cron, timezone=zone or scheduler.timezone)
        except ValueError as error:
            raise StudyFilesWrong("study.schedule", job=schedule.job, said=str(error)) from None
        scheduler.add_job(
            run,
            trigger,
            args=[schedule.job],
            id=schedule.job,
            misfire_grace_time=MISFIRE_HOURS * 3600,
            coalesce=True,
            max_instances=1,
        )
    return scheduler
