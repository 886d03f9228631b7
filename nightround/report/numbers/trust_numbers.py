"""How far the numbers of a report can be trusted, from its snapshot, its findings and the results of its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median

import pandas as pd

from nightround.model.finding import Finding, in_doubt
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.report.numbers.completeness import begun_visits, filled_of, parts_filled, parts_of
from nightround.report.numbers.doubt import doubt_of
from nightround.report.numbers.facts import Ageing, Checked, Line, LineTrust, LineVerdict, PatientPair, Trust
from nightround.report.numbers.recomputing import PlannedLine, Recomputation
from nightround.report.numbers.sensitivity import Limits, line_trust, weight_of
from nightround.statistics.cohort import cohort_of
from nightround.statistics.drift import drift
from nightround.study.plan import FieldRef, Plan
from redcap_sync.dictionary import Dictionary


def trust_of(
    plan: Plan,
    snapshot: Snapshot,
    patients: pd.DataFrame,
    *,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    outcomes: Sequence[Outcome],
    now: datetime,
) -> Trust:
    """Everything a report says of how far it can be trusted. `findings` are open and closed ones, `now` the cut-off."""
    limits = limits_of(snapshot.dictionary)
    visits = tuple(begun_visits(snapshot))
    standing = in_doubt(findings)
    doubt = doubt_of(plan, standing, patients.index)
    numbers = Recomputation(plan, patients)
    found = tuple(line_trust(line, numbers, doubt, limits) for line in numbers.lines)
    weights = [weight_of(one.id, doubt, numbers, limits) for one in standing if doubt.cells[one.id]]
    order = {one.id: one.order for one in standing}
    weights.sort(
        key=lambda one: (
            -list(LineVerdict).index(one.verdict or LineVerdict.UNTOUCHED),
            -(one.shift or 0.0),
            order[one.finding],
        )
    )
    membership = sum(any(cell[1] in numbers.membership for cell in doubt.cells[one.id]) for one in standing)
    return Trust(
        lines=found,
        weights=tuple(weights),
        checked=tuple(checked_of(line, numbers, rules, outcomes, found) for line in numbers.lines),
        completeness=tuple(filled_of(visits)),
        parts=tuple(parts_filled(visits, parts_of(plan, snapshot, patients))),
        ageing=ageing_of(findings, now),
        membership=membership,
    )


def limits_of(dictionary: Dictionary) -> Limits:
    """The limits that the data dictionary sets a measured field."""

    def limits(reference: FieldRef) -> tuple[float, float] | None:
        field = dictionary.by_name.get(reference.field)
        try:
            return (float(field.minimum), float(field.maximum)) if field else None
        except ValueError:  # no limit, or one that is a date or another field
            return None

    return limits


def checked_of(
    line: PlannedLine,
    numbers: Recomputation,
    rules: Sequence[Rule],
    outcomes: Sequence[Outcome],
    lines: Sequence[LineTrust],
) -> Checked:
    """The rules that name a field of a line at its event, and their results."""
    status = {one.rule_id: one.status for one in outcomes}
    about = [rule for rule in rules if any(concerns(rule, reference) for reference in line.references)]
    judged = [status[rule.id] for rule in about if status.get(rule.id) in {Status.PASSED, Status.FAILED}]
    mine = next(one for one in lines if one.line == line.id)
    return Checked(line.id, len(judged), judged.count(Status.FAILED), numbers.known(line), mine.open_values)


def concerns(rule: Rule, reference: FieldRef) -> bool:
    """Whether a rule looks at a field of the plan: it names it, at its event or at every one."""
    named = reference.field in rule.fields or reference.dictionary_field in rule.fields
    return named and (not rule.events or not reference.event or reference.event in rule.events)


def ageing_of(findings: Sequence[Finding], now: datetime) -> Ageing:
    """How long findings have stood open, and how long they took to close, in whole days."""
    standing = [(now - one.opened_at).days for one in in_doubt(findings) if not one.under]
    closed = [(one.resolved_at - one.opened_at).days for one in findings if one.resolved_at]
    return Ageing(
        open_median=float(median(standing)) if standing else None,
        open_oldest=max(standing, default=None),
        closed=len(closed),
        closed_median=float(median(closed)) if closed else None,
    )


def pairs_of(plan: Plan, patients: pd.DataFrame) -> Mapping[Line, tuple[PatientPair, ...]]:
    """What the plan wants drawn patient by patient, ordered by value, so that nothing says whose it is."""
    cohort = cohort_of(plan, patients)
    ids = [*(group.id for group in plan.groups), ""]
    found = {}
    for drawn in plan.per_patient:
        for variable in (one for one in plan.table(drawn.table).variables if one.id in drawn.variables):
            before, after = (cohort.measured(reference) for _, reference in variable.visits)
            rows = sorted(zip(cohort.group, before, after, strict=True), key=lambda row: (row[1], row[2]))
            paired = (PatientPair(ids[group], float(b), float(a)) for group, b, a in rows if b == b and a == a)  # noqa: PLR0124 - NaN
            found[Line(drawn.table, variable.id)] = tuple(paired)
    return found


def drifting_of(plan: Plan, patients: pd.DataFrame) -> Mapping[Line, str]:
    """The lines whose planned test tonight's data put in doubt, with the assumption."""
    return {Line(one.table, one.variable): one.assumption for one in drift(plan, patients)}
