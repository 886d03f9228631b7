"""Instrument tables: one row per record, event and instance, one column per export column.

A table holds every value twice: `text` exactly as REDCap exported it, and `typed` as a number, a
date or text. A text that cannot be read as its field's type is missing in `typed` and stays in
`text`, so a rule can still find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from redcap_sync.dictionary import COMMA_NUMBER_VALIDATIONS, DATE_FORMATS, Dictionary, Field

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
class BaseRow:
    """A (record, event, event instance) that holds at least one stored value: the unit rule A counts in."""

    record: str
    event: str
    instance: int


def tables_from_records(dictionary: Dictionary, records: Iterable[Mapping[str, Any]]) -> dict[str, Table]:
    """Sort the rows of a flat export into one table per instrument, in instrument order.

    A row of a repeating instrument goes to that instrument alone; any other row goes to every
    instrument designated to its event that does not repeat there. An instrument that was never
    opened still has its row, with blank cells.
    """
    rows: dict[str, list[tuple[RowKey, Mapping[str, Any]]]] = {i.name: [] for i in dictionary.instruments}
    for row in records:
        for key in _keys_of_row(dictionary, row):
            rows[key.instrument].append((key, row))
    return {name: _table(dictionary, name, found) for name, found in rows.items()}


def _keys_of_row(dictionary: Dictionary, row: Mapping[str, Any]) -> list[RowKey]:
    record = str(row[dictionary.record_id_field])
    event = str(row.get("redcap_event_name") or "")
    repeated = str(row.get("redcap_repeat_instrument") or "")
    instance = int(row.get("redcap_repeat_instance") or 0)
    if repeated:
        return [RowKey(record, event, repeated, instance)]
    return [
        RowKey(record, event, instrument, instance)
        for instrument in dictionary.instruments_at(event)
        if not dictionary.repeats(event, instrument)
    ]


def _table(dictionary: Dictionary, instrument: str, rows: list[tuple[RowKey, Mapping[str, Any]]]) -> Table:
    columns = dictionary.columns_of(instrument)
    keys = pd.DataFrame.from_records([key for key, _ in rows], columns=list(KEY_COLUMNS))
    keys = keys.astype({"record": "str", "event": "str", "instrument": "str", "instance": "int64"})
    cells = {column: [str(row.get(column, "") or "") for _, row in rows] for column in columns}
    text = pd.DataFrame(cells, columns=list(columns), index=keys.index, dtype="str")
    return Table(instrument, keys, text, typed_frame(dictionary, instrument, text))


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
    return text.where(text != "", None)


def numbers(text: pd.Series[str]) -> pd.Series[float]:
    """Read a column of text as float64; what is no finite number becomes NaN."""
    found = pd.to_numeric(text, errors="coerce").astype("float64")
    return found.where(np.isfinite(found))


def dates(text: pd.Series[str], validation: str) -> pd.Series[Any]:
    """Read a column in REDCap's stored form (Y-M-D, a space before the time) as datetime64[ns]."""
    kind = validation.rsplit("_", 1)[0]
    # [ns], because Great Expectations and our masks are a hundred times slower on pandas' default [us].
    return pd.to_datetime(text, format=DATE_FORMATS[kind], errors="coerce").astype("datetime64[ns]")
