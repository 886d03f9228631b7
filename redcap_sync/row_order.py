"""The order of rows, and replacing some records' rows by newer ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redcap_sync.dictionary import Dictionary
from redcap_sync.export_rows import TEXT
from redcap_sync.tables import Cells, Table, Texts, cells_of_series, frame_of, typed_cells


def in_order(dictionary: Dictionary, keys: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Positions that sort rows by record, event, repeating instrument and instance: equal data, equal bytes."""
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


def _are_rising_numbers(names: pd.Index[str]) -> bool:
    """Say whether records are whole numbers that stand in order already, as most do."""
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
    parts = (table.keys, table.text, table.typed)
    return Table(table.instrument, *(part.take(positions).reset_index(drop=True) for part in parts))


def merged_tables(
    dictionary: Dictionary, old: Mapping[str, Table], new: Mapping[str, Texts], gone: Collection[str]
) -> dict[str, Table]:
    """The tables with the rows of `gone` records left out and the new rows put in their place.

    A table in which nothing changed is the old one itself.
    """
    left_out = pa.array(sorted(gone), TEXT)
    return {name: _merged_table(dictionary, old[name], texts, left_out) for name, texts in new.items()}


def _merged_table(dictionary: Dictionary, old: Table, new: Texts, gone: pa.Array) -> Table:
    leaves = pc.is_in(cells_of_series(old.keys["record"]), value_set=gone)
    replaced = np.flatnonzero(leaves.to_numpy(zero_copy_only=False))
    if old.keys.take(replaced).reset_index(drop=True).equals(new.keys):
        return _with_values(dictionary, old, new.cells, replaced)
    kept = taken(old, np.delete(np.arange(len(old)), replaced))
    typed = frame_of(typed_cells(dictionary, old.instrument, new.cells))
    added = Table(old.instrument, new.keys, frame_of(new.cells), typed)
    laid = Table(old.instrument, *(pd.concat(pair, ignore_index=True) for pair in _pairs(kept, added)))
    return taken(laid, in_order(dictionary, laid.keys))


def _with_values(dictionary: Dictionary, old: Table, values: Cells, positions: npt.NDArray[np.intp]) -> Table:
    """Put new values into rows that stay where they are; columns without a new value are neither copied nor typed."""
    before, places = {name: cells_of_series(old.text[name]) for name in values}, pa.array(positions)
    changed = {name: cells for name, cells in values.items() if not before[name].take(places).equals(cells)}
    if not changed:
        return old
    new_text, new_typed = frame_of(changed), frame_of(typed_cells(dictionary, old.instrument, changed))
    text, typed = old.text.copy(deep=False), old.typed.copy(deep=False)
    for name in changed:
        text[name] = _replaced(text[name], new_text[name], positions)
        typed[name] = _replaced(typed[name], new_typed[name], positions)
    return Table(old.instrument, old.keys, text, typed)


def _replaced(column: pd.Series[Any], values: pd.Series[Any], positions: npt.NDArray[np.intp]) -> pd.Series[Any]:
    column = column.copy()
    column.iloc[positions] = values.array
    return column


def _pairs(kept: Table, new: Table) -> list[list[pd.DataFrame]]:
    pairs = [[kept.keys, new.keys], [kept.text, new.text], [kept.typed, new.typed]]
    # Frames without a row have no say in the type of a column.
    return [[frame for frame in pair if len(frame)] or pair[:1] for pair in pairs]


def merged_rows(dictionary: Dictionary, old: pd.DataFrame, new: pd.DataFrame, gone: Collection[str]) -> pd.DataFrame:
    """The same for the keys of the rows."""
    leaves = old["record"].isin(gone)
    if old[leaves].reset_index(drop=True).equals(new):
        return old
    laid = pd.concat([old[~leaves], new], ignore_index=True)
    return laid.take(in_order(dictionary, laid)).reset_index(drop=True)
