"""Judges all rules of a study on one snapshot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from nightround.model.doubts import Doubts
from nightround.model.outcome import OF_GROUP, SUGGESTED, Coverage, Outcome, Status, Violation
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.validation.batch import Batch, make_batch
from nightround.validation.checkpoint_document import checkpoint_document
from nightround.validation.cohort_words import fields_of, finding_words, note_of
from nightround.validation.coverage import certify
from nightround.validation.early_import import load_judge
from nightround.validation.evaluation import RuleResult
from nightround.validation.judged_rules import Cells, JudgedRule
from nightround.validation.rule_inputs import inputs_of, rule_hash
from nightround.validation.snapshot_rows import AnchorRows, MarkedRows, SnapshotRows
from nightround.validation.suite import CompiledRule, Suite, compile_suites
from redcap_sync.column_name import AS_TEXT
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from redcap_sync.messages import Message
from redcap_sync.rows.tables import RowKey

Named = TypeVar("Named", Outcome, JudgedRule)


@dataclass(frozen=True)
class Validation:
    """What a night's rules came to, and the certificate that none was left out."""

    rules: tuple[Rule, ...]
    outcomes: tuple[Outcome, ...]
    coverage: Coverage
    judged: tuple[JudgedRule, ...] = field(default=(), repr=False)
    """Every rule that Great Expectations has judged, tonight or before, in the order of the rules."""
    changed: bool = False
    """Whether `judged` differs from what was known before."""
    run: str = ""
    positions: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Present ids of rules of the project, by the numbers that were their ids before."""
    doubts: Doubts = field(default_factory=Doubts)
    """What the night must not close, whatever its rules say."""

    def checkpoint_document(self, earlier: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Great Expectations' own result of the run: that of one Checkpoint over all suites.

        `earlier` are the documents of earlier runs, the newest first.
        """
        return checkpoint_document(self.judged, self.run, earlier)

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
    known: Mapping[str, JudgedRule] | None = None,
    silent: Callable[[Sequence[Rule], Dictionary], Mapping[str, Message]] | None = None,
    run: str = "",
) -> Validation:
    """Judge every rule on the snapshot; a rule that breaks is an outcome of its own and stops no other.

    `stopped` rules are not judged at all; each has the reason why it could not be evaluated.
    `threads` work in parallel, 0 for as many as the process may use; their number changes no outcome.
    `known` are rules that were judged before, by id: one whose inputs are the same is not judged again, which
    changes no outcome either. `silent` names those of the others that are proven never to ask, each with the reason:
    they are not judged either. `run` names this run in the documents of later ones.
    """
    stopped, known = stopped or {}, known or {}
    asked = [rule for rule in rules if rule.id not in stopped]
    kept = _still_true(asked, known, snapshot, now)
    fresh = [rule for rule in asked if rule.id not in kept]
    proven = silent(fresh, snapshot.dictionary) if silent else {}
    suites, refused = compile_suites([rule for rule in fresh if rule.id not in proven], snapshot.dictionary)
    outcomes = [_not_evaluated(rule_id, reason) for rule_id, reason in {**refused, **proven, **stopped}.items()]
    rows = SnapshotRows(snapshot)
    judged: list[JudgedRule] = []
    for suite in suites:
        found = _judge_suite(rows, suite, now, threads, run)
        outcomes.extend(one for one in found if isinstance(one, Outcome))
        judged.extend(one for one in found if isinstance(one, JudgedRule))
    every = _in_order([*kept.values(), *judged], rules)
    outcomes = _in_order([*outcomes, *_outcomes(every, rules, rows)], rules)
    return Validation(
        tuple(rules),
        tuple(outcomes),
        certify(rules, outcomes),
        tuple(every),
        changed=bool(judged) or kept.keys() != known.keys(),
        run=run,
        positions=_positions(rules, known),
    )


