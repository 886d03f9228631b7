"""Findings as they stand now, and the append-only history of every change of state."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    update,
)

from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.language import Words
from nightround.model.rule import Severity
from nightround.store.history_chain import START, BrokenLine, broken_lines, chained
from nightround.store.observed_values import UnreadableValues, ValueSealer, sealer_of
from nightround.store.schema import finding_history, findings, messages
from redcap_sync.rows.tables import RowKey

log = logging.getLogger(__name__)

SEVERITIES = {one.value: one for one in Severity}
SEEN_AGAIN = attrgetter(
    *("rule_id", "row", "others", "group", "fields", "severity", "owner", "observed", "logic", "title", "under")
)
"""What of an open finding may be another from night to night, besides when it was seen."""
STATES = {one.value: one for one in FindingState}


class Change(StrEnum):
    """What happened to a finding's state."""

    OPENED = "opened"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    UNDER = "under"
    """Another finding, of a more specific rule on the same field, speaks for it from now on."""
    SPEAKS = "speaks"
    """It speaks for itself again."""


CLOSED_AS = {FindingState.RESOLVED: Change.RESOLVED, FindingState.WITHDRAWN: Change.WITHDRAWN}
"""What is written of a finding that was closed, by its state."""
CLOSINGS = frozenset(CLOSED_AS.values())
KNOWN_OPEN = frozenset({*CLOSINGS, Change.UNDER})
"""Changes of a finding that was open and spoke for itself before."""


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
    query = select(*READ_COLUMNS).where(findings.c.study == study).order_by(findings.c.id)
    cells = _Cells(sealer_of(connection))
    return tuple(_finding(row, cells) for row in connection.execute(query))


def write_delta(
    connection: Connection,
    study: str,
    run_id: int,
    delta: LedgerDelta,
    *,
    known: Iterable[Finding],
    now: datetime,
) -> None:
    """Make a night's changes the current state, and add one line of history for each change of state.

    Of `known` findings that were only seen again nothing is written but when, and that for all of them at once.
    """
    sealer = sealer_of(connection)
    if delta.opened:
        connection.execute(insert(findings), [_row(one, sealer) for one in delta.opened])
    before = {one.id: one for one in known}
    others = [one for one in (*delta.persisting, *delta.untouched) if not _only_seen_again(one, before[one.id])]
    changed = [*others, *delta.reopened, *delta.resolved, *delta.moved]
    if changed:
        by_id = update(findings).where(findings.c.id == bindparam("finding_id"))
        connection.execute(by_id, [_row(one, sealer, identity="finding_id") for one in changed])
    if delta.persisting:
        _write_last_seen(connection, study, delta)
    moved = {Change.OPENED: delta.opened, Change.REOPENED: delta.reopened}
    moves = [*((change, one) for change, found in moved.items() for one in found)]
    moves += [
        (Change.UNDER if one.under else Change.SPEAKS, one)
        for one in (*delta.persisting, *delta.untouched)
        if bool(one.under) is not bool(before[one.id].under)
    ]
    moves += [(CLOSED_AS[one.state], one) for one in delta.resolved]
    lines = [_line(one, change, study, run_id, now) for change, one in moves]
    if lines:
        # The chain is over the values themselves, so that it stays whole when they are sealed later.
        links = chained(lines, _last_hash(connection, study))
        kept = [{**one, "observed": sealer.stored(one["finding_id"], one["observed"])} for one in links]
        connection.execute(insert(finding_history), kept)


def _last_hash(connection: Connection, study: str) -> str:
    """The hash of the newest line of a study, which the next one names."""
    newest = select(finding_history.c.hash).where(finding_history.c.study == study)
    return connection.execute(newest.order_by(finding_history.c.position.desc()).limit(1)).scalar() or START


