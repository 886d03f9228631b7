"""Instrument tables: one row per record, event and instance, one column per export column.

A table contains every value twice: `cells` exactly as REDCap exported it, which `text` shows as a frame, and
`typed` as a number, a date or text. A text that cannot be read as its field's type is missing in `typed` and
stays in `cells`, so a rule can still find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redcap_sync.dictionary import DATE_FORMATS, Dictionary, Field
from redcap_sync.messages import Message
from redcap_sync.rows.arrow_work import in_parallel
from redcap_sync.rows.export_rows import EVENT, REPEAT_INSTRUMENT, TEXT, ExportRows, rows_from_json

Columns = dict[str, pa.ChunkedArray]
"""Columns of an export by name."""
Positions = npt.NDArray[np.intp] | None
KEY_COLUMNS = ("record", "event", "instrument", "instance")


class RowKey(NamedTuple):
    """The only way to name a row. `event` is '' in a classic project; `instance` is 0 where nothing repeats."""

    record: str
    event: str
    instrument: str
    instance: int


class CellKey(NamedTuple):
    """A cell of an instrument's row, by its export column."""

    record: str
    event: str
    instrument: str
    instance: int
    column: str

    @property
    def row(self) -> RowKey:
        """The row that it is in."""
        return RowKey(*self[:-1])


Gone = RowKey | CellKey
"""What a pull misses: a row, or the answer in a cell."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one instrument.

    `keys` has the columns record, event, instrument, instance; `cells` and `typed` have one column
    per export column of the instrument. The frames share one RangeIndex.
    """

    instrument: str
    keys: pd.DataFrame
    cells: pa.Table
    typed: pd.DataFrame

    @cached_property
    def text(self) -> pd.DataFrame:
        """The cells as a frame of text, on the same memory."""
        return frame_of(self.cells)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def column_names(self) -> Sequence[str]:
        """The export columns of the instrument."""
        return list(self.cells.column_names)

    def read(self) -> Table:
        """The table with its cells in memory."""
        return self

    def row_key(self, position: int) -> RowKey:
        """The key of the row at a position."""
        record, event, instrument, instance = self.keys.iloc[position]
        return RowKey(str(record), str(event), str(instrument), int(instance))


class UnreadTable(Table):
    """The same with cells that are read when they are first asked for, and then kept."""

    _names: Sequence[str]
    _read: Callable[[], Table]

    def __init__(
        self, instrument: str, keys: pd.DataFrame, column_names: Sequence[str], read: Callable[[], Table]
    ) -> None:
        facts = {"instrument": instrument, "keys": keys, "_names": column_names, "_read": read}
        for name, fact in facts.items():
            object.__setattr__(self, name, fact)

    @cached_property
    def _kept(self) -> Table:
        return self._read()

    @property
    def cells(self) -> pa.Table:
        """The cells exactly as REDCap exported them."""
        return self._kept.cells

    @property
    def typed(self) -> pd.DataFrame:
        """The cells as numbers, dates and texts."""
        return self._kept.typed

    @property
    def column_names(self) -> Sequence[str]:
        """The export columns of the instrument, for which no cell is read."""
        return self._names

    def read(self) -> Table:
        """The table with its cells in memory; where none was asked for before, they go with it."""
        return self._kept if "_kept" in vars(self) else self._read()


@dataclass(frozen=True)
class Unseen:
    """Columns of an instrument that the token's user may not export, so that their blanks say nothing."""

    instrument: str
    columns: tuple[str, ...]
    reason: Message


Contents = tuple[pd.DataFrame, dict[str, Table]]
"""The keys of all rows of a flat export, and the tables by instrument."""


def tables_from_records(dictionary: Dictionary, records: Iterable[Mapping[str, Any]]) -> dict[str, Table]:
    """Sort the rows of a flat export, as JSON has them, into one table per instrument."""
    return tables_from_rows(dictionary, rows_from_json(dictionary.record_id_field, records))


