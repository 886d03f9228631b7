"""Settled rules: their findings are what their outcome says, so that a night that repeats it need not read them.

Whoever changes a finding unsettles its rule in the same transaction; which rules are settled is decided by
`nightround.findings.settled_rules`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Text, and_, cast, delete, func, insert, select

from nightround.model.finding import UNCOUNTED, AlikeFindings, Finding, FindingState, LedgerDelta
from nightround.model.rule import Severity
from nightround.store.flood_rows import Flood
from nightround.store.observed_values import sealer_of
from nightround.store.schema import findings, settled_rules


@dataclass(frozen=True)
class SettledRule:
    """A rule whose findings are what its outcome says."""

    rule_id: str
    facts: str
    """Hash of all that its outcome and its findings follow from."""
    until: date | None = None
    """The first day on which the calendar alone changes one of its findings."""


@dataclass(frozen=True)
class NotRead:
    """The findings that a night leaves alone."""

    rules: Container[str] = frozenset()
    """Their rules: no other finding is one of theirs."""
    ids: Container[str] = frozenset()


NOTHING = NotRead()


class Ledger(Protocol):
    """What a night says of the findings."""

    def left_alone(self, settled: Iterable[SettledRule], stored: Sequence[AlikeFindings]) -> Container[str]:
        """The rules of which tonight changes no finding."""

    def decide(self, known: tuple[Finding, ...], not_read: NotRead) -> LedgerDelta:
        """What tonight changes in the findings of all other rules."""

    def settled_by(self, delta: LedgerDelta, left: Container[str]) -> Iterable[SettledRule]:
        """The rules that are settled once the delta is written, besides those that were left alone."""

    def floods(self, position: int, changes: LedgerDelta) -> Iterable[Flood]:
        """The rules that flooded: `changes` are those since a position of the history, which is that before tonight."""


@dataclass(frozen=True)
class WholeLedger:
    """A decision on all findings."""

    decision: Callable[[tuple[Finding, ...]], LedgerDelta]

    def left_alone(self, settled: Iterable[SettledRule], stored: Sequence[AlikeFindings]) -> Container[str]:
        """No rule."""
        del settled, stored
        return ()

    def decide(self, known: tuple[Finding, ...], not_read: NotRead) -> LedgerDelta:
        """Decide."""
        del not_read
        return self.decision(known)

    def settled_by(self, delta: LedgerDelta, left: Container[str]) -> Iterable[SettledRule]:
        """No rule."""
        del delta, left
        return ()

    def floods(self, position: int, changes: LedgerDelta) -> Iterable[Flood]:
        """No rule."""
        del position, changes
        return ()


@dataclass(frozen=True, eq=False)
class SettledIds:
    """The ids of the findings of settled rules; read when the first one is asked for."""

    connection: Connection
    study: str

    @cached_property
    def _known(self) -> frozenset[str]:
        query = select(findings.c.id).where(findings.c.study == self.study, of_settled_rule(self.study))
        return frozenset(self.connection.execute(query).scalars())

    def __contains__(self, identity: object) -> bool:
        return identity in self._known


def of_settled_rule(study: str) -> ColumnElement[bool]:
    """Whether a finding of a study is one of a settled rule."""
    return findings.c.rule_id.in_(select(settled_rules.c.rule_id).where(settled_rules.c.study == study))


def read_settled(connection: Connection, study: str) -> tuple[SettledRule, ...]:
    """The settled rules of a study; none whose findings were written with a key that is not given, or without one."""
    sealed = sealer_of(connection).key is not None
    columns = (settled_rules.c.rule_id, settled_rules.c.facts, settled_rules.c.until)
    found = select(*columns).where(settled_rules.c.study == study, settled_rules.c.sealed == sealed)
    return tuple(SettledRule(*row) for row in connection.execute(found))


def insert_settled(connection: Connection, study: str, rules: Iterable[SettledRule]) -> None:
    """Remember that rules are settled."""
    sealed = sealer_of(connection).key is not None
    rows = [{"study": study, "sealed": sealed, **vars(one)} for one in rules]
    if rows:
        connection.execute(insert(settled_rules), rows)


def keep_settled(connection: Connection, study: str, left: Container[str]) -> None:
    """Unsettle every rule but those that are left alone."""
    known = connection.execute(select(settled_rules.c.rule_id).where(settled_rules.c.study == study)).scalars()
    unsettle(connection, study, (rule_id for rule_id in known if rule_id not in left))


def unsettle(connection: Connection, study: str, rule_ids: Iterable[str]) -> None:
    """Let the next night read the findings of rules again."""
    for rule_id in set(rule_ids):
        of_rule = settled_rules.c.study == study, settled_rules.c.rule_id == rule_id
        connection.execute(delete(settled_rules).where(*of_rule))


def read_alike(connection: Connection, study: str) -> tuple[AlikeFindings, ...]:
    """How many findings a study has of each sort; those of a settled rule are counted and not read."""
    excusing = select(findings.c.id).where(findings.c.study == study, findings.c.state.in_(UNCOUNTED))
    spoken_for = findings.c.under != ""
    sort = (
        *(findings.c[name] for name in ("rule_id", "owner", "state", "severity", "deviation")),
        cast(findings.c.fields, Text).label("fields"),
        spoken_for.label("spoken_for"),
        and_(spoken_for, findings.c.under.in_(excusing)).label("excused"),
    )
    query = select(*sort, func.count().label("found")).where(findings.c.study == study).group_by(*sort)
    rows: Iterable[Any] = connection.execute(query)
    return tuple(map(_alike, rows))


def _alike(row: Row[Any]) -> AlikeFindings:
    return AlikeFindings(
        row.rule_id,
        row.owner,
        FindingState(row.state),
        Severity(row.severity),
        tuple(json.loads(row.fields)),
        row.found,
        deviation=bool(row.deviation),
        spoken_for=bool(row.spoken_for),
        excused=bool(row.excused),
    )
