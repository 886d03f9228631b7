"""The tests of a table: between groups, and between two visits of the same patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nightround.model.result import ResultRow
from nightround.statistics.categorical import SMALL_EXPECTED, Counts, association, expected
from nightround.statistics.cohort import Codes, Cohort, Mask
from nightround.statistics.compare import Samples, between
from nightround.statistics.estimates import HypothesisTest
from nightround.statistics.numbers import Numbers
from nightround.statistics.paired import turnover, within
from nightround.statistics.policy import PolicyChoice
from nightround.statistics.rows import RowPlace, rows_of_test
from nightround.study.methods import BETWEEN_COUNTS, BETWEEN_MEASUREMENTS, WITHIN_COUNTS, Caution, HypothesisTestName
from nightround.study.plan import FieldRef, Variable


def compared_between(
    place: RowPlace, variable: Variable, reference: FieldRef, cohort: Cohort, choice: PolicyChoice
) -> Iterator[ResultRow]:
    """The test between the plan's groups at one visit, and the tests listed next to it."""
    if len(cohort.plan.groups) < 2:  # noqa: PLR2004 - nothing to compare
        return
    planned = choice.between(variable)
    extra = list(choice.beside(variable)) if variable.field else []
    if planned == HypothesisTestName.PEARSON and variable.counted:
        planned, *extra = _with_small_counts(variable, reference, cohort, extra)
    for test, prefix in ((planned, ""), *((test, f"{test.value}_") for test in extra)):
        if test == HypothesisTestName.NONE:
            continue
        run = _between_groups(test, variable, reference, cohort)
        if not prefix and test != choice.between(variable):
            run = _as_fallback(run)
        sign = choice.sign(variable, test) if variable.field else choice.policy.sign_of(test)
        yield from rows_of_test(place, test, run, sign=sign, prefix=prefix)


def _with_small_counts(
    variable: Variable, reference: FieldRef, cohort: Cohort, extra: Sequence[HypothesisTestName]
) -> list[HypothesisTestName]:
    """The test that counts, then those next to it, where Pearson's test was planned.

    With an expected count below 5 the plan's fallback counts and Pearson is listed next to it; without a fallback
    Pearson counts, calls no difference, and the exact test is listed next to it.
    """
    counts = counts_of(cohort.levels(variable, reference), variable, cohort)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2 or expected(counts).min() >= SMALL_EXPECTED:  # noqa: PLR2004 - no table
        return [HypothesisTestName.PEARSON, *extra]
    two_by_two = counts.shape == (2, 2)
    exact = HypothesisTestName.FISHER if two_by_two else HypothesisTestName.FISHER_FREEMAN_HALTON
    if variable.fallback is None:
        return list(dict.fromkeys([HypothesisTestName.PEARSON, *extra, exact]))
    first = HypothesisTestName.YATES if two_by_two and variable.fallback == HypothesisTestName.YATES else exact
    return list(dict.fromkeys([first, *extra, HypothesisTestName.PEARSON]))


def _as_fallback(run: Callable[[], HypothesisTest]) -> Callable[[], HypothesisTest]:
    return lambda: replace(run(), caution=Caution.FALLBACK)


def compared_within(place: RowPlace, variable: Variable, cohort: Cohort, choice: PolicyChoice) -> Iterator[ResultRow]:
    """The pairs of a group, the test between the two visits, and the tests listed next to it."""
    members = cohort.members(place.group)
    before, after = (both[members] for both in visit_values(variable, cohort))
    paired = known(before) & known(after)
    yield place.count("n", int(paired.sum()))
    yield place.count("unpaired", int((known(before) ^ known(after)).sum()))
    extra = ((test, f"{test.value}_") for test in choice.beside(variable))
    for test, prefix in ((choice.within(variable), ""), *extra):
        if test == HypothesisTestName.NONE:
            continue
        run = _between_visits(test, variable, before, after)
        yield from rows_of_test(place, test, run, sign=choice.sign(variable, test), prefix=prefix)


def visit_values(variable: Variable, cohort: Cohort) -> tuple[Numbers, Numbers]:
    """Both visits as numbers: the measurement, or the place of the level; missing is NaN."""
    before, after = (values_of(variable, reference, cohort) for _, reference in variable.visits)
    return before, after


def values_of(variable: Variable, reference: FieldRef, cohort: Cohort) -> Numbers:
    """One visit as numbers: the measurement, or the place of the level; missing is NaN."""
    if not variable.counted:
        return cohort.measured(reference)
    levels = cohort.levels(variable, reference)
    return np.where(levels < 0, np.nan, levels).astype(np.float64)


def known(values: Numbers) -> Mask:
    """Where there is a value."""
    return np.asarray(~np.isnan(values), dtype=bool)


def samples_of(values: Numbers, cohort: Cohort) -> Samples:
    """The known values of each group, in the plan's order."""
    return [values[cohort.members(group.id) & known(values)] for group in cohort.plan.groups]


def counts_of(levels: Codes, variable: Variable, cohort: Cohort) -> Counts:
    """Levels down, groups across; a dichotomous variable as shown and any other."""
    if variable.shown:
        shown = [level.id for level in variable.levels].index(variable.shown)
        levels = np.where(levels < 0, -1, (levels != shown).astype(np.int64))
    size, groups = (2 if variable.shown else len(variable.levels)), len(cohort.plan.groups)
    used = (levels >= 0) & (cohort.group >= 0)
    return np.bincount(levels[used] * groups + cohort.group[used], minlength=size * groups).reshape(size, groups)


def _between_groups(
    test: HypothesisTestName, variable: Variable, reference: FieldRef, cohort: Cohort
) -> Callable[[], HypothesisTest]:
    if test in BETWEEN_COUNTS:
        return lambda: association(test, counts_of(cohort.levels(variable, reference), variable, cohort))
    return lambda: between(test, samples_of(values_of(variable, reference, cohort), cohort))


def _between_visits(
    test: HypothesisTestName, variable: Variable, before: Numbers, after: Numbers
) -> Callable[[], HypothesisTest]:
    paired = known(before) & known(after)
    if test in BETWEEN_MEASUREMENTS:
        # After comes first, so that a rise is positive here as it is in a paired test.
        return lambda: _unpaired(between(test, [after[known(after)], before[known(before)]]))
    if test in BETWEEN_COUNTS:
        return lambda: _unpaired(association(test, _visit_counts(variable, before, after)))
    if test in WITHIN_COUNTS:
        return lambda: turnover(test, cross(variable, before[paired], after[paired]))
    return lambda: within(test, before[paired], after[paired])


def _unpaired(tested: HypothesisTest) -> HypothesisTest:
    return replace(tested, caution=Caution.UNPAIRED)


def cross(variable: Variable, before: Numbers, after: Numbers) -> Counts:
    """Paired levels: before down, after across."""
    size = len(variable.levels)
    places = (before * size + after).astype(np.int64)
    return np.bincount(places, minlength=size * size).reshape(size, size)


def _visit_counts(variable: Variable, before: Numbers, after: Numbers) -> Counts:
    size = len(variable.levels)
    columns = [np.bincount(values[known(values)].astype(np.int64), minlength=size) for values in (before, after)]
    return np.column_stack(columns)