def read_broken_lines(connection: Connection, study: str) -> tuple[BrokenLine, ...]:
    """The lines of the history that are not what was written, and those that contradict a finding or a mail."""
    lines = connection.execute(_lines_of(study)).mappings().all()
    sealer = sealer_of(connection)
    read = [{**line, "observed": sealer.read(line["finding_id"] or "", line["observed"])} for line in lines]
    if unread := sum(isinstance(line["observed"], UnreadableValues) for line in read):
        log.warning("the values of %d history lines are sealed with a key that is not given; not checked", unread)
    broken = broken_lines(read)
    told = connection.execute(select(func.max(messages.c.upto)).where(messages.c.study == study)).scalar() or 0
    end = max((line["position"] for line in lines), default=0)
    missing = (BrokenLine(told, "end"),) if told > end else ()
    return (*broken, *missing, *_contradicting(connection, study, lines))


def count_lines(connection: Connection, study: str) -> int:
    """How many lines the history of a study has, forgotten ones included."""
    return connection.execute(select(func.count()).where(finding_history.c.study == study)).scalar_one()


def _lines_of(study: str) -> Select[Any]:
    lines = select(finding_history).where(finding_history.c.study == study)
    return lines.order_by(finding_history.c.position)


def _contradicting(connection: Connection, study: str, lines: Iterable[RowMapping]) -> Iterator[BrokenLine]:
    """The last line of each finding whose state is another one, or that is not there."""
    last = {line["finding_id"]: line for line in lines if line["finding_id"] is not None}
    found = select(findings.c.id, findings.c.state).where(findings.c.study == study)
    states = {row.id: row.state for row in connection.execute(found)}
    for finding, line in last.items():
        opened = line["change"] not in CLOSINGS
        if finding not in states or (states[finding] == FindingState.OPEN) is not opened:
            yield BrokenLine(line["position"], "state")


def _only_seen_again(after: Finding, before: Finding) -> bool:
    return SEEN_AGAIN(after) == SEEN_AGAIN(before)


def _write_last_seen(connection: Connection, study: str, delta: LedgerDelta) -> None:
    """Every open finding was seen tonight, but those about which the night proved nothing."""
    seen_at = delta.persisting[0].last_seen_at
    open_ones = update(findings).where(findings.c.study == study, findings.c.state == FindingState.OPEN)
    connection.execute(open_ones.values(last_seen_at=seen_at))
    if delta.untouched:
        by_id = update(findings).where(findings.c.id == bindparam("finding_id"))
        unseen = [{"finding_id": one.id, "seen_at": one.last_seen_at} for one in delta.untouched]
        connection.execute(by_id.values(last_seen_at=bindparam("seen_at")), unseen)


def read_history(connection: Connection, study: str, position: int) -> tuple[HistoryEntry, ...]:
    """The changes of a study after a position, oldest first; none of what was forgotten."""
    query = _lines_of(study).where(finding_history.c.position > position, finding_history.c.forgotten.is_(None))
    sealer = sealer_of(connection)
    return tuple(_entry(row, sealer) for row in connection.execute(query).mappings())


def read_history_of(connection: Connection, study: str, finding_id: str) -> tuple[HistoryEntry, ...]:
    """The changes of one finding, oldest first."""
    query = _lines_of(study).where(finding_history.c.finding_id == finding_id)
    sealer = sealer_of(connection)
    return tuple(_entry(row, sealer) for row in connection.execute(query).mappings())


