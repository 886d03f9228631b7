"""The one module that runs APScheduler: makes the rounds of the studies at their hours, one after another.

APScheduler's own default skips a job that starts more than one second late, and runs it twice when two were missed;
both are wrong for a nightly round, so the settings below are always given. Its triggers fire twice in the hour that
a clock has twice, so the hours are reckoned in `firings`.
"""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from nightround.model.errors import StudyFilesWrong
from nightround.night.firings import Cron, Schedule, next_firing

if TYPE_CHECKING:
    from apscheduler.schedulers.blocking import BlockingScheduler

MISFIRE_HOURS = 20
"""A machine that slept through the hour still makes its round when it wakes, within these hours."""
SEND_MINUTES = 5
"""So often messages that wait are looked for."""
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
NUMBERED = re.compile(r"(\d)(?:-(\d))?(?:/(\d))?")

log = logging.getLogger(__name__)


def serve(
    schedules: Iterable[Schedule],
    studies: Sequence[str],
    run: Callable[[str, str], None],
    *,
    zone_of: Callable[[str], tzinfo],
    missed: Callable[[str, str], bool],
    send: Callable[[str], None],
) -> None:
    """Run each job of each study at its hours until interrupted; a round that is under way is let come to its end.

    `run` is called with a job and a study. What `missed` says was missed while nobody served is made at once.
    Between the rounds `send` is called with each study, to send the messages whose pause is over.
    """
    scheduler = build_scheduler(schedules, studies, run, zone_of=zone_of)
    # A container's first process is stopped by SIGTERM, which does nothing there unless it is handled.
    signal.signal(signal.SIGTERM, _stop)
    try:
        for job in scheduler.get_jobs():
            log.info("job %s of %s is scheduled: %s", *job.args, job.trigger)
            if missed(*job.args):
                log.warning("job %s of %s was missed and is made now", *job.args)
                scheduler.add_job(run, args=job.args, misfire_grace_time=None)
        for study in studies:
            scheduler.add_job(
                send, "interval", args=[study], minutes=SEND_MINUTES, coalesce=True, misfire_grace_time=None
            )
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        log.info("stopping, after the round that is under way")
        if scheduler.running:
            scheduler.shutdown(wait=True)


def _stop(*_: object) -> None:
    raise SystemExit


def build_scheduler(
    schedules: Iterable[Schedule],
    studies: Sequence[str],
    run: Callable[[str, str], None],
    *,
    zone_of: Callable[[str], tzinfo],
) -> BlockingScheduler:
    """Make the scheduler with a job for each schedule of each study; one thread runs them, one after another."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.blocking import BlockingScheduler
    from apscheduler.triggers.base import BaseTrigger

    class OnTheStudysClock(BaseTrigger):  # type: ignore[misc]
        """Fires at the hours of a schedule on the clock of a study, whose zone is looked up each time."""

        def __init__(self, schedule: Schedule, study: str) -> None:
            self.schedule = schedule
            self.cron = cron_of(schedule)
            self.study = study

        def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
            """The first hour after the one before, or after now: what was missed between them is made once."""
            return next_firing(self.cron, zone_of(self.study), previous or now)

        def __str__(self) -> str:
            return f"{self.schedule.cron} in {zone_of(self.study)}"

    one_at_a_time: dict[str, Any] = {"default": ThreadPoolExecutor(1)}
    scheduler = BlockingScheduler(timezone="UTC", executors=one_at_a_time)
    for schedule in schedules:
        for study in studies:
            scheduler.add_job(
                run,
                OnTheStudysClock(schedule, study),
                args=[schedule.job, study],
                id=f"{schedule.job} {study}",
                misfire_grace_time=MISFIRE_HOURS * 3600,
                coalesce=True,
                max_instances=1,
            )
    return scheduler


def cron_of(schedule: Schedule) -> Cron:
    """The schedule on a wall clock, which has no zone; raises StudyFilesWrong where it cannot be read."""
    from apscheduler.triggers.cron import CronTrigger

    *times, weekdays = schedule.cron.split() or [""]
    try:
        named = ",".join(_named(part) for part in weekdays.split(","))
        cron: Cron = CronTrigger.from_crontab(" ".join([*times, named]), timezone=UTC)
    except (ValueError, IndexError) as error:
        raise StudyFilesWrong("study.schedule", job=schedule.job, said=str(error)) from None
    return cron


def _named(part: str) -> str:
    """Weekdays by name: in cron 0 and 7 are Sunday and 1 is Monday, while APScheduler counts from 0, its Monday."""
    days = NUMBERED.fullmatch(part)
    if not days:
        return part
    first, last, step = int(days[1]), int(days[2] or days[1]), int(days[3] or 1)
    return ",".join(WEEKDAYS[day] for day in range(first, last + 1, step))
