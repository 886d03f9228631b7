"""The rows of a flat export as columns of exact text.

Ten thousand records of three hundred fields are three million cells: held as one dictionary a row
they take gigabytes and seconds, held as columns a few times their bytes. What a server sent as CSV
or as JSON comes to the same columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from redcap_sync.api.answers import UnreadableAnswer, unreadable_body
from redcap_sync.rows.arrow_work import in_parallel
from redcap_sync.whole_numbers import whole_number

EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
GROUP = "redcap_data_access_group"
TEXT = pa.large_string()
JOINED_BYTES = 2_000_000
"""Small CSV bodies are read together up to this size: setting up 300 columns takes as long as reading 100 rows."""
DOUBTFUL = {b"\\": (b'\\"',), b"'": (b"'=", b"'+", b"'-", b"'@")}
"""Bytes that servers write into CSV in more than one way: a quote behind a backslash, a guard before a formula.

By their first byte, which most bodies do not hold at all."""


Place = tuple[str, str, int]
"""Which row of a record: event, repeating instrument ('' unless one repeats alone), instance (0 without repeats)."""
Places = tuple[Place, ...]
"""The rows of one record, sorted; one object for all records that have the same rows, as most have."""
ONE_PLACE: Places = (("", "", 0),)


class Unread(NamedTuple):
    """A CSV body that was found whole and is read when its cells are asked for.

    `header` is the length of its first line; `names` and `delimiter` are what that line says.
    """

    body: pa.Buffer
    header: int
    names: tuple[str, ...]
    delimiter: str


@dataclass(frozen=True, eq=False)
class ExportRows:
    """Rows of a flat export: one text column per export column, the record id and the `redcap_*` keys among them.

    `keys` are all columns, or with `unread` those alone that tell the rows apart.
    """

    id_field: str
    keys: pa.Table
    unread: Unread | None = None

    def __len__(self) -> int:
        return int(self.keys.num_rows)

    @cached_property
    def columns(self) -> pa.Table:
        """All columns."""
        return self.keys if self.unread is None else _read(self.unread, self.unread.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in the server's order."""
        return tuple(self.keys.column_names) if self.unread is None else self.unread.names

    def column(self, name: str) -> pa.ChunkedArray:
        """One column; blank throughout where the export has none of this name."""
        if name not in self.names:
            return pa.chunked_array([pa.repeat(pa.scalar("", TEXT), len(self))])
        return (self.keys if name in self.keys.column_names else self.columns).column(name)

    def in_columns(self, names: Sequence[str]) -> pa.Table:
        """The columns of these names in this order; blank where the export has none."""
        if self.names == tuple(names):
            return self.columns
        return pa.table([self.column(name) for name in names], names=list(names))

    def by_name(self) -> dict[str, pa.ChunkedArray]:
        """The columns by their names."""
        return dict(zip(self.names, self.columns.columns, strict=True))

    def size_in_memory(self) -> int:
        """How much memory the cells take; unread, how long the body is."""
        return int(self.keys.nbytes) if self.unread is None else self.unread.body.size

    def records(self) -> list[str]:
        """The record id of every row."""
        found: list[str] = self.column(self.id_field).to_pylist()
        return found

    @cached_property
    def groups(self) -> dict[str, str] | None:
        """The data access group of each record that is in one; None where the export has no column of them."""
        if GROUP not in self.names:
            return None
        groups = self.column(GROUP).to_pylist()
        return {record: group for record, group in zip(self.records(), groups, strict=True) if group}

    def instances(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The instance of every row, 0 where nothing repeats."""
        if REPEAT_INSTANCE not in self.names:
            return np.zeros(len(self), dtype=np.int64)
        text = self.column(REPEAT_INSTANCE)
        if text.null_count == 0 and pc.all(pc.equal(text, "")).as_py() is not False:
            return np.zeros(len(self), dtype=np.int64)
        found = [whole_number(value or "0") for value in text.to_pylist()]
        if None in found:
            raise UnreadableAnswer("api.no_number", key=REPEAT_INSTANCE)
        return np.array(found, dtype=np.int64)

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
    """Stack exports in the columns of the first; unread bodies are read several at once."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return no_rows(id_field)
    names = filled[0].names
    parts = in_parallel(lambda group: _joined(group).in_columns(names), list(_groups(filled)))
    return ExportRows(id_field, pa.concat_tables(parts))


def _groups(parts: Iterable[ExportRows]) -> Iterator[list[ExportRows]]:
    """Parts that can be read as one body: unread, with one header, and not large together."""
    group: list[ExportRows] = []
    for part in parts:
        if group and not (_alike(group[0], part) and sum(one.size_in_memory() for one in group) < JOINED_BYTES):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _alike(one: ExportRows, other: ExportRows) -> bool:
    return one.unread is not None and other.unread is not None and one.unread[2:] == other.unread[2:]


def _joined(group: Sequence[ExportRows]) -> ExportRows:
    """A group as one export."""
    first = group[0]
    if first.unread is None or len(group) == 1:
        return first
    later = [part.unread for part in group[1:] if part.unread is not None]
    body = _buffer([memoryview(first.unread.body), *(memoryview(one.body)[one.header :] for one in later)])
    return ExportRows(first.id_field, _read(first.unread._replace(body=body), first.unread.names))


def _buffer(parts: Sequence[memoryview]) -> pa.Buffer:
    """Bytes one after another in pyarrow's memory, which gives back what Python's would keep for itself."""
    made = pa.allocate_buffer(sum(len(part) for part in parts))
    room, at = memoryview(made).cast("B"), 0
    for part in parts:
        room[at : at + len(part)] = part.cast("B")
        at += len(part)
    return made


def rows_from_json(id_field: str, rows: Iterable[Mapping[str, Any]]) -> ExportRows:
    """Lay rows as JSON has them into columns; a key that a row lacks is blank there."""
    found = list(rows)
    names = list(dict.fromkeys(name for row in found for name in row)) if _uneven(found) else list(found[0])
    texts = {name: [_text(row.get(name)) for row in found] for name in names}
    return ExportRows(id_field, pa.table({name: pa.array(cells, TEXT) for name, cells in texts.items()}))


def _uneven(rows: Sequence[Mapping[str, Any]]) -> bool:
    return not rows or any(row.keys() != rows[0].keys() for row in rows)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, int | float):
        return "" if value is None else str(value)
    raise UnreadableAnswer("api.no_cell")


