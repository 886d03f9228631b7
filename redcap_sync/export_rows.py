"""The rows of a flat export as columns of exact text.

Ten thousand records of three hundred fields are three million cells: held as one dictionary a row
they take gigabytes and seconds, held as columns a few times their bytes. What a server sent as CSV
or as JSON comes to the same columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from redcap_sync.answers import unreadable_body

EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
TEXT = pa.large_string()
DOUBTFUL = {b"\\": (b'\\"',), b"'": (b"'=", b"'+", b"'-", b"'@")}
"""Bytes that servers write into CSV in more than one way: a quote behind a backslash, a guard before a formula.

By their first byte, which most bodies do not hold at all."""


Place = tuple[str, str, int]
"""Which row of a record: event, repeating instrument ('' unless one repeats alone), instance (0 without repeats)."""
Places = tuple[Place, ...]
"""The rows of one record, sorted; one object for all records that have the same rows, as most have."""
ONE_PLACE: Places = (("", "", 0),)


@dataclass(frozen=True, eq=False)
class ExportRows:
    """Rows of a flat export: one text column per export column, the record id and the `redcap_*` keys among them."""

    id_field: str
    columns: pa.Table

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in the server's order."""
        return tuple(self.columns.column_names)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column; blank throughout where the export has none of this name."""
        position = self.columns.schema.get_field_index(name)
        if position >= 0:
            return self.columns.column(position)
        return pa.chunked_array([pa.repeat(pa.scalar("", TEXT), len(self))])

    def laid_out(self, names: Sequence[str]) -> pa.Table:
        """The columns of these names in this order; blank where the export has none."""
        if self.names == tuple(names):
            return self.columns
        return pa.table([self.column(name) for name in names], names=list(names))

    def by_name(self) -> dict[str, pa.ChunkedArray]:
        """The columns by their names."""
        return dict(zip(self.names, self.columns.columns, strict=True))

    def held_bytes(self) -> int:
        """How much memory the columns take."""
        return int(self.columns.nbytes)

    def records(self) -> list[str]:
        """The record id of every row."""
        found: list[str] = self.column(self.id_field).to_pylist()
        return found

    def instances(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The instance of every row, 0 where nothing repeats."""
        if REPEAT_INSTANCE not in self.names:
            return np.zeros(len(self), dtype=np.int64)
        text = self.column(REPEAT_INSTANCE)
        if text.null_count == 0 and pc.all(pc.equal(text, "")).as_py() is not False:
            return np.zeros(len(self), dtype=np.int64)
        return np.array([int(value or 0) for value in text.to_pylist()], dtype=np.int64)

    def places(self) -> dict[str, Places]:
        """Which rows each record has."""
        records = self.records()
        if not {EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE} & set(self.names):
            found = dict.fromkeys(records, ONE_PLACE)
            if len(found) == len(records):
                return found
        columns = (self.column(EVENT).to_pylist(), self.column(REPEAT_INSTRUMENT).to_pylist())
        return grouped(records, zip(*columns, self.instances().tolist(), strict=True))

    def only(self, records: Collection[str], *, unwanted: bool = False) -> ExportRows:
        """The rows of some records, or with `unwanted` those of all others."""
        chosen = pc.is_in(self.column(self.id_field), value_set=pa.array(sorted(records), TEXT))
        return ExportRows(self.id_field, self.columns.filter(pc.invert(chosen) if unwanted else chosen))

    def take(self, positions: np.ndarray[Any, Any]) -> ExportRows:
        """The rows at some positions, in their order; the same object where they already stand so."""
        if np.array_equal(positions, np.arange(len(self))):
            return self
        return ExportRows(self.id_field, self.columns.take(pa.array(positions)))


def grouped(records: Iterable[str], places: Iterable[Place]) -> dict[str, Places]:
    """The places of each record, from one of each a row."""
    found: dict[str, list[Place]] = {}
    for record, place in zip(records, places, strict=True):
        found.setdefault(record, []).append(place)
    known: dict[Places, Places] = {}
    several = ((record, tuple(sorted(one))) for record, one in found.items())
    return {record: known.setdefault(one, one) for record, one in several}


def no_rows(id_field: str) -> ExportRows:
    """An export of nothing."""
    return ExportRows(id_field, pa.table({id_field: pa.array([], TEXT)}))


def together(id_field: str, parts: Sequence[ExportRows]) -> ExportRows:
    """Lay exports under each other in the columns of the first, without copying a cell."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return no_rows(id_field)
    names = filled[0].names
    return ExportRows(id_field, pa.concat_tables([part.laid_out(names) for part in filled]))


def rows_from_json(id_field: str, rows: Iterable[Mapping[str, Any]]) -> ExportRows:
    """Lay rows as JSON has them into columns; a key that a row lacks is blank there."""
    found = list(rows)
    names = list(dict.fromkeys(name for row in found for name in row)) if _uneven(found) else list(found[0])
    texts = {name: [_text(row.get(name)) for row in found] for name in names}
    return ExportRows(id_field, pa.table({name: pa.array(cells, TEXT) for name, cells in texts.items()}))


def _uneven(rows: Sequence[Mapping[str, Any]]) -> bool:
    return not rows or any(row.keys() != rows[0].keys() for row in rows)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def is_doubtful(body: bytes) -> bool:
    """Say whether a CSV body holds what only JSON says without doubt."""
    return any(mark in body for first, marks in DOUBTFUL.items() if first in body for mark in marks)


def rows_from_csv(id_field: str, body: bytes) -> ExportRows:
    """Read a CSV export; raises BrokenAnswer where the body is no whole table.

    The first line says the delimiter: some servers send that of their locale.
    """
    if not body.strip():
        return no_rows(id_field)
    names, delimiter = _header(id_field, body)
    if not body.endswith(b"\n") or body.count(b'"') % 2 or id_field not in names:
        raise unreadable_body()
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(body),
            # One block, because a note with line breaks may cross the edge of any smaller one.
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=len(body) + 1, column_names=list(names), skip_rows=1
            ),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=_as_text(names),
        )
    except pa.ArrowInvalid:
        raise unreadable_body() from None
    return ExportRows(id_field, table)


def _header(id_field: str, body: bytes) -> tuple[tuple[str, ...], str]:
    """The names of the columns, and the delimiter between them."""
    header = body[: body.find(b"\n")].removeprefix(b"\xef\xbb\xbf").decode().rstrip("\r").replace('"', "")
    delimiter = next((mark for mark in ",;\t|^" if header.startswith(id_field + mark)), ",")
    return tuple(header.split(delimiter)), delimiter


@lru_cache(maxsize=16)
def _as_text(names: tuple[str, ...]) -> Any:
    """Options that read columns as text; kept, because making them takes as long as reading a small batch."""
    return pa.csv.ConvertOptions(column_types=dict.fromkeys(names, TEXT), strings_can_be_null=False)
