"""Floods: one rule that suddenly fails on so many rows that the rule is likelier wrong than the records. Pure.

What a flood opened is shown to the data manager alone, until it is released; critical findings are never withheld.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from nightround.model.finding import Finding, LedgerDelta
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Severity
from nightround.study.alert_tables import FloodTable

PARTS = ("opened", "reopened", "persisting", "untouched", "quiet")


@dataclass(frozen=True)
class FloodSeen:
    """A rule, how many findings it opened in one night, and how many rows it checked."""

    rule_id: str
    opened: int
    checked: int
    is_new: bool = True
    """Whether it was seen tonight, and not in an earlier night."""


def floods_of(
    outcomes: Iterable[Outcome], tonight: LedgerDelta, table: FloodTable, known: Collection[str]
) -> Iterator[FloodSeen]:
    """The rules that flooded this night. `tonight` is what the night changed, `known` the rules with a flood already.

    Criticals count, though they are not withheld: they say as much of the rule.
    """
    opened = Counter(one.rule_id for one in (*tonight.opened, *tonight.reopened) if not one.of_cohort)
    for one in outcomes:
        count = opened[one.rule_id]
        is_new = one.status is not Status.NOT_EVALUATED and one.rule_id not in known
        if is_new and count >= table.findings and count * 100 > table.percent * one.checked:
            yield FloodSeen(one.rule_id, count, one.checked)


@dataclass(frozen=True)
class FloodSince:
    """A flood as one reader meets it: whether it is still held, and what changed since the night before it."""

    rule_id: str
    held: bool
    changes: LedgerDelta

    def concerns(self, finding: Finding) -> bool:
        """Whether a finding is of the rule, and may be withheld."""
        return finding.rule_id == self.rule_id and finding.severity is not Severity.CRITICAL

    @cached_property
    def waiting(self) -> frozenset[str]:
        """Ids of the open findings that came with it."""
        found = (*self.changes.opened, *self.changes.reopened)
        return frozenset(one.id for one in found if self.concerns(one))

    def shown(self, delta: LedgerDelta) -> LedgerDelta:
        """A reader's delta without what is held; of a flood that was released with what came with it, as news."""
        waiting = self.waiting
        known = frozenset(one.id for one in self.changes.resolved)
        parts = {
            name: tuple(one for one in getattr(delta, name) if not self.concerns(one) or one.id not in waiting)
            for name in PARTS
        }
        resolved = tuple(one for one in delta.resolved if not self.concerns(one) or one.id in known)
        if not self.held:
            parts["opened"] += tuple(filter(self.concerns, self.changes.opened))
            parts["reopened"] += tuple(filter(self.concerns, self.changes.reopened))
        return replace(delta, **parts, resolved=resolved)


def without_floods(delta: LedgerDelta, floods: Iterable[FloodSince]) -> LedgerDelta:
    """What a reader is shown of a delta, all floods considered."""
    for flood in floods:
        delta = flood.shown(delta)
    return delta


def held_ids(floods: Iterable[FloodSince]) -> frozenset[str]:
    """Ids of the findings that are held back."""
    return frozenset(finding_id for one in floods if one.held for finding_id in one.waiting)