def tables_from_rows(dictionary: Dictionary, rows: ExportRows) -> dict[str, Table]:
    """Sort the rows of a flat export into one table per instrument, in instrument order.

    A row of a repeating instrument goes to that instrument alone; any other row goes to every
    instrument designated to its event that does not repeat there. An instrument that was never
    opened still has its row, with blank cells.
    """
    return typed_tables(dictionary, flat_keys(rows), rows.by_name())


def typed_tables(dictionary: Dictionary, keys: pd.DataFrame, columns: Columns) -> dict[str, Table]:
    """The same from the keys of the rows and their columns.

    `columns` is emptied on the way: what was moved into a table is nowhere else.
    """

    def table(place: tuple[str, Positions]) -> Table:
        cells = cells_of(dictionary, place[0], columns, place[1], len(keys))
        return Table(place[0], own_keys(keys, *place), cells, typed_frame(dictionary, place[0], cells))

    return {one.instrument: one for one in in_parallel(table, positions_by_instrument(dictionary, keys))}


def flat_keys(rows: ExportRows) -> pd.DataFrame:
    """The keys of flat rows as a frame: record, event, repeating instrument ('' for a base row), instance."""
    names = (rows.id_field, EVENT, REPEAT_INSTRUMENT)
    texts = {key: _text_series(rows.column(name)) for key, name in zip(KEY_COLUMNS, names, strict=False)}
    return pd.DataFrame({**texts, "instance": rows.instances()}, columns=list(KEY_COLUMNS))


def positions_by_instrument(dictionary: Dictionary, keys: pd.DataFrame) -> Iterator[tuple[str, Positions]]:
    """The rising positions of each instrument's rows among flat rows, None for all of them."""
    codes, kinds = _kinds_of_rows(keys)
    for one in dictionary.instruments:
        own = np.isin(codes, _kinds_of(dictionary, one.name, kinds))
        yield one.name, None if own.all() else np.flatnonzero(own)


def _kinds_of_rows(keys: pd.DataFrame) -> tuple[npt.NDArray[np.intp], list[tuple[str, str]]]:
    """The kind of every row, and the kinds: by event and repeating instrument."""
    events, event_names = pd.factorize(keys["event"])
    repeated, repeated_names = pd.factorize(keys["instrument"])
    codes, pairs = pd.factorize(events * max(1, len(repeated_names)) + repeated)
    names = (divmod(int(pair), max(1, len(repeated_names))) for pair in pairs)
    return codes, [(str(event_names[event]), str(repeated_names[one])) for event, one in names]


def _kinds_of(dictionary: Dictionary, instrument: str, kinds: Iterable[tuple[str, str]]) -> list[int]:
    """Which kinds of flat row, by event and repeating instrument, belong to an instrument."""
    return [
        code
        for code, (event, repeated) in enumerate(kinds)
        if repeated == instrument
        or (
            not repeated
            and instrument in dictionary.instruments_at(event)
            and not dictionary.repeats(event, instrument)
        )
    ]


def own_keys(keys: pd.DataFrame, instrument: str, own: Positions) -> pd.DataFrame:
    """The keys of an instrument's rows, which name the instrument whether it repeats or not."""
    mine = keys.copy(deep=False) if own is None else keys.take(own).reset_index(drop=True)
    mine["instrument"] = _text_series(pa.repeat(pa.scalar(instrument, TEXT), len(mine)))
    return mine


def cells_of(dictionary: Dictionary, instrument: str, columns: Columns, own: Positions, count: int) -> pa.Table:
    """Take an instrument's columns out of those of an export, each in one piece; blank where the export has none."""
    cells = {}
    for name in dictionary.columns_of(instrument):
        column = columns.pop(name, None)
        if column is None:
            cells[name] = pa.repeat(pa.scalar("", TEXT), count if own is None else len(own))
        else:
            cells[name] = in_one_piece(column if own is None else column.take(pa.array(own)))
    return pa.table(cells)


