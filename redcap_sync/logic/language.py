"""The vocabulary of REDCap logic: functions with their argument counts, smart variables, units.

Source: REDCap's published list of special functions and its public help pages.
"""

from __future__ import annotations

from typing import NamedTuple


class Arity(NamedTuple):
    """How many arguments a function takes; `most` is None when there is no limit."""

    least: int
    most: int | None

    def accepts(self, count: int) -> bool:
        """Say whether the function can be called with so many arguments."""
        return count >= self.least and (self.most is None or count <= self.most)

    def hint(self) -> str:
        """The code of the text that says how many arguments there must be."""
        if self.most is None:
            return "hint.arguments_least"
        return "hint.arguments_exact" if self.least == self.most else "hint.arguments_range"


ANY_NUMBER = Arity(1, None)

FUNCTIONS: dict[str, Arity] = {
    "if": Arity(3, 3),
    "datediff": Arity(3, 5),
    "age_at_date": Arity(2, 3),
    "year": Arity(1, 1),
    "month": Arity(1, 1),
    "day": Arity(1, 1),
    "dayoftheweek": Arity(1, 1),
    "round": Arity(1, 2),
    "roundup": Arity(1, 2),
    "rounddown": Arity(1, 2),
    "sqrt": Arity(1, 1),
    "abs": Arity(1, 1),
    "exponential": Arity(1, 1),
    "log": Arity(1, 2),
    "mod": Arity(2, 2),
    "min": ANY_NUMBER,
    "max": ANY_NUMBER,
    "mean": ANY_NUMBER,
    "median": ANY_NUMBER,
    "sum": ANY_NUMBER,
    "stdev": ANY_NUMBER,
    "isnumber": Arity(1, 1),
    "isinteger": Arity(1, 1),
    "isblankormissingcode": Arity(1, 1),
    "isblanknotmissingcode": Arity(1, 1),
    "ismissingcode": Arity(1, 1),
    "hasmissingcode": Arity(2, 2),
    "contains": Arity(2, 2),
    "not_contain": Arity(2, 2),
    "starts_with": Arity(2, 2),
    "ends_with": Arity(2, 2),
    "find": Arity(2, 2),
    "left": Arity(2, 2),
    "right": Arity(2, 2),
    "mid": Arity(3, 3),
    "length": Arity(1, 1),
    "trim": Arity(1, 1),
    "upper": Arity(1, 1),
    "lower": Arity(1, 1),
    "replace_text": Arity(3, 3),
    "concat": ANY_NUMBER,
    "concat_ws": Arity(2, None),
}

CALCDATE = "calcdate"
"""The function behind `@CALCDATE`: date, offset, unit, kind. It exists in trees only, never in written logic."""

WORD_FUNCTIONS = frozenset({"datediff", "age_at_date", "year", "month", "day", "dayoftheweek"})
"""Functions of dates: they take `today`, `now`, `true` and `false` without quotes."""
TRUTH = {"true": 1.0, "false": 0.0}
"""What bare `true` and `false` are elsewhere. No public page says how REDCap reads them."""

YEAR_DAYS = 365.2425
"""Days of a year in datediff and @CALCDATE."""
MONTH_DAYS = 30.44
"""Days of a month in datediff and @CALCDATE."""
UNIT_SECONDS = {"y": YEAR_DAYS * 86400, "M": MONTH_DAYS * 86400, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
"""Seconds of a unit; capital `M` is the month, small `m` the minute."""

COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")

RELATIVE_EVENTS = ("event-name", "previous-event-name", "next-event-name", "first-event-name", "last-event-name")
INSTANCE_SELECTORS = ("current-instance", "previous-instance", "next-instance", "first-instance", "last-instance")
NEW_INSTANCE = "new-instance"
SMART_VARIABLES = (
    *RELATIVE_EVENTS,
    *INSTANCE_SELECTORS,
    *("event-label", "event-id", "event-number", "arm-number", "arm-label"),
    *("record-name", "record-dag-name", "record-dag-id", "record-dag-label"),
    *("user-name", "user-dag-name", "user-role-name"),
    *("is-form", "is-survey", "instrument-name", "form-name", "project-id"),
)
"""Smart variables that have a value of their own."""
UNKNOWN_VARIABLES = frozenset(
    {
        *("user-fullname", "user-email", "user-dag-id", "user-dag-label", "user-role-id", "user-role-label"),
        *("instrument-label", "form-label", "form-url", "form-link", "project-title", "participant-email"),
        *("survey-url", "survey-link", "survey-queue-url", "survey-queue-link", "survey-title", "survey-access-code"),
        *("survey-return-code", "survey-duration", "survey-duration-completed", "survey-base-url"),
        *("survey-time-started", "survey-date-started", "survey-time-completed", "survey-date-completed"),
        *("rand-number", "rand-time", "rand-utc-time", "redcap-base-url", "redcap-version", "redcap-version-url"),
        *("record-creator", "calendar-url", "calendar-link", "dashboard-url", "dashboard-link", "report-url"),
        *("report-link", "project-dashboard-link", "contact-name", "contact-email", "stats-table"),
        *("aggregate-min", "aggregate-max", "aggregate-mean", "aggregate-median", "aggregate-sum", "aggregate-count"),
        *("aggregate-stdev", "aggregate-unique", "scatter-plot", "line-chart", "bar-chart", "pie-chart"),
        *("donut-chart", "mycap-project-code", "mycap-participant-code", "mycap-participant-url"),
        *("mycap-participant-link", "file-repository-file-link", "new-instance-id"),
    }
)
"""Smart variables that REDCap has, and whose value neither the export nor the dictionary holds.

Source: the names on REDCap's public list of smart variables, with or without parameters behind a colon.
"""

MAX_DECIMALS = 15
"""Rounding to more places changes nothing in a number that is kept with 15 to 17 digits."""

TRIMMED = " \t\n\r\0\x0b"
"""What trim() takes off both ends."""
