"""The one module that runs APScheduler: makes the rounds of the studies at their hours, one after another, or several.

APScheduler's own default skips a job that starts more than one second late, and runs it twice when two were missed;
both are wrong for a nightly round, so the settings below are always given. Its triggers fire twice in the hour that
a clock has twice, so the hours are reckoned in `firings`.
"""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from nightround.model.errors import StudyFilesWrong
from nightround.night.firings import Cron, Schedule, next_firing

if TYPE_CHECKING:
    from apscheduler.schedulers.blocking import BlockingScheduler

MISFIRE_HOURS = 20
"""A machine that slept through the hour still makes its round when it wakes, within these hours."""
LOOK_MINUTES = 1
"""So often new studies and edited hours are looked for."""
LOOKING = "looking"
"""The executor that does so, also while a round is under way."""
SEND_MINUTES = 5
"""So often messages that wait are looked for."""
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
NUMBERED = re.compile(r"(\d)(?:-(\d))?(?:/(\d))?")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rounds:
    """What is done for each study, and when. Everything is asked each time, so that an edit needs no restart."""

    schedules: Sequence[Schedule]
    """Every job, with the hour of its file."""
    run: Callable[[str, str], None]
    """Called with a job and a study."""
    zone_of: Callable[[str], tzinfo]
    own: Callable[[Schedule, str], Schedule] = lambda schedule, _study: schedule
    """The hour that a study has for a job."""
    workers: int = 1
    """So many rounds are made at the same time."""


def serve(
    rounds: Rounds,
    studies: Callable[[], Sequence[str]],
    *,
    missed: Callable[[str, str], bool],
    send: Callable[[str], None],
) -> None:
    """Run each job of each study at its hours until interrupted; a round that is under way may end.

    What `missed` says was missed while nobody served is made at once. Between the rounds `send` is called with each
    study, to send the messages whose pause is over. Each minute `studies` is asked for new ones; one that is gone
    stays, because its round says so to its people.
    """
    scheduler = build_scheduler(rounds, [])
    served = ServedJobs(scheduler, rounds, studies, missed, send)
    # A container's first process is stopped by SIGTERM, which does nothing there unless it is handled.
    signal.signal(signal.SIGTERM, _stop)
    try:
        served.look()
        scheduler.add_job(
            served.look, "interval", minutes=LOOK_MINUTES, executor=LOOKING, coalesce=True, misfire_grace_time=None
        )
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        log.info("stopping, after the round that is under way")
        if scheduler.running:
            scheduler.shutdown(wait=True)


def _stop(*_: object) -> None:
    raise SystemExit


@dataclass
class ServedJobs:
    """The studies that are served, and the hours that were last read of them."""

    scheduler: BlockingScheduler
    rounds: Rounds
    studies: Callable[[], Sequence[str]]
    missed: Callable[[str, str], bool]
    send: Callable[[str], None]
    hours: dict[tuple[str, str], str] = field(default_factory=dict)
    """By job and study, in words."""

    def look(self) -> None:
        """Take up studies that are new, and hours that somebody edited."""
        known = {study for _, study in self.hours}
        for study in self.studies():
            if study not in known:
                self._take_up(study)
        for job in self.scheduler.get_jobs():
            self._follow(job)

    def _take_up(self, study: str) -> None:
        add_study(self.scheduler, self.rounds, study)
        self.scheduler.add_job(
            self.send, "interval", args=[study], minutes=SEND_MINUTES, coalesce=True, misfire_grace_time=None
        )
        for schedule in self.rounds.schedules:
            if self.missed(schedule.job, study):
                log.warning("job %s of %s was missed and is made now", schedule.job, study)
                self.scheduler.add_job(self.rounds.run, args=[schedule.job, study], misfire_grace_time=None)

    def _follow(self, job: Any) -> None:
        """Say when a job is made, and plan it anew where its hour or its zone is another one."""
        key = tuple(job.args)
        if job.id != _job_id(*key):
            return
        try:
            hours = str(job.trigger)
        except StudyFilesWrong as error:
            log.error("job %s of %s keeps its hours: %s", *key, error.what)  # noqa: TRY400 - a user's mistake
            return
        before = self.hours.get(key)
        if hours == before:
            return
        log.info("job %s of %s is scheduled: %s", *key, hours)
        self.hours[key] = hours
        if before is not None:
            self.scheduler.reschedule_job(job.id, trigger=job.trigger)


def _job_id(*parts: str) -> str:
    return " ".join(parts)


def build_scheduler(rounds: Rounds, studies: Sequence[str]) -> BlockingScheduler:
    """Make the scheduler with a job for each schedule of each study; each worker makes one round after another."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.blocking import BlockingScheduler

    executors: dict[str, Any] = {"default": ThreadPoolExecutor(rounds.workers), LOOKING: ThreadPoolExecutor(1)}
    scheduler = BlockingScheduler(timezone="UTC", executors=executors)
    for study in studies:
        add_study(scheduler, rounds, study)
    return scheduler


def add_study(scheduler: BlockingScheduler, rounds: Rounds, study: str) -> None:
    """Add a job for each schedule of a study; raises StudyFilesWrong for hours that cannot be read."""
    from apscheduler.triggers.base import BaseTrigger

    class OnTheStudysClock(BaseTrigger):  # type: ignore[misc]
        """Fires at the hours of a schedule on the clock of a study; hour and zone are looked up each time."""

        def __init__(self, schedule: Schedule) -> None:
            self.schedule = schedule

        def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
            """The first hour after the one before, or after now: what was missed between them is made once."""
            cron = cron_of(rounds.own(self.schedule, study))
            return next_firing(cron, rounds.zone_of(study), previous or now)

        def __str__(self) -> str:
            return f"{rounds.own(self.schedule, study).cron} in {rounds.zone_of(study)}"

    for schedule in rounds.schedules:
        cron_of(rounds.own(schedule, study))
        scheduler.add_job(
            rounds.run,
            OnTheStudysClock(schedule),
            args=[schedule.job, study],
            id=_job_id(schedule.job, study),
            misfire_grace_time=MISFIRE_HOURS * 3600,
            coalesce=True,
            max_instances=1,
        )


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
