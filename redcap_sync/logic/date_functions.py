"""Date functions on whole columns. Moments are datetime64[s]; NaT is the blank."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from redcap_sync.logic.language import UNIT_SECONDS, YEAR_DAYS
from redcap_sync.logic.setting import Setting
from redcap_sync.logic.vectors import (
    Booleans,
    Dates,
    Floats,
    Mask,
    Mixed,
    Moments,
    Numbers,
    Texts,
    Vector,
    as_texts,
    encode,
)

_STORED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")
_FIRST, _AFTER_LAST = np.datetime64("0001-01-01", "s"), np.datetime64("10000-01-01", "s")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_LENGTHS = {"date": 10, "datetime": 16, "datetime_seconds": 19}


def moments(vector: Vector, setting: Setting) -> Moments:
    """The moments of a column of dates, or of stored texts, `today` (midnight) and `now`; NaT for anything else."""
    if isinstance(vector, Dates):
        known: Moments = vector.array.astype("datetime64[s]")
        return known
    if isinstance(vector, Booleans | Numbers):
        return np.full(1, np.datetime64("NaT", "s"))
    texts = as_texts(vector, setting.switches.printed_digits)
    distinct = texts.of_uniques(
        ("moment", setting.now),
        lambda uniques: np.array([_moment(text, setting) for text in uniques], dtype="datetime64[s]"),
    )
    return texts.spread(distinct, np.datetime64("NaT", "s"))


def _moment(text: str, setting: Setting) -> np.datetime64:
    if text in ("today", "now"):
        return np.datetime64(setting.now, "D" if text == "today" else "s")
    missing = np.datetime64("NaT", "s")
    if _STORED.fullmatch(text) is None:
        return missing
    try:
        found = np.datetime64(text.replace(" ", "T"), "s")
    except ValueError:
        return missing
    return found if found >= _FIRST else missing


def _clock_seconds(vector: Vector, setting: Setting) -> Floats:
    """Times of day in seconds since midnight; NaN for anything else."""
    if not isinstance(vector, Texts | Mixed):
        return np.full(1, np.nan)
    texts = as_texts(vector, setting.switches.printed_digits)
    distinct = texts.of_uniques(
        "clock", lambda uniques: np.array([_seconds_of_day(text) for text in uniques], dtype="float64")
    )
    return texts.spread(distinct, np.nan)


def _seconds_of_day(text: str) -> float:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return np.nan
    hours, minutes, seconds = (int(part) for part in found.groups("0"))
    return float(hours * 3600 + minutes * 60 + seconds)


def _unit_seconds(vector: Vector, setting: Setting) -> Floats:
    texts = as_texts(vector, setting.switches.printed_digits)
    return texts.spread(np.array([UNIT_SECONDS.get(text, np.nan) for text in texts.uniques], dtype="float64"), np.nan)


def _is_true_word(vector: Vector, setting: Setting) -> Mask:
    texts = as_texts(vector, setting.switches.printed_digits)
    word = texts.spread(np.array([text.lower() == "true" for text in texts.uniques], dtype=bool), False)
    found: Mask = word | (vector.numbers == 1)
    return found


def _any_true_word(vectors: list[Vector], setting: Setting) -> Mask:
    found = np.zeros(1, dtype=bool)
    for vector in vectors:
        found = found | _is_true_word(vector, setting)
    return found


def _seconds(differences: npt.NDArray[np.timedelta64]) -> Floats:
    return np.where(np.isnat(differences), np.nan, differences.astype("timedelta64[s]").astype("float64"))


def _datediff(arguments: list[Vector], setting: Setting) -> Numbers:
    first, second = moments(arguments[0], setting), moments(arguments[1], setting)
    between = _seconds(second - first)
    clocks = _clock_seconds(arguments[1], setting) - _clock_seconds(arguments[0], setting)
    difference = np.where(np.isnan(between), clocks, between) / _unit_seconds(arguments[2], setting)
    signed = _any_true_word(arguments[3:], setting)
    return Numbers(difference if signed.all() else np.where(signed, difference, np.abs(difference)))


def _calendar(at: Moments) -> tuple[Any, Any, Any]:
    """Year, month and day; anything where the moment is missing."""
    days, month_starts = at.astype("datetime64[D]"), at.astype("datetime64[M]")
    months = month_starts.astype("int64")
    return months // 12 + 1970, months % 12 + 1, (days - month_starts).astype("int64") + 1


def _of_calendar(part: int) -> Callable[[list[Vector], Setting], Vector]:
    def function(arguments: list[Vector], setting: Setting) -> Numbers:
        at = moments(arguments[0], setting)
        return Numbers(np.where(np.isnat(at), np.nan, _calendar(at)[part].astype("float64")))

    return function


def _dayoftheweek(arguments: list[Vector], setting: Setting) -> Numbers:
    at = moments(arguments[0], setting)
    days = at.astype("datetime64[D]").astype("int64")
    return Numbers(np.where(np.isnat(at), np.nan, ((days + 3) % 7 + 1).astype("float64")))  # 1970-01-01 was a Thursday


def _birthday(born: Moments, years_later: Any) -> Moments:
    """The birthday so many years after birth, in days; the 1st of March where a leap day is missing."""
    month_of_birth = born.astype("datetime64[M]")
    month = month_of_birth + (12 * years_later).astype("timedelta64[M]")
    # A day of the month that does not exist runs over into the next month.
    birthday: Moments = month.astype("datetime64[D]") + (born - month_of_birth.astype("datetime64[D]"))
    return birthday


def _age_at_date(arguments: list[Vector], setting: Setting) -> Numbers:
    born, at = moments(arguments[0], setting), moments(arguments[1], setting)
    missing = np.isnat(born) | np.isnat(at)
    born, at = (np.where(missing, _FIRST, moment).astype("datetime64[D]") for moment in (born, at))
    years = at.astype("datetime64[Y]").astype("int64") - born.astype("datetime64[Y]").astype("int64")
    years = years - (at < _birthday(born, years))
    decimal = _any_true_word(arguments[2:], setting)
    if decimal.any():
        exact = _decimal_age(born, at, years, setting)
        years = np.where(decimal, exact, years)
    return Numbers(np.where(missing, np.nan, years.astype("float64")))


def _decimal_age(born: Moments, at: Moments, years: Any, setting: Setting) -> Floats:
    if setting.switches.decimal_age == "average_year":
        average: Floats = (at - born).astype("float64") / YEAR_DAYS
        return average
    last, following = _birthday(born, years), _birthday(born, years + 1)
    exact: Floats = years + (at - last).astype("float64") / (following - last).astype("float64")
    return exact


def _calcdate(arguments: list[Vector], setting: Setting) -> Texts:
    start, unit = moments(arguments[0], setting), _unit_seconds(arguments[2], setting)
    with np.errstate(over="ignore"):
        seconds = np.rint(arguments[1].numbers * unit)
    known = np.isfinite(seconds) & (np.abs(seconds) < 4e11) & ~np.isnat(start)  # noqa: PLR2004 - more than all years
    end = np.where(known, start, _FIRST) + np.where(known, seconds, 0).astype("int64").astype("timedelta64[s]")
    codes, distinct = _distinct(end)
    length = _LENGTHS[str(as_texts(arguments[3], setting.switches.printed_digits).uniques[0])]
    in_calendar = (distinct >= _FIRST) & (distinct < _AFTER_LAST)
    written = np.datetime_as_string(distinct, unit="s")
    texts = [
        str(text)[:length].replace("T", " ") if good else "" for text, good in zip(written, in_calendar, strict=True)
    ]
    return encode(texts, np.where(known, codes, len(texts)))


def _distinct(values: Moments) -> tuple[npt.NDArray[np.int64], Moments]:
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, distinct


FUNCTIONS: dict[str, Callable[[list[Vector], Setting], Vector]] = {
    "datediff": _datediff,
    "age_at_date": _age_at_date,
    "year": _of_calendar(0),
    "month": _of_calendar(1),
    "day": _of_calendar(2),
    "dayoftheweek": _dayoftheweek,
    "calcdate": _calcdate,
}
