"""The rows of a twin while they are made: columns that change, read by the judge's own lookup and evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nightround.model.snapshot import Snapshot
from nightround.validation.batch import Batch, make_batch
from nightround.validation.evaluation import evaluate_rules
from nightround.validation.lookup import Lookup, Source
from nightround.validation.snapshot_rows import AnchorRows, SnapshotRows
from nightround.validation.suite import CompiledRule
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Column, Evaluator, Expression, Reference, references
from redcap_sync.missing_codes import MissingCodes
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import Table, typed_frame

Cells = npt.NDArray[np.object_]
"""Texts of a column, one a row, '' for a blank."""
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
"""Positions of rows in the table of an instrument."""
Numbers = npt.NDArray[np.float64]
SYNTHETIC = "synthetic"
"""The study and the snapshot that a draft says it is."""


class _ColumnsMade(Mapping[str, Any]):
    """Columns in another form, each made when it is asked for and kept until it changes."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Any]) -> None:
        self._names, self._make = tuple(names), make
        self._kept: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._kept:
            self._kept[name] = self._make(name)
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def drop(self, name: str) -> None:
        """Forget what was made of a column."""
        self._kept.pop(name, None)


class DraftTable(Table):
    """The rows of one instrument whose columns can be replaced."""

    _cells: _ColumnsMade
    _typed: _ColumnsMade
    _text: _ColumnsMade
    current: dict[str, Cells]
    records: Rows
    """The number of the record of each row."""

    def __init__(
        self, dictionary: Dictionary, instrument: str, keys: pd.DataFrame, records: Rows, columns: dict[str, Cells]
    ) -> None:
        def cells(name: str) -> pa.Array:
            return pa.array(columns[name], TEXT)

        def typed(name: str) -> Any:
            return typed_frame(dictionary, instrument, pa.table({name: self.cells[name]}))[name]

        facts = {
            "instrument": instrument,
            "keys": keys,
            "current": columns,
            "records": records,
            "_cells": _ColumnsMade(columns, cells),
            "_typed": _ColumnsMade(columns, typed),
            "_text": _ColumnsMade(columns, lambda name: pd.Series(pd.array(self.cells[name], dtype="str"))),
        }
        for name, fact in facts.items():
            object.__setattr__(self, name, fact)

    @property
    def cells(self) -> Any:
        """The columns as Arrow arrays of text."""
        return self._cells

    @property
    def typed(self) -> Any:
        """The columns as numbers, dates and texts."""
        return self._typed

    @property
    def text(self) -> Any:
        """The columns as series of text."""
        return self._text

    @property
    def column_names(self) -> list[str]:
        """The export columns of the instrument."""
        return list(self.current)

    def replace_column(self, name: str, cells: Cells) -> None:
        """Put other cells into a column."""
        self.current[name] = cells
        for made in (self._cells, self._typed, self._text):
            made.drop(name)


