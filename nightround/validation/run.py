"""Judges all rules of a study on one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from nightround.model.outcome import Coverage, Outcome, Status, Violation
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.validation.batch import Batch, make_batch
from nightround.validation.coverage import certify
from nightround.validation.evaluation import RuleResult
from nightround.validation.snapshot_rows import AnchorRows, MarkedRows, SnapshotRows
from nightround.validation.suite import CompiledRule, Suite, compile_suites
from redcap_sync.column_name import AS_TEXT
from redcap_sync.logic import Reference
from redcap_sync.messages import Message

SUGGESTED = "suggested value"
"""The name in `observed` of what a cell probably should hold."""


@dataclass(frozen=True)
class Validation:
    """What a night's rules came to, and the certificate that none was left out."""

    rules: tuple[Rule, ...]
    outcomes: tuple[Outcome, ...]
    coverage: Coverage
    described: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Great Expectations' own result of each suite, as JSON; no value and no record id is in it."""

    def checkpoint_document(self) -> dict[str, Any]:
        """Great Expectations' own result of the run: that of one Checkpoint over all suites."""
        from nightround.validation.gx_judge import checkpoint_document

        return checkpoint_document(self.described)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every row that failed any rule."""
        return tuple(violation for outcome in self.outcomes for violation in outcome.violations)


def validate(
    snapshot: Snapshot,
    rules: Sequence[Rule],
    *,
    now: datetime,
    stopped: Mapping[str, Message] | None = None,
    threads: int = 0,
) -> Validation:
    """Judge every rule on the snapshot; a rule that breaks is an outcome of its own and stops no other.

    `stopped` rules are not judged at all; each has the reason why it could not be evaluated.
    `threads` work beside one another, 0 for as many as the process may use; their number changes no outcome.
    """
    stopped = stopped or {}
    suites, refused = compile_suites([rule for rule in rules if rule.id not in stopped], snapshot.dictionary)
    outcomes = [_not_evaluated(rule_id, reason) for rule_id, reason in {**refused, **stopped}.items()]
    described: list[Mapping[str, Any]] = []
    rows = SnapshotRows(snapshot)
    for suite in suites:
        outcomes.extend(_judge_suite(rows, suite, now, threads, described))
    order = {rule.id: rank for rank, rule in enumerate(rules)}
    outcomes.sort(key=lambda outcome: order.get(outcome.rule_id, len(order)))
    return Validation(tuple(rules), tuple(outcomes), certify(rules, outcomes), tuple(described))


def _judge_suite(
    rows: SnapshotRows, suite: Suite, now: datetime, threads: int, described: list[Mapping[str, Any]]
) -> Iterator[Outcome]:
    from nightround.validation.gx_judge import judge

    wanted = dict.fromkeys(reference for compiled in suite.rules for reference in compiled.references)
    batch = make_batch(AnchorRows(rows, suite.instruments), suite.name, wanted, now, threads=threads)
    readable = tuple(one for one in suite.rules if not _missing(one, batch))
    for compiled in suite.rules:
        missing = _missing(compiled, batch)
        if missing:
            yield _not_evaluated(compiled.rule.id, missing)
    if readable and len(batch.frame):
        judgement = judge(
            Suite(suite.name, suite.instruments, readable),
            batch.frame,
            run_name=f"{rows.snapshot.id[:12]}-{suite.name}",
        )
        described.append(judgement.described)
        for compiled in readable:
            yield _outcome(compiled, batch, judgement.results[compiled.rule.id])
    else:
        for compiled in readable:
            yield _not_applicable(compiled.rule.id, Message.of("outcome.no_row"))


def _missing(compiled: CompiledRule, batch: Batch) -> Message | None:
    """Why a rule cannot be looked at on this batch, if so."""
    reasons = (batch.unreadable[one.column] for one in compiled.references if one.column in batch.unreadable)
    return next(reasons, None)


def _outcome(compiled: CompiledRule, batch: Batch, result: RuleResult) -> Outcome:
    rule = compiled.rule
    if result.error:
        return _not_evaluated(rule.id, result.error)
    in_scope, checked = result.in_scope, result.checked
    if not in_scope:
        return _not_applicable(rule.id, Message.of("outcome.no_scope"))
    blank_rows = MarkedRows(batch.rows, result.scope & ~result.judged)
    if not checked:
        reason = Message.of("outcome.all_blank", rows=in_scope)
        return replace(_not_applicable(rule.id, reason), in_scope=in_scope, blank_rows=blank_rows)
    violations = tuple(_violations(compiled, batch, result))
    status = Status.FAILED if violations else Status.PASSED
    return Outcome(
        rule.id,
        status,
        in_scope,
        checked,
        len(violations),
        violations=violations,
        judged_rows=MarkedRows(batch.rows, result.judged),
        blank_rows=blank_rows,
    )


def _violations(compiled: CompiledRule, batch: Batch, result: RuleResult) -> Iterator[Violation]:
    """Every failing row with its key and the stored cells the rule read."""
    names = sorted({(_shown(reference), reference.column) for reference in compiled.references})
    cells = [batch.texts(column, result.failing) for _, column in names]
    shown = [name for name, _ in names]
    rows = zip(result.failing.tolist(), batch.rows.row_keys(result.failing), *cells, strict=True)
    for position, key, *texts in rows:
        observed = dict(zip(shown, texts, strict=True))
        if position in result.suggested:
            observed[SUGGESTED] = result.suggested[position]
        yield Violation(compiled.rule.id, key, compiled.rule.fields, observed)


def _shown(reference: Reference) -> str:
    """The name of a cell in `observed`: its canonical column, without the word that asks for stored text."""
    return str(reference.name.typed) if reference.modifier == AS_TEXT else reference.column


def _not_evaluated(rule_id: str, reason: Message) -> Outcome:
    return Outcome(rule_id, Status.NOT_EVALUATED, 0, 0, 0, reason)


def _not_applicable(rule_id: str, reason: Message) -> Outcome:
    return Outcome(rule_id, Status.NOT_APPLICABLE, 0, 0, 0, reason)
