"""Instrument tables: one row per record, event and instance, one column per export column.

A table holds every value twice: `text` exactly as REDCap exported it, and `typed` as a number, a
date or text. A text that cannot be read as its field's type is missing in `typed` and stays in
`text`, so a rule can still find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redcap_sync.dictionary import COMMA_NUMBER_VALIDATIONS, DATE_FORMATS, Dictionary, Field
from redcap_sync.export_rows import EVENT, REPEAT_INSTRUMENT, TEXT, ExportRows, rows_from_json

TYPING_THREADS = 2
KEY_COLUMNS = ("record", "event", "instrument", "instance")


class RowKey(NamedTuple):
    """The only way to name a row. `event` is '' in a classic project; `instance` is 0 where nothing repeats."""

    record: str
    event: str
    instrument: str
    instance: int


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one instrument.

    `keys` has the columns record, event, instrument, instance; `text` and `typed` have one column
    per export column of the instrument. All three share one RangeIndex.
    """

    instrument: str
    keys: pd.DataFrame
    text: pd.DataFrame
    typed: pd.DataFrame

    def __len__(self) -> int:
        return len(self.keys)

    def row_key(self, position: int) -> RowKey:
        """The key of the row at a position."""
        record, event, instrument, instance = self.keys.iloc[position]
        return RowKey(str(record), str(event), str(instrument), int(instance))


@dataclass(frozen=True)
class Unseen:
    """Columns of an instrument that the token's user may not export, so that their blanks say nothing."""

    instrument: str
    columns: tuple[str, ...]
    reason: str


def tables_from_records(dictionary: Dictionary, records: Iterable[Mapping[str, Any]]) -> dict[str, Table]:
    """Sort the rows of a flat export, as JSON has them, into one table per instrument."""
    return tables_from_rows(dictionary, rows_from_json(dictionary.record_id_field, records))


def tables_from_rows(dictionary: Dictionary, rows: ExportRows) -> dict[str, Table]:
    """Sort the rows of a flat export into one table per instrument, in instrument order.

    A row of a repeating instrument goes to that instrument alone; any other row goes to every
    instrument designated to its event that does not repeat there. An instrument that was never
    opened still has its row, with blank cells.
    """
    texts = texts_from_rows(dictionary, rows)
    with ThreadPoolExecutor(TYPING_THREADS) as threads:  # most of the work is pyarrow's, which does not hold the lock
        typed = threads.map(lambda name: typed_frame(dictionary, name, texts[name].text), texts)
        return {name: Table(name, *texts[name], frame) for name, frame in zip(texts, typed, strict=True)}


class Texts(NamedTuple):
    """The rows of one instrument before they are typed."""

    keys: pd.DataFrame
    text: pd.DataFrame


def texts_from_rows(dictionary: Dictionary, rows: ExportRows) -> dict[str, Texts]:
    """The same without types."""
    keys = flat_keys(rows)
    kinds = pd.MultiIndex.from_frame(keys[["event", "instrument"]])
    codes, kinds_there = kinds.factorize()
    return {
        one.name: _texts(dictionary, one.name, rows, keys, np.isin(codes, _kinds_of(dictionary, one.name, kinds_there)))
        for one in dictionary.instruments
    }


def flat_keys(rows: ExportRows) -> pd.DataFrame:
    """The keys of flat rows as a frame: record, event, repeating instrument ('' for a base row), instance."""
    names = (rows.id_field, EVENT, REPEAT_INSTRUMENT)
    texts = {key: _text_series(rows, name) for key, name in zip(KEY_COLUMNS, names, strict=False)}
    return pd.DataFrame({**texts, "instance": rows.instances()}, columns=list(KEY_COLUMNS))


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


def _texts(
    dictionary: Dictionary, instrument: str, rows: ExportRows, keys: pd.DataFrame, own: npt.NDArray[np.bool_]
) -> Texts:
    positions = np.flatnonzero(own)
    text = _text_frame(rows.chosen(dictionary.columns_of(instrument), positions))
    own_keys = keys.take(positions).reset_index(drop=True)
    own_keys["instrument"] = pd.Series([instrument], dtype="str").repeat(len(positions)).reset_index(drop=True)
    return Texts(own_keys, text)


def _text_frame(columns: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = columns.to_pandas()
    return frame.astype("str") if len(frame.columns) and not len(frame) else frame


def _text_series(rows: ExportRows, name: str) -> pd.Series[str]:
    series: pd.Series[str] = rows.column(name).to_pandas()
    return series.astype("str")


def typed_frame(dictionary: Dictionary, instrument: str, text: pd.DataFrame) -> pd.DataFrame:
    """Type every column of an instrument: float64, datetime64[ns] or str; blank and unreadable are missing."""
    own = dictionary.fields_of(instrument)
    fields = {column: field for field in own for column in dictionary.columns_of_field(field)}
    typed = {column: _typed(fields.get(column), text[column]) for column in text.columns}
    return pd.DataFrame(typed, columns=list(text.columns), index=text.index)


def _typed(field: Field | None, text: pd.Series[str]) -> pd.Series[Any]:
    if field is None or field.type == "checkbox":  # a completion status or a ticked option
        return numbers(text)
    if field.kind == "number":
        decimal_comma = field.validation in COMMA_NUMBER_VALIDATIONS
        return numbers(text.str.replace(",", ".", regex=False) if decimal_comma else text)
    if field.kind in ("date", "datetime"):
        return dates(text, field.validation)
    return pd.Series(pd.array(_filled(text), dtype="str"), index=text.index)


def numbers(text: pd.Series[str]) -> pd.Series[float]:
    """Read a column of text as float64; what is no finite number becomes NaN."""
    try:
        found = _series(_filled(text).cast(pa.float64()), text)
    except pa.ArrowInvalid:  # a cell that is no plain number: the slow way, cell by cell
        found = pd.to_numeric(text, errors="coerce").astype("float64")
    return found.where(np.isfinite(found))


def dates(text: pd.Series[str], validation: str) -> pd.Series[Any]:
    """Read a column in REDCap's stored form (Y-M-D, a space before the time) as datetime64[ns]."""
    pattern = DATE_FORMATS[validation.rsplit("_", 1)[0]]
    filled = _filled(text)
    try:
        # [ns], because Great Expectations and our masks are a hundred times slower on pandas' default [us].
        if pc.all(pc.equal(pc.utf8_length(filled), STORED_LENGTHS[pattern])).as_py() is not False:
            return _series(filled.cast(pa.timestamp("ns")), text)
    except pa.ArrowInvalid:
        pass
    return pd.to_datetime(text, format=pattern, errors="coerce").astype("datetime64[ns]")


STORED_LENGTHS = {"%Y-%m-%d": 10, "%Y-%m-%d %H:%M": 16, "%Y-%m-%d %H:%M:%S": 19}


def _filled(text: pd.Series[str]) -> pa.Array:
    """The cells of a column, null where blank."""
    cells = pa.array(text, TEXT)
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, TEXT), cells)


def _series(found: pa.Array, text: pd.Series[str]) -> pd.Series[Any]:
    return pd.Series(found.to_numpy(zero_copy_only=False), index=text.index)
