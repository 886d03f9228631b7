"""What tonight's data would have chosen: reported next to the plan, and never acted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from nightround.statistics.categorical import expected
from nightround.statistics.cohort import Cohort, cohort_of
from nightround.statistics.comparisons import counts_of, known
from nightround.statistics.constant import is_constant
from nightround.statistics.numbers import Numbers
from nightround.statistics.policy import POLICIES, PolicyChoice
from nightround.study.methods import HypothesisTestName
from nightround.study.plan import Plan, Variable

LEVEL = 0.05
SMALLEST, LARGEST = 8, 5000
"""Shapiro and Wilk's test says little below, and is not defined above (Royston, Appl Stat 1995;44:547)."""


@dataclass(frozen=True)
class AssumptionDrift:
    """A line of the plan whose assumption tonight's data put in doubt.

    `assumption` is `normal` (P by Shapiro-Wilk) or `expected_counts` (the smallest expected count).
    """

    table: str
    variable: str
    group: str
    visit: str
    assumption: str
    value: float


def drift(plan: Plan, patients: pd.DataFrame) -> tuple[AssumptionDrift, ...]:
    """Where a mean and SD is planned and a group looks skewed, or Pearson is planned and a cell is thin.

    The plan stands whatever this says: choosing tests by pre-tests changes their error rate
    (Rochon, BMC Med Res Methodol 2012;12:81).
    """
    cohort = cohort_of(plan, patients)
    choice = PolicyChoice(plan, POLICIES[plan.policy])
    found: list[AssumptionDrift] = []
    for table in plan.tables:
        for variable in table.variables:
            found += _skewed(table.id, variable, cohort)
            found += _thin(table.id, variable, cohort, choice)
    return tuple(found)


def _skewed(table: str, variable: Variable, cohort: Cohort) -> Iterator[AssumptionDrift]:
    if variable.summary != "mean_sd":
        return
    for visit, reference in variable.visits:
        values = cohort.measured(reference)
        for group in cohort.plan.groups:
            p = _normality(values[known(values) & cohort.members(group.id)])
            if p is not None and p < LEVEL:
                yield AssumptionDrift(table, variable.id, group.id, visit, "normal", p)


def _normality(values: Numbers) -> float | None:
    usable = SMALLEST <= len(values) <= LARGEST and bool(np.isfinite(values).all()) and not is_constant(values)
    return float(stats.shapiro(values).pvalue) if usable else None


def _thin(table: str, variable: Variable, cohort: Cohort, choice: PolicyChoice) -> Iterator[AssumptionDrift]:
    if variable.field is None or choice.between(variable) != HypothesisTestName.PEARSON:
        return
    counts = counts_of(cohort.levels(variable, variable.field), variable, cohort)
    used = counts[counts.sum(axis=1) > 0]
    if used.size and used.sum() and (smallest := float(expected(used).min())) < 5:  # noqa: PLR2004 - Cochran's limit
        yield AssumptionDrift(table, variable.id, "", "", "expected_counts", smallest)
