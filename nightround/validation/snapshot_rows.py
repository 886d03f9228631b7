"""The rows of a snapshot as numbers, so that tables are joined by integers and each is encoded once a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nightround.model.snapshot import Snapshot
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import KEY_COLUMNS, RowKey, Table, in_one_piece

Numbers = npt.NDArray[np.int64]
Positions = npt.NDArray[np.intp]
"""Row positions in a table; -1 where there is no such row."""
Mask = npt.NDArray[np.bool_]
NONE = -1
"""Stands for a record, an event, an instance or a row that does not exist."""


@dataclass(frozen=True, eq=False)
class TableRows:
    """The rows of one table: the number of each row's record, event and instance, and of the row itself."""

    records: Numbers
    events: Numbers
    instances: Numbers
    numbers: Numbers
    """One number a row, by which it is found."""

    @cached_property
    def _order(self) -> Positions | None:
        """The positions by rising number; None where they rise already."""
        return None if (np.diff(self.numbers) > 0).all() else np.argsort(self.numbers, kind="stable")

    @cached_property
    def sorted_numbers(self) -> Numbers:
        """The numbers of the rows in rising order."""
        return self.numbers if self._order is None else self.numbers[self._order]

    def find(self, wanted: Numbers) -> Positions:
        """The position of each row that is wanted by its number."""
        if np.array_equal(wanted, self.numbers):
            return np.arange(len(wanted), dtype=np.intp)
        if not len(self.numbers):
            return np.full(len(wanted), NONE, dtype=np.intp)
        places = np.minimum(np.searchsorted(self.sorted_numbers, wanted), len(self.numbers) - 1)
        there = self.sorted_numbers[places] == wanted
        return np.where(there, places if self._order is None else self._order[places], NONE)


