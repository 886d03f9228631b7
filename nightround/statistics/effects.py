"""The effects of a table as result rows: how large a difference or a change is, with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from nightround.model.result import ResultRow
from nightround.statistics.change import ancova, hodges_lehmann_change, mean_change, risk_change
from nightround.statistics.cohort import Cohort
from nightround.statistics.comparisons import counts_of, cross, known, samples_of, values_of, visit_values
from nightround.statistics.effect import (
    hodges_lehmann,
    largest_smd,
    mean_difference,
    odds_ratio,
    risk_difference,
    smd,
    smd_of_levels,
)
from nightround.statistics.estimates import Estimate, NotEstimable
from nightround.statistics.numbers import PERCENT_DIGITS, Numbers
from nightround.statistics.paired import rankable
from nightround.statistics.policy import PolicyChoice
from nightround.statistics.rows import RowPlace, estimate_rows, value_rows
from nightround.study.methods import Caution, Reason
from nightround.study.plan import Effect, FieldRef, Variable

RATIO_DIGITS = 2
SIGNIFICANT = 0.05
"""Only for saying that two analyses disagree; no result is chosen by it."""

Compute = Callable[[], Estimate]


def effects_between(
    place: RowPlace,
    variable: Variable,
    reference: FieldRef,
    cohort: Cohort,
    choice: PolicyChoice,
    *,
    wanted: tuple[Effect, ...],
) -> Iterator[ResultRow]:
    """Differences of the first group minus the second; of three groups or more the largest SMD of two of them."""
    if len(cohort.plan.groups) > 2:  # noqa: PLR2004 - first and second
        yield from _several_groups(place, variable, reference, cohort, wanted)
        return
    if choice.design != "two_groups" or len(cohort.plan.groups) != 2:  # noqa: PLR2004 - first and second
        return
    if variable.counted:
        yield from _counted_effects(place, variable, reference, cohort, wanted)
        return
    first, second = samples_of(values_of(variable, reference, cohort), cohort)
    if "difference" in wanted:
        yield from estimate_rows(place, "difference", _location(first, second, variable, choice), variable.digits)
    if "smd" in wanted:
        yield from estimate_rows(place, "smd", lambda: smd(first, second), RATIO_DIGITS)


def _several_groups(
    place: RowPlace, variable: Variable, reference: FieldRef, cohort: Cohort, wanted: tuple[Effect, ...]
) -> Iterator[ResultRow]:
    """A difference is of two groups, and says so; balance is the largest SMD of all pairs."""

    def refuse() -> Estimate:
        raise NotEstimable(Reason.NOT_TWO_GROUPS)

    if "difference" in wanted:
        yield from estimate_rows(place, "difference", refuse, variable.digits)
    if "smd" in wanted:
        pairs = _smd_of_pairs(variable, reference, cohort)
        yield from value_rows(place, "smd", lambda: largest_smd(pairs), RATIO_DIGITS)


def _smd_of_pairs(variable: Variable, reference: FieldRef, cohort: Cohort) -> list[Compute]:
    if variable.counted:
        counts = counts_of(cohort.levels(variable, reference), variable, cohort)
        return [partial(smd_of_levels, counts[:, pair]) for pair in combinations(range(counts.shape[1]), 2)]
    return [partial(smd, *pair) for pair in combinations(samples_of(values_of(variable, reference, cohort), cohort), 2)]


def _location(first: Numbers, second: Numbers, variable: Variable, choice: PolicyChoice) -> Compute:
    """A median is compared by Hodges and Lehmann, a mean by the policy's interval."""
    if variable.summary == "median_quartiles":
        return lambda: hodges_lehmann(first, second)
    return lambda: mean_difference(first, second, pooled=choice.policy.pooled)


