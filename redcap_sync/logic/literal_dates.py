"""Dates, times and units that logic writes out itself, such as `datediff([d], "03-01-2025", "d", "mdy")`.

A stored date is always year, month, day. A written one follows the fourth argument of `datediff`, and is year, month,
day where there is none. What can never be a date or a unit is refused: the rule would be silent for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, time

from redcap_sync.logic.language import UNIT_SECONDS, WORD_FUNCTIONS
from redcap_sync.logic.syntax import Call, Expression, Text

YMD = "ymd"
FORMATS = (YMD, "mdy", "dmy")
"""The date formats of `datediff`: year, month and day in the order of their letters."""
TODAY, NOW = "today", "now"
DATEDIFF = "datediff"
_DATE_ARGUMENTS = {DATEDIFF: 2, "age_at_date": 2}
_UNIT, _FORMAT = 2, 3
_FLAGS = frozenset({"", "0", "1", "true", "false"})
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
_PARTS = {"y": r"(?P<y>[0-9]{4})", "m": r"(?P<m>[0-9]{2})", "d": r"(?P<d>[0-9]{2})"}
_DATES = {
    name: re.compile("[-/]".join(_PARTS[part] for part in name) + rf"(?P<clock>[ T]{_CLOCK})?") for name in FORMATS
}
_TIME = re.compile(_CLOCK)


def stored_form(text: str, form: str = YMD) -> str | None:
    """A written date or time of day as REDCap stores it; None for what can never be one."""
    if text in ("", TODAY, NOW):
        return text
    found = _DATES[form].fullmatch(text) or _DATES[YMD].fullmatch(text)  # with the year in front there is one reading
    if found is not None:
        return _stored_date(found)
    return text if (clock := _TIME.fullmatch(text)) and _is_time(clock) else None


def _stored_date(found: re.Match[str]) -> str | None:
    try:
        day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        return None
    if not found["clock"]:
        return f"{day:%Y-%m-%d}".rjust(10, "0")
    return f"{day.isoformat()} {found['clock'][1:]}" if _is_time(found) else None


def _is_time(found: re.Match[str]) -> bool:
    try:
        time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        return False
    return True


def format_of(name: str, arguments: Sequence[Expression]) -> str:
    """The format in which the written dates of a call are read."""
    fourth = arguments[_FORMAT] if name == DATEDIFF and len(arguments) > _FORMAT else None
    written = fourth.value.lower() if isinstance(fourth, Text) else ""
    return written if written in FORMATS else YMD


def with_stored_dates(name: str, arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """The arguments of a date function with its written dates in stored form; one that is none becomes a blank."""
    if name not in WORD_FUNCTIONS:
        return arguments
    form, dates = format_of(name, arguments), _DATE_ARGUMENTS.get(name, 1)
    return (*(_stored(argument, form) for argument in arguments[:dates]), *arguments[dates:])


def _stored(node: Expression, form: str) -> Expression:
    if isinstance(node, Text):
        return Text(stored_form(node.value, form) or "")
    if isinstance(node, Call) and node.name == "if":
        return Call("if", (node.arguments[0], *(_stored(branch, form) for branch in node.arguments[1:])))
    return node


def impossible_unit(name: str, arguments: Sequence[Expression]) -> str | None:
    """The written unit of a `datediff` that is none."""
    unit = arguments[_UNIT] if name == DATEDIFF else None
    return unit.value if isinstance(unit, Text) and unit.value not in UNIT_SECONDS else None


def impossible_format(name: str, arguments: Sequence[Expression]) -> str | None:
    """The written fourth argument of a `datediff` that is neither a date format nor true or false."""
    fourth = arguments[_FORMAT] if name == DATEDIFF and len(arguments) > _FORMAT else None
    if not isinstance(fourth, Text) or fourth.value.lower() in {*FORMATS, *_FLAGS}:
        return None
    return fourth.value


def impossible_dates(name: str, arguments: Sequence[Expression]) -> Iterator[str]:
    """The written dates of a date function that can never be one, each as it is written."""
    if name in WORD_FUNCTIONS:
        form = format_of(name, arguments)
        for argument in arguments[: _DATE_ARGUMENTS.get(name, 1)]:
            yield from _impossible(argument, form, clock=name == DATEDIFF)


def _impossible(node: Expression, form: str, *, clock: bool) -> Iterator[str]:
    if isinstance(node, Text):
        stored = stored_form(node.value, form)
        if stored is None or (not clock and _TIME.fullmatch(stored)):
            yield node.value
    elif isinstance(node, Call) and node.name == "if":
        for branch in node.arguments[1:]:
            yield from _impossible(branch, form, clock=clock)
