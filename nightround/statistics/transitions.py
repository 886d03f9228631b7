"""How ordered grades moved from before to after, patient by patient, as counts of pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nightround.model.result import ResultRow
from nightround.statistics.cohort import Cohort
from nightround.statistics.comparisons import known, visit_values
from nightround.statistics.rows import RowPlace
from nightround.study.plan import PlannedTable, Variable

ARROW = ">"
"""Between the level before and the level after in the `level` of a result row."""


def transition_rows(table: PlannedTable, cohort: Cohort) -> Iterator[ResultRow]:
    """For every ordinal variable: statistic `pairs`, level `before>after`, in all patients and in each group."""
    for variable in (one for one in table.variables if one.type == "ordinal" and one.before):
        for group in ("", *(group.id for group in cohort.plan.groups)):
            yield from _pairs(RowPlace(table.id, variable.id, group=group), variable, cohort)


def _pairs(place: RowPlace, variable: Variable, cohort: Cohort) -> Iterator[ResultRow]:
    members = cohort.members(place.group)
    before, after = (both[members] for both in visit_values(variable, cohort))
    paired = known(before) & known(after)
    size = len(variable.levels)
    places = (before[paired] * size + after[paired]).astype(np.int64)
    counts = np.bincount(places, minlength=size * size).reshape(size, size)
    for number, first in enumerate(variable.levels):
        for other, second in enumerate(variable.levels):
            there = place.at(level=f"{first.id}{ARROW}{second.id}")
            yield there.count("pairs", int(counts[number, other]))