def _positions(rules: Sequence[Rule], known: Mapping[str, JudgedRule]) -> dict[str, str]:
    """Which rules of the project were judged under a number: those of the same logic, the one at its place first."""
    of_project = [rule for rule in rules if rule.origin == "redcap"]
    found: dict[str, str] = {}
    for number, judged in known.items():
        if number.isdecimal() and judged.inputs is not None:
            same = (rule for rule in of_project if rule_hash(replace(rule, id=number)) == judged.inputs.rule)
            at_its_place = of_project[int(number) - 1 : int(number)]
            if ranked := sorted(same, key=lambda rule: rule not in at_its_place):
                found[number] = ranked[0].id
    return found


def _still_true(
    asked: Sequence[Rule], known: Mapping[str, JudgedRule], snapshot: Snapshot, now: datetime
) -> dict[str, JudgedRule]:
    """The known rules, by id, whose inputs are the same; of two rules with one id none is known."""
    often = Counter(rule.id for rule in asked)
    pairs = ((rule, known[rule.id]) for rule in asked if rule.id in known and often[rule.id] == 1)
    return {rule.id: one for rule, one in pairs if one.inputs is not None and one.inputs.unchanged(rule, snapshot, now)}


def _in_order(some: Sequence[Named], rules: Sequence[Rule]) -> list[Named]:
    order = {rule.id: rank for rank, rule in enumerate(rules)}
    return sorted(some, key=lambda one: order.get(one.rule_id, len(order)))


def _judge_suite(rows: SnapshotRows, suite: Suite, now: datetime, threads: int, run: str) -> list[Outcome | JudgedRule]:
    """Judge the rules of a suite; the outcome of each that cannot be judged, or has no row."""
    wanted = dict.fromkeys(reference for compiled in suite.rules for reference in compiled.references)
    batch = make_batch(AnchorRows(rows, suite.instruments), suite.name, wanted, now, threads=threads)
    missing = {compiled.rule.id: _missing(compiled, batch) for compiled in suite.rules}
    unreadable = [_not_evaluated(name, reason) for name, reason in missing.items() if reason]
    readable = tuple(one for one in suite.rules if not missing[one.rule.id])
    if not len(batch.frame):
        return [*unreadable, *(_not_applicable(one.rule.id, Message.of("outcome.no_row")) for one in readable)]
    if not readable:
        return [*unreadable]
    return [*unreadable, *_judged(Suite(suite.name, suite.instruments, readable), batch, now, run)]


def _judged(suite: Suite, batch: Batch, now: datetime, run: str) -> Iterator[JudgedRule]:
    """What each rule of a suite comes to. Great Expectations is imported here, where it surely has to judge."""
    load_judge()
    from nightround.validation.gx_judge import judge

    judgement = judge(suite, batch.frame)
    for compiled in suite.rules:
        result = judgement.results[compiled.rule.id]
        yield JudgedRule(
            compiled.rule.id,
            suite.name,
            suite.instruments,
            run,
            None if result.error else inputs_of(compiled, batch.rows.rows, batch.frame, now),
            result,
            _observed(compiled, batch, result),
            judgement.verdicts[compiled.rule.id],
        )


def _missing(compiled: CompiledRule, batch: Batch) -> Message | None:
    """Why a rule cannot be looked at on this batch, if so."""
    reasons = (batch.unreadable[one.column] for one in compiled.references if one.column in batch.unreadable)
    return next(reasons, None)


def _observed(compiled: CompiledRule, batch: Batch, result: RuleResult) -> Cells:
    """The stored cells that a rule read in the rows that fail."""
    names = sorted({(_shown(reference), reference.column) for reference in compiled.references})
    own = tuple((name, tuple(batch.texts(column, result.failing))) for name, column in names)
    return (*own, *_of_groups([column for _, column in names], batch, result)) if result.others else own


def _of_groups(columns: Sequence[str], batch: Batch, result: RuleResult) -> Cells:
    """The cells of all rows of each group, in an order that does not follow the names of their records."""

    def cells(first: int) -> str:
        rows = np.array([first, *result.others.get(first, ())], dtype=np.intp)
        return json.dumps(sorted(zip(*(batch.texts(column, rows) for column in columns), strict=True)))

    return ((OF_GROUP, tuple(map(cells, result.failing.tolist()))),)


