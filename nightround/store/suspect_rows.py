"""Suspects: rows and answers that are gone without a line in REDCap's log. They stay until something explains them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, Table, bindparam, insert, select, update

from nightround.store.schema import suspect_cells, suspects
from redcap_sync.rows.tables import CellKey, Gone, RowKey


class Cleared(StrEnum):
    """Why a row or an answer is no longer suspect."""

    BACK = "back"
    """It is in the project again."""
    LOGGED = "logged"
    """A line of the log came that explains it."""
    ACCEPTED = "accepted"
    """A person said that it was removed."""
    WITHDRAWN = "withdrawn"
    """A person accepted a structure that has no place for it."""


def read_suspects(connection: Connection, study: str) -> frozenset[RowKey]:
    """The flat rows of a study that are suspect now."""
    return frozenset(_row(row) for row in _open(connection, study, suspects))


def read_suspect_cells(connection: Connection, study: str) -> frozenset[CellKey]:
    """The cells of a study that are suspect now: they had an answer, and are blank."""
    return frozenset(_cell(row) for row in _open(connection, study, suspect_cells))


def insert_suspects(connection: Connection, study: str, run_id: int, gone: Iterable[Gone], now: datetime) -> None:
    """Remember rows and cells as suspect, those aside that are already."""
    new = set(gone) - read_suspects(connection, study) - read_suspect_cells(connection, study)
    facts = {"study": study, "run_id": run_id, "since": now}
    for table, keys in _by_table(new):
        connection.execute(insert(table), [{**facts, **key._asdict()} for key in keys])


def clear_suspects(
    connection: Connection, study: str, keys: Iterable[Gone], why: Cleared, *, now: datetime, by: str
) -> None:
    """Remember why rows and cells are no longer suspect, and who said so."""
    for table, wanted in _by_table(keys):
        named = (*wanted[0]._fields, "run_id")
        places = set(map(tuple, wanted))
        found = [
            {f"its_{name}": row[name] for name in named}
            for row in _open(connection, study, table)
            if tuple(row[name] for name in wanted[0]._fields) in places
        ]
        if found:
            same = (table.c[name] == bindparam(f"its_{name}") for name in named)
            cleared = update(table).where(table.c.study == study, *same)
            connection.execute(cleared.values(cleared=why, cleared_at=now, cleared_by=by), found)


def _by_table(keys: Iterable[Gone]) -> Iterator[tuple[Table, list[Gone]]]:
    """The table of each kind of suspect, which has the parts of its key as columns, and those of the kind."""
    every = sorted(set(keys))
    for table, kind in ((suspects, RowKey), (suspect_cells, CellKey)):
        if mine := [key for key in every if isinstance(key, kind)]:
            yield table, mine


def _open(connection: Connection, study: str, table: Table) -> Iterable[RowMapping]:
    still = select(table).where(table.c.study == study, table.c.cleared.is_(None))
    return connection.execute(still).mappings().all()


def _row(row: RowMapping) -> RowKey:
    return RowKey(*(row[name] for name in RowKey._fields))


def _cell(row: RowMapping) -> CellKey:
    return CellKey(*(row[name] for name in CellKey._fields))
