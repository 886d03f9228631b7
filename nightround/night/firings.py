"""The hours of a schedule on a study's own clock: when the next one is, and which was the last.

A schedule is read on the wall clock of the study's zone. An hour that the clock has twice, in autumn, is one firing,
the first of the two; an hour that it leaves out, in spring, is made as long after the change as it would have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

LONGEST_CHANGE = timedelta(hours=3)
"""No zone moves its clock by more from winter to summer."""
LATEST = timedelta(hours=26)
"""So long after its hour a round may still begin: the grace of the scheduler, and a long queue before it."""


@dataclass(frozen=True)
class Schedule:
    """A job's name and its hour in cron's five fields, on the clock of the study."""

    job: str
    cron: str


class Cron(Protocol):
    """The hours of a schedule on a wall clock, which has no zone and is written as UTC."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The first hour at or after one; None where there is none any more."""


@dataclass(frozen=True)
class Firing:
    """An hour of a schedule: on the study's wall clock, as `2025-10-26 02:30`, and as a moment."""

    hour: str
    moment: datetime


def next_firing(cron: Cron, zone: tzinfo, after: datetime) -> datetime | None:
    """The first firing after a moment, in UTC; None where there is none any more."""
    return next((moment for _, moment in _firings(cron, zone, after - LONGEST_CHANGE) if moment > after), None)


def last_firing(cron: Cron, zone: tzinfo, now: datetime) -> Firing | None:
    """The last firing; None where there was none lately."""
    last = None
    for wall, moment in _firings(cron, zone, now - LATEST):
        if moment > now:
            break
        last = Firing(f"{wall:%Y-%m-%d %H:%M}", moment)
    return last


def _firings(cron: Cron, zone: tzinfo, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Each hour of the schedule from a moment on, on the wall clock, with the moment in UTC; each moment once."""
    wall = since.astimezone(zone).replace(tzinfo=UTC, fold=0)
    before = None
    while (found := cron.get_next_fire_time(None, wall)) is not None:
        moment = found.replace(tzinfo=zone).astimezone(UTC)
        if before is None or moment > before:
            yield found, moment
            before = moment
        wall = found + timedelta(seconds=1)
