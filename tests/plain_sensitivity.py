"""What open findings can do to the numbers, the slow way: each line as a plan of its own, computed from whole copies.

The oracle of `test_sensitivity_oracle`: it shares the reading of two results (verdict, shift, leading estimate) with
the product, and nothing of how a changed value becomes a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nightround.model.result import ResultRow, ResultSet
from nightround.report.numbers.doubt import Cell, Doubt
from nightround.report.numbers.facts import FindingWeight, Line, LineTrust, LineVerdict
from nightround.report.numbers.sensitivity import Limits, shift_between, text_of, value_of, verdict_of
from nightround.statistics.cohort import cohort_of
from nightround.statistics.tables import tables
from nightround.study.plan import Endpoint, FieldRef, Plan, PlannedTable, Section, Variable

LEADING = ("difference", "difference_in_change", "change", "percent", "mean")


@dataclass(frozen=True)
class PlainLine:
    """One line as a plan of its own."""

    line: Line
    plan: Plan
    references: tuple[FieldRef, ...]
    variable: Variable | Endpoint


def plain_lines(plan: Plan) -> Iterator[PlainLine]:
    """Every endpoint and every variable of the plan's tables."""
    bare = plan.model_copy(update={"endpoints": (), "tables": (), "survival": (), "regressions": ()})
    for endpoint in plan.endpoints:
        # The tables stay, because the levels of their variables say which codes of the endpoint are known.
        small = bare.model_copy(update={"endpoints": (endpoint,), "tables": plan.tables})
        yield PlainLine(Line("endpoints", endpoint.id), small, (endpoint.field,), endpoint)
    for table in plan.tables:
        for variable in table.variables:
            alone = table.model_copy(update={"sections": (Section(variables=(variable,)),)})
            references = (*(one for _, one in variable.visits), *(one.field for one in variable.levels if one.field))
            small = bare.model_copy(update={"tables": (alone,)})
            yield PlainLine(Line(table.id, variable.id), small, tuple(dict.fromkeys(references)), variable)


def plain_trust(line: PlainLine, patients: pd.DataFrame, doubt: Doubt, limits: Limits) -> LineTrust:
    """Recompute a line without its values in doubt, and with them at their limits."""
    cells = cells_of(line, doubt.all, patients)
    known = known_values(line, patients)
    if not cells:
        return LineTrust(line.line, known, 0, LineVerdict.UNTOUCHED)
    reported = computed(line, patients)
    results = [computed(line, frame) for frame in scenarios(line, patients, cells, limits)]
    estimate = leading(line, reported)
    at_limits = sorted((alike(estimate, one) for one in results[1:]), key=value_of)
    observed = not isinstance(line.variable, Endpoint) and not line.variable.counted
    return LineTrust(
        line.line,
        known,
        len(cells),
        max((verdict_of(reported, one) for one in results), key=list(LineVerdict).index),
        printed(line, reported, estimate),
        printed(line, results[0], alike(estimate, results[0])),
        (text_of(at_limits[0]), text_of(at_limits[-1])),
        measure=estimate.statistic if estimate else "",
        by_observed=observed and any(limits(reference) is None for _, reference in cells),
    )


def plain_weight(
    finding: str, doubt: Doubt, lines: Sequence[PlainLine], patients: pd.DataFrame, limits: Limits
) -> FindingWeight:
    """How far one finding could move the lines that print one of its values; all of them where it is on who is in."""
    touched: list[Line] = []
    moves: list[tuple[float, LineVerdict]] = []
    for line in lines:
        cells = cells_of(line, doubt.cells[finding], patients)
        if cells:
            touched.append(line.line)
            moves += moves_of(
                lambda frame, line=line: computed(line, frame), patients, scenarios(line, patients, cells, limits)
            )
    plan = whole_of(lines)
    deciding = {plan.grouping, *(one.field for step in plan.flow for one in step.where)}
    membership = [cell for cell in doubt.cells[finding] if cell[1] in deciding]
    for cell in membership:
        moves += moves_of(
            lambda frame: tables(plan, frame),
            patients,
            (with_value(patients, cell, code) for code in codes_of(plan, cell[1])),
        )
    shift = max((shift for shift, _ in moves), default=0.0)
    worst = max((verdict for _, verdict in moves), key=list(LineVerdict).index, default=LineVerdict.STANDS)
    return FindingWeight(finding, tuple(touched), shift, worst, membership=bool(membership))


def computed(line: PlainLine, patients: pd.DataFrame) -> ResultSet:
    """The numbers of a line; of an endpoint's plan those of its tables are left out."""
    found = tables(line.plan, patients)
    if not isinstance(line.variable, Endpoint):
        return found
    of_tables = {table.id for table in line.plan.tables}
    return ResultSet(row for row in found if row.table not in of_tables)


def moves_of(
    compute: Callable[[pd.DataFrame], ResultSet], patients: pd.DataFrame, frames: Iterable[pd.DataFrame]
) -> Iterator[tuple[float, LineVerdict]]:
    """What each scenario did to the numbers."""
    reported = compute(patients)
    for frame in frames:
        other = compute(frame)
        yield shift_between(reported, other), verdict_of(reported, other)


