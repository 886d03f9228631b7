"""Date functions of the row-by-row interpreter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from redcap_sync.logic.interpreter_values import Value, number_of
from redcap_sync.logic.language import UNIT_SECONDS, YEAR_DAYS
from redcap_sync.logic.switches import Switches

_STORED = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?: ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?")
_WRITTEN = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M", "datetime_seconds": "%Y-%m-%d %H:%M:%S"}
_LEAP_DAY = (2, 29)
DATE_ARGUMENTS = {"datediff": 2, "age_at_date": 2, "year": 1, "month": 1, "day": 1, "dayoftheweek": 1}
"""How many of a function's first arguments are dates."""


def moment(value: Value, now: datetime) -> datetime | None:
    """The date and time of a stored text, of `today` (midnight) or `now`; None for anything else."""
    if value in ("today", "now"):
        return now.replace(microsecond=0) if value == "now" else datetime(now.year, now.month, now.day)  # noqa: DTZ001
    match = _STORED.fullmatch(value) if isinstance(value, str) else None
    try:
        return datetime(*(int(part) for part in match.groups("0"))) if match else None  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def written_date(text: str, form: str) -> str:
    """A date that logic writes out, in the form in which REDCap stores one; what is none is a blank."""
    if text in ("today", "now"):
        return text
    if _seconds_of_day(text) is not None:
        return text
    day, _, clock = text.replace("/", "-").replace("T", " ").partition(" ")
    parts = day.split("-")
    places = "ymd" if len(parts[0]) == len("2025") else form
    if len(parts) != len(places) or (clock and _seconds_of_day(clock) is None) or text.endswith(" "):
        return ""
    named = dict(zip(places, parts, strict=True))
    stored = " ".join(part for part in (f"{named['y']}-{named['m']}-{named['d']}", clock) if part)
    return stored if moment(stored, datetime(2000, 1, 1)) is not None else ""  # noqa: DTZ001


def format_of(name: str, fourth: object) -> str:
    """The format of the written dates of a call with this fourth argument."""
    known = isinstance(fourth, str) and fourth.lower() in ("ymd", "mdy", "dmy")
    return str(fourth).lower() if name == "datediff" and known else "ymd"


def _seconds_of_day(value: Value) -> int | None:
    """A time of day in seconds since midnight; None for anything else."""
    for layout in ("%H:%M", "%H:%M:%S"):
        try:
            found = datetime.strptime(str(value), layout)  # noqa: DTZ007 - REDCap's times have no zone
        except ValueError:
            continue
        if str(value) == found.strftime(layout):
            return found.hour * 3600 + found.minute * 60 + found.second
    return None


def _between(first: Value, second: Value, now: datetime) -> float | None:
    """Seconds from the first to the second, where both are moments or both times of day."""
    moments = moment(first, now), moment(second, now)
    if moments[0] is not None and moments[1] is not None:
        return (moments[1] - moments[0]).total_seconds()
    clocks = _seconds_of_day(first), _seconds_of_day(second)
    return float(clocks[1] - clocks[0]) if clocks[0] is not None and clocks[1] is not None else None


def _is_true_word(value: Value) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true") or number_of(value) == 1


def _datediff(arguments: list[Value], now: datetime, _switches: Switches) -> Value:
    seconds, unit = _between(arguments[0], arguments[1], now), UNIT_SECONDS.get(str(arguments[2]))
    if seconds is None or unit is None:
        return ""
    difference = seconds / unit
    signed = any(_is_true_word(argument) for argument in arguments[3:])
    return difference if signed else abs(difference)


def _birthday(born: date, year: int) -> int:
    """The day, counted as `date.toordinal` does, on which someone has a birthday; the 1st of March for a leap day."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    month, day = (3, 1) if (born.month, born.day) == _LEAP_DAY and not leap else (born.month, born.day)
    shift = (year < date.min.year) - (year > date.max.year)  # calendars repeat every 400 years
    return date(year + 400 * shift, month, day).toordinal() - 146097 * shift


def _age_at_date(arguments: list[Value], now: datetime, switches: Switches) -> Value:
    born, at = moment(arguments[0], now), moment(arguments[1], now)
    if born is None or at is None:
        return ""
    birth, day = born.date(), at.date()
    had_birthday = day.toordinal() >= _birthday(birth, day.year)
    years = day.year - birth.year - (0 if had_birthday else 1)
    if not any(_is_true_word(argument) for argument in arguments[2:]):
        return float(years)
    if switches.decimal_age == "average_year":
        return (day - birth).days / YEAR_DAYS
    last, following = _birthday(birth, birth.year + years), _birthday(birth, birth.year + years + 1)
    return years + (day.toordinal() - last) / (following - last)


def _part(take: Callable[[datetime], int]) -> Callable[[list[Value], datetime, Switches], Value]:
    def function(arguments: list[Value], now: datetime, _switches: Switches) -> Value:
        found = moment(arguments[0], now)
        return "" if found is None else float(take(found))

    return function


def _calcdate(arguments: list[Value], now: datetime, _switches: Switches) -> Value:
    start, offset = moment(arguments[0], now), number_of(arguments[1])
    unit = UNIT_SECONDS.get(str(arguments[2]))
    if start is None or offset is None or unit is None:
        return ""
    try:
        result = start + timedelta(seconds=round(offset * unit))
    except OverflowError:
        return ""
    written = result.strftime(_WRITTEN[str(arguments[3])])
    return written.rjust(len(written) + 4 - written.index("-"), "0")


FUNCTIONS: dict[str, Callable[[list[Value], datetime, Switches], Value]] = {
    "datediff": _datediff,
    "age_at_date": _age_at_date,
    "year": _part(lambda found: found.year),
    "month": _part(lambda found: found.month),
    "day": _part(lambda found: found.day),
    "dayoftheweek": _part(lambda found: found.isoweekday()),
    "calcdate": _calcdate,
}
