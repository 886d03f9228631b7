"""What open findings can do to the numbers: recomputed without the values in doubt, and with them at their limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import sqrt
from typing import Any, NamedTuple

import pandas as pd

from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.numbers.doubt import Cell, Doubt
from nightround.report.numbers.facts import FindingWeight, Line, LineTrust, LineVerdict
from nightround.report.numbers.recomputing import Change, PlannedLine, Recomputation
from nightround.study.plan import Endpoint, FieldRef, Plan

SIGNIFICANT = 0.05
NO_EFFECT = 0.0
Limits = Callable[[FieldRef], tuple[float, float] | None]
"""The lowest and the highest value a field may hold by the dictionary, or None where it sets no limits."""
LEADING = ("difference", "difference_in_change", "change", "percent", "mean")
"""Of these the first that a line has is its leading estimate."""


def line_trust(line: PlannedLine, numbers: Recomputation, doubt: Doubt, limits: Limits) -> LineTrust:
    """Recompute a line without its values in doubt, and with them at their limits."""
    cells = cells_of_line(line, doubt.all, numbers)
    known = numbers.known(line)
    if not cells:
        return LineTrust(line.id, known, 0, LineVerdict.UNTOUCHED)
    reported = numbers.reported(line)
    results = list(computed_scenarios(line, numbers, cells, limits))
    estimate = leading(line, reported)
    at_limits = sorted((same_estimate(estimate, one) for one in results[1:]), key=value_of)
    return LineTrust(
        line.id,
        known,
        len(cells),
        max((verdict_of(reported, one) for one in results), key=list(LineVerdict).index),
        summary_of(line, reported, estimate),
        summary_of(line, results[0], same_estimate(estimate, results[0])),
        (text_of(at_limits[0]), text_of(at_limits[-1])),
        measure=estimate.statistic if estimate else "",
        by_observed=any(not has_limits(line, reference, limits) for _, reference in cells),
    )


def cells_of_line(line: PlannedLine, cells: Iterable[Cell], numbers: Recomputation) -> list[Cell]:
    """The cells in doubt that a line prints: of its fields, of patients it is about, blank ones included."""
    about = numbers.records_of(line)
    return sorted(cell for cell in cells if cell[1] in line.references and cell[0] in about)


def computed_scenarios(
    line: PlannedLine, numbers: Recomputation, cells: Sequence[Cell], limits: Limits
) -> Iterator[ResultSet]:
    """The result rows of each scenario; scenarios that put the same values in the same cells are computed once."""
    known: dict[tuple[Any, ...], ResultSet] = {}
    for change in scenarios_of(line, numbers, cells, limits):
        values = tuple(change.values())
        if values not in known:
            known[values] = numbers.changed(line, change)
        yield known[values]


def scenarios_of(
    line: PlannedLine, numbers: Recomputation, cells: Sequence[Cell], limits: Limits
) -> tuple[Change, ...]:
    """The values in doubt left out; then all lowest, all highest, and the groups set apart both ways."""
    ends = {
        reference: extremes(line, reference, numbers.without(cells, reference), limits)
        for reference in dict.fromkeys(reference for _, reference in cells)
    }
    first = numbers.first_group

    def at(highest: Callable[[str], bool]) -> Change:
        return {cell: ends[cell[1]][int(highest(cell[0]))] for cell in cells}

    return (
        dict.fromkeys(cells),
        at(lambda _: False),
        at(lambda _: True),
        at(lambda record: record in first),
        at(lambda record: record not in first),
    )


def extremes(line: PlannedLine, reference: FieldRef, others: pd.Series, limits: Limits) -> tuple[Any, Any]:
    """The ends of what a cell may hold: its limits, else those of the others; of counted ones the outer levels."""
    variable = line.variable
    if isinstance(variable, Endpoint):
        unmet = next((code for code in others.unique() if code not in variable.codes), None)
        return unmet, variable.codes[0]
    if variable.counted:
        own = {one for _, one in variable.visits}
        levels = [level for level in variable.levels if reference in ({level.field} if level.field else own)]
        return levels[0].codes[0], levels[-1].codes[0]
    found = limits(reference)
    if found is not None:
        return found
    return (float(others.min()), float(others.max())) if len(others) else (None, None)


def has_limits(line: PlannedLine, reference: FieldRef, limits: Limits) -> bool:
    """Whether the ends of a cell are set by the dictionary or by the plan's levels."""
    return isinstance(line.variable, Endpoint) or line.variable.counted or limits(reference) is not None


def verdict_of(reported: ResultSet, other: ResultSet) -> LineVerdict:
    """What differs between two computations of a line."""
    if conclusions(reported) != conclusions(other):
        return LineVerdict.CONCLUSION
    unchanged = all(row.text == text_of(other.get(row.key)) for row in reported if row.statistic.endswith("summary"))
    return LineVerdict.STANDS if unchanged else LineVerdict.ESTIMATE


