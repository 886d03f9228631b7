"""The descriptive cells of a table: one variable, one group, one visit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nightround.model.result import ResultRow
from nightround.statistics.cohort import BELOW, Cohort
from nightround.statistics.describe import Quartiles, mean, quartiles, sd
from nightround.statistics.estimates import NotEstimable
from nightround.statistics.numbers import (
    NOT_ESTIMABLE,
    PERCENT_DIGITS,
    Numbers,
    count_text,
    percent,
    text_of,
    trimmed_text_of,
)
from nightround.statistics.policy import PolicyChoice
from nightround.statistics.rows import RowPlace, method_words
from nightround.study.methods import Caution, Reason
from nightround.study.plan import FieldRef, Variable


def described(
    place: RowPlace, variable: Variable, reference: FieldRef, cohort: Cohort, choice: PolicyChoice
) -> Iterator[ResultRow]:
    """The rows of one cell: n, missing, the parts of the summary, and the summary as it is printed."""
    members = cohort.members(place.group)
    if variable.counted:
        yield from _counted(place, variable, reference, cohort)
        return
    values = cohort.measured(reference)[members]
    known = values[~np.isnan(values)]
    yield from (place.count("n", len(known)), place.count("missing", len(values) - len(known)))
    caution = ""
    if variable.below_detection:
        limits = cohort.limits(reference)[members][values == BELOW]
        caution = Caution.LIMITS_DIFFER if len(limits) and limits_differ(variable, cohort) else ""
        yield from _below_rows(place, limits, caution)
    yield from _measured(place, variable, known, choice, caution)


def limits_differ(variable: Variable, cohort: Cohort) -> bool:
    """Whether values of a variable are below one limit of detection, and others below another or measured under it."""
    references = [reference for _, reference in variable.visits]
    values = np.concatenate([cohort.measured(reference) for reference in references])
    limits = np.concatenate([cohort.limits(reference) for reference in references])[values == BELOW]
    return bool((limits < limits.max()).any() or ((values < limits.max()) & (values != BELOW)).any())


def _below_rows(place: RowPlace, limits: Numbers, caution: str) -> Iterator[ResultRow]:
    """How many values are below detection; where limits differ, below which."""
    yield place.count("below_detection", len(limits), warning=caution)
    if caution:
        for limit, count in zip(*np.unique(limits, return_counts=True), strict=True):
            yield place.at(level=f"{limit:g}").count("below_limit", int(count))


def _measured(
    place: RowPlace, variable: Variable, known: Numbers, choice: PolicyChoice, caution: str
) -> Iterator[ResultRow]:
    n, digits = len(known), variable.digits
    average = place.number("mean", lambda: mean(known), digits, n=n)
    spread = place.number("sd", lambda: sd(known), digits, n=n)
    parts = _quartile_rows(place, variable, known, choice)
    yield from (average, spread, *parts)
    if variable.summary == "mean_sd":
        text = f"{average.text}±{spread.text}" if average.value is not None else NOT_ESTIMABLE
        yield place.row("summary", average.value, text, n=n, warning=caution, error=average.error or spread.error)
    else:
        q1, median, q3 = parts
        text = f"{median.text} ({q1.text}~{q3.text})" if n else NOT_ESTIMABLE
        yield place.row("summary", median.value, text, n=n, method=median.method, warning=caution, error=median.error)


def _quartile_rows(place: RowPlace, variable: Variable, known: Numbers, choice: PolicyChoice) -> tuple[ResultRow, ...]:
    method = method_words(f"quartiles_{choice.policy.quartiles}")
    print_number = trimmed_text_of if choice.plan.trim_zeros else text_of
    try:
        found = quartiles(known, choice.policy.quartiles)
    except NotEstimable as refusal:
        return tuple(place.refused(name, refusal.reason, n=0) for name in Quartiles._fields)
    rows = []
    for name, value in found._asdict().items():
        if value == BELOW:
            rows.append(place.row(name, None, "<LOD", n=len(known), method=method, error=Reason.BELOW_DETECTION))
        else:
            rows.append(place.row(name, value, print_number(value, variable.digits), n=len(known), method=method))
    return tuple(rows)


class _Level(NamedTuple):
    """A level as it is counted: its place among the result rows, and its number among the levels."""

    place: RowPlace
    number: int


def _counted(place: RowPlace, variable: Variable, reference: FieldRef, cohort: Cohort) -> Iterator[ResultRow]:
    levels = cohort.levels(variable, reference)[cohort.members(place.group)]
    total = int((levels >= 0).sum())
    warning = Caution.UNKNOWN_CODES if cohort.unknown(variable, reference) else ""
    yield from (place.count("n", total, warning=warning), place.count("missing", len(levels) - total))
    counts = np.bincount(levels[levels >= 0], minlength=len(variable.levels))
    for level in _printed_levels(place, variable):
        yield from _level_rows(level.place, int(counts[level.number]), total, cohort.plan.percent_from)


def _printed_levels(place: RowPlace, variable: Variable) -> list[_Level]:
    """Every level on its own line; of a dichotomous variable the shown one, on the variable's line."""
    if variable.shown:
        return [_Level(place, [level.id for level in variable.levels].index(variable.shown))]
    return [_Level(place.at(level=level.id), number) for number, level in enumerate(variable.levels)]


def _level_rows(place: RowPlace, count: int, total: int, percent_from: int) -> Iterator[ResultRow]:
    yield place.row("count", float(count), str(count), n=total)
    if total < max(percent_from, 1):
        reason = Reason.WITHHELD if total else Reason.NO_VALUES
        yield place.refused("percent", reason, n=total)
        value, text = (float(count), str(count)) if total else (None, NOT_ESTIMABLE)
        yield place.row("summary", value, text, n=total, error=reason)
        return
    share = percent(count, total)
    yield place.row("percent", share, text_of(share, PERCENT_DIGITS), n=total)
    yield place.row("summary", float(count), count_text(count, total), n=total)
