"""CSV that a spreadsheet opens as text and numbers, and never as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from redcap_sync.clean_text import clean

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A text that begins so is run as a formula when a spreadsheet opens it (OWASP, CSV injection); the last four are the
full-width forms of the first, which a spreadsheet of a Chinese or Japanese system takes for them."""
BYTE_ORDER_MARK = "\ufeff"
"""Excel takes a CSV for UTF-8 only when it begins so."""


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Write rows under a header; numbers stay numbers, and a text that would be run gets a quote before it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    cell = cache(_cell)  # of this file alone: most texts of a long list are repeated, and values must not live on
    writer.writerows(
        {name: cell(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
    )
    return BYTE_ORDER_MARK + out.getvalue()


def _cell(text: str) -> object:
    return harmless(clean(text))


def harmless(value: object) -> object:
    """The value, with a quote before a text that a spreadsheet would run."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value
