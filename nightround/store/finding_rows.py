"""Findings as they are now, and the append-only history of every change of state."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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

from nightround.model.finding import PARTS, QUIET, Finding, FindingState, LedgerDelta, Resolution
from nightround.model.finding_answer import COMMENT, Change, Moved
from nightround.model.fix_proof import FixProof
from nightround.store.finding_reading import read_findings
from nightround.store.history_chain import START, BrokenLine, broken_lines, chained
from nightround.store.observed_values import UnreadableValues, ValueSealer, sealer_of
from nightround.store.schema import finding_history, findings, messages
from nightround.store.settled_rows import unsettle

log = logging.getLogger(__name__)

UNREADABLE = ""
"""The name of a field that no project has, for values that are no JSON any more."""
AS_TEXT = frozenset({"at", "observed", "comment", "proof"})
CHECKED_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    cast(one, Text).label(one.name) if one.name in AS_TEXT else one for one in finding_history.c
)
"""The columns of a line as text where reading them could fail: a check names the line that somebody changed."""
SEEN_AGAIN = attrgetter(
    *("rule_id", "row", "others", "group", "fields", "severity", "owner", "observed", "logic", "title", "under"),
    "deviation",
)
"""What of a live finding may be another from night to night, besides when it was seen."""


CLOSED_AS = {FindingState.RESOLVED: Change.RESOLVED, FindingState.WITHDRAWN: Change.WITHDRAWN}
"""What is written of a finding that was closed, by its state."""
BEGINNINGS = frozenset({Change.OPENED, Change.REOPENED, Change.SPEAKS})
"""Changes of a finding that nobody had to know of before."""
ASKED_AGAIN = frozenset({Change.RETURNED, Change.LAPSED, Change.WOKEN})
"""Changes of a finding that nobody was asked about, and somebody is again."""
STATE_AFTER = {
    **dict.fromkeys((Change.OPENED, Change.REOPENED, Change.RETURNED, Change.LAPSED, Change.WOKEN), FindingState.OPEN),
    Change.ANSWERED: FindingState.ANSWERED,
    Change.WAIVED: FindingState.WAIVED,
    Change.SNOOZED: FindingState.SNOOZED,
    Change.RESOLVED: FindingState.RESOLVED,
    Change.WITHDRAWN: FindingState.WITHDRAWN,
}
"""The state that each change leaves; of the others it stays what it was."""


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
    was: FindingState | None = None
    """The state before; None before it was opened, and in lines of an earlier version."""
    by: str = ""
    why: str = ""
    comment: str = field(default="", repr=False)
    proof: FixProof | None = None
    """Of a line that closes a finding; None in those of an earlier version."""


class Changes(NamedTuple):
    """What is different since a position of the history, and the position it is valid for."""

    delta: LedgerDelta
    position: int


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
    still_live = (*delta.persisting, *delta.untouched, *delta.quiet)
    others = [one for one in still_live if not _only_seen_again(one, before[one.id])]
    changed = [*others, *delta.reopened, *delta.resolved, *delta.moved]
    if changed:
        by_id = update(findings).where(findings.c.id == bindparam("finding_id"))
        connection.execute(by_id, [_row(one, sealer, identity="finding_id") for one in changed])
    _write_last_seen(connection, study, delta, now)
    moves = [*((one, Moved(Change.OPENED, "")) for one in delta.opened)]
    moves += [(one, one.last or Moved(Change.REOPENED, before[one.id].state)) for one in delta.reopened]
    moves += [
        (one, Moved(Change.UNDER if one.under else Change.SPEAKS, before[one.id].state))
        for one in still_live
        if bool(one.under) is not bool(before[one.id].under)
    ]
    moves += [(one, one.last or Moved(CLOSED_AS[one.state], before[one.id].state)) for one in delta.resolved]
    _write_lines(connection, study, run_id, moves, now)


def write_moves(connection: Connection, study: str, run_id: int, moves: Sequence[Finding], now: datetime) -> None:
    """Write what a person did to findings: the last form of each as it is now, and a line for every form.

    `moves` have the same finding once for each change of it, in their order.
    """
    sealer = sealer_of(connection)
    newest = {one.id: one for one in moves}
    by_id = update(findings).where(findings.c.id == bindparam("finding_id"))
    if newest:
        connection.execute(by_id, [_row(one, sealer, identity="finding_id") for one in newest.values()])
    unsettle(connection, study, (one.rule_id for one in moves))
    _write_lines(connection, study, run_id, [(one, one.last) for one in moves if one.last], now)


def _write_lines(
    connection: Connection, study: str, run_id: int, moves: Iterable[tuple[Finding, Moved]], now: datetime
) -> None:
    """Add a line for each change to the chain of a study."""
    sealer = sealer_of(connection)
    lines = [_line(one, move, study, run_id, now) for one, move in moves]
    if lines:
        # The chain is over the values themselves, so that it stays whole when they are sealed later.
        links = chained(lines, _last_hash(connection, study))
        connection.execute(insert(finding_history), [{**one, **_sealed(one, sealer)} for one in links])


def _sealed(line: Mapping[str, Any], sealer: ValueSealer) -> dict[str, Any]:
    """What of a line may contain a patient's value, as it is stored."""
    finding_id, comment = line["finding_id"], line["comment"]
    return {
        "observed": sealer.stored(finding_id, line["observed"]),
        "comment": sealer.stored(finding_id, comment) if comment else None,
    }


