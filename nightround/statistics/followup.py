"""The plan's survival curves and regressions as result rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from nightround.model.result import ResultRow
from nightround.statistics.cohort import Cohort, Mask, cohort_of
from nightround.statistics.comparisons import known, values_of
from nightround.statistics.estimates import NotEstimable
from nightround.statistics.followed import Followed, followed
from nightround.statistics.numbers import PERCENT_DIGITS, Numbers, interval_text, text_of
from nightround.statistics.regression import firth, logistic
from nightround.statistics.rows import RowPlace, estimate_rows, method_words, rows_of_test
from nightround.statistics.survival import Events, Point, at_risk, at_time, kaplan_meier, log_rank, median_time
from nightround.study.methods import Caution, HypothesisTestName, Reason
from nightround.study.plan import Factor, Plan, Regression, Survival, Variable

RATIO_DIGITS = 2


def survival_rows(curve: Survival, plan: Plan, patients: pd.DataFrame) -> Iterator[ResultRow]:
    """The share free of the event at the planned times in percent, its steps, the median, and the log-rank test.

    Table `survival`, variable the curve's id, level the time; group '' is everybody. Statistics:
    n, missing, before_start, events, free (with _low, _high, _summary), at_risk, step (the same at each event), median.
    Who has no time is missing. Who was last seen before the start is counted by itself and in no curve: R would
    take the negative time as it is. Nothing is said of times that nobody reached.
    """
    cohort = cohort_of(plan, patients, curve.population)
    place, found = RowPlace("survival", curve.id), followed(curve, cohort)
    used = known(found.time) & ~found.before_start
    groups = ["", *(group.id for group in plan.groups if curve.by_group)]
    for group in groups:
        members, there = cohort.members(group), place.at(group=group)
        yield from _counted_rows(there, found, members)
        yield from _curve_rows(there, curve, *_samples(found, used & members))
    if len(groups) > 2:  # noqa: PLR2004 - everybody and at least two groups
        samples = [_samples(found, used & cohort.members(group)) for group in groups[1:]]
        yield from rows_of_test(place, HypothesisTestName.LOG_RANK, lambda: log_rank(samples))


def _samples(found: Followed, used: Mask) -> tuple[Numbers, Events]:
    return found.time[used], found.event[used]


def _counted_rows(place: RowPlace, found: Followed, members: Mask) -> Iterator[ResultRow]:
    """Who is in the curve, who has no time, and whose time is before the start."""
    timed = known(found.time) & members
    before = int((timed & found.before_start).sum())
    yield place.count("n", int(timed.sum()) - before)
    yield place.count("missing", int((members & ~timed).sum()))
    yield place.count("before_start", before, warning=Caution.BEFORE_START if before else "")


def _curve_rows(place: RowPlace, curve: Survival, time: Numbers, event: Events) -> Iterator[ResultRow]:
    yield place.count("events", int(event.sum()))
    try:
        points = kaplan_meier(time, event, curve.interval)
    except NotEstimable as refusal:
        places = (place.at(level=f"{moment:g}") for moment in curve.at)
        yield from (there.refused(name, refusal.reason) for there in places for name in ("free", "free_summary"))
        yield place.refused("median", refusal.reason)
        return
    for moment in curve.at:
        there = place.at(level=f"{moment:g}")
        yield there.count("at_risk", remaining := at_risk(time, moment))
        point = at_time(points, moment)
        if remaining or (point is not None and point.survival == 0):
            yield from _free_rows(there, "free", point, len(time))
        else:
            yield from (there.refused(name, Reason.NOT_FOLLOWED) for name in ("free", "free_summary"))
    for point in points:
        yield from _free_rows(place.at(level=f"{point.time:g}"), "step", point, len(time))
    yield place.number("median", lambda: median_time(points), 1, n=len(time), method=method_words("kaplan_meier"))


def _free_rows(place: RowPlace, name: str, point: Point | None, n: int) -> Iterator[ResultRow]:
    """In percent; before the first event everybody is free of it, without an interval."""
    method = method_words("kaplan_meier")
    if point is None:
        yield place.row(name, 100.0, text_of(100, PERCENT_DIGITS), n=n, method=method)
        return
    free, low, high = 100 * point.survival, 100 * point.low, 100 * point.high
    for suffix, share in (("", free), ("_low", low), ("_high", high)):
        yield place.row(f"{name}{suffix}", share, text_of(share, PERCENT_DIGITS), n=n, method=method)
    yield place.row(f"{name}_summary", free, interval_text(free, low, high, PERCENT_DIGITS), n=n, method=method)


def regression_rows(regression: Regression, cohort: Cohort) -> Iterator[ResultRow]:
    """Odds ratios of belonging to a group, one factor at a time, by maximum likelihood and by Firth.

    Table is the regression's id, variable the factor's. A categorical factor has a level for each
    comparison with its first level. Statistics: logistic and firth, each with _low, _high, _summary, _p.
    """
    outcome = cohort.members(regression.group).astype(np.float64)
    variables = {variable.id: variable for variable in cohort.plan.table(regression.table).variables}
    for factor in regression.factors:
        variable = variables[factor.variable]
        for level, values in _factor_values(variable, cohort):
            place = RowPlace(regression.id, variable.id, level=level)
            used = known(values) & (cohort.group >= 0)
            yield from _odds_rows(place, outcome[used], values[used], factor)


def _odds_rows(place: RowPlace, outcome: Numbers, values: Numbers, factor: Factor) -> Iterator[ResultRow]:
    yield place.count("n", len(values))
    for name, fit in (("logistic", logistic), ("firth", firth)):
        yield from estimate_rows(place, name, partial(fit, outcome, values, per=factor.per), RATIO_DIGITS)


def _factor_values(variable: Variable, cohort: Cohort) -> Iterator[tuple[str, Numbers]]:
    """The measurement; or 1 where a level holds and 0 where the reference level does, the rest missing."""
    reference = variable.visits[0][1]
    values = values_of(variable, reference, cohort)
    if not variable.counted or variable.type == "ordinal":
        yield "", values
        return
    if variable.shown:
        shown = [level.id for level in variable.levels].index(variable.shown)
        yield "", np.where(known(values), values == shown, np.nan)
        return
    for number, level in enumerate(variable.levels[1:], start=1):
        yield level.id, np.where((values == 0) | (values == number), values == number, np.nan)
