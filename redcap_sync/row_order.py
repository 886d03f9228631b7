"""The order of rows, and replacing some records' rows by newer ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.dictionary import Dictionary
from redcap_sync.tables import Table


def in_order(dictionary: Dictionary, keys: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Positions that sort rows by record, event, repeating instrument and instance: equal data, equal bytes."""
    events = {event: rank for rank, event in enumerate(dictionary.event_names)}
    instruments = {one.name: rank for rank, one in enumerate(dictionary.instruments, start=1)}
    repeating = keys["instrument"].map(instruments).fillna(0).to_numpy(dtype=np.int64)
    ranks = keys["event"].map(events).fillna(-1).to_numpy(dtype=np.int64)
    return np.lexsort((keys["instance"].to_numpy(), repeating, ranks, _record_ranks(keys["record"])))


def _record_ranks(records: pd.Series[str]) -> npt.NDArray[np.int64]:
    codes, names = pd.factorize(records)
    order = sorted(range(len(names)), key=lambda code: natural_key(str(names[code])))
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[order] = np.arange(len(names))
    return ranks[codes]


def natural_key(record: str) -> tuple[int, int, str]:
    """Sort record ids as REDCap does: whole numbers by their value, then the rest as text."""
    return (0, int(record), record) if record.isdecimal() else (1, 0, record)


def without(table: Table, gone: npt.NDArray[np.bool_]) -> Table:
    """A table without some of its rows."""
    kept = np.flatnonzero(~gone)
    return taken(table, kept) if len(kept) < len(gone) else table


def taken(table: Table, positions: npt.NDArray[np.intp]) -> Table:
    """A table's rows at some positions, in their order."""
    parts = (table.keys, table.text, table.typed)
    return Table(table.instrument, *(part.take(positions).reset_index(drop=True) for part in parts))


def merged_tables(
    dictionary: Dictionary, old: Mapping[str, Table], new: Mapping[str, Table], gone: Collection[str]
) -> dict[str, Table]:
    """The tables with the rows of `gone` records left out and the new rows put in their place."""
    return {name: _merged_table(dictionary, old[name], table, gone) for name, table in new.items()}


def _merged_table(dictionary: Dictionary, old: Table, new: Table, gone: Collection[str]) -> Table:
    kept = without(old, old.keys["record"].isin(gone).to_numpy())
    if not len(new):
        return kept
    laid = Table(old.instrument, *(pd.concat(pair, ignore_index=True) for pair in _pairs(kept, new)))
    return taken(laid, in_order(dictionary, laid.keys))


def _pairs(kept: Table, new: Table) -> list[list[pd.DataFrame]]:
    pairs = [[kept.keys, new.keys], [kept.text, new.text], [kept.typed, new.typed]]
    # Frames without a row have no say in the type of a column.
    return [[frame for frame in pair if len(frame)] or pair[:1] for pair in pairs]


def merged_rows(dictionary: Dictionary, old: pd.DataFrame, new: pd.DataFrame, gone: Collection[str]) -> pd.DataFrame:
    """The same for the keys of the rows."""
    laid = pd.concat([old[~old["record"].isin(gone)], new], ignore_index=True)
    return laid.take(in_order(dictionary, laid)).reset_index(drop=True)