def conclusions(results: ResultSet) -> dict[ResultKey, bool | None]:
    """Each P on its side of 0.05, and each interval with or without no effect."""
    found: dict[ResultKey, bool | None] = {}
    for row in results:
        if row.statistic == "p":
            found[row.key] = None if row.value is None else row.value < SIGNIFICANT
        elif row.statistic.endswith("_low") and row.statistic.removesuffix("_low") in LEADING:
            high = results.get(row.key._replace(statistic=row.statistic.replace("_low", "_high")))
            if row.value is not None and high is not None and high.value is not None:
                found[row.key] = row.value > NO_EFFECT or high.value < NO_EFFECT
    return found


def leading(line: PlannedLine, results: ResultSet) -> ResultRow | None:
    """The leading estimate of a line."""
    mine = [row for row in results if (row.table, row.variable) == line.id]
    found = (
        row
        for statistic in LEADING
        for visit in ("", "after")
        for row in mine
        if (row.statistic, row.visit) == (statistic, visit) and row.value is not None
    )
    return next(found, None)


def same_estimate(estimate: ResultRow | None, results: ResultSet) -> ResultRow | None:
    """The estimate as other values make it; where they allow none, None and never another kind of number."""
    found = results.get(estimate.key) if estimate else None
    return found if found and found.value is not None else None


def summary_of(line: PlannedLine, results: ResultSet, estimate: ResultRow | None) -> str:
    """A line's estimate and P, as they are printed."""
    ps = (row for row in results if (row.table, row.variable) == line.id and row.statistic == "p" and not row.visit)
    p = next(ps, None)
    return "; ".join(text for text in (text_of(estimate), f"P {p.text}" if p and p.value is not None else "") if text)


def value_of(row: ResultRow | None) -> float:
    """The number of a row, for sorting; one that is not there comes among zeros."""
    return row.value if row and row.value is not None else 0.0


def text_of(row: ResultRow | None) -> str:
    """The printed text of a row, '' where there is none."""
    return row.text if row else ""


def weight_of(finding: str, doubt: Doubt, numbers: Recomputation, limits: Limits) -> FindingWeight:
    """How far one finding could move the lines that print one of its values; all of them where it is on who is in."""
    touched: list[Line] = []
    moves: list[Move] = []
    for line in numbers.lines:
        cells = cells_of_line(line, doubt.cells[finding], numbers)
        if cells:
            touched.append(line.id)
            results = computed_scenarios(line, numbers, cells, limits)
            moves += (move_between(numbers.reported(line), other) for other in results)
    membership = [cell for cell in doubt.cells[finding] if cell[1] in numbers.membership]
    for cell in membership:
        for code in codes_of(numbers.plan, cell[1]):
            others = numbers.with_other_members({cell: code})
            moves += (move_between(numbers.reported(line), other) for line, other in others)
    shift = max((move.shift for move in moves), default=0.0)
    worst = max((move.verdict for move in moves), key=list(LineVerdict).index, default=LineVerdict.STANDS)
    return FindingWeight(finding, tuple(touched), shift, worst, membership=bool(membership))


class Move(NamedTuple):
    """What one scenario did to the numbers."""

    shift: float
    verdict: LineVerdict


def move_between(reported: ResultSet, other: ResultSet) -> Move:
    """What a scenario did to the numbers of a line."""
    return Move(shift_between(reported, other), verdict_of(reported, other))


def codes_of(plan: Plan, reference: FieldRef) -> list[str | None]:
    """What a field on who is in could turn out to be: nothing, or any code that the plan knows of it."""
    groups = [code for group in plan.groups for code in group.codes] if reference == plan.grouping else []
    steps = [code for step in plan.flow for one in step.where if one.field == reference for code in one.codes]
    return [None, *dict.fromkeys([*groups, *steps])]


def shift_between(reported: ResultSet, other: ResultSet) -> float:
    """The largest move of a mean or a percentage, in standard deviations of the variable."""
    return max((moved_by(row, reported, other) for row in reported), default=0.0)


def moved_by(row: ResultRow, reported: ResultSet, other: ResultSet) -> float:
    """How far one mean or percentage moved."""
    after = other.get(row.key)
    if row.statistic not in {"mean", "percent"} or row.value is None or after is None or after.value is None:
        return 0.0
    if row.statistic == "mean":
        sd = reported.get(row.key._replace(statistic="sd"))
        spread = sd.value if sd and sd.value else 0.0
    else:
        spread = 100 * sqrt(row.value / 100 * (1 - row.value / 100))
    return abs(after.value - row.value) / spread if spread else 0.0
