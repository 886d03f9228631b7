"""Which answers of an earlier pull are blank now, and which of those the project's log explains.

A cell that is blank proves no correction: a server that loses answers looks like a person who took them out. What
tells the two apart is a line of the log that blanks that field, or one that removes the row or the record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary
from redcap_sync.pulling.change_log import Edit
from redcap_sync.pulling.record_fates import FIRST_INSTANCE, RecordFates, covers, events_named
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import KEY_COLUMNS, CellKey, Table, Unseen

Tables = Mapping[str, Table]
CLEARED = "0"
"""What an export has of a box that nobody ticked."""


def blanked_cells(
    before: Tables, now: Tables, dictionary: Dictionary, edits: Iterable[Edit], unseen: Iterable[Unseen] = ()
) -> frozenset[CellKey]:
    """The cells that had an answer before and have none now, in rows that are there both times.

    They have the names that their records had before. What the token's user may not export says nothing.
    """
    fates = RecordFates.of(edits, dictionary)
    hidden = {(one.instrument, column) for one in unseen for column in one.columns}
    return frozenset(
        cell
        for name, table in now.items()
        if name in before and before[name] is not table
        for cell in _blanked(before[name].read(), table, dictionary, fates)
        if (name, cell.column) not in hidden
    )


def _blanked(old: Table, new: Table, dictionary: Dictionary, fates: RecordFates) -> Iterator[CellKey]:
    there, here = _same_rows(old.keys, new.keys, fates)
    for column in new.column_names:
        if column not in old.cells.column_names:
            continue
        box = _is_box(column, dictionary)
        lost = _answered(old.cells[column], box)[there] & ~_answered(new.cells[column], box)[here]
        for position in there[lost]:
            yield CellKey(*old.row_key(int(position)), column)


Positions = npt.NDArray[np.intp]


def _same_rows(old: pd.DataFrame, new: pd.DataFrame, fates: RecordFates) -> tuple[Positions, Positions]:
    """The positions of the rows that are there both times, before and now; records that were deleted are others."""
    if not (fates.names or fates.deleted_once) and old.equals(new):
        every = np.arange(len(old))
        return every, every
    keys = list(KEY_COLUMNS)
    named = old[keys].assign(record=old["record"].map(lambda one: fates.names.get(one, one)))
    left = set(fates.names) | fates.deleted_once
    taken = named["record"].eq(old["record"]) & old["record"].isin(left)
    found = pd.MultiIndex.from_frame(new[keys]).get_indexer(pd.MultiIndex.from_frame(named))
    there = np.flatnonzero((found >= 0) & ~taken.to_numpy())
    return there, found[there]


def _answered(cells: pa.ChunkedArray, box: bool) -> npt.NDArray[np.bool_]:  # noqa: FBT001
    filled = pc.greater(pc.binary_length(cells), 0)
    if box:
        filled = pc.and_(filled, pc.not_equal(cells, pa.scalar(CLEARED, TEXT)))
    return np.asarray(filled.to_numpy(), dtype=bool)


def _is_box(column: str, dictionary: Dictionary) -> bool:
    return column not in dictionary.by_name and bool(ColumnName.parse(column).code)


def answered_cells(cells: Iterable[CellKey], tables: Tables, dictionary: Dictionary) -> frozenset[CellKey]:
    """Those of some cells that have an answer in the tables."""
    order = attrgetter("instrument", "column")
    found: set[CellKey] = set()
    for (instrument, column), group in groupby(sorted(cells, key=order), order):
        table = tables.get(instrument)
        if table is None or column not in table.column_names:
            continue
        mine = {cell.row: cell for cell in group}
        own = np.flatnonzero(table.keys["record"].isin({row.record for row in mine}).to_numpy())
        answered = _answered(table.read().cells[column], _is_box(column, dictionary))
        rows = (table.row_key(int(position)) for position in own[answered[own]])
        found.update(mine[row] for row in rows if row in mine)
    return frozenset(found)


def unexplained_cells(
    blanked: Iterable[CellKey], edits: Sequence[Edit], dictionary: Dictionary, now: Tables
) -> frozenset[CellKey]:
    """Those of the blanked cells of which the log, oldest line first, does not say that they were blanked.

    The cell of a record that was renamed is missed under its new name.
    """
    cells = frozenset(blanked)
    if not cells:
        return cells
    fates = RecordFates.of(edits, dictionary)
    moved = {
        cell: cell._replace(record=fates.names.get(cell.record, cell.record))
        for cell in cells
        if cell.record not in fates.deleted_once
    }
    filled = answered_cells(moved.values(), now, dictionary)
    explains = _explaining(fates, dictionary)
    return frozenset(after for before, after in moved.items() if after not in filled and not explains(before, after))


def _explaining(fates: RecordFates, dictionary: Dictionary) -> Callable[[CellKey, CellKey], bool]:
    """Say whether a line of the log explains that a cell, by its name before and now, is blank."""

    def explains(before: CellKey, after: CellKey) -> bool:
        field = dictionary.by_name.get(before.column)
        computed = field is not None and (field.type == "calc" or "@CALC" in field.annotation)
        lines = list(fates.lines_of(before.record))
        if computed and lines:  # REDCap works it out anew from what the lines changed
            return True
        parts = fates.parts_of(before.row, after.row)
        return any(_blanks(edit, before, dictionary) for edit in lines) or any(
            covers(edit, before.row, dictionary) for edit in parts
        )

    return explains


def _blanks(edit: Edit, cell: CellKey, dictionary: Dictionary) -> bool:
    """Whether a line blanks a cell: the log names every instance but the first, and the event on some pages alone."""
    if cell.column not in edit.emptied:
        return False
    if edit.instance != cell.instance and (edit.instance or cell.instance > FIRST_INSTANCE):
        return False
    events: Collection[str] = events_named(edit, dictionary) if dictionary.longitudinal else ()
    return not events or cell.event in events