def cells_of(line: PlainLine, cells: Iterable[Cell], patients: pd.DataFrame) -> list[Cell]:
    """The cells in doubt that a line prints."""
    frame = patients if isinstance(line.variable, Endpoint) else cohort_of(line.plan, patients).frame
    return sorted(cell for cell in cells if cell[1] in line.references and cell[0] in set(frame.index))


def known_values(line: PlainLine, patients: pd.DataFrame) -> int:
    """How many values a line has."""
    if isinstance(line.variable, Endpoint):
        return int(patients[line.variable.field.column].notna().sum())
    frame = cohort_of(line.plan, patients).frame
    return int(sum(frame[reference.column].notna().sum() for _, reference in line.variable.visits))


def scenarios(line: PlainLine, patients: pd.DataFrame, cells: Sequence[Cell], limits: Limits) -> list[pd.DataFrame]:
    """The values in doubt left out; then all lowest, all highest, and the groups set apart both ways."""
    first = set(patients.index[patients[line.plan.grouping.column].isin(line.plan.groups[0].codes)])
    chosen: tuple[Callable[[Cell], bool], ...] = (
        lambda _: False,
        lambda _: True,
        lambda cell: cell[0] in first,
        lambda cell: cell[0] not in first,
    )
    ways = [{cell: choose(cell) for cell in cells} for choose in chosen]
    return [emptied(patients, cells), *(at_extremes(line, patients, way, limits) for way in ways)]


def emptied(patients: pd.DataFrame, cells: Iterable[Cell]) -> pd.DataFrame:
    """A copy of the patients with some cells emptied."""
    frame = patients.copy()
    for record, reference in cells:
        frame.loc[record, reference.column] = np.nan
    return frame


def at_extremes(line: PlainLine, patients: pd.DataFrame, highest: Mapping[Cell, bool], limits: Limits) -> pd.DataFrame:
    """A copy of the patients with some cells at their lowest or highest."""
    frame, kept = patients.copy(), emptied(patients, highest)
    for (record, reference), high in highest.items():
        frame.loc[record, reference.column] = ends_of(line, reference, kept, limits)[int(high)]
    return frame


def ends_of(line: PlainLine, reference: FieldRef, kept: pd.DataFrame, limits: Limits) -> tuple[Any, Any]:
    """The ends of what a cell may hold."""
    variable = line.variable
    if isinstance(variable, Endpoint):
        others = kept[reference.column].dropna()
        return next((code for code in others.unique() if code not in variable.codes), np.nan), variable.codes[0]
    if variable.counted:
        own = {one for _, one in variable.visits}
        levels = [level for level in variable.levels if reference in ({level.field} if level.field else own)]
        return levels[0].codes[0], levels[-1].codes[0]
    return limits(reference) or (float(kept[reference.column].min()), float(kept[reference.column].max()))


def with_value(patients: pd.DataFrame, cell: Cell, value: Any) -> pd.DataFrame:
    """A copy of the patients with another value in one cell."""
    frame = patients.copy()
    frame.loc[cell[0], cell[1].column] = value
    return frame


def codes_of(plan: Plan, reference: FieldRef) -> list[Any]:
    """What a field on who is in could turn out to be: nothing, or any code that the plan knows of it."""
    groups = [code for group in plan.groups for code in group.codes] if reference == plan.grouping else []
    steps = [code for step in plan.flow for one in step.where if one.field == reference for code in one.codes]
    return [np.nan, *dict.fromkeys([*groups, *steps])]


def whole_of(lines: Sequence[PlainLine]) -> Plan:
    """The plan of all lines at once."""
    merged: dict[str, PlannedTable] = {}
    of_variables = (line for line in lines if not isinstance(line.variable, Endpoint))
    for table in (one for line in of_variables for one in line.plan.tables):
        sections = (*(merged[table.id].sections if table.id in merged else ()), *table.sections)
        merged[table.id] = table.model_copy(update={"sections": sections})
    endpoints = tuple(one for line in lines for one in line.plan.endpoints)
    return lines[0].plan.model_copy(update={"endpoints": endpoints, "tables": tuple(merged.values())})


def leading(line: PlainLine, results: ResultSet) -> ResultRow | None:
    """The leading estimate of a line."""
    mine = [row for row in results if (row.table, row.variable) == line.line and row.value is not None]
    wanted = [(statistic, visit) for statistic in LEADING for visit in ("", "after")]
    return next((row for one in wanted for row in mine if (row.statistic, row.visit) == one), None)


def alike(estimate: ResultRow | None, results: ResultSet) -> ResultRow | None:
    """The row of the same key that has a value."""
    mine = [row for row in results if estimate and row.key == estimate.key and row.value is not None]
    return mine[0] if mine else None


def printed(line: PlainLine, results: ResultSet, estimate: ResultRow | None) -> str:
    """A line's estimate and P, as they are printed."""
    mine = [row for row in results if (row.table, row.variable, row.statistic, row.visit) == (*line.line, "p", "")]
    p = next(iter(mine), None)
    return "; ".join(text for text in (text_of(estimate), f"P {p.text}" if p and p.value is not None else "") if text)
