"""The rows that a pull has fetched so far: what is replaced, what is gone, and what still differs from the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.pulled import Pull
from redcap_sync.rows.export_rows import JOINED_BYTES, ONE_PLACE, ExportRows, Places, grouped, together
from redcap_sync.rows.growing_columns import GrowingColumns
from redcap_sync.rows.row_order import in_order, merged, natural_key
from redcap_sync.rows.tables import KEY_COLUMNS, Columns, Contents, Table, flat_keys, typed_tables

Keys = Mapping[str, Places]


@dataclass
class PulledRows:
    """Rows fetched so far, over those of the pull before where the pull is incremental."""

    dictionary: Dictionary
    base: Pull | None = None
    keys: dict[str, Places] = field(default_factory=dict)
    """Which rows were fetched, by record."""
    settled: set[str] = field(default_factory=set)
    """Records that were fetched twice and came the same."""
    rows_due: int = 0
    """How many rows are to come, where that is known."""
    _parts: list[ExportRows] = field(default_factory=list)
    """What came last; what came before is in `_gathered`, once it was enough."""
    _gathered: GrowingColumns | None = None
    _asked: set[str] = field(default_factory=set)
    """Records that were fetched."""
    _contents: Contents | None = None
    """The tables as they were built last, or those of the base."""
    _replaced: set[str] = field(default_factory=set)
    """Records that were fetched since, so that their rows in `_contents` no longer count."""

    def __post_init__(self) -> None:
        if self.base is not None:
            self.keys = keys_of_frame(self.base.rows)
            self._contents = self.base.rows, dict(self.base.tables)

    def take(self, asked: Collection[str], rows: ExportRows, *, compare: bool = False) -> None:
        """Take in new rows of some records; a record that did not come is dropped.

        With `compare` a record that came exactly as before is settled. Raises ExportIncomplete where a row came
        twice: which of the two is right is not known.
        """
        new = rows.places()
        if any(len(set(places)) < len(places) for places in set(new.values())):
            raise _rows_twice()
        again = [record for record in asked if record in self._asked]
        same = self._same(again, rows) if compare else [r for r in again if self.keys.get(r) == new.get(r)]
        self.settled.update(record for record in same if record in new)
        self._forget(again)
        self._asked.update(asked)
        self._replaced.update(asked)
        for record in asked:
            self.keys.pop(record, None)
        self.keys.update((record, new[record]) for record in asked if record in new)
        if len(rows):
            self._parts.append(rows)
            if sum(part.size_in_memory() for part in self._parts) >= JOINED_BYTES:
                self._gather()

    def _gather(self) -> None:
        """Read the last parts while others are on their way, several at once, so that no body is kept for long."""
        rows = together(self.dictionary.record_id_field, self._parts)
        if self._gathered is None:
            self._gathered = GrowingColumns(rows.columns, self.rows_due)
        self._gathered.append(rows.in_columns(self._gathered.names))
        self._parts = []

    def _every_part(self) -> list[ExportRows]:
        if self._gathered is None:
            return self._parts
        return [ExportRows(self.dictionary.record_id_field, self._gathered.table()), *self._parts]

    def _same(self, records: Sequence[str], rows: ExportRows) -> list[str]:
        before, now = self._cells(records, self._every_part()), self._cells(records, [rows])
        return [record for record in records if before.get(record) == now.get(record)]

    def _cells(self, records: Sequence[str], parts: Sequence[ExportRows]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for part in parts:
            for row in part.only(records).columns.to_pylist():
                found.setdefault(row[part.id_field], []).append(row)
        return found

    def _forget(self, records: Sequence[str]) -> None:
        if records:
            left = [part.only(records, unwanted=True) for part in self._every_part()]
            self._parts, self._gathered = [part for part in left if len(part)], None

    def differing(self, there: Keys) -> set[str]:
        """Records whose rows on the server differ from those fetched.

        A record that came the same twice, with every row the server shows of it and more, is settled: one
        call for ids may leave rows out that a call for all fields has. The other way round is a loss.
        """
        if there == self.keys:
            return set()
        every = there.keys() | self.keys.keys()
        differ = {record for record in every if there.get(record) != self.keys.get(record)}
        return {record for record in differ if record not in self.settled or self._lacks(record, there)}

    def _lacks(self, record: str, there: Keys) -> bool:
        return record not in there or not set(there[record]) <= set(self.keys.get(record, ()))

    def contents(self, *, keep: bool = False) -> Contents:
        """The keys of all rows, and the tables, in their order.

        The rows that were fetched go into the tables and are not kept as well, but with `keep`:
        to compare cells of a record that is fetched once more.
        """
        keys, columns = self._fetched()
        if keep:
            return self._over(self._contents, keys, columns)
        self._parts, self._gathered = [], None
        self._contents = self._over(self._contents, keys, columns)
        self._replaced = set()
        return self._contents

    def _fetched(self) -> tuple[pd.DataFrame, Columns]:
        """The keys and the columns of what was fetched, in their order."""
        if self._gathered is not None and self._parts:
            self._gather()
        rows = together(self.dictionary.record_id_field, sorted(self._every_part(), key=_first_record))
        keys = flat_keys(rows)
        ordered = rows.take(in_order(self.dictionary, keys))
        return keys if ordered is rows else flat_keys(ordered), ordered.by_name()

    def _over(self, before: Contents | None, keys: pd.DataFrame, columns: Columns) -> Contents:
        if before is None:
            return keys, typed_tables(self.dictionary, keys, columns)
        return merged(self.dictionary, before, keys, columns, self._replaced) if self._replaced else before


def _rows_twice() -> ExportIncomplete:
    return ExportIncomplete("pull.row_twice")


def _first_record(part: ExportRows) -> tuple[int, int, str, str]:
    return natural_key(part.column(part.id_field)[0].as_py())


def keys_of_frame(rows: pd.DataFrame) -> dict[str, Places]:
    """Which rows a frame of keys names, by record, sorted."""
    record, *place = (rows[name].tolist() for name in KEY_COLUMNS)
    kinds = {tuple(sorted(set(column))) for column in place}
    if kinds == {("",), (0,)}:
        found = dict.fromkeys(record, ONE_PLACE)
        if len(found) == len(record):
            return found
    return grouped(record, zip(*place, strict=True))


def differing_records(old: Table, new: Table) -> set[str]:
    """The records whose rows in one instrument are not the same, cell by cell."""
    if len(old) == len(new) and old.keys.equals(new.keys) and list(old.text) == list(new.text):
        changed = np.zeros(len(old), dtype=bool)
        for name in old.text:
            changed |= old.text[name].ne(new.text[name]).to_numpy()
        return set(old.keys["record"][changed])
    keys = list(old.keys.columns)
    both = [pd.concat([table.keys, table.text], axis="columns") for table in (old, new)]
    names = [*keys, *(name for name in new.text if name in old.text)]
    both_nights = pd.concat([frame[names] for frame in both], ignore_index=True)
    return set(both_nights["record"][~both_nights.duplicated(keep=False)])
