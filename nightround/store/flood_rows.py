"""Floods: rules whose many new findings the data manager alone sees, until somebody releases them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from nightround.store.schema import finding_history, floods


@dataclass(frozen=True)
class Flood:
    """A rule that flooded in a run, and what ended it."""

    study: str
    rule_id: str
    run_id: int
    position: int
    """The position of the history before that run: what opened after it came with the flood."""
    at: datetime
    opened: int
    checked: int
    ended_run: int | None = None
    """The run that released it, or that found nothing of it open any more; None while it is held."""
    ended_at: datetime | None = None
    ended_by: str | None = None
    """Who released it; '' where nothing of it was open any more."""
    id: int = 0
    """0 before it is in the store."""


def insert_flood(connection: Connection, flood: Flood) -> None:
    """Remember a flood."""
    values = {name: value for name, value in vars(flood).items() if name != "id"}
    connection.execute(insert(floods).values(**values))


def end_flood(connection: Connection, flood: Flood, *, run_id: int, by: str, now: datetime) -> None:
    """Remember that a flood is held no longer."""
    ended = {"ended_run": run_id, "ended_at": now, "ended_by": by}
    connection.execute(update(floods).where(floods.c.id == flood.id).values(**ended))


def read_floods(connection: Connection, study: str) -> tuple[Flood, ...]:
    """Every flood of a study, oldest first."""
    query = select(floods).where(floods.c.study == study).order_by(floods.c.id)
    return tuple(Flood(**row) for row in connection.execute(query).mappings())


def read_position_before(connection: Connection, study: str, run_id: int) -> int:
    """The last position of the history before a run; 0 where there is none."""
    lines = finding_history.c
    newest = select(func.max(lines.position)).where(lines.study == study, lines.run_id < run_id)
    return connection.execute(newest).scalar() or 0