def _outcomes(judged: Sequence[JudgedRule], rules: Sequence[Rule], rows: SnapshotRows) -> Iterator[Outcome]:
    by_id = {rule.id: rule for rule in rules}
    anchors = {instruments: AnchorRows(rows, instruments) for instruments in {one.instruments for one in judged}}
    return (_outcome(by_id[one.rule_id], one, anchors[one.instruments]) for one in judged)


def _outcome(rule: Rule, judged: JudgedRule, rows: AnchorRows) -> Outcome:
    result = judged.result
    if result.error:
        return _not_evaluated(rule.id, result.error)
    in_scope, checked = result.in_scope, result.checked
    if not in_scope:
        return _not_applicable(rule.id, Message.of("outcome.no_scope"))
    blank_rows = MarkedRows(rows, result.scope & ~result.judged)
    if rule.of_cohort:
        return _of_cohort(rule, judged, rows)
    if not checked:
        reason = Message.of("outcome.all_blank", rows=in_scope)
        return replace(_not_applicable(rule.id, reason), in_scope=in_scope, blank_rows=blank_rows)
    violations = tuple(_violations(rule, judged, rows))
    status = Status.FAILED if violations else Status.PASSED
    return Outcome(
        rule.id,
        status,
        in_scope,
        checked,
        len(violations),
        violations=violations,
        judged_rows=MarkedRows(rows, result.judged),
        blank_rows=blank_rows,
    )


def _of_cohort(rule: Rule, judged: JudgedRule, rows: AnchorRows) -> Outcome:
    """The outcome of a rule on all rows together: a violation for each test that saw what chance does not explain."""
    result, dictionary = judged.result, rows.rows.snapshot.dictionary
    notes = tuple(note_of(rule, one, dictionary) for one in result.cohort)
    tested = [one for one in result.cohort if one.p is not None]
    if not tested:
        reason = Message.of("outcome.too_few_values", n=max((one.n for one in result.cohort), default=0))
        return replace(_not_applicable(rule.id, reason), in_scope=result.in_scope, notes=notes)
    violations = tuple(
        Violation(
            rule.id,
            RowKey("", "", rule.instrument, 0),
            fields_of(rule, one),
            {OF_GROUP: f"n {one.n}, P {one.p!r}"},
            others=tuple(rows.row_keys(np.array(one.rows, dtype=np.intp))) if one.rows else (),
            group=one.group,
            said=finding_words(rule, one, dictionary),
        )
        for one in tested
        if one.found
    )
    return Outcome(
        rule.id,
        Status.FAILED if violations else Status.PASSED,
        result.in_scope,
        result.checked,
        len(violations),
        violations=violations,
        notes=notes,
        tested=frozenset((fields_of(rule, one), one.group) for one in tested),
    )


def _violations(rule: Rule, judged: JudgedRule, rows: AnchorRows) -> Iterator[Violation]:
    """Every failing row with its key and the stored cells the rule read."""
    result, names = judged.result, [name for name, _ in judged.observed]
    cells = (texts for _, texts in judged.observed)
    for position, key, *texts in zip(result.failing.tolist(), rows.row_keys(result.failing), *cells, strict=True):
        observed = dict(zip(names, texts, strict=True))
        if position in result.suggested:
            observed[SUGGESTED] = result.suggested[position]
        others = np.array(result.others.get(position, ()), dtype=np.intp)
        yield Violation(rule.id, key, rule.fields, observed, tuple(rows.row_keys(others)) if len(others) else ())


def _shown(reference: Reference) -> str:
    """The name of a cell in `observed`: its canonical column, without the word that asks for stored text."""
    return str(reference.name.typed) if reference.modifier == AS_TEXT else reference.column


def _not_evaluated(rule_id: str, reason: Message) -> Outcome:
    return Outcome(rule_id, Status.NOT_EVALUATED, 0, 0, 0, reason)


def _not_applicable(rule_id: str, reason: Message) -> Outcome:
    return Outcome(rule_id, Status.NOT_APPLICABLE, 0, 0, 0, reason)
