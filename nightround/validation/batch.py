"""Batches: the rows a suite looks at, with one column for each reference its rules make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.model.snapshot import Snapshot
from nightround.validation.lookup import Lookup, Positions, Source
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from redcap_sync.rows.tables import KEY_COLUMNS, RowKey

DateKind = Literal["date", "datetime", "datetime_seconds"]

CONTEXT = "nightround"
"""The key in `frame.attrs` of what a frame cannot say of itself: a `Context`."""


@dataclass(frozen=True)
class Context:
    """The run's clock, the project's missing data codes, and how each date column is stored as text.

    `threads` work on the rules beside one another; 0 for as many as the process may use.
    Nothing changes it, so that a copy of it is itself: pandas copies it with every column that is taken out of a
    frame, and Great Expectations takes out each of them twice to learn the size of a batch.
    """

    now: datetime
    missing_codes: frozenset[str] = frozenset()
    date_kinds: Mapping[str, DateKind] = field(default_factory=dict)
    threads: int = 0

    def __deepcopy__(self, memo: object) -> Context:
        return self


@dataclass(frozen=True, eq=False)
class Batch:
    """A frame with a RangeIndex: the four key columns, then one column per canonical reference."""

    name: str
    frame: pd.DataFrame
    sources: Mapping[str, Source]
    unreadable: Mapping[str, str]
    """References that cannot be brought to these rows, each with its reason."""

    @cached_property
    def positions(self) -> Mapping[object, int]:
        """The position of each row by its key; made when it is first asked for."""
        every = self.row_keys(np.arange(len(self.frame)))
        return {key: position for position, key in enumerate(every)}

    @cached_property
    def _keys(self) -> list[npt.NDArray[Any]]:
        return [self.frame[column].to_numpy() for column in KEY_COLUMNS]

    def row_keys(self, positions: Positions) -> list[RowKey]:
        """Name the rows at some positions."""
        record, event, instrument, instance = (column[positions].tolist() for column in self._keys)
        return [RowKey(*key) for key in zip(record, event, instrument, instance, strict=True)]

    def texts(self, column: str, positions: Positions) -> list[str]:
        """The cells of some rows exactly as REDCap exported them; '' where blank or not in this batch."""
        source = self.sources.get(column)
        return source.texts_at(positions) if source else [""] * len(positions)


@dataclass(frozen=True, eq=False)
class RowsOf:
    """Some rows of a batch, asked for by their keys; a bit a row, so that every rule can keep its own."""

    batch: Batch
    bits: npt.NDArray[np.uint8]

    @classmethod
    def where(cls, batch: Batch, mask: npt.NDArray[np.bool_]) -> RowsOf:
        """The rows where a mask is true."""
        return cls(batch, np.packbits(mask))

    def __contains__(self, row: object) -> bool:
        position = self.batch.positions.get(row)
        return position is not None and bool(self.bits[position // 8] >> (7 - position % 8) & 1)


def make_batch(
    snapshot: Snapshot,
    name: str,
    instruments: Sequence[str],
    references: Iterable[Reference],
    now: datetime,
    *,
    threads: int = 0,
) -> Batch:
    """Lay the rows of some instruments under each other and bring every referenced column to them.

    `threads` will work on its rules; 0 for as many as the process may use.
    """
    keys = pd.concat([snapshot.tables[instrument].keys for instrument in instruments], ignore_index=True)
    lookup = Lookup(snapshot, keys)
    sources: dict[str, Source] = {}
    unreadable: dict[str, str] = {}
    for reference in references:
        try:
            sources[reference.column] = lookup.source(reference)
        except KeyError as error:
            unreadable[reference.column] = error.args[0]
    columns = {column: source.take() for column, source in sources.items()}
    frame = pd.concat([keys, pd.DataFrame(columns, index=keys.index)], axis="columns")
    kinds = {column: kind for column, source in sources.items() if (kind := _date_kind(snapshot.dictionary, source))}
    codes = frozenset(choice.code for choice in snapshot.dictionary.missing_data_codes)
    frame.attrs[CONTEXT] = Context(now, codes, kinds, threads)
    return Batch(name, frame, sources, unreadable)


def _date_kind(dictionary: Dictionary, source: Source) -> DateKind | None:
    """How REDCap stores the dates of a column: `date`, `datetime` or `datetime_seconds`."""
    found = dictionary.by_name.get(source.column)
    if found is None or found.kind not in ("date", "datetime"):
        return None
    return cast("DateKind", found.validation.rsplit("_", 1)[0])
