"""What a value must look like for its field, and how it is stored.

A type that is not known is not checked, because sites add their own.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from redcap_sync.dictionary import DATE_FORMATS, Field
from redcap_sync.project.layout import ExportColumn
from redcap_sync.validation_types import follows, is_known

BAD_FORMAT = (
    "The value you provided could not be validated because it does not follow the expected format. Please try again."
)
CLOCK = r"(\d|[0-1]\d|2[0-3])"
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


def stored_value(column: ExportColumn, written: str, *, date_format: str, missing_codes: frozenset[str]) -> str:
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
    if is_known(validation) and not follows(validation, written):
        raise InvalidValueError(BAD_FORMAT)
    return written


def _member(written: str, codes: tuple[str, ...] | list[str], name: str) -> str:
    if written not in codes:
        raise InvalidValueError(f"The value is not a valid category for {name}")
    return written