def _counted_effects(
    place: RowPlace, variable: Variable, reference: FieldRef, cohort: Cohort, wanted: tuple[Effect, ...]
) -> Iterator[ResultRow]:
    counts = counts_of(cohort.levels(variable, reference), variable, cohort)
    if "difference" in wanted and variable.shown:
        yield from estimate_rows(place, "difference", lambda: _percent(risk_difference(counts)), PERCENT_DIGITS)
        yield from estimate_rows(place, "odds_ratio", lambda: odds_ratio(counts), RATIO_DIGITS)
    if "smd" in wanted:
        yield from estimate_rows(place, "smd", lambda: smd_of_levels(counts), RATIO_DIGITS)


def _percent(found: Estimate) -> Estimate:
    return replace(found, value=100 * found.value, low=100 * found.low, high=100 * found.high)


def changes_within(
    place: RowPlace, variable: Variable, cohort: Cohort, wanted: tuple[Effect, ...]
) -> Iterator[ResultRow]:
    """The change of one group, after minus before; of ordered levels how many rose, stayed and fell."""
    if "change" not in wanted:
        return
    members = cohort.members(place.group)
    before, after = (both[members] for both in visit_values(variable, cohort))
    paired = known(before) & known(after)
    before, after = before[paired], after[paired]
    if variable.type == "ordinal":
        directions = {"rose": after > before, "unchanged": after == before, "fell": after < before}
        yield from (place.count(name, int(those.sum())) for name, those in directions.items())
    elif variable.shown:
        counts = cross(variable, before, after)
        shown = [level.id for level in variable.levels].index(variable.shown)
        counts = counts if shown == 0 else counts[::-1, ::-1]
        yield from estimate_rows(place, "change", lambda: _percent(risk_change(counts)), PERCENT_DIGITS)
    elif not variable.counted:
        yield from estimate_rows(place, "change", _change(variable, before, after), variable.digits)


def _change(variable: Variable, before: Numbers, after: Numbers) -> Compute:
    finite = bool(np.isfinite(before).all() and np.isfinite(after).all())
    if variable.summary == "median_quartiles" and finite and len(before):
        return lambda: hodges_lehmann_change(rankable(before, after))
    return lambda: mean_change(before, after)


def difference_of_changes(
    place: RowPlace, variable: Variable, cohort: Cohort, choice: PolicyChoice, wanted: tuple[Effect, ...]
) -> Iterator[ResultRow]:
    """The first group's change minus the second's, and the same by ANCOVA as sensitivity, with a note if they disagree.

    Change scores come first because the groups were not randomised (van Breukelen, J Clin Epidemiol 2006;59:920).
    """
    if variable.counted or len(cohort.plan.groups) != 2:  # noqa: PLR2004 - first and second
        return
    before, after = visit_values(variable, cohort)
    paired = known(before) & known(after)
    with np.errstate(invalid="ignore"):
        changes = samples_of(np.where(paired, after - before, np.nan), cohort)
    made: list[ResultRow] = []
    if "difference_in_change" in wanted:
        pooled = choice.policy.pooled
        between = lambda: mean_difference(*changes, before[paired], after[paired], pooled=pooled)  # noqa: E731 - deferred, as all estimates
        made += estimate_rows(place, "difference_in_change", between, variable.digits)
    if "ancova" in wanted:
        used = paired & (cohort.group >= 0)
        adjusted = lambda: ancova(before[used], after[used], cohort.group[used] == 0)  # noqa: E731
        made += estimate_rows(place, "ancova", adjusted, variable.digits)
    yield from _noted(made)


def _noted(rows: list[ResultRow]) -> list[ResultRow]:
    """Mark ANCOVA where it finds what the change scores do not, or the reverse."""
    values = {row.statistic: row.value for row in rows}
    low, high, p = (values.get(name) for name in ("difference_in_change_low", "difference_in_change_high", "ancova_p"))
    if low is None or high is None or p is None or (low > 0 or high < 0) == (p < SIGNIFICANT):
        return rows
    marked = str(Caution.CONCLUSIONS_DIFFER)
    return [replace(row, warning=marked) if row.statistic == "ancova_summary" else row for row in rows]
