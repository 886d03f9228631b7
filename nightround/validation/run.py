"""Judges all rules of a study on one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nightround.model import Coverage, Outcome, Rule, Snapshot, Status, Violation
from nightround.validation.batch import Batch, RowsOf, make_batch
from nightround.validation.coverage import certify
from nightround.validation.suite import CompiledRule, Suite, compile_suites

if TYPE_CHECKING:
    from nightround.validation.gx_judge import RuleResult


@dataclass(frozen=True)
class Validation:
    """What a night's rules came to, and the certificate that none was left out."""

    rules: tuple[Rule, ...]
    outcomes: tuple[Outcome, ...]
    coverage: Coverage

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every row that failed any rule."""
        return tuple(violation for outcome in self.outcomes for violation in outcome.violations)


def validate(snapshot: Snapshot, rules: Sequence[Rule], *, now: datetime) -> Validation:
    """Judge every rule on the snapshot; a rule that breaks is an outcome of its own and stops no other."""
    suites, refused = compile_suites(rules, snapshot.dictionary)
    outcomes = [_not_evaluated(rule_id, reason) for rule_id, reason in refused.items()]
    for suite in suites:
        outcomes.extend(_judge_suite(snapshot, suite, now))
    order = {rule.id: rank for rank, rule in enumerate(rules)}
    outcomes.sort(key=lambda outcome: order.get(outcome.rule_id, len(order)))
    return Validation(tuple(rules), tuple(outcomes), certify(rules, outcomes))


def _judge_suite(snapshot: Snapshot, suite: Suite, now: datetime) -> Iterator[Outcome]:
    from nightround.validation.gx_judge import judge

    wanted = dict.fromkeys(reference for compiled in suite.rules for reference in compiled.references)
    batch = make_batch(snapshot, suite.name, suite.instruments, wanted, now)
    readable = tuple(one for one in suite.rules if not _missing(one, batch))
    for compiled in suite.rules:
        missing = _missing(compiled, batch)
        if missing:
            yield _not_evaluated(compiled.rule.id, missing)
    if readable and len(batch.frame):
        results = judge(
            Suite(suite.name, suite.instruments, readable), batch, run_name=f"{snapshot.id[:12]}-{suite.name}"
        )
        for compiled in readable:
            yield _outcome(compiled, batch, results[compiled.rule.id])
    else:
        for compiled in readable:
            yield _not_applicable(compiled.rule.id, "the instrument has no row in this snapshot")


def _missing(compiled: CompiledRule, batch: Batch) -> str:
    """Why a rule cannot be looked at on this batch, or ''."""
    reasons = (batch.unreadable[one.column] for one in compiled.references if one.column in batch.unreadable)
    return next(reasons, "")


def _outcome(compiled: CompiledRule, batch: Batch, result: RuleResult) -> Outcome:
    rule = compiled.rule
    if result.error:
        return _not_evaluated(rule.id, result.error)
    in_scope, checked = int(result.scope.sum()), int(result.judged.sum())
    if not in_scope:
        return _not_applicable(rule.id, "no row is in the rule's scope")
    blank_rows = RowsOf.where(batch, result.scope & ~result.judged)
    if not checked:
        reason = f"in all {in_scope} rows of its scope a needed field is blank"
        return replace(_not_applicable(rule.id, reason), blank_rows=blank_rows)
    violations = tuple(_violation(compiled, batch, int(position)) for position in result.failing)
    status = Status.FAILED if violations else Status.PASSED
    return Outcome(
        rule.id,
        status,
        in_scope,
        checked,
        len(violations),
        violations=violations,
        judged_rows=RowsOf.where(batch, result.judged),
        blank_rows=blank_rows,
    )


def _violation(compiled: CompiledRule, batch: Batch, position: int) -> Violation:
    observed = {reference.column: batch.text(reference.column, position) for reference in compiled.references}
    return Violation(compiled.rule.id, batch.row_key(position), compiled.rule.fields, dict(sorted(observed.items())))


def _not_evaluated(rule_id: str, reason: str) -> Outcome:
    return Outcome(rule_id, Status.NOT_EVALUATED, 0, 0, 0, reason)


def _not_applicable(rule_id: str, reason: str) -> Outcome:
    return Outcome(rule_id, Status.NOT_APPLICABLE, 0, 0, 0, reason)
