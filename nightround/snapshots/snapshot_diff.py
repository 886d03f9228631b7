"""What differs between two snapshots, cell by cell, and who the log says changed it.

Here, and nowhere else, old and new values are side by side: they are for the eyes of who asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nightround.model.snapshot import Snapshot
from nightround.snapshots.manifest import Manifest
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.change_log import Edit
from redcap_sync.rows.export_rows import GROUP
from redcap_sync.rows.row_order import natural_key
from redcap_sync.rows.tables import KEY_COLUMNS, RowKey, Table


@dataclass(frozen=True)
class CellChange:
    """One cell that is another than it was. `by` and `at` are '' where the log does not say."""

    row: RowKey
    column: str
    old: str
    new: str
    by: str = ""
    at: str = ""

    def document(self) -> dict[str, Any]:
        """The change as JSON."""
        place = {**self.row._asdict(), "field": self.column}
        return {**place, "old": self.old, "new": self.new, "by": self.by, "at": self.at}


def edits_between(store: SnapshotStore, old: Manifest, new: Manifest) -> list[Edit]:
    """The log's edits from one night to a later one, oldest first; raises ExportIncomplete for the wrong order."""
    if new.taken_at < old.taken_at:
        raise ExportIncomplete("snapshot.order", first=new.id[:12], second=old.id[:12])
    nights = (one for one in store.manifests() if old.taken_at < one.taken_at <= new.taken_at)
    return [edit for night in nights for edit in store.edits(night)]


def changed_cells(old: Snapshot, new: Snapshot, edits: Sequence[Edit]) -> Iterator[CellChange]:
    """Every cell that differs, in the order of the newer dictionary; a row that came or went with all its cells.

    Records that are in another group come first.
    """
    logged = _by_record(edits)
    yield from _moved(old, new, logged)
    for name in dict.fromkeys([*new.tables, *old.tables]):
        for row, column, before, after in _cells(old.tables.get(name), new.tables.get(name)):
            edit = _edit_of(row, _field_of(new.dictionary, column), logged.get(row.record, []))
            yield CellChange(row, column, before, after, *((edit.username, edit.timestamp) if edit else ("", "")))


def cells_that_differ(
    old: Table | None,
    new: Table | None,
    records: Collection[str],
    fields: Collection[str] | None,
    names: Mapping[str, str],
) -> Iterator[CellChange]:
    """The cells of some records, and of some fields or all, that differ between two tables of an instrument.

    `names` are the names that renamed records have now, in which `records` and the answer are.
    """
    before = _narrowed(old, records, fields, names) if old else None
    after = _narrowed(new, records, fields, {}) if new else None
    return (CellChange(*one) for one in _cells(before, after))


def _narrowed(
    table: Table, records: Collection[str], fields: Collection[str] | None, names: Mapping[str, str]
) -> Table:
    """The rows of some records and the columns of some fields of a table, without typed cells."""
    was = table.keys["record"]
    named = was.map(lambda one: names.get(one, one)) if names else was
    # A record whose name another one took is gone.
    taken = was.isin(list(names.values())) & ~was.isin(list(names))
    own = np.flatnonzero((named.isin(list(records)) & ~taken).to_numpy())
    columns = [name for name in table.column_names if fields is None or ColumnName.parse(name).field in fields]
    keys = table.keys.assign(record=named).take(own).reset_index(drop=True)
    return Table(table.instrument, keys, table.cells.select(columns).take(pa.array(own)), pd.DataFrame())


def _moved(old: Snapshot, new: Snapshot, logged: Mapping[str, Sequence[Edit]]) -> Iterator[CellChange]:
    """Records that are in another data access group, where both snapshots say in which; the group is the record's."""
    if old.groups is None or new.groups is None:
        return
    for record in sorted(old.groups.keys() | new.groups.keys(), key=natural_key):
        before, after = old.groups.get(record, ""), new.groups.get(record, "")
        if before != after:
            named = [edit for edit in logged.get(record, ()) if edit.verb == "delete" or GROUP in edit.fields]
            by, at = (named[-1].username, named[-1].timestamp) if named else ("", "")
            yield CellChange(RowKey(record, "", "", 0), GROUP, before, after, by, at)


def _cells(old: Table | None, new: Table | None) -> Iterator[tuple[RowKey, str, str, str]]:
    one = old or new
    if one is None or (old is not None and new is not None and _same(old, new)):
        return
    keys = pd.concat([table.keys for table in (new, old) if table is not None], ignore_index=True)
    keys = keys.drop_duplicates(ignore_index=True)
    columns = list(dict.fromkeys(str(c) for table in (new, old) if table is not None for c in table.text))
    before, after = (_brought_to(table, keys, columns) for table in (old, new))
    for column in columns:
        for position in np.flatnonzero(before[column].ne(after[column]).to_numpy()):
            record, event, instrument, instance = keys.iloc[int(position)]
            row = RowKey(str(record), str(event), str(instrument), int(instance))
            yield row, column, str(before[column].iloc[position]), str(after[column].iloc[position])


def _same(old: Table, new: Table) -> bool:
    return old.keys.equals(new.keys) and old.text.equals(new.text)


def _brought_to(table: Table | None, keys: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The text of a table at the rows of `keys`; blank where it has no such row or column."""
    # A table of which no column was asked for has keys, and no row of text.
    if table is None or not len(table) or table.text.empty:
        return pd.DataFrame("", index=keys.index, columns=list(columns), dtype="str")
    wanted = pd.MultiIndex.from_frame(keys[list(KEY_COLUMNS)])
    positions = pd.MultiIndex.from_frame(table.keys[list(KEY_COLUMNS)]).get_indexer(wanted)
    text = table.text.reindex(columns=list(columns), fill_value="")
    brought = text.take(np.maximum(positions, 0)).set_axis(keys.index, axis="index")
    brought[positions < 0] = ""
    return brought


def _field_of(dictionary: Dictionary, column: str) -> str:
    """The field a column belongs to: the log names fields, an export a column for each option."""
    return column if column in dictionary.by_name else ColumnName.parse(column).field


def _by_record(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    found: dict[str, list[Edit]] = {}
    for edit in edits:
        found.setdefault(edit.record, []).append(edit)
    return found


def _edit_of(row: RowKey, field: str, edits: Sequence[Edit]) -> Edit | None:
    """The last line of the log about a record that names the field, or else deletes or renames the record.

    The log names no event, so that of two edits of one field in two events the later one is shown for both.
    """
    for edit in reversed(edits):
        if edit.verb == "delete" or (field in edit.fields and edit.instance in (0, row.instance)):
            return edit
    return None
