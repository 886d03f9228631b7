"""Batches: the rows a suite looks at, with one column for each reference its rules make.

A row reads its own instrument's cells; fields of other instruments of the same event are read from
the base row, fields of another event from that event's base row. A field that repeats elsewhere is
blank, as REDCap's own rules see it (data_quality_rules: "Custom rules").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.model import Snapshot
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from redcap_sync.tables import KEY_COLUMNS, RowKey, Table

DateKind = Literal["date", "datetime", "datetime_seconds"]
Positions = npt.NDArray[np.intp]
"""Row positions in a table; -1 where there is no such row."""

CONTEXT = "nightround"
"""The key in `frame.attrs` of what a frame cannot say of itself: a `Context`."""


@dataclass(frozen=True)
class Context:
    """The run's clock, the project's missing data codes, and how each date column is stored as text."""

    now: datetime
    missing_codes: frozenset[str] = frozenset()
    date_kinds: Mapping[str, DateKind] = field(default_factory=dict)


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
        keys = self.frame[list(KEY_COLUMNS)].itertuples(index=False, name=None)
        return {RowKey(*key): position for position, key in enumerate(keys)}

    def row_key(self, position: int) -> RowKey:
        """Name the row at a position."""
        record, event, instrument, instance = self.frame[list(KEY_COLUMNS)].iloc[position].tolist()
        return RowKey(str(record), str(event), str(instrument), int(instance))

    def text(self, column: str, position: int) -> str:
        """The cell exactly as REDCap exported it; '' where blank or not in this batch."""
        source = self.sources.get(column)
        return source.text_at(position) if source else ""


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


@dataclass(frozen=True, eq=False)
class Source:
    """Where a column of a batch comes from: a table's column, and for each batch row the row there."""

    table: Table
    column: str
    positions: Positions

    def text_at(self, position: int) -> str:
        """The exported text of the cell behind one batch row."""
        row = self.positions[position]
        return "" if row < 0 else str(self.table.text[self.column].iloc[row])

    def take(self) -> pd.Series[Any]:
        """The column brought to the batch's rows; as text if a cell cannot be read, so that it is not blank."""
        typed, text = self.table.typed[self.column], self.table.text[self.column]
        has_unreadable = bool((typed.isna() & text.ne("")).any())
        source = text if has_unreadable or typed.dtype.kind not in "fM" else typed
        there = self.positions >= 0
        if not len(source):
            return pd.Series([""] * len(there), dtype="str")
        taken = source.take(np.maximum(self.positions, 0)).reset_index(drop=True)
        return taken if there.all() else taken.where(there, "" if source is text else None)


def make_batch(
    snapshot: Snapshot, name: str, instruments: Sequence[str], references: Iterable[Reference], now: datetime
) -> Batch:
    """Lay the rows of some instruments under each other and bring every referenced column to them."""
    keys = pd.concat([snapshot.tables[instrument].keys for instrument in instruments], ignore_index=True)
    lookup = _Lookup(snapshot, keys)
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
    frame.attrs[CONTEXT] = Context(now, codes, kinds)
    return Batch(name, frame, sources, unreadable)


def _date_kind(dictionary: Dictionary, source: Source) -> DateKind | None:
    """How REDCap stores the dates of a column: `date`, `datetime` or `datetime_seconds`."""
    found = dictionary.by_name.get(source.column)
    if found is None or found.kind not in ("date", "datetime"):
        return None
    return cast("DateKind", found.validation.rsplit("_", 1)[0])


@dataclass(eq=False)
class _Lookup:
    """Finds, for each key row, the position of the row that holds a reference's field; each join is made once."""

    snapshot: Snapshot
    keys: pd.DataFrame
    _joins: dict[tuple[str, str], Positions] = field(default_factory=dict)

    def source(self, reference: Reference) -> Source:
        """Find where one reference is read for the key rows; raises KeyError with the reason where it cannot be."""
        if reference.instance:
            raise KeyError(f"an instance selector cannot be brought to a row yet: {reference.column}")
        if reference.field == self.snapshot.dictionary.record_id_field:
            return Source(self._record_ids(), reference.field, np.arange(len(self.keys)))
        table = self._table_of(reference)
        join = (table.instrument, reference.event)
        if join not in self._joins:
            self._joins[join] = self._positions(table, reference.event)
        return Source(table, reference.export_column, self._joins[join])

    def _record_ids(self) -> Table:
        """The record id is stored in the keys of a row, not in an instrument's table."""
        ids = self.keys[["record"]].set_axis([self.snapshot.dictionary.record_id_field], axis="columns")
        return Table("", self.keys, text=ids, typed=ids)

    def _table_of(self, reference: Reference) -> Table:
        for table in self.snapshot.tables.values():
            if reference.export_column in table.text:
                return table
        raise KeyError(f"the project has no field for {reference.column}")

    def _positions(self, table: Table, event: str) -> Positions:
        dictionary = self.snapshot.dictionary
        if event and event not in dictionary.event_names:
            raise KeyError(f"the project has no event {event!r}")
        wanted = self.keys[["record", "event", "instance"]].copy()
        own = self.keys["instrument"].eq(table.instrument).to_numpy()
        if event:
            own = own & self.keys["event"].eq(event).to_numpy()
            wanted["event"] = event
        # Another instrument's row is its base row; in a repeating event, that of the same event instance.
        repeats = wanted["event"].map({name: dictionary.event_repeats(name) for name in dictionary.event_names})
        same_event = self.keys["event"].eq(wanted["event"])
        base_instance = wanted["instance"].where(repeats.astype(bool) & same_event, 0)
        wanted["instance"] = wanted["instance"].where(own, base_instance)
        positions = pd.MultiIndex.from_frame(table.keys[["record", "event", "instance"]]).get_indexer(
            pd.MultiIndex.from_frame(wanted)
        )
        return np.asarray(positions, dtype=np.intp)