def read_changes(connection: Connection, study: str, position: int) -> Changes:
    """Hold the findings now against those at a position: one delta, however many nights lie between.

    What opened and closed again in between is in no part of it, and so is what came back and closed, and every
    finding that another one speaks for; one that begins to speak for itself is one that opened.
    """
    first: dict[str, Change] = {}
    for entry in read_history(connection, study, position):
        first.setdefault(entry.finding_id, entry.change)
    found = read_findings(connection, study)
    found = tuple(one for one in found if not one.under)
    now_open = [one for one in found if one.state is FindingState.OPEN]
    delta = LedgerDelta(
        opened=tuple(one for one in now_open if first.get(one.id) in (Change.OPENED, Change.SPEAKS)),
        reopened=tuple(one for one in now_open if first.get(one.id) is Change.REOPENED),
        # Closed and back again is what the reader of the last digest knows as open.
        persisting=tuple(one for one in now_open if first.get(one.id) in {None, *KNOWN_OPEN}),
        resolved=tuple(one for one in found if one.state is not FindingState.OPEN and first.get(one.id) in KNOWN_OPEN),
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


def _entry(row: RowMapping, sealer: ValueSealer) -> HistoryEntry:
    return HistoryEntry(
        position=row["position"],
        finding_id=row["finding_id"],
        run_id=row["run_id"],
        at=row["at"],
        change=Change(row["change"]),
        resolution=_resolution(row["resolution"]),
        observed=sealer.read(row["finding_id"], row["observed"]),
    )


def _row(finding: Finding, sealer: ValueSealer, identity: str = "id") -> dict[str, Any]:
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
        "observed": sealer.stored(finding.id, finding.observed),
        "logic": finding.logic,
        "title_zh": finding.title.zh,
        "title_en": finding.title.en,
        "under": finding.under,
        "others": [list(one) for one in finding.others] or None,
        "cohort_group": finding.group,
    }


READ_COLUMNS: tuple[ColumnElement[Any], ...] = (
    *(findings.c[name] for name in ("id", "study", "rule_id", "record", "event", "instrument", "instance")),
    *(findings.c[name] for name in ("owner", "times_reopened", "severity", "state", "resolution")),
    *(findings.c[name] for name in ("logic", "title_zh", "title_en", "under", "cohort_group")),
    *(
        cast(findings.c[name], Text)
        for name in ("fields", "others", "observed", "opened_at", "last_seen_at", "resolved_at")
    ),
)
"""By position, and what is costly to read as text: every night reads all findings, and most cells are repeated."""


class _Cells:
    """Reads stored text; what was read before is looked up."""

    def __init__(self, sealer: ValueSealer) -> None:
        self._sealer = sealer
        self._times: dict[str, datetime] = {}
        self._fields: dict[str, tuple[str, ...]] = {}
        self._titles: dict[tuple[str, str], Words] = {}
        self._observed: dict[str, Mapping[str, str]] = {}

    def time(self, text: str) -> datetime:
        if text not in self._times:
            read = datetime.fromisoformat(text)
            self._times[text] = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        return self._times[text]

    def title(self, zh: str, en: str) -> Words:
        if (zh, en) not in self._titles:
            self._titles[zh, en] = Words(zh, en)
        return self._titles[zh, en]

    def fields(self, text: str) -> tuple[str, ...]:
        if text not in self._fields:
            self._fields[text] = tuple(json.loads(text))
        return self._fields[text]

    def others(self, text: str | None) -> tuple[RowKey, ...]:
        return tuple(RowKey(*one) for one in json.loads(text)) if text else ()

    def observed(self, finding_id: str, text: str) -> Mapping[str, str]:
        if text not in self._observed:
            self._observed[text] = self._sealer.read(finding_id, json.loads(text))
        return self._observed[text]


def _finding(row: Sequence[Any], cells: _Cells) -> Finding:
    identity, study, rule_id, record, event, instrument, instance, owner, times_reopened, *others = row
    severity, state, resolution, logic, title_zh, title_en, under, cohort_group, *texts = others
    fields, group, observed, opened_at, last_seen_at, resolved_at = texts
    return Finding(
        id=identity,
        study=study,
        rule_id=rule_id,
        row=RowKey(record, event, instrument, instance),
        fields=cells.fields(fields),
        severity=SEVERITIES[severity],
        owner=owner,
        state=STATES[state],
        opened_at=cells.time(opened_at),
        last_seen_at=cells.time(last_seen_at),
        resolved_at=cells.time(resolved_at) if resolved_at else None,
        resolution=_resolution(resolution),
        times_reopened=times_reopened,
        observed=cells.observed(identity, observed),
        logic=logic,
        title=cells.title(title_zh, title_en),
        under=under,
        others=cells.others(group),
        group=cohort_group,
    )


def _resolution(stored: str | None) -> Resolution | None:
    return Resolution(stored) if stored else None
