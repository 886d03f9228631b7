"""Working days of a country, by the calendars of the `holidays` package.

A country that moves its working days, as China does by a notice each autumn, is known exactly for the years of which
the package has that notice; of later years it knows the holidays by rule, and no make-up Saturday.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

SATURDAY = 6
DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingDays:
    """The working days of a country, or Monday to Friday where it is ''. `subdivision` is a province or a state."""

    country: str = ""
    subdivision: str = ""

    def has(self, day: date) -> bool:
        """Whether a day is a working day, a make-up Saturday among them."""
        if not self.country:
            return day.isoweekday() < SATURDAY
        calendar = _calendar(self.country, self.subdivision)
        return day not in calendar and calendar.is_working_day(day)  # `in` reads the year first

    def after(self, day: date, count: int) -> date:
        """The working day that comes `count` working days after a day, which itself is not counted."""
        return _after(self, day, count)

    def is_exact(self, day: date) -> bool:
        """Whether the days of that year are final: false where the country has not said yet which days it moves."""
        return not self.country or day.year <= _last_exact_year(self.country, self.subdivision)

    def from_day(self, day: date) -> Iterator[date]:
        """The working days from a day on."""
        while True:
            if self.has(day):
                yield day
            day += DAY


def is_known_country(country: str, subdivision: str = "") -> bool:
    """Whether there is a calendar of a country (ISO 3166-1, two letters) and, where one is given, its subdivision."""
    try:
        _calendar(country, subdivision)
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=4096)  # thousands of findings have one due date
def _after(place: WorkingDays, day: date, count: int) -> date:
    return next(islice(place.from_day(day + DAY), count - 1, None))


@lru_cache(maxsize=16)
def _calendar(country: str, subdivision: str) -> HolidayBase:
    from holidays import country_holidays

    return country_holidays(country, subdiv=subdivision or None)


def _last_exact_year(country: str, subdivision: str) -> int:
    calendar = _calendar(country, subdivision)
    if not calendar.has_substituted_holidays:
        return calendar.end_year
    moved = getattr(calendar, "special_public_holidays", {})
    return max((int(year) for year in moved), default=calendar.end_year)
