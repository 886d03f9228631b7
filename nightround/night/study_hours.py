"""The jobs of a study and their hours on its own clock: those of its settings, else those of the job files."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.model.errors import StudyFilesWrong
from nightround.night.firings import Firing, Schedule, last_firing, next_firing
from nightround.night.round import NIGHTLY
from nightround.night.scheduler import cron_of
from nightround.night.study_place import known_settings, place_of
from nightround.study.folder import Content, load_content_module
from redcap_sync.errors import ExplainedError


def load_job(content: Content, job: str) -> Any:
    """Load a job file: a module with SCHEDULE and run(night)."""
    module = load_content_module(content.jobs / f"{job}.py", f"job_{job}")
    for name in ("SCHEDULE", "run"):
        if not hasattr(module, name):
            raise StudyFilesWrong("night.job", job=job, name=name)
    return module


def schedules(content: Content) -> tuple[Schedule, ...]:
    """Read the hour of every job."""
    names = sorted(path.stem for path in content.jobs.glob("*.py"))
    return tuple(Schedule(name, load_job(content, name).SCHEDULE) for name in names)


def zone_of(study: str, *, data: Path, content: Content) -> tzinfo:
    """The zone of a study's clock; that of its last good settings where its files cannot be read, else UTC."""
    try:
        settings = known_settings(place_of(study, data, content))
    except (ExplainedError, OSError):
        settings = None
    return ZoneInfo(settings.study.time_zone) if settings else UTC


def schedule_of(job: str, study: str, *, data: Path, content: Content) -> Schedule:
    """The hour of a job for a study: that of its settings, or of its last good ones, else that of the job file."""
    try:
        settings = known_settings(place_of(study, data, content))
    except (ExplainedError, OSError):
        settings = None
    own = settings.schedule.nightly if settings and job == NIGHTLY else ""
    hour, _, minute = own.partition(":")
    return Schedule(job, f"{int(minute)} {int(hour)} * * *" if own else load_job(content, job).SCHEDULE)


def next_round(study: str, *, data: Path, content: Content, now: datetime) -> datetime | None:
    """When `serve` makes the next nightly round of a study; None where the hour of its job cannot be read."""
    try:
        cron = cron_of(schedule_of(NIGHTLY, study, data=data, content=content))
    except StudyFilesWrong:
        return None
    return next_firing(cron, zone_of(study, data=data, content=content), now)


def last_hour(job: str, study: str, *, data: Path, content: Content, now: datetime) -> Firing | None:
    """The last hour of a job for a study; None where there was none."""
    cron = cron_of(schedule_of(job, study, data=data, content=content))
    return last_firing(cron, zone_of(study, data=data, content=content), now)
