"""Batches: the rows a suite looks at, with one column for each reference its rules make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

import pandas as pd

from nightround.validation.lookup import Lookup, Source
from nightround.validation.no_value import NoValue
from nightround.validation.snapshot_rows import AnchorRows, Positions
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from redcap_sync.messages import Message
from redcap_sync.missing_codes import MissingCodes

DateKind = Literal["date", "datetime", "datetime_seconds"]

CONTEXT = "nightround"
"""The key in `frame.attrs` of what a frame cannot say of itself: a `Context`."""


@dataclass(frozen=True)
class Context:
    """The run's clock, the project's missing data codes, and how each date column is stored as text.

    `threads` work on the rules in parallel; 0 for as many as the process may use.
    Nothing changes it, so that a copy of it is itself: pandas copies it with every column that is taken out of a
    frame, and Great Expectations takes out each of them twice to learn the size of a batch.
    """

    now: datetime
    missing_codes: MissingCodes = field(default_factory=MissingCodes)
    date_kinds: Mapping[str, DateKind] = field(default_factory=dict)
    threads: int = 0

    def __deepcopy__(self, memo: object) -> Context:
        return self


@dataclass(frozen=True, eq=False)
class Batch:
    """A frame with a RangeIndex: the four key columns, then one column per canonical reference."""

    name: str
    rows: AnchorRows
    frame: pd.DataFrame
    sources: Mapping[str, Source]
    unreadable: Mapping[str, Message]
    """References that cannot be brought to these rows, each with its reason."""

    def texts(self, column: str, positions: Positions) -> list[str]:
        """The cells of some rows exactly as REDCap exported them; '' where blank or not in this batch."""
        source = self.sources.get(column)
        return source.texts_at(positions) if source else [""] * len(positions)


def make_batch(
    rows: AnchorRows, name: str, references: Iterable[Reference], now: datetime, *, threads: int = 0
) -> Batch:
    """Bring every referenced column to the rows of some instruments.

    `threads` will work on its rules; 0 for as many as the process may use.
    """
    lookup = Lookup(rows)
    sources: dict[str, Source] = {}
    unreadable: dict[str, Message] = {}
    for reference in references:
        try:
            sources[reference.column] = lookup.source(reference)
        except NoValue as none:
            unreadable[reference.column] = none.reason
    keys = {str(name): column for name, column in rows.keys.items()}
    columns = {column: source.take() for column, source in sources.items()}
    # Not copied: a frame that has its columns side by side in one block needs them twice while it is made.
    frame = pd.DataFrame({**keys, **columns}, index=rows.keys.index, copy=False)
    dictionary = rows.rows.snapshot.dictionary
    kinds = {column: kind for column, source in sources.items() if (kind := _date_kind(dictionary, source))}
    codes = dictionary.missing_codes
    frame.attrs[CONTEXT] = Context(now, codes, kinds, threads)
    return Batch(name, rows, frame, sources, unreadable)


def _date_kind(dictionary: Dictionary, source: Source) -> DateKind | None:
    """How REDCap stores the dates of a column: `date`, `datetime` or `datetime_seconds`."""
    found = dictionary.by_name.get(source.column)
    if found is None or found.kind not in ("date", "datetime"):
        return None
    return cast("DateKind", found.validation.rsplit("_", 1)[0])
