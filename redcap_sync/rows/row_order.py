"""The order of rows, and replacing some records' rows by newer ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redcap_sync.dictionary import Dictionary
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import (
    Columns,
    Contents,
    Table,
    cells_of,
    in_one_piece,
    own_keys,
    positions_by_instrument,
    typed_frame,
)


def in_order(dictionary: Dictionary, keys: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Positions that sort rows by record, event, repeating instrument and instance: equal data, equal bytes."""
    if _are_rising_numbers(keys["record"]):  # one row a record, and in order, as most projects are
        return np.arange(len(keys))
    events = {event: rank for rank, event in enumerate(dictionary.event_names)}
    instruments = {one.name: rank for rank, one in enumerate(dictionary.instruments, start=1)}
    repeating = keys["instrument"].map(instruments).fillna(0).to_numpy(dtype=np.int64)
    ranks = keys["event"].map(events).fillna(-1).to_numpy(dtype=np.int64)
    return np.lexsort((keys["instance"].to_numpy(), repeating, ranks, _record_ranks(keys["record"])))


def _record_ranks(records: pd.Series[str]) -> npt.NDArray[np.int64]:
    codes, names = pd.factorize(records)
    if _are_rising_numbers(names):
        return codes.astype(np.int64)
    keys = [natural_key(name) for name in names.tolist()]
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks[codes]


def _are_rising_numbers(names: pd.Index[str] | pd.Series[str]) -> bool:
    """Say whether records are whole numbers that are in order already, as most do."""
    texts = pa.array(names, TEXT)
    try:
        if not pc.all(pc.utf8_is_decimal(texts)).as_py():
            return False
        return bool((np.diff(texts.cast(pa.int64()).to_numpy()) > 0).all())
    except pa.ArrowInvalid:  # digits of another script, or more of them than a number has
        return False


def natural_key(record: str) -> tuple[int, int, str, str]:
    """Sort record ids as REDCap does: whole numbers by their value, then the rest as text.

    Of two numbers the one with more digits is larger, so none has to be computed, however long it is.
    """
    if not (record.isascii() and record.isdecimal()):
        return 1, 0, "", record
    digits = record.lstrip("0")
    return 0, len(digits), digits, record


def taken(table: Table, positions: npt.NDArray[np.intp]) -> Table:
    """A table's rows at some positions, in their order."""
    keys, typed = (frame.take(positions).reset_index(drop=True) for frame in (table.keys, table.typed))
    return Table(table.instrument, keys, table.cells.take(pa.array(positions)), typed)


def merged(
    dictionary: Dictionary, old: Contents, keys: pd.DataFrame, columns: Columns, gone: Collection[str]
) -> Contents:
    """Leave out the rows of `gone` records, and put new ones in their place: their keys in order, and their columns.

    A table in which nothing changed is the old one itself.
    """
    rows, tables = old
    leaving = np.flatnonzero(rows["record"].isin(gone))
    stay = rows.take(leaving).reset_index(drop=True).equals(keys)
    places = zip(positions_by_instrument(dictionary, rows), positions_by_instrument(dictionary, keys), strict=True)
    ordered = {}
    for (name, own), (_, new_own) in places:
        replaced = leaving if own is None else np.flatnonzero(np.isin(own, leaving))
        cells = cells_of(dictionary, name, columns, new_own, len(keys))
        if stay:
            ordered[name] = _with_values(dictionary, tables[name], cells, replaced)
        else:
            ordered[name] = _with_rows(dictionary, tables[name], own_keys(keys, name, new_own), cells, replaced)
    return rows if stay else _with_keys(dictionary, rows, keys, leaving), ordered


def _with_rows(
    dictionary: Dictionary, old: Table, keys: pd.DataFrame, cells: pa.Table, replaced: npt.NDArray[np.intp]
) -> Table:
    """Put new rows in the place of some, as many or other ones."""
    if old.keys.take(replaced).reset_index(drop=True).equals(keys):
        return _with_values(dictionary, old, cells, replaced)
    kept = taken(old.read(), np.delete(np.arange(len(old)), replaced))
    typed = typed_frame(dictionary, old.instrument, cells)
    table = Table(
        old.instrument,
        _under(kept.keys, keys),
        pa.concat_tables([kept.cells, cells]),
        _under(kept.typed, typed),
    )
    return taken(table, in_order(dictionary, table.keys))


def _with_keys(
    dictionary: Dictionary, old: pd.DataFrame, new: pd.DataFrame, leaving: npt.NDArray[np.intp]
) -> pd.DataFrame:
    """The same for the keys of the flat rows."""
    kept = old.take(np.delete(np.arange(len(old)), leaving))
    all_keys = pd.concat([kept, new], ignore_index=True)
    return all_keys.take(in_order(dictionary, all_keys)).reset_index(drop=True)


def _with_values(dictionary: Dictionary, old: Table, values: pa.Table, positions: npt.NDArray[np.intp]) -> Table:
    """Put new values into rows that stay where they are; columns without a new value are neither copied nor typed.

    An old table that nobody has read is read for it, and stays unread where nothing changed.
    """
    table = old.read()
    before = table.cells.take(pa.array(positions))
    pairs = zip(values.column_names, before.columns, values.columns, strict=True)
    changed = [name for name, was, now in pairs if not was.equals(now)]
    if not changed:
        return old
    mask = np.zeros(len(old), dtype=bool)
    mask[positions] = True
    new, cells, typed = values.select(changed), table.cells, table.typed.copy(deep=False)
    new_typed = typed_frame(dictionary, old.instrument, new)
    for name in changed:
        column = pc.replace_with_mask(in_one_piece(cells[name]), mask, in_one_piece(new[name]))
        cells = cells.set_column(cells.column_names.index(name), name, column)
        typed[name] = _replaced(typed[name], new_typed[name], positions)
    return Table(old.instrument, old.keys, cells, typed)


def _replaced(column: pd.Series[Any], values: pd.Series[Any], positions: npt.NDArray[np.intp]) -> pd.Series[Any]:
    column = column.copy()
    column.iloc[positions] = values.array
    return column


def _under(kept: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """One frame under the other; a frame without a row has no say in the type of a column."""
    return pd.concat([frame for frame in (kept, added) if len(frame)] or [kept], ignore_index=True)