def _last_hash(connection: Connection, study: str) -> str:
    """The hash of the newest line of a study, which the next one names."""
    newest = select(finding_history.c.hash).where(finding_history.c.study == study)
    return connection.execute(newest.order_by(finding_history.c.position.desc()).limit(1)).scalar() or START


def read_broken_lines(connection: Connection, study: str) -> tuple[BrokenLine, ...]:
    """The lines of the history that are not what was written, and those that contradict a finding or a mail."""
    query = select(*CHECKED_COLUMNS).where(finding_history.c.study == study).order_by(finding_history.c.position)
    lines = connection.execute(query).mappings().all()
    sealer = sealer_of(connection)
    read = [_checked_line(line, sealer) for line in lines]
    if unread := sum(isinstance(line["observed"], UnreadableValues) for line in read):
        log.warning("the values of %d history lines are sealed with a key that is not given; not checked", unread)
    broken = broken_lines(read)
    notified = connection.execute(select(func.max(messages.c.upto)).where(messages.c.study == study)).scalar() or 0
    end = max((line["position"] for line in lines), default=0)
    missing = (BrokenLine(notified, "end"),) if notified > end else ()
    return (*broken, *missing, *_contradicting(connection, study, lines))


def _checked_line(line: RowMapping, sealer: ValueSealer) -> dict[str, Any]:
    """A line as it is checked; what cannot be read of it is kept as it is, which is not what was written."""
    owner = line["finding_id"] or ""
    read = {name: sealer.read(owner, _document(line[name])) for name in ("observed", "comment")}
    return {**line, **read, "at": _time(line["at"]), "proof": _document(line["proof"])}


def _document(kept: str | None) -> Any:
    """Values as they were written; other bytes that say the same are other bytes."""
    if kept is None:
        return None
    try:
        read = json.loads(kept)
    except (ValueError, TypeError):
        return {UNREADABLE: str(kept)}
    return read if json.dumps(read) == kept else {UNREADABLE: kept}


def _time(kept: Any) -> datetime:
    try:
        read = datetime.fromisoformat(kept)
    except (ValueError, TypeError):
        return datetime.min.replace(tzinfo=UTC)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def count_lines(connection: Connection, study: str) -> int:
    """How many lines the history of a study has, forgotten ones included."""
    return connection.execute(select(func.count()).where(finding_history.c.study == study)).scalar_one()


def _lines_of(study: str) -> Select[Any]:
    lines = select(finding_history).where(finding_history.c.study == study)
    return lines.order_by(finding_history.c.position)


def _contradicting(connection: Connection, study: str, lines: Iterable[RowMapping]) -> Iterator[BrokenLine]:
    """The last line of each finding whose state is another one, or that is not there."""
    known = [line for line in lines if line["finding_id"] is not None]
    last = {line["finding_id"]: line["position"] for line in known}
    left = {line["finding_id"]: STATE_AFTER[line["change"]] for line in known if line["change"] in STATE_AFTER}
    found = select(findings.c.id, findings.c.state).where(findings.c.study == study)
    states = {row.id: row.state for row in connection.execute(found)}
    for finding, position in last.items():
        if states.get(finding) != left.get(finding):
            yield BrokenLine(position, "state")


