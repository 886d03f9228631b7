"""REDCap's text validation types: what a stored value of each must look like.

Source: the patterns that REDCap's survey pages publish to every respondent. Dates are judged as they
are stored, Y-M-D with a space before the time, whatever order they are displayed in. Sites add
types of their own; of a type that is not listed the rules say that they cannot judge it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from redcap_sync.dictionary import DATE_FORMATS

_CLOCK = r"(\d|[01]\d|2[0-3])"
_DAY = r"\d{4}-\d{2}-\d{2}"
_CANADA = "[ABCEGHJKLMNPRSTVXY]"
_LOCAL_PART = r"[^\s@.\"(),:;<>\[\]\\]+"
_NUMBER = r"[-+]?[0-9]*{point}?[0-9]+([eE][-+]?[0-9]+)?"

PATTERNS: dict[str, str] = {
    **{f"date_{order}": _DAY for order in ("ymd", "mdy", "dmy")},
    **{f"datetime_{order}": rf"{_DAY} {_CLOCK}:[0-5]\d" for order in ("ymd", "mdy", "dmy")},
    **{f"datetime_seconds_{order}": rf"{_DAY} {_CLOCK}(:[0-5]\d){{2}}" for order in ("ymd", "mdy", "dmy")},
    "time": rf"{_CLOCK}:[0-5]\d",
    "time_mm_ss": r"[0-5]\d:[0-5]\d",
    "time_hh_mm_ss": rf"{_CLOCK}:[0-5]\d:[0-5]\d",
    "integer": r"[-+]?\d+",
    "number": _NUMBER.format(point=r"\."),
    "number_comma_decimal": _NUMBER.format(point=","),
    **{f"number_{digits}dp": rf"-?\d+\.\d{{{digits}}}" for digits in range(1, 5)},
    **{f"number_{digits}dp_comma_decimal": rf"-?\d+,\d{{{digits}}}" for digits in range(1, 5)},
    # Our wording of the published rule: dot-separated local part, one @, last label of 2 to 63 letters.
    "email": rf"{_LOCAL_PART}(\.{_LOCAL_PART})*@([\w-]+\.)+[^\W\d_]{{2,63}}",
    "phone": (
        r"(\(?([2-9]0[1-9]|[2-9]1[02-9]|[2-9][2-9][0-9])\)?)\s*([.-]\s*)?([2-9]\d{2})\s*([.-]\s*)?(\d{4})"
        r"(\s*(#|x\.?|ext\.?|extension)\s*(\d+))?"
    ),
    "phone_australia": r"(\(0[2-8]\)|0[2-8])\s*\d{4}\s*\d{4}",
    "zipcode": r"\d{5}(-\d{4})?",
    "postalcode_australia": r"\d{4}",
    "postalcode_canada": rf"{_CANADA}\d[A-Z]\s*\d[A-Z]\d",
    "postalcode_germany": r"(0[1-9]|[1-9]\d)\d{3}",
    "postalcode_french": r"((0?[1-9])|([1-8][0-9])|(9[0-8]))[0-9]{3}",
    "ssn": r"\d{3}-\d\d-\d{4}",
    "mrn_10d": r"\d{10}",
    "mrn_generic": r"[a-z0-9\-_]+",
    "vmrn": r"[0-9]{4,9}",
    "alpha_only": r"[a-z]+",
}
PATTERNS |= {"int": PATTERNS["integer"], "float": PATTERNS["number"]}
"""Pattern of a whole stored value, by the name of its type; `int` and `float` are names of the XML dialect."""

# A digit is 0 to 9: a full-width one, as Chinese keyboards give it, is none. Letters of an address may be any.
_COMPILED = {
    name: re.compile(pattern, re.IGNORECASE | (re.NOFLAG if name == "email" else re.ASCII))
    for name, pattern in PATTERNS.items()
}


def is_known(validation: str) -> bool:
    """Say whether values of this type can be judged."""
    return validation in _COMPILED


def follows(validation: str, value: str) -> bool:
    """Say whether a stored, non-blank value has the form of its type; a date must be in the calendar."""
    return bool(form_of(validation)(value))


def form_of(validation: str) -> Callable[[str], object]:
    """The same question for many values of one type: what is given for a value is truthy where it has the form."""
    matches = _COMPILED[validation].fullmatch
    layout = DATE_FORMATS.get(validation.rpartition("_")[0])
    if layout is None:
        return matches
    return lambda value: matches(value) and _in_calendar(value, layout)


def _in_calendar(value: str, layout: str) -> bool:
    try:
        datetime.strptime(value, layout)  # noqa: DTZ007 - REDCap stores no zone
    except ValueError:
        return False
    return True