def is_doubtful(body: bytes) -> bool:
    """Say whether a CSV body contains what only JSON says without doubt."""
    return any(mark in body for first, marks in DOUBTFUL.items() if first in body for mark in marks)


def rows_from_csv(id_field: str, body: bytes) -> ExportRows:
    """Find the rows of a CSV export; raises BrokenAnswer where the body is no whole table.

    The first line says the delimiter: some servers send that of their locale.
    """
    if not body.strip():
        return no_rows(id_field)
    names, delimiter = _header(id_field, body)
    if not body.endswith(b"\n") or _quotes_in(body) % 2 or id_field not in names or len(set(names)) < len(names):
        raise unreadable_body()
    unread = Unread(pa.py_buffer(body), body.find(b"\n") + 1, names, delimiter)
    keys = tuple(name for name in (id_field, EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP) if name in names)
    try:
        if not body.isascii():
            body.decode()  # here and not when the cells are read: nobody could ask for it again then
        return ExportRows(id_field, _read(unread, keys), unread)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise unreadable_body() from None


def _quotes_in(body: bytes) -> int:
    """How many quotes a body has; `bytes.count` takes seven times as long where there are many."""
    return int(np.count_nonzero(np.frombuffer(body, dtype=np.uint8) == ord('"')))


def _read(unread: Unread, wanted: tuple[str, ...]) -> pa.Table:
    """Some columns of a body."""
    return pa.csv.read_csv(
        pa.BufferReader(unread.body),
        # One block, because a note with line breaks may cross the edge of any smaller one.
        read_options=pa.csv.ReadOptions(
            use_threads=False, block_size=unread.body.size + 1, column_names=list(unread.names), skip_rows=1
        ),
        parse_options=pa.csv.ParseOptions(delimiter=unread.delimiter, newlines_in_values=True),
        convert_options=_as_text(wanted),
    )


def _header(id_field: str, body: bytes) -> tuple[tuple[str, ...], str]:
    """The names of the columns, and the delimiter between them."""
    header = body[: body.find(b"\n")].removeprefix(b"\xef\xbb\xbf").decode().rstrip("\r").replace('"', "")
    delimiter = next((mark for mark in ",;\t|^" if header.startswith(id_field + mark)), ",")
    return tuple(header.split(delimiter)), delimiter


@lru_cache(maxsize=16)
def _as_text(names: tuple[str, ...]) -> Any:
    """Options that read columns as text; kept, because making them takes as long as reading a small batch."""
    types = dict.fromkeys(names, TEXT)
    return pa.csv.ConvertOptions(column_types=types, include_columns=list(names), strings_can_be_null=False)