def _only_seen_again(after: Finding, before: Finding) -> bool:
    return SEEN_AGAIN(after) == SEEN_AGAIN(before)


def _write_last_seen(connection: Connection, study: str, delta: LedgerDelta, now: datetime) -> None:
    """Every live finding was seen tonight, but those about which the night proved nothing."""
    seen = delta.persisting[:1] or delta.quiet
    if not seen and not delta.repeated:
        return
    seen_at = now if delta.repeated else max(one.last_seen_at for one in seen)
    live = update(findings).where(findings.c.study == study, findings.c.state.in_([FindingState.OPEN, *QUIET]))
    connection.execute(live.values(last_seen_at=seen_at))
    rest = (*delta.untouched, *delta.quiet, *delta.reopened)
    unseen = [{"finding_id": one.id, "seen_at": one.last_seen_at} for one in rest if one.last_seen_at != seen_at]
    if unseen:
        by_id = update(findings).where(findings.c.id == bindparam("finding_id"))
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
    asked_again: set[str] = set()
    for entry in read_history(connection, study, position):
        first.setdefault(entry.finding_id, entry.change)
        if entry.change in ASKED_AGAIN:
            asked_again.add(entry.finding_id)
    found = tuple(one for one in read_findings(connection, study) if not one.under)
    parts = {name: list[Finding]() for name in PARTS}
    for one in found:
        if name := _part(one, first.get(one.id), asked_again=one.id in asked_again):
            parts[name].append(one)
    return Changes(LedgerDelta.of(parts), read_position(connection, study))


def read_position(connection: Connection, study: str) -> int:
    """The last position of the history of a study; 0 before its first line."""
    newest = select(func.max(finding_history.c.position)).where(finding_history.c.study == study)
    return connection.execute(newest).scalar() or 0


def _part(finding: Finding, first: Change | None, *, asked_again: bool) -> str:
    """The part of a delta that a finding belongs to, by the first thing that happened to it since; '' for none."""
    if finding.state.quiet:
        return "quiet"
    if not finding.state.live:
        # What was not there, or was closed, when the reader heard last, and is closed now, is nothing to tell.
        return "" if first in {None, *BEGINNINGS} else "resolved"
    if first in (Change.OPENED, Change.SPEAKS):
        return "opened"
    # Closed and back again is what the reader of the last digest knows as open.
    return "reopened" if asked_again or first is Change.REOPENED else "persisting"


def _line(finding: Finding, move: Moved, study: str, run_id: int, now: datetime) -> dict[str, Any]:
    return {
        "finding_id": finding.id,
        "study": study,
        "run_id": run_id,
        "at": now,
        "change": move.change,
        "resolution": finding.resolution,
        "observed": dict(finding.observed),
        "was": move.was or None,
        "by": move.by or None,
        "why": move.why or None,
        "comment": {COMMENT: move.comment} if move.comment else None,
        "proof": finding.fix.document() if finding.fix else None,
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
        was=FindingState(row["was"]) if row["was"] else None,
        by=row["by"] or "",
        why=row["why"] or "",
        comment=sealer.read(row["finding_id"], row["comment"]).get(COMMENT, ""),
        proof=FixProof.read(row["proof"]) if row["proof"] else None,
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
        "deviation": finding.deviation,
        "others": [list(one) for one in finding.others] or None,
        "cohort_group": finding.group,
        "answer": finding.answer.document() if finding.answer else None,
        "snooze": finding.snooze.document() if finding.snooze else None,
        "comment": _stored_comment(finding, sealer),
        "proof": finding.fix.document() if finding.fix else None,
    }


def _stored_comment(finding: Finding, sealer: ValueSealer) -> dict[str, str] | str | None:
    said = finding.snooze or finding.answer
    return sealer.stored(finding.id, said.kept_comment) if said and said.kept_comment else None


def _resolution(stored: str | None) -> Resolution | None:
    return Resolution(stored) if stored else None
