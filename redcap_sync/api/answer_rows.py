"""What the rows of an answer must have, so that whoever reads them need not ask: keys, names and numbers.

A message names the key and never its value, which may be a patient's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from redcap_sync.api.answers import UnreadableAnswer
from redcap_sync.whole_numbers import whole_number

NAME = re.compile(r"(?=.{1,200}\Z)\w[\w-]*")
"""A field, instrument, event or group. Files are named by some of them, so there is no separator in one."""
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z .()_-]{0,39}")
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise UnreadableAnswer for a cell that is no text and no number."""
    for row in rows:
        if not all(value is None or isinstance(value, str | int | float) for value in row.values()):
            raise UnreadableAnswer("api.no_cell")


def require_names(rows: Iterable[Mapping[str, Any]], keys: Collection[str], *, own: str = "") -> None:
    """Raise UnreadableAnswer for a row without a name under one of the keys, or with the `own` name of another row."""
    seen: set[str] = set()
    for row in rows:
        for key in keys:
            name = row.get(key)
            if not isinstance(name, str) or not NAME.fullmatch(name):
                raise UnreadableAnswer("api.no_name", key=key)
        if own:
            if row[own] in seen:
                raise UnreadableAnswer("api.twice", key=own)
            seen.add(row[own])


def require_texts(rows: Iterable[Mapping[str, Any]], keys: Collection[str]) -> None:
    """Raise UnreadableAnswer for a row without a text under one of the keys."""
    for row in rows:
        for key in keys:
            if not isinstance(row.get(key), str):
                raise UnreadableAnswer("api.no_text", key=key)


def require_numbers(rows: Iterable[Mapping[str, Any]], keys: Collection[str], *, optional: bool = False) -> None:
    """Raise UnreadableAnswer for a row without a whole number under one of the keys; `optional` ones may be blank."""
    for row in rows:
        for key in keys:
            written = str(row.get(key) or "")
            if whole_number(written) is None and not (optional and not written):
                raise UnreadableAnswer("api.no_number", key=key)


def require_times(rows: Iterable[Mapping[str, Any]], key: str) -> None:
    """Raise UnreadableAnswer for a row whose time cannot be read."""
    for row in rows:
        written = str(row.get(key) or "")[:16]
        try:
            if not STAMP.fullmatch(written) or not datetime.fromisoformat(written).year:
                raise UnreadableAnswer("api.no_time", key=key)
        except ValueError:
            raise UnreadableAnswer("api.no_time", key=key) from None