@dataclass(eq=False)
class SnapshotRows:
    """Every row of a snapshot by numbers. Made once a night; tables are encoded when they are first needed."""

    snapshot: Snapshot
    _tables: dict[str, TableRows] = field(default_factory=dict)
    _records_at: dict[str, Mask] = field(default_factory=dict)

    @cached_property
    def records(self) -> pa.Array:
        """Every record that has a row, once."""
        return _distinct(self.snapshot, "record")

    @cached_property
    def events(self) -> list[str]:
        """The events of the project, and what else is in the rows: '' in a classic project."""
        return list(
            dict.fromkeys([*self.snapshot.dictionary.event_names, *_distinct(self.snapshot, "event").to_pylist()])
        )

    @cached_property
    def event_numbers(self) -> dict[str, int]:
        """The number of each event."""
        return {event: number for number, event in enumerate(self.events)}

    @cached_property
    def _record_numbers(self) -> dict[str, int]:
        return {record: number for number, record in enumerate(self.records.to_pylist())}

    @cached_property
    def _instances(self) -> int:
        """One more than the largest instance."""
        largest = (table.keys["instance"].max() for table in self.snapshot.tables.values() if len(table))
        return int(max(largest, default=0)) + 1

    @cached_property
    def table_of_column(self) -> dict[str, Table]:
        """The table that contains each export column."""
        tables = reversed(list(self.snapshot.tables.values()))
        return {column: table for table in tables for column in table.column_names}

    def of(self, instrument: str) -> TableRows:
        """The rows of one instrument."""
        if instrument not in self._tables:
            keys = self.snapshot.tables[instrument].keys
            records = _places(keys["record"], self.records)
            events = _places(keys["event"], pa.array(self.events, TEXT))
            instances = keys["instance"].to_numpy(dtype=np.int64)
            self._tables[instrument] = TableRows(records, events, instances, self.numbers(records, events, instances))
        return self._tables[instrument]

    def numbers(self, records: Numbers, events: Numbers, instances: Numbers) -> Numbers:
        """The number of each row; NONE where it has a record, event or instance that no row has."""
        known = (records >= 0) & (events >= 0) & (instances >= 0) & (instances < self._instances)
        return np.where(known, self._place(records, events) * self._instances + instances, NONE)

    def outermost(self, instrument: str, records: Numbers, events: Numbers, *, last: bool) -> Numbers:
        """The first or last instance that an instrument has at each record and event, NONE where it has no row."""
        rows = self.of(instrument).sorted_numbers
        place = np.where((records >= 0) & (events >= 0), self._place(records, events), NONE)
        lowest = place * self._instances
        at = np.searchsorted(rows, lowest + self._instances) - 1 if last else np.searchsorted(rows, lowest)
        at = np.clip(at, 0, max(len(rows) - 1, 0))
        found = rows[at] if len(rows) else np.full(len(at), NONE)
        there = (place >= 0) & (found // self._instances == place)
        return np.where(there, found % self._instances, NONE)

    def _place(self, records: Numbers, events: Numbers) -> Numbers:
        return records * len(self.events) + events

    def records_at(self, event: str) -> Mask:
        """Which records have any row in an event, by their number."""
        if event not in self._records_at:
            number = self.event_numbers.get(event, NONE)
            found = np.zeros(len(self.records), dtype=bool)
            for instrument in self.snapshot.tables:
                rows = self.of(instrument)
                found[rows.records[rows.events == number]] = True
            self._records_at[event] = found
        return self._records_at[event]

    def position(self, key: RowKey) -> int:
        """Where a row is in the table of its instrument; NONE where there is no such row."""
        record, event = self._record_numbers.get(key.record, NONE), self.event_numbers.get(key.event, NONE)
        place = (np.array([number]) for number in (record, event, key.instance))
        return int(self.of(key.instrument).find(self.numbers(*place))[0])


@dataclass(frozen=True, eq=False)
class AnchorRows:
    """The rows of some instruments, one instrument after the other: what a suite looks at."""

    rows: SnapshotRows
    instruments: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, instruments: Sequence[str]) -> AnchorRows:
        """The rows of some instruments of a snapshot that nothing else is judged on."""
        return cls(SnapshotRows(snapshot), tuple(instruments))

    @cached_property
    def keys(self) -> pd.DataFrame:
        """Their keys, with an index from 0."""
        every = [self.rows.snapshot.tables[instrument].keys for instrument in self.instruments]
        return every[0] if len(every) == 1 else pd.concat(every, ignore_index=True)

    @cached_property
    def starts(self) -> list[int]:
        """The position of the first row of each instrument."""
        lengths = [len(self.rows.snapshot.tables[instrument]) for instrument in self.instruments]
        return [0, *np.cumsum(lengths).tolist()]

    def __len__(self) -> int:
        return int(self.starts[-1])

    def part(self, name: str) -> Numbers:
        """`records`, `events` or `instances` of all of them."""
        return np.concatenate([getattr(self.rows.of(instrument), name) for instrument in self.instruments])

    def where_instrument(self, instrument: str) -> Mask:
        """Which of the rows belong to an instrument."""
        found = np.zeros(len(self), dtype=bool)
        for own, start, stop in zip(self.instruments, self.starts, self.starts[1:], strict=False):
            found[start:stop] = own == instrument
        return found

    def position(self, key: object) -> int:
        """Where a row is among them; NONE where it does not."""
        if not isinstance(key, tuple) or len(key) != len(KEY_COLUMNS):
            return NONE
        row = RowKey(*key)
        if row.instrument not in self.instruments:
            return NONE
        found = self.rows.position(row)
        return NONE if found == NONE else self.starts[self.instruments.index(row.instrument)] + found

    def row_keys(self, positions: Positions) -> list[RowKey]:
        """Name the rows at some positions."""
        named = self.keys.take(positions)
        return [RowKey(*key) for key in zip(*(named[column].tolist() for column in KEY_COLUMNS), strict=True)]


@dataclass(frozen=True, eq=False)
class MarkedRows:
    """Some of the rows, asked for by their keys; a bit a row, so that every rule can keep its own."""

    rows: AnchorRows
    bits: npt.NDArray[np.uint8]

    def __contains__(self, row: object) -> bool:
        position = self.rows.position(row)
        return position != NONE and bool(self.bits[position // 8] >> (7 - position % 8) & 1)


def _distinct(snapshot: Snapshot, column: str) -> pa.Array:
    texts = [_texts(table.keys[column]) for table in snapshot.tables.values()]
    return pa.chunked_array(texts, TEXT).unique()


def _places(column: pd.Series[Any], among: pa.Array) -> Numbers:
    found: Numbers = pc.index_in(_texts(column), value_set=among).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _texts(column: pd.Series[Any]) -> pa.Array:
    return in_one_piece(pa.array(column, TEXT))
