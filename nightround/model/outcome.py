"""The result of a rule on one night, and the account of all of them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from nightround.model.language import Words
from redcap_sync.messages import Message
from redcap_sync.rows.tables import RowKey

OF_GROUP = "values of the group"
"""The name in `observed` of what a group of rows has together, or of what a test on all rows saw."""
SUGGESTED = "suggested value"
"""The name in `observed` of what a cell probably should hold: a guess, and no value of the row."""


class Status(StrEnum):
    """The result of a rule on one night. Every known rule has exactly one."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "could_not_be_evaluated"


@dataclass(frozen=True)
class Violation:
    """One row of a failed outcome. `observed` holds patient values and never leaves the store."""

    rule_id: str
    row: RowKey
    fields: tuple[str, ...]
    observed: Mapping[str, str] = field(repr=False)
    others: tuple[RowKey, ...] = ()
    """The rows that break the rule together with it, of a rule across rows."""
    group: str = ""
    """The data access group that it is true of, of a rule on all rows together."""
    said: Words = Words("", "")
    """What was seen, of a rule on all rows together: numbers of all of them, no value of a patient."""

    @property
    def rows(self) -> tuple[RowKey, ...]:
        """Every row that it concerns, its own first."""
        return (self.row, *self.others)

    def seen_from(self, row: RowKey) -> Violation:
        """The same group with another of its rows first; what is no row of it changes nothing."""
        if row not in self.others:
            return self
        return replace(self, row=row, others=tuple(one for one in self.rows if one != row))


@dataclass(frozen=True)
class Outcome:
    """A rule on one night. `in_scope` rows were the rule's business, `checked` of them could be judged."""

    rule_id: str
    status: Status
    in_scope: int
    checked: int
    failed: int
    reason: Message | None = None
    """Why a rule was not applicable or could not be evaluated."""
    violations: tuple[Violation, ...] = field(default=(), repr=False)
    judged_rows: Container[RowKey] | None = field(default=None, repr=False, compare=False)
    """The rows that were checked; None where nobody kept them, as in the store."""
    blank_rows: Container[RowKey] = field(default=frozenset(), repr=False, compare=False)
    """The rows in scope that could not be checked, because a cell the rule needs is blank."""
    notes: tuple[Words, ...] = ()
    """What each test of a rule on all rows together saw, and what it could have seen."""
    tested: frozenset[tuple[tuple[str, ...], str]] = field(default=frozenset(), compare=False)
    """The fields and groups of these tests."""


@dataclass(frozen=True)
class Coverage:
    """The coverage certificate: every known rule is in exactly one of the four counts."""

    known: tuple[str, ...]
    counts: Mapping[Status, int]
    unaccounted: tuple[str, ...]
    reasons: Mapping[str, Message]
    """Why a rule was not applicable or could not be evaluated, by rule id."""

    @property
    def complete(self) -> bool:
        """True when nothing known is unaccounted for."""
        return not self.unaccounted
