"""Suspects: rows that are gone without a line in REDCap's log. They stay until something explains them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from nightround.store.schema import suspects
from redcap_sync.rows.tables import RowKey

PLACE = ("record", "event", "instrument", "instance")


class Cleared(StrEnum):
    """Why a row is no longer suspect."""

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
    return frozenset(_key(row) for row in _open(connection, study))


def insert_suspects(connection: Connection, study: str, run_id: int, gone: Iterable[RowKey], now: datetime) -> None:
    """Remember rows as suspect, those aside that are already."""
    new = sorted(set(gone) - read_suspects(connection, study))
    if new:
        facts = {"study": study, "run_id": run_id, "since": now}
        connection.execute(insert(suspects), [{**facts, **row._asdict()} for row in new])


def clear_suspects(
    connection: Connection, study: str, rows: Iterable[RowKey], why: Cleared, *, now: datetime, by: str
) -> None:
    """Remember why rows are no longer suspect, and who said so."""
    wanted = set(rows)
    found = [
        {f"its_{name}": row[name] for name in (*PLACE, "run_id")}
        for row in _open(connection, study)
        if _key(row) in wanted
    ]
    if found:
        same = (suspects.c[name] == bindparam(f"its_{name}") for name in (*PLACE, "run_id"))
        cleared = update(suspects).where(suspects.c.study == study, *same)
        connection.execute(cleared.values(cleared=why, cleared_at=now, cleared_by=by), found)


def _open(connection: Connection, study: str) -> Iterable[RowMapping]:
    still = select(suspects).where(suspects.c.study == study, suspects.c.cleared.is_(None))
    return connection.execute(still).mappings().all()


def _key(row: RowMapping) -> RowKey:
    return RowKey(*(row[name] for name in PLACE))