def in_one_piece(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array; a single chunk as it is, which `combine_chunks` would copy."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def frame_of(columns: pa.Table) -> pd.DataFrame:
    """Columns as a frame with a RangeIndex; as many as can be stay on the memory where they are, to be read only."""
    frame: pd.DataFrame = columns.to_pandas(split_blocks=True)
    if len(frame):
        return frame
    return frame.astype({one.name: "str" for one in columns.schema if one.type == TEXT})


def _text_series(column: pa.Array | pa.ChunkedArray) -> pd.Series[str]:
    return pd.Series(pd.array(in_one_piece(column), dtype="str"))


def typed_frame(dictionary: Dictionary, instrument: str, cells: pa.Table) -> pd.DataFrame:
    """Type columns of an instrument: float64, datetime64[ns] or str; blank and unreadable are missing."""
    own = dictionary.fields_of(instrument)
    fields = {column: field for field in own for column in dictionary.columns_of_field(field)}
    columns = zip(cells.column_names, cells.columns, strict=True)
    return frame_of(pa.table({name: _typed(fields.get(name), in_one_piece(column)) for name, column in columns}))


def _typed(field: Field | None, cells: pa.Array) -> pa.Array:
    if field is None or field.type == "checkbox":  # a completion status or a ticked option
        return _numbers(cells)
    if field.kind == "number":
        return _numbers(pc.replace_substring(cells, ",", ".") if field.decimal_comma else cells)
    if field.kind in ("date", "datetime"):
        return _dates(cells, DATE_FORMATS[field.validation.rsplit("_", 1)[0]])
    return _filled(cells)


def numbers(text: pd.Series[str]) -> pd.Series[float]:
    """Read a column of text as float64; what is no finite number becomes NaN."""
    return pd.Series(_numbers(cells_of_series(text)).to_numpy(zero_copy_only=False), index=text.index)


def _numbers(cells: pa.Array) -> pa.Array:
    try:
        found = _filled(cells).cast(pa.float64())
    except pa.ArrowInvalid:  # a cell that is no plain number: the slow way, cell by cell
        slowly = pd.to_numeric(_text_series(cells), errors="coerce").astype("float64")
        found = pa.array(slowly, pa.float64(), from_pandas=True)
    if pc.any(pc.is_inf(found)).as_py():
        return pc.if_else(pc.is_finite(found), found, pa.scalar(None, pa.float64()))
    return found


STORED_LENGTHS = {"%Y-%m-%d": 10, "%Y-%m-%d %H:%M": 16, "%Y-%m-%d %H:%M:%S": 19}


def _dates(cells: pa.Array, pattern: str) -> pa.Array:
    """Read a column in REDCap's stored form (Y-M-D, a space before the time)."""
    filled = _filled(cells)
    # [ns], because Great Expectations and our masks are a hundred times slower on pandas' default [us].
    stored = pa.timestamp("ns")
    try:
        if pc.all(pc.equal(pc.binary_length(filled), STORED_LENGTHS[pattern])).as_py() is not False:
            return filled.cast(stored)
    except pa.ArrowInvalid:
        pass
    slowly = pd.to_datetime(_text_series(cells), format=pattern, errors="coerce")
    reached = slowly.between(pd.Timestamp.min, pd.Timestamp.max)  # a mistyped year, 0216 say, is a date for REDCap
    return pa.array(slowly.where(reached).astype("datetime64[ns]"), stored, from_pandas=True)


def cells_of_series(text: pd.Series[str]) -> pa.Array:
    """The cells of a column of text."""
    return in_one_piece(pa.array(text, TEXT))


def _filled(cells: pa.Array) -> pa.Array:
    """The cells of a column, null where blank; the text itself is shared and not copied."""
    if cells.offset or cells.null_count:
        return pc.if_else(pc.equal(cells, ""), pa.scalar(None, TEXT), cells)
    return pa.Array.from_buffers(TEXT, len(cells), [pc.not_equal(cells, "").buffers()[1], *cells.buffers()[1:]])
