"""The whole database as lines of JSON that restore into SQLite and PostgreSQL alike, whatever its version.

The first line names the form, the version of the database, how many rows each table has, and how far its counters
are. Then comes a line for each row: `["findings", {"id": …}]`. Times are in UTC (ISO 8601), and what the database
keeps as JSON is its exact text. The last line has the SHA-256 of all bytes before it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnClause,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    func,
    insert,
    select,
)
from sqlalchemy import column as plain_column
from sqlalchemy import table as plain_table
from sqlalchemy import text as statement
from sqlalchemy.types import NullType, TypeEngine

from nightround.model.errors import DatabaseVersionWrong
from nightround.store.versions import version_of

FORM = "nightround-store 1"
VERSION_TABLE = "alembic_version"
AT_ONCE = 1_000
"""Rows that are written by one statement."""

LAST_OF_SEQUENCE: tuple[ColumnClause[Any], ColumnClause[Any]] = (plain_column("last_value"), plain_column("is_called"))

Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class DumpHead:
    """The first line of a dump."""

    version: str
    rows: Mapping[str, int]
    """How many of each table, in an order in which references can be filled."""
    counters: Mapping[str, int]
    """The last number that each counted table gave out, also to rows that are gone."""

    @property
    def count(self) -> int:
        """All rows."""
        return sum(self.rows.values())


def write_dump(connection: Connection, file: BinaryIO) -> DumpHead:
    """Write every table of the database that a connection sees at one moment."""
    tables = _tables(connection)
    counts = {one.name: connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}
    head = DumpHead(version_of(connection) or "", counts, read_counters(connection, tables))
    digest = hashlib.sha256()
    for line in chain([_line(_head_document(head))], _row_lines(connection, tables)):
        file.write(line)
        digest.update(line)
    file.write(_line({"sha256": digest.hexdigest()}))
    return head


def read_head(path: Path) -> DumpHead:
    """Prove that a dump is as it was written, and read its first line.

    Raises DatabaseVersionWrong for another file, and for one that was changed or cut short.
    """
    with path.open("rb") as file:
        try:
            head = _head(json.loads(file.readline()))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DatabaseVersionWrong("store.no_backup", file=path.name) from None
    _prove(path, head)
    return head


def load_dump(connection: Connection, path: Path, head: DumpHead) -> None:
    """Fill the empty tables, which are of the version of the dump, and prove that what they have is the dump.

    Raises DatabaseVersionWrong where they have anything else; the transaction is then to be rolled back.
    """
    known = {one.name: one for one in _tables(connection)}
    wanted = defaultdict[str, list[bytes]](list)
    for name, rows in groupby(_rows_of(path), key=itemgetter(0)):
        if name not in known:
            raise DatabaseVersionWrong("store.backup_changed", file=path.name)
        into, kinds = _writable(known[name]), _kinds(known[name])
        for some in _parts(rows, AT_ONCE):
            wanted[name] += [_row_digest(row) for row in some]
            connection.execute(insert(into), [_stored(row, kinds) for _, row in some])
    found = defaultdict[str, list[bytes]](list)
    for line in _row_lines(connection, list(known.values())):
        name, row = json.loads(line)
        found[name].append(_row_digest((name, row)))
    if any(sorted(found[name]) != sorted(wanted[name]) for name in {*found, *wanted, *head.rows}):
        raise DatabaseVersionWrong("store.restored_otherwise", file=path.name)


def read_counters(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """The last number that each counted table gave out."""
    names = {one.name for one in tables}
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
        return {name: seq for name, seq in found if name in names}
    sequences = ((one.name, _sequence(connection, one)) for one in tables)
    last = {
        name: connection.execute(select(*LAST_OF_SEQUENCE).select_from(statement(one))).one()
        for name, one in sequences
        if one
    }
    return {name: value for name, (value, is_called) in last.items() if is_called}


def set_counters(connection: Connection, counters: Mapping[str, int]) -> None:
    """Let each counted table go on behind every number it ever gave out."""
    for one in _tables(connection):
        keys = list(one.primary_key.columns)
        if len(keys) != 1 or not isinstance(keys[0].type, Integer):
            continue
        used = connection.execute(select(func.max(keys[0]))).scalar() or 0
        last = max(used, counters.get(one.name, 0))
        if last and connection.dialect.name == "sqlite":
            _set_sqlite_counter(connection, one.name, last)
        elif last and (sequence := _sequence(connection, one)):
            connection.execute(statement("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})


def _set_sqlite_counter(connection: Connection, name: str, last: int) -> None:
    facts = {"name": name, "last": last}
    changed = connection.execute(statement("UPDATE sqlite_sequence SET seq = :last WHERE name = :name"), facts)
    if not changed.rowcount:
        connection.execute(statement("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), facts)


def _sequence(connection: Connection, one: Table) -> str | None:
    """The name of the sequence that numbers a table's rows on PostgreSQL; None for a table without one."""
    keys = [column.name for column in one.primary_key.columns]
    if len(keys) != 1:
        return None
    found = statement("SELECT pg_get_serial_sequence(quote_ident(:name), :key)").bindparams(name=one.name, key=keys[0])
    sequence: str | None = connection.execute(found).scalar()
    return sequence


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, which may be of an earlier version, referred ones first."""
    found = MetaData()
    found.reflect(connection)
    return [one for one in found.sorted_tables if one.name != VERSION_TABLE]


def _row_lines(connection: Connection, tables: Iterable[Table]) -> Iterator[bytes]:
    for one in tables:
        kinds = _kinds(one)
        query = select(*(cast(it, Text) if isinstance(it.type, JSON) else it for it in one.c))
        names = [it.name for it in one.c]
        ordered = query.order_by(*one.primary_key.columns)
        with connection.execute(ordered, execution_options={"yield_per": AT_ONCE}) as rows:
            for row in rows:
                values = {name: _said(value, kinds.get(name)) for name, value in zip(names, row, strict=True)}
                yield _line([one.name, values])


def _kinds(one: Table) -> dict[str, Callable[[Any], Any]]:
    """How the columns are read out of JSON that are not what JSON says by itself."""
    return {it.name: datetime.fromisoformat for it in one.c if isinstance(it.type, DateTime)}


def _said(value: Any, kind: Callable[[Any], Any] | None) -> Any:
    """A value as JSON says it."""
    if kind is None or value is None:
        return value
    return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()


def _stored(row: Mapping[str, Any], kinds: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: kinds[name](value) if name in kinds and value is not None else value for name, value in row.items()}


def _writable(one: Table) -> Any:
    return plain_table(one.name, *(plain_column(it.name, _written_as(it)) for it in one.c))


def _written_as(it: Column[Any]) -> TypeEngine[Any]:
    if isinstance(it.type, JSON):
        return NullType()  # as the text it had: a value that is read and written again may look different
    if isinstance(it.type, DateTime):
        return DateTime(timezone=True)
    return Boolean() if isinstance(it.type, Boolean) else it.type


def _head_document(head: DumpHead) -> dict[str, Any]:
    return {"form": FORM, "version": head.version, "rows": dict(head.rows), "counters": dict(head.counters)}


def _head(document: Mapping[str, Any]) -> DumpHead:
    if document["form"] != FORM:
        raise ValueError(document["form"])
    return DumpHead(document["version"], document["rows"], document["counters"])


def _prove(path: Path, head: DumpHead) -> None:
    digest, last, counts = hashlib.sha256(), b"", Counter[str]()
    with path.open("rb") as file:
        for number, line in enumerate(file):
            digest.update(last)
            if number > 1:
                counts[_table_of(last)] += 1
            last = line
    if last != _line({"sha256": digest.hexdigest()}) or any(counts[name] != n for name, n in head.rows.items()):
        raise DatabaseVersionWrong("store.backup_changed", file=path.name)


def _table_of(line: bytes) -> str:
    return line[2 : line.find(b'"', 2)].decode("ascii", "replace")


def _rows_of(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        next(file)
        for line in file:
            if not line.startswith(b"["):
                return
            name, row = json.loads(line)
            yield name, row


def _parts(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while some := list(islice(rows, size)):
        yield some


def _row_digest(row: Row) -> bytes:
    return hashlib.sha256(_line(row)).digest()


def _line(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
