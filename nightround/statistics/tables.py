"""The driver: from a plan and its patients to the result rows of every table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from nightround.model.result import ResultRow, ResultSet
from nightround.statistics.cells import described
from nightround.statistics.cohort import Cohort, cohort_of, endpoint_known, half_limit_of, meets, step_mask
from nightround.statistics.comparisons import compared_between, compared_within
from nightround.statistics.describe import clopper_pearson, wilson
from nightround.statistics.effects import changes_within, difference_of_changes, effects_between
from nightround.statistics.family import family_rows
from nightround.statistics.followup import regression_rows, survival_rows
from nightround.statistics.laboratory import shift_rows
from nightround.statistics.numbers import PERCENT_DIGITS, text_of
from nightround.statistics.numbers import percent as percentage
from nightround.statistics.policy import POLICIES, PolicyChoice
from nightround.statistics.rows import RowPlace, method_words
from nightround.study.methods import Caution, Reason
from nightround.study.plan import Endpoint, Plan, PlannedTable, PolicyName, Variable

FLOW, ENDPOINTS = "flow", "endpoints"
HALF_LIMIT = "half_limit_"
_NOT_OF_VALUES = frozenset({"n", "missing", "unpaired"})
"""Who has a value does not depend on what replaces one below detection."""


def tables(plan: Plan, patients: pd.DataFrame, policy: PolicyName | None = None) -> ResultSet:
    """Every number the plan asks for, as result rows, from one row a patient (see `patient_frame`).

    Keys: table is `flow`, `endpoints`, `survival`, or the id of a table or a regression; group '' is
    the whole population, visit is '', `before` or `after`. `policy` is the plan's own unless another is named.
    """
    cohort = cohort_of(plan, patients)
    choice = PolicyChoice(plan, POLICIES[policy or plan.policy])
    return ResultSet(_rows(cohort, patients, choice))


def _rows(cohort: Cohort, patients: pd.DataFrame, choice: PolicyChoice) -> Iterator[ResultRow]:
    yield from flow_rows(cohort, patients)
    for endpoint in cohort.plan.endpoints:
        yield from endpoint_rows(endpoint, cohort.plan, patients)
    for table in cohort.plan.tables:
        made = [row for variable in table.variables for row in variable_rows(table, variable, cohort, choice)]
        sensitivity = [row for variable in table.variables for row in half_limit_rows(table, variable, cohort, choice)]
        yield from (*made, *family_rows(table, made), *sensitivity)
    for curve in cohort.plan.survival:
        yield from survival_rows(curve, cohort.plan, patients)
    for regression in cohort.plan.regressions:
        yield from regression_rows(regression, cohort)


def flow_rows(cohort: Cohort, patients: pd.DataFrame) -> Iterator[ResultRow]:
    """How many patients passed each step, how many are in each group, and how many in none."""
    for step in cohort.plan.flow:
        yield RowPlace(FLOW, step.id).count("n", int(step_mask(cohort.plan, patients, step.id).sum()))
    for group in cohort.plan.groups:
        yield RowPlace(FLOW, "groups", group=group.id).count("n", int(cohort.members(group.id).sum()))
    yield RowPlace(FLOW, "groups").count("unassigned", int((cohort.group < 0).sum()))


def endpoint_rows(endpoint: Endpoint, plan: Plan, patients: pd.DataFrame) -> Iterator[ResultRow]:
    """A proportion of a flow step, with the intervals of Wilson and of Clopper and Pearson, in percent."""
    yield from proportion_rows(endpoint, plan, patients[step_mask(plan, patients, endpoint.among)])


def proportion_rows(endpoint: Endpoint, plan: Plan, among: pd.DataFrame) -> Iterator[ResultRow]:
    """The same of the patients that passed the step."""
    place = RowPlace(ENDPOINTS, endpoint.id)
    known = int(endpoint_known(endpoint, plan, among).sum())
    count = int(meets(endpoint, among).sum())
    coded = Caution.UNKNOWN_CODES if known < int(among[endpoint.field.column].notna().sum()) else ""
    yield from (place.count("n", known), place.count("missing", len(among) - known, warning=coded))
    yield place.count("count", count)
    if not known:
        yield from (place.refused(statistic, Reason.NO_VALUES) for statistic in ("percent", "summary"))
        return
    share = percentage(count, known)
    printed = text_of(share, PERCENT_DIGITS)
    yield place.row("percent", share, printed, n=known)
    yield place.row("summary", share, f"{printed}% ({count}/{known})", n=known)
    for found in (wilson(count, known), clopper_pearson(count, known)):
        for end, value in (("low", 100 * found.low), ("high", 100 * found.high)):
            text = text_of(value, PERCENT_DIGITS)
            yield place.row(f"{found.method}_{end}", value, text, n=known, method=method_words(found.method))


def variable_rows(table: PlannedTable, variable: Variable, cohort: Cohort, choice: PolicyChoice) -> Iterator[ResultRow]:
    """Everything about one variable of one table."""
    place = RowPlace(table.id, variable.id)
    columns = ("", *(group.id for group in cohort.plan.groups))
    for visit, reference in variable.visits:
        there = place.at(visit=visit)
        for group in columns:
            yield from described(there.at(group=group), variable, reference, cohort, choice)
        yield from compared_between(there, variable, reference, cohort, choice)
        yield from effects_between(there, variable, reference, cohort, choice, wanted=table.effects)
    if variable.before and variable.after:
        for group in columns:
            yield from compared_within(place.at(group=group), variable, cohort, choice)
            yield from changes_within(place.at(group=group), variable, cohort, table.effects)
            yield from shift_rows(place.at(group=group), variable, cohort)
        yield from difference_of_changes(place, variable, cohort, choice, table.effects)


def half_limit_rows(
    table: PlannedTable, variable: Variable, cohort: Cohort, choice: PolicyChoice
) -> Iterator[ResultRow]:
    """The same numbers with half of the limit of detection in place of values below it, where the plan asks for it.

    Statistics are named `half_limit_mean`, `half_limit_p` and so on. They are a sensitivity analysis (EPA QA/G-9,
    section 4.7) and no part of a family.
    """
    if not variable.half_limit:
        return
    fields = {"field": variable.field, "before": variable.before, "after": variable.after}
    moved = {name: half_limit_of(reference) for name, reference in fields.items() if reference}
    substituted = variable.model_copy(update={**moved, "below_detection": False, "limits": ()})
    for row in variable_rows(table, substituted, cohort, choice):
        if row.statistic not in _NOT_OF_VALUES:
            warning = "; ".join(one for one in (row.warning, str(Caution.HALF_LIMIT)) if one)
            yield replace(row, statistic=f"{HALF_LIMIT}{row.statistic}", warning=warning)
