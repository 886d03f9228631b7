"""Findings as they stand now, and the append-only history of every change of state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.rule import Severity
from nightround.store.schema import finding_history, findings
from redcap_sync.rows.tables import RowKey


class Change(StrEnum):
    """What happened to a finding's state."""

    OPENED = "opened"
    RESOLVED = "resolved"
    REOPENED = "reopened"


@dataclass(frozen=True)
class HistoryEntry:
    """One change of state. Positions grow with time and are never given out twice."""

    position: int
    finding_id: str
    run_id: int
    at: datetime
    change: Change
    resolution: Resolution | None
    observed: Mapping[str, str] = field(repr=False)


class Changes(NamedTuple):
    """What is different since a position of the history, and the position this holds for."""

    delta: LedgerDelta
    position: int


def read_findings(connection: Connection, study: str) -> tuple[Finding, ...]:
    """All findings of a study, open and closed, in the order of their ids."""
    rows = connection.execute(select(findings).where(findings.c.study == study).order_by(findings.c.id)).mappings()
    return tuple(_finding(row) for row in rows)


def write_delta(connection: Connection, study: str, run_id: int, delta: LedgerDelta, now: datetime) -> None:
    """Make a night's changes the current state, and add one line of history for each change of state."""
    if delta.opened:
        connection.execute(insert(findings), [_row(one) for one in delta.opened])
    seen_before = (*delta.persisting, *delta.reopened, *delta.resolved)
    if seen_before:
        by_id = update(findings).where(findings.c.id == bindparam("finding_id"))
        connection.execute(by_id, [_row(one, identity="finding_id") for one in seen_before])
    moved = {Change.OPENED: delta.opened, Change.REOPENED: delta.reopened, Change.RESOLVED: delta.resolved}
    lines = [_line(one, change, study, run_id, now) for change, found in moved.items() for one in found]
    if lines:
        connection.execute(insert(finding_history), lines)


def read_history(connection: Connection, study: str, position: int) -> tuple[HistoryEntry, ...]:
    """The changes of a study after a position, oldest first."""
    query = select(finding_history).where(finding_history.c.study == study, finding_history.c.position > position)
    rows = connection.execute(query.order_by(finding_history.c.position)).mappings()
    return tuple(_entry(row) for row in rows)


def read_changes(connection: Connection, study: str, position: int) -> Changes:
    """Hold the findings now against those at a position: one delta, however many nights lie between.

    What opened and closed again in between is in no part of it, and so is what came back and closed.
    """
    first: dict[str, Change] = {}
    for entry in read_history(connection, study, position):
        first.setdefault(entry.finding_id, entry.change)
    found = read_findings(connection, study)
    now_open = [one for one in found if one.state is FindingState.OPEN]
    delta = LedgerDelta(
        opened=tuple(one for one in now_open if first.get(one.id) is Change.OPENED),
        reopened=tuple(one for one in now_open if first.get(one.id) is Change.REOPENED),
        # Closed and back again is what the reader of the last digest knows as open.
        persisting=tuple(one for one in now_open if first.get(one.id) in (None, Change.RESOLVED)),
        resolved=tuple(
            one for one in found if one.state is FindingState.RESOLVED and first.get(one.id) is Change.RESOLVED
        ),
    )
    newest = select(func.max(finding_history.c.position)).where(finding_history.c.study == study)
    return Changes(delta, connection.execute(newest).scalar() or 0)


def _line(finding: Finding, change: Change, study: str, run_id: int, now: datetime) -> dict[str, Any]:
    return {
        "finding_id": finding.id,
        "study": study,
        "run_id": run_id,
        "at": now,
        "change": change,
        "resolution": finding.resolution,
        "observed": dict(finding.observed),
    }


def _entry(row: RowMapping) -> HistoryEntry:
    return HistoryEntry(
        position=row["position"],
        finding_id=row["finding_id"],
        run_id=row["run_id"],
        at=row["at"],
        change=Change(row["change"]),
        resolution=_resolution(row["resolution"]),
        observed=row["observed"],
    )


def _row(finding: Finding, identity: str = "id") -> dict[str, Any]:
    """A finding as its row; `identity` is 'id', or the name the statement matches the row by."""
    return {
        identity: finding.id,
        "study": finding.study,
        "rule_id": finding.rule_id,
        **finding.row._asdict(),
        "fields": list(finding.fields),
        "severity": finding.severity,
        "owner": finding.owner,
        "state": finding.state,
        "opened_at": finding.opened_at,
        "last_seen_at": finding.last_seen_at,
        "resolved_at": finding.resolved_at,
        "resolution": finding.resolution,
        "times_reopened": finding.times_reopened,
        "observed": dict(finding.observed),
    }


def _finding(row: RowMapping) -> Finding:
    return Finding(
        id=row["id"],
        study=row["study"],
        rule_id=row["rule_id"],
        row=RowKey(row["record"], row["event"], row["instrument"], row["instance"]),
        fields=tuple(row["fields"]),
        severity=Severity(row["severity"]),
        owner=row["owner"],
        state=FindingState(row["state"]),
        opened_at=row["opened_at"],
        last_seen_at=row["last_seen_at"],
        resolved_at=row["resolved_at"],
        resolution=_resolution(row["resolution"]),
        times_reopened=row["times_reopened"],
        observed=row["observed"],
    )


def _resolution(stored: str | None) -> Resolution | None:
    return Resolution(stored) if stored else None
