"""Which findings of a copy are about which planted error, and which are about none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from nightround.model.outcome import Violation
from nightround.model.rule import RuleKind
from nightround.simulation.drill.error_copies import Planted
from nightround.simulation.drill.what_rules_read import RuleReads
from redcap_sync.rows.tables import RowKey


@dataclass(frozen=True)
class Alarm:
    """A finding, as far as it can be compared between two copies: the rule and the rows."""

    rule_id: str
    row: RowKey
    fields: tuple[str, ...]
    others: frozenset[RowKey] = frozenset()

    @property
    def records(self) -> frozenset[str]:
        """The records it concerns."""
        return frozenset(row.record for row in (self.row, *self.others))


def alarms_of(violations: Iterable[Violation], reads: RuleReads) -> frozenset[Alarm]:
    """The findings of a judged copy without those on all rows together, which no record causes alone."""
    return frozenset(
        Alarm(one.rule_id, one.row, one.fields, frozenset(one.others))
        for one in violations
        if not reads.by_id[one.rule_id].of_cohort
    )


@dataclass(frozen=True)
class LookedFor:
    """A planted error with the rules that found it."""

    error: Planted
    rules: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether any rule found it on the right record and field."""
        return bool(self.rules)


@dataclass(frozen=True)
class Attributed:
    """The errors of a copy, each with what found it, and the findings that are about none of them."""

    errors: tuple[LookedFor, ...]
    strays: tuple[Alarm, ...]


def attributed(errors: Sequence[Planted], fresh: Collection[Alarm], reads: RuleReads) -> Attributed:
    """Attribute the findings that a copy has and the clean data have not."""
    by_record = {record: error for error in errors for record in error.records}
    rules: dict[int, set[str]] = {}
    strays = []
    for alarm in sorted(fresh, key=lambda one: (one.rule_id, one.row)):
        about = [by_record[record] for record in sorted(alarm.records) if record in by_record]
        hits = [error for error in about if _is_about(alarm, error, reads)]
        for error in hits:
            rules.setdefault(id(error), set()).add(alarm.rule_id)
        if not hits and not any(_follows_from(alarm, error, reads) for error in about):
            strays.append(alarm)
    return Attributed(
        tuple(LookedFor(error, tuple(sorted(rules.get(id(error), ())))) for error in errors), tuple(strays)
    )


def _is_about(alarm: Alarm, error: Planted, reads: RuleReads) -> bool:
    """Whether a finding leads to the error: to its record and a field it changed, its visit, or both its records."""
    if error.pair:
        return error.records <= alarm.records
    place = reads.by_id[alarm.rule_id].place
    if error.change.removed and place.event:
        return place.event == error.event
    return bool(reads.fields(alarm.rule_id) & set(error.fields))


def _follows_from(alarm: Alarm, error: Planted, reads: RuleReads) -> bool:
    """Whether a finding that does not lead to the error is a consequence of it all the same.

    A record that is there twice lacks its later visits, a visit that is gone leaves what others say of it, and a
    calculated field is worked out from what was typed.
    """
    kind = reads.by_id[alarm.rule_id].kind
    if reads.fields(alarm.rule_id) & error.derived:
        return True
    return bool(error.pair and alarm.records & set(error.pair)) or (
        bool(error.change.removed) and kind in (RuleKind.VISIT, RuleKind.ABSENT, RuleKind.COUNT)
    )
