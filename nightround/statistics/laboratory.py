"""Laboratory values against their reference limits: how many lie outside, and who crossed them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from nightround.model.result import ResultRow
from nightround.statistics.cohort import Codes, Cohort, meets
from nightround.statistics.comparisons import known, visit_values
from nightround.statistics.numbers import Numbers
from nightround.statistics.rows import RowPlace
from nightround.study.plan import Variable

RANGES = ("low", "normal", "high")


def ranges_of(values: Numbers, variable: Variable, cohort: Cohort) -> Codes:
    """0 below a patient's limits, 1 within (the limits belong to it), 2 above; -1 without value or limits."""
    found = np.full(len(values), -1, dtype=np.int64)
    for limits in reversed(variable.limits):
        fits = known(values)
        for condition in limits.where:
            fits = fits & meets(condition, cohort.frame)
        place = (values >= limits.low).astype(np.int64) + (values > limits.high)
        found = np.where(fits, place, found)
    return found


def shift_rows(place: RowPlace, variable: Variable, cohort: Cohort) -> Iterator[ResultRow]:
    """Low, normal and high at each visit (`in_range`), and the 3x3 `shift` of the pairs: level `normal>high`."""
    if not variable.limits or variable.counted:
        return
    members = cohort.members(place.group)
    before, after = (ranges_of(values, variable, cohort)[members] for values in visit_values(variable, cohort))
    for visit, ranges in (("before", before), ("after", after)):
        for number, name in enumerate(RANGES):
            yield place.at(visit=visit, level=name).count("in_range", int((ranges == number).sum()))
    for (i, one), (j, other) in product(enumerate(RANGES), enumerate(RANGES)):
        yield place.at(level=f"{one}>{other}").count("shift", int(((before == i) & (after == j)).sum()))
