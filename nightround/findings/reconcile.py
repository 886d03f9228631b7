"""The ledger: violations followed through time, from the night they open to a proven end.

Everything here is pure: what is known, what tonight's outcomes say, and the hour are arguments.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution, finding_id
from nightround.model.outcome import Outcome, Status, Violation
from nightround.model.rule import Rule
from redcap_sync.rows.tables import RowKey

JUDGED = frozenset({Status.PASSED, Status.FAILED})


def reconcile(
    study: str,
    known: Iterable[Finding],
    outcomes: Iterable[Outcome],
    rules: Mapping[str, Rule],
    *,
    rows: Container[RowKey],
    complete: bool,
    now: datetime,
) -> LedgerDelta:
    """Hold what is known against tonight's outcomes and say what opened, stays, closed or came back.

    `known` are all findings of the study, `rules` its rules by id, `rows` the keys of every row in
    the snapshot's tables. `complete` is false when the run could not see everything: it then closes
    nothing, because a violation that is not seen proves nothing. It still opens and confirms, because
    a violation on a row that was exported is there whatever else was missing; only a violation on a
    row that is not in the snapshot (an absent visit) is not believed until a complete night sees it.

    An open finding that is not seen again on a complete night is closed when its rule was judged, or
    when no row was in the rule's scope; the `resolution` says which proof closed it. A rule that could
    not be evaluated, gave no outcome, or is no longer known closes nothing.

    Raises ValueError when the arguments contradict each other: findings of another study, one rule
    with two outcomes, an outcome of a rule that is not in `rules`, a time without a zone.
    """
    by_rule = _outcomes_by_rule(outcomes, rules)
    findings = _findings_by_id(study, known)
    if now.tzinfo is None:
        raise ValueError("now needs a time zone")
    seen = _seen(study, by_rule.values(), findings.values(), rows if not complete else None)
    delta: dict[str, list[Finding]] = {"opened": [], "persisting": [], "reopened": [], "resolved": [], "untouched": []}
    for before, violation in seen.values():
        after = _confirmed(before, study, violation, rules[violation.rule_id], now)
        delta[_change(before)].append(after)
    for finding in findings.values():
        if finding.state is FindingState.OPEN and finding.id not in seen:
            proof = _proof(finding, by_rule.get(finding.rule_id), rows) if complete else None
            delta["resolved" if proof else "untouched"].append(_moved(finding, proof, now) if proof else finding)
    return LedgerDelta(**{name: tuple(sorted(found, key=attrgetter("order"))) for name, found in delta.items()})


def _moved(finding: Finding, proof: Resolution | None, now: datetime) -> Finding:
    """Close an open finding with a proof, or open a closed one without: the only change of a finding's state."""
    if proof:
        return replace(finding, state=FindingState.RESOLVED, resolved_at=now, resolution=proof)
    return replace(
        finding,
        state=FindingState.OPEN,
        resolved_at=None,
        resolution=None,
        times_reopened=finding.times_reopened + 1,
    )


def _proof(finding: Finding, outcome: Outcome | None, rows: Container[RowKey]) -> Resolution | None:
    """Why a finding that a complete night did not see again may be closed; None when nothing proves it."""
    if outcome is None or outcome.status is Status.NOT_EVALUATED:
        return None
    if finding.row not in rows:
        return Resolution.ROW_REMOVED
    if finding.row in outcome.blank_rows:
        return Resolution.EMPTIED
    judged = outcome.judged_rows is None or finding.row in outcome.judged_rows
    # Whether other rows are in scope must not decide: with one in-scope row elsewhere the rule would be
    # `passed` and close this finding, so with none it is closed too, and the reason says what was proven.
    return Resolution.FIXED if judged and outcome.status in JUDGED else Resolution.OUT_OF_SCOPE


def _change(before: Finding | None) -> str:
    if before is None:
        return "opened"
    return "persisting" if before.state is FindingState.OPEN else "reopened"


def _confirmed(before: Finding | None, study: str, violation: Violation, rule: Rule, now: datetime) -> Finding:
    """The finding of a violation seen tonight. Severity and owner follow the rule as it is written today."""
    if before is None:
        return Finding(
            id=_identity(study, violation),
            study=study,
            rule_id=violation.rule_id,
            row=violation.row,
            fields=violation.fields,
            severity=rule.severity,
            owner=rule.owner,
            state=FindingState.OPEN,
            opened_at=now,
            last_seen_at=now,
            observed=violation.observed,
        )
    opened = before if before.state is FindingState.OPEN else _moved(before, None, now)
    if (opened.severity, opened.owner, opened.observed) == (rule.severity, rule.owner, violation.observed):
        return opened.seen_again(now)
    return replace(opened, severity=rule.severity, owner=rule.owner, last_seen_at=now, observed=violation.observed)


def _seen(
    study: str, outcomes: Iterable[Outcome], known: Iterable[Finding], believable: Container[RowKey] | None
) -> dict[str, tuple[Finding | None, Violation]]:
    """Tonight's violations by the id of their finding, with what is known of it; none on rows not `believable`."""
    # To look a finding up takes a quarter of the time that hashing its identity again takes.
    places = {(one.rule_id, one.row, one.fields): one for one in known}
    seen: dict[str, tuple[Finding | None, Violation]] = {}
    for outcome in outcomes:
        for violation in outcome.violations if outcome.status is Status.FAILED else ():
            if believable is None or violation.row in believable:
                before = places.get((violation.rule_id, violation.row, violation.fields))
                seen[before.id if before else _identity(study, violation)] = (before, violation)
    return seen


def _identity(study: str, violation: Violation) -> str:
    return finding_id(study, violation.rule_id, violation.row, violation.fields)


def _outcomes_by_rule(outcomes: Iterable[Outcome], rules: Mapping[str, Rule]) -> dict[str, Outcome]:
    by_rule: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.rule_id in by_rule:
            raise ValueError(f"two outcomes for rule {outcome.rule_id}")
        if outcome.rule_id not in rules:
            raise ValueError(f"an outcome for rule {outcome.rule_id}, which is not among the rules")
        if any(violation.rule_id != outcome.rule_id for violation in outcome.violations):
            raise ValueError(f"the outcome of rule {outcome.rule_id} holds violations of another rule")
        by_rule[outcome.rule_id] = outcome
    return by_rule


def _findings_by_id(study: str, known: Iterable[Finding]) -> dict[str, Finding]:
    by_id: dict[str, Finding] = {}
    for finding in known:
        if finding.study != study:
            raise ValueError(f"finding {finding.id} belongs to study {finding.study}, not {study}")
        if finding.id in by_id:
            raise ValueError(f"finding {finding.id} is known twice")
        by_id[finding.id] = finding
    return by_id
