"""What a value must look like for its field, and how it is stored.

The patterns are those REDCap's survey pages publish to every respondent (text validation types);
a type that is not listed is not checked, because sites add their own.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from redcap_sync.dictionary import DATE_FORMATS, Field
from redcap_sync.sandbox.layout import Column

BAD_FORMAT = (
    "The value you provided could not be validated because it does not follow the expected format. Please try again."
)
CLOCK = r"(\d|[0-1]\d|2[0-3])"
CANADA_LETTER = "[ABCEGHJKLMNPRSTVXY]"
PATTERNS = {
    "time": rf"{CLOCK}:[0-5]\d",
    "time_mm_ss": r"[0-5]\d:[0-5]\d",
    "time_hh_mm_ss": rf"{CLOCK}:[0-5]\d:[0-5]\d",
    "integer": r"[-+]?\b\d+\b",
    "number": r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?",
    "number_comma_decimal": r"[-+]?[0-9]*,?[0-9]+([eE][-+]?[0-9]+)?",
    **{f"number_{n}dp": rf"-?\d+\.\d{{{n}}}" for n in range(1, 5)},
    **{f"number_{n}dp_comma_decimal": rf"-?\d+,\d{{{n}}}" for n in range(1, 5)},
    # Our wording of the published rule: dot-separated local part, one @, last label of 2 to 63 letters.
    "email": r"[^\s@.\"(),:;<>\[\]\\]+(\.[^\s@.\"(),:;<>\[\]\\]+)*@([\w-]+\.)+[^\W\d_]{2,63}",
    "phone": (
        r"(\(?([2-9]0[1-9]|[2-9]1[02-9]|[2-9][2-9][0-9])\)?)\s*([.-]\s*)?([2-9]\d{2})\s*([.-]\s*)?(\d{4})"
        r"(\s*(#|x\.?|ext\.?|extension)\s*(\d+))?"
    ),
    "phone_australia": r"(\(0[2-8]\)|0[2-8])\s*\d{4}\s*\d{4}",
    "zipcode": r"\d{5}(-\d{4})?",
    "postalcode_australia": r"\d{4}",
    "postalcode_canada": rf"{CANADA_LETTER}\d[A-Z]\s*\d[A-Z]\d",
    "postalcode_germany": r"(0[1-9]|[1-9]\d)\d{3}",
    "postalcode_french": r"((0?[1-9])|([1-8][0-9])|(9[0-8]))[0-9]{3}",
    "ssn": r"\d{3}-\d\d-\d{4}",
    "mrn_10d": r"\d{10}",
    "mrn_generic": r"[a-z0-9\-_]+",
    "vmrn": r"[0-9]{4,9}",
    "alpha_only": r"[a-z]+",
}
PATTERNS |= {"int": PATTERNS["integer"], "float": PATTERNS["number"]}
COMPILED = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in PATTERNS.items()}
TYPED_DATES = {
    "YMD": (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    "MDY": (r"\d{2}/\d{2}/\d{4}", "%m/%d/%Y"),
    "DMY": (r"\d{2}/\d{2}/\d{4}", "%d/%m/%Y"),
}
TYPED_TIMES = {
    "date": ("", ""),
    "datetime": (rf" {CLOCK}:[0-5]\d", " %H:%M"),
    "datetime_seconds": (rf" {CLOCK}(:[0-5]\d){{2}}", " %H:%M:%S"),
}


class InvalidValueError(Exception):
    """A value its field cannot take; the message is REDCap's."""


def stored_value(column: Column, written: str, *, date_format: str, missing_codes: frozenset[str]) -> str:
    """Return the value as it is stored; raise InvalidValueError where the field cannot take it."""
    if column.is_status:
        return _member(written, ("0", "1", "2"), column.name)
    if column.is_checkbox:
        return _member(written, ("0", "1"), column.name)
    if written in missing_codes or column.field is None:
        return written
    return _stored_in_field(column.field, written, date_format)


def _stored_in_field(field: Field, written: str, date_format: str) -> str:
    if field.choices:
        return _member(written, [choice.code for choice in field.choices], field.name)
    if field.type == "slider":
        return _matching(written, "integer")
    if field.type != "text":
        return written
    kind, _, order = field.validation.rpartition("_")
    if kind in DATE_FORMATS and order in ("ymd", "mdy", "dmy"):
        return stored_date(written, kind, date_format)
    return _matching(written, field.validation)


@lru_cache(maxsize=1 << 16)
def stored_date(written: str, kind: str, date_format: str) -> str:
    """Read a date or a time as the call's dateFormat says and return it as stored: Y-M-D, a space before the time."""
    date_pattern, date_layout = TYPED_DATES.get(date_format, TYPED_DATES["YMD"])
    time_pattern, time_layout = TYPED_TIMES[kind]
    if not re.fullmatch(date_pattern + time_pattern, written):
        raise InvalidValueError(BAD_FORMAT)
    try:
        moment = datetime.strptime(written, date_layout + time_layout)  # noqa: DTZ007 - stored without a zone
    except ValueError as no_such_day:
        raise InvalidValueError(BAD_FORMAT) from no_such_day
    return moment.strftime(DATE_FORMATS[kind])


def _matching(written: str, validation: str) -> str:
    pattern = COMPILED.get(validation)
    if pattern is not None and not pattern.fullmatch(written):
        raise InvalidValueError(BAD_FORMAT)
    return written


def _member(written: str, codes: tuple[str, ...] | list[str], name: str) -> str:
    if written not in codes:
        raise InvalidValueError(f"The value is not a valid category for {name}")
    return written