@dataclass(eq=False)
class Draft:
    """All tables of a twin, and the moment that `today` and `now` stand for."""

    dictionary: Dictionary
    tables: dict[str, DraftTable]
    records: npt.NDArray[np.object_]
    """The ids of the records."""
    origin: Rows
    """The number of each record in the whole twin."""
    groups: Mapping[str, str] | None
    now: datetime
    _table_of: dict[str, DraftTable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._table_of = {name: table for table in self.tables.values() for name in table.column_names}
        self._anchors: dict[tuple[str, ...], AnchorRows] = {}
        self._lookups: dict[tuple[str, ...], Lookup] = {}
        self.snapshot = Snapshot(SYNTHETIC, SYNTHETIC, self.now, "", self.dictionary, self.tables, groups=self.groups)
        self._rows = SnapshotRows(self.snapshot)
        self._codes = self.dictionary.missing_codes

    def table_of(self, column: str) -> DraftTable:
        """The table that contains a column; raises KeyError for one that no table has."""
        return self._table_of[column]

    def __getitem__(self, column: str) -> Cells:
        return self._table_of[column].current[column]

    def __setitem__(self, column: str, cells: Cells) -> None:
        self._table_of[column].replace_column(column, cells)

    def numbers(self, column: str) -> Numbers:
        """A column as numbers, NaN where it has none; dates as seconds."""
        typed = self._table_of[column].typed[column]
        if typed.dtype.kind == "M":
            seconds = typed.to_numpy(dtype="datetime64[s]").astype("int64").astype("float64")
            moments: Numbers = np.where(typed.isna(), np.nan, seconds)
            return moments
        numbers: Numbers = pd.to_numeric(typed, errors="coerce").to_numpy(dtype="float64")
        return numbers

    def anchor(self, *instruments: str) -> AnchorRows:
        """The rows of some instruments, one after the other."""
        if instruments not in self._anchors:
            self._anchors[instruments] = AnchorRows(self._rows, instruments)
        return self._anchors[instruments]

    def source(self, reference: Reference, *instruments: str) -> Source:
        """Where a reference is read from the rows of some instruments; raises NoValue where it cannot be."""
        if instruments not in self._lookups:
            self._lookups[instruments] = Lookup(self.anchor(*instruments))
        return self._lookups[instruments].source(reference)

    def batch(self, asked: Iterable[Reference], *instruments: str) -> Batch:
        """Columns for references, in the rows of some instruments."""
        return make_batch(self.anchor(*instruments), "", asked, self.now, threads=1)

    def evaluator(self, expressions: Iterable[Expression], instrument: str) -> Evaluator:
        """What works expressions out in every row of an instrument; a reference without a value is refused there."""
        asked = dict.fromkeys(one for expression in expressions for one in references(expression))
        return evaluator_of(self.batch(asked, instrument), self.now, self._codes)

    def failing(self, compiled: Mapping[str, CompiledRule]) -> dict[str, Rows]:
        """The rows that break each rule, as positions among those of its instruments; none for one without answer."""
        by_rows: dict[tuple[str, ...], dict[str, CompiledRule]] = {}
        for name, one in compiled.items():
            by_rows.setdefault(one.instruments, {})[name] = one
        found: dict[str, Rows] = {}
        for instruments, rules in by_rows.items():
            asked = dict.fromkeys(reference for one in rules.values() for reference in one.references)
            batch = self.batch(asked, *instruments)
            if len(batch.frame):
                results = evaluate_rules(batch.frame, {name: one.trees for name, one in rules.items()}, 1)
                found |= {name: result.failing for name, result in results.items()}
        return found

    def records_of(self, *instruments: str) -> Rows:
        """The number of the record of each row of some instruments."""
        return np.concatenate([self.tables[instrument].records for instrument in instruments])

    def some(self, chosen: Mask) -> Draft:
        """The rows of some records alone, copied."""
        return self.copies(np.flatnonzero(chosen), 1, None)

    def copies(self, records: Rows, count: int, columns: frozenset[str] | None) -> Draft:
        """The rows of some records so many times, one copy behind the other, with some of the columns or all.

        Records are numbered through all copies.
        """
        place = np.full(len(self.records), -1, dtype=np.intp)
        place[records] = np.arange(len(records))
        ids = self.records[records]
        every = ids if count == 1 else np.array([f"{one} {copy}" for copy in range(count) for one in ids], dtype=object)
        tables = {}
        for name, table in self.tables.items():
            own = self.rows_of(name, place)
            kept = {
                c: np.tile(cells[own], count) for c, cells in table.current.items() if columns is None or c in columns
            }
            renumbered = (place[table.records[own]][None, :] + np.arange(count)[:, None] * len(records)).ravel()
            keys = table.keys.take(np.tile(own, count)).reset_index(drop=True)
            if count > 1:
                keys["record"] = pd.array(every[renumbered], dtype="str")
            tables[name] = DraftTable(self.dictionary, name, keys, renumbered, kept)
        return Draft(self.dictionary, tables, every, np.tile(self.origin[records], count), self.groups, self.now)

    def rows_of(self, instrument: str, place: Rows) -> Rows:
        """The rows of the records that have a place."""
        return np.flatnonzero(place[self.tables[instrument].records] >= 0)

    def take_back(self, part: Draft, chosen: Mask) -> None:
        """Put the rows of some records, which `some` gave, back into their places."""
        for name, table in self.tables.items():
            own = np.flatnonzero(chosen[table.records])
            for column, cells in part.tables[name].current.items():
                if len(own) and not np.array_equal(table.current[column][own], cells):
                    changed = table.current[column].copy()
                    changed[own] = cells
                    table.replace_column(column, changed)

    def put_back(self, before: Mapping[str, Mapping[str, Cells]], records: Mask) -> None:
        """Give some records the values back that they had, by table and column."""
        for name, columns in before.items():
            table = self.tables[name]
            own = np.flatnonzero(records[table.records])
            for column, cells in columns.items() if len(own) else ():
                changed = table.current[column].copy()
                changed[own] = cells[own]
                table.replace_column(column, changed)


def evaluator_of(batch: Batch, now: datetime, codes: MissingCodes) -> Evaluator:
    """What works expressions out on a batch; a column that it could not bring is refused by the expression."""
    kinds = batch.frame.attrs["nightround"].date_kinds
    frame = batch.frame.copy(deep=False)
    frame.attrs = {}

    def column(name: str) -> Column:
        return Column(frame[name], kind=kinds.get(name, ""))

    return Evaluator(column, length=len(frame), now=now, missing_codes=codes)
