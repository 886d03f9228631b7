"""Made-up rules, outcomes and findings for the tests of the ledger, the store and the alerts. No patient exists."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from nightround.model.finding import Finding, FindingState, finding_id
from nightround.model.language import Words
from nightround.model.outcome import Outcome, Status, Violation
from nightround.model.rule import Rule, Severity
from nightround.store.database import Store
from nightround.store.engine import reading
from nightround.store.finding_rows import HistoryEntry, read_history
from nightround.study.rules.rule_logic import logic_hash
from redcap_sync.rows.tables import RowKey

STUDY = "made_up"
NIGHT = datetime(2025, 5, 13, 2, 30, tzinfo=UTC)
"""A Tuesday."""


def night(number: int) -> datetime:
    """The hour of a night, counted from 1."""
    return NIGHT + timedelta(days=number - 1)


def made_row(record: str = "1001", **other: Any) -> RowKey:
    """A row of the Villalta instrument."""
    return RowKey(**({"record": record, "event": "month_6_arm_1", "instrument": "villalta", "instance": 0} | other))


def made_rule(rule_id: str = "VIL-01", **other: Any) -> Rule:
    """A rule on the Villalta total."""
    facts: dict[str, Any] = {
        "title": Words("Villalta 总分应等于各项之和", "The Villalta total is the sum of its items"),
        "instrument": "villalta",
        "discrepancy": "[villalta_total] <> sum([a], [b])",
        "severity": Severity.MAJOR,
        "fields": ("villalta_total",),
        "advice": Words("请对照纸质评分表重新计算总分。", "Add up the paper score sheet again."),
    }
    return Rule(id=rule_id, **(facts | other))


def made_violation(rule_id: str = "VIL-01", row: RowKey | None = None, **other: Any) -> Violation:
    """One broken row of that rule."""
    facts: dict[str, Any] = {"fields": ("villalta_total",), "observed": {"villalta_total": "7"}}
    return Violation(rule_id=rule_id, row=row or made_row(), **(facts | other))


def made_outcome(
    rule_id: str = "VIL-01",
    rows: Iterable[RowKey] = (),
    status: Status | None = None,
    **other: Any,
) -> Outcome:
    """The result of a rule: failed on these rows, or passed when there are none, or the status given."""
    violations = tuple(made_violation(rule_id, row, **other) for row in rows)
    ended = status or (Status.FAILED if violations else Status.PASSED)
    return Outcome(rule_id, ended, in_scope=9, checked=8, failed=len(violations), violations=violations)


def made_finding(rule_id: str = "VIL-01", row: RowKey | None = None, **other: Any) -> Finding:
    """An open finding of that rule, first seen on night 1."""
    where = row or made_row()
    facts: dict[str, Any] = {
        "study": STUDY,
        "fields": ("villalta_total",),
        "severity": Severity.MAJOR,
        "owner": "coordinator",
        "state": FindingState.OPEN,
        "opened_at": NIGHT,
        "last_seen_at": NIGHT,
        "observed": {"villalta_total": "7"},
        "logic": logic_hash(made_rule(rule_id)),
        "title": made_rule(rule_id).finding_title,
    } | other
    identity = finding_id(facts["study"], rule_id, where, facts["fields"])
    return Finding(**({"id": identity, "rule_id": rule_id, "row": where} | facts))


def history_of(store: Store, study: str = STUDY, position: int = 0) -> tuple[HistoryEntry, ...]:
    """Every change of a finding's state after a position of the history, oldest first."""
    with reading(store.engine) as connection:
        return read_history(connection, study, position)
