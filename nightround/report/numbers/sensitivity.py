"""What open findings can do to the numbers: recomputed without the values in doubt, and with them at their limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nightround.model.finding import Finding
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.numbers.facts import FindingWeight, Line, LineTrust, Verdict
from nightround.statistics.cohort import cohort_of
from nightround.statistics.tables import tables
from nightround.study.plan import Endpoint, FieldRef, Plan, PlannedTable, Section, Variable

ENDPOINTS = "endpoints"
SIGNIFICANT = 0.05
NO_EFFECT = 0.0
Cell = tuple[str, FieldRef]
"""A record and a field of it."""
Limits = Callable[[FieldRef], tuple[float, float] | None]
"""The lowest and the highest value a field may hold by the dictionary, or None where it sets no limits."""
LEADING = ("difference", "difference_in_change", "change", "percent", "mean")
"""Of these the first that a line has is its leading estimate."""


@dataclass(frozen=True)
class Doubt:
    """The cells of a plan that are under open findings, by finding."""

    cells: Mapping[str, frozenset[Cell]]

    @property
    def all(self) -> frozenset[Cell]:
        """Every cell in doubt."""
        return frozenset(cell for cells in self.cells.values() for cell in cells)


def doubt_of(plan: Plan, findings: Iterable[Finding], records: Iterable[str]) -> Doubt:
    """The cells of the plan under each finding: its record, at its event, in the fields it names."""
    known = frozenset(records)
    references = plan.references()
    return Doubt(
        {
            one.id: frozenset(
                (one.row.record, reference)
                for reference in references
                if is_about(one, reference) and one.row.record in known
            )
            for one in findings
        }
    )


def is_about(finding: Finding, reference: FieldRef) -> bool:
    """Whether a finding names a field of the plan, at its event; a checkbox is named by its field."""
    at_event = not reference.event or reference.event == finding.row.event
    return at_event and any(name in {reference.field, reference.dictionary_field} for name in finding.fields)


@dataclass(frozen=True)
class Tried:
    """One line as a plan of its own, so that it is recomputed in milliseconds."""

    line: Line
    plan: Plan
    references: tuple[FieldRef, ...]
    variable: Variable | Endpoint


def lines_of(plan: Plan) -> Iterator[Tried]:
    """Every endpoint and every variable of the plan's tables."""
    bare = plan.model_copy(update={"endpoints": (), "tables": (), "survival": (), "regressions": ()})
    for endpoint in plan.endpoints:
        small = bare.model_copy(update={"endpoints": (endpoint,)})
        yield Tried(Line(ENDPOINTS, endpoint.id), small, (endpoint.field,), endpoint)
    for table in plan.tables:
        for variable in table.variables:
            small = bare.model_copy(update={"tables": (with_one(table, variable),)})
            references = (*(one for _, one in variable.visits), *(one.field for one in variable.levels if one.field))
            yield Tried(Line(table.id, variable.id), small, tuple(dict.fromkeys(references)), variable)


def with_one(table: PlannedTable, variable: Variable) -> PlannedTable:
    """A table of one line; a family of one changes no P that is printed in its place."""
    return table.model_copy(update={"sections": (Section(variables=(variable,)),)})


def line_trust(tried: Tried, patients: pd.DataFrame, doubt: Doubt, limits: Limits) -> LineTrust:
    """Recompute a line without its values in doubt, and with them at their limits."""
    cells = cells_of_line(tried, doubt.all, patients)
    known = values_of_line(tried, patients)
    if not cells:
        return LineTrust(tried.line, known, 0, Verdict.UNTOUCHED)
    reported = computed(tried, patients)
    scenarios = scenarios_of(tried, patients, cells, limits)
    results = [computed(tried, frame) for frame in scenarios]
    at_limits = sorted((leading(tried, one) for one in results[1:]), key=value_of)
    return LineTrust(
        tried.line,
        known,
        len(cells),
        max((verdict_of(reported, one) for one in results), key=list(Verdict).index),
        told(tried, reported),
        told(tried, results[0]),
        (text_of(at_limits[0]), text_of(at_limits[-1])),
        by_observed=any(not has_limits(tried, reference, limits) for _, reference in cells),
    )


def cells_of_line(tried: Tried, cells: Iterable[Cell], patients: pd.DataFrame) -> list[Cell]:
    """The cells in doubt that a line prints: of its fields, of patients it is about, blank ones included."""
    about = set(cohort_of(tried.plan, patients).frame.index) if tried.line.table != ENDPOINTS else set(patients.index)
    return sorted(cell for cell in cells if cell[1] in tried.references and cell[0] in about)


def values_of_line(tried: Tried, patients: pd.DataFrame) -> int:
    """How many values a line has."""
    frame = cohort_of(tried.plan, patients).frame if tried.line.table != ENDPOINTS else patients
    main = tried.references if isinstance(tried.variable, Endpoint) else [one for _, one in tried.variable.visits]
    return int(sum(frame[reference.column].notna().sum() for reference in main))


def computed(tried: Tried, patients: pd.DataFrame) -> ResultSet:
    """The result rows of one line."""
    return tables(tried.plan, patients)


def scenarios_of(
    tried: Tried, patients: pd.DataFrame, cells: Sequence[Cell], limits: Limits
) -> tuple[pd.DataFrame, ...]:
    """The patients without the values in doubt; then all lowest, all highest, and the groups set apart both ways."""
    first = set(patients.index[patients[tried.plan.grouping.column].isin(tried.plan.groups[0].codes)])
    low, high = dict.fromkeys(cells, False), dict.fromkeys(cells, True)
    apart = {cell: cell[0] in first for cell in cells}
    together = {cell: cell[0] not in first for cell in cells}
    ways = (low, high, apart, together)
    return (excluded(patients, cells), *(at_extremes(tried, patients, way, limits) for way in ways))


def excluded(patients: pd.DataFrame, cells: Iterable[Cell]) -> pd.DataFrame:
    """The patients with some cells emptied."""
    frame = patients.copy()
    for record, reference in cells:
        frame.loc[record, reference.column] = np.nan
    return frame


def at_extremes(tried: Tried, patients: pd.DataFrame, highest: Mapping[Cell, bool], limits: Limits) -> pd.DataFrame:
    """The patients with some cells at their lowest or highest."""
    frame = patients.copy()
    kept = excluded(patients, highest)
    for (record, reference), high in highest.items():
        frame.loc[record, reference.column] = extremes(tried, reference, kept, limits)[int(high)]
    return frame


def extremes(tried: Tried, reference: FieldRef, kept: pd.DataFrame, limits: Limits) -> tuple[Any, Any]:
    """The ends of what a cell may hold: its limits, else those observed; of counted ones the outer levels."""
    variable = tried.variable
    if isinstance(variable, Endpoint):
        others = kept[reference.column].dropna()
        unmet = next((code for code in others.unique() if code not in variable.codes), np.nan)
        return unmet, variable.codes[0]
    if variable.counted:
        own = {one for _, one in variable.visits}
        levels = [level for level in variable.levels if reference in ({level.field} if level.field else own)]
        return levels[0].codes[0], levels[-1].codes[0]
    found = limits(reference)
    if found is not None:
        return found
    return float(kept[reference.column].min()), float(kept[reference.column].max())


def has_limits(tried: Tried, reference: FieldRef, limits: Limits) -> bool:
    """Whether the ends of a cell are set by the dictionary or by the plan's levels."""
    return isinstance(tried.variable, Endpoint) or tried.variable.counted or limits(reference) is not None


def verdict_of(reported: ResultSet, other: ResultSet) -> Verdict:
    """What differs between two computations of a line."""
    if conclusions(reported) != conclusions(other):
        return Verdict.CONCLUSION
    same = all(row.text == text_of(other.get(row.key)) for row in reported if row.statistic.endswith("summary"))
    return Verdict.STANDS if same else Verdict.ESTIMATE


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


def leading(tried: Tried, results: ResultSet) -> ResultRow | None:
    """The leading estimate of a line."""
    mine = [row for row in results if (row.table, row.variable) == tried.line]
    visits = ("", "after")
    found = (
        row
        for statistic in LEADING
        for visit in visits
        for row in mine
        if (row.statistic, row.visit) == (statistic, visit) and row.value is not None
    )
    return next(found, None)


def told(tried: Tried, results: ResultSet) -> str:
    """A line's leading estimate and P, as they are printed."""
    ps = (row for row in results if (row.table, row.variable) == tried.line and row.statistic == "p" and not row.visit)
    estimate, p = leading(tried, results), next(ps, None)
    return "; ".join(text for text in (text_of(estimate), f"P {p.text}" if p and p.value is not None else "") if text)


def value_of(row: ResultRow | None) -> float:
    """The number of a row, for sorting; one that is not there comes among zeros."""
    return row.value if row and row.value is not None else 0.0


def text_of(row: ResultRow | None) -> str:
    """The printed text of a row, '' where there is none."""
    return row.text if row else ""


def weight_of(
    finding: str, doubt: Doubt, lines: Sequence[Tried], patients: pd.DataFrame, limits: Limits
) -> FindingWeight:
    """How far one finding could move the lines that hold one of its values; all of them where it is on who is in."""
    touched: list[Line] = []
    moves: list[Move] = []
    for tried in lines:
        cells = cells_of_line(tried, doubt.cells[finding], patients)
        if cells:
            touched.append(tried.line)
            moves += moves_between(tried.plan, patients, scenarios_of(tried, patients, cells, limits))
    plan = whole_of(lines)
    membership = [cell for cell in doubt.cells[finding] if cell[1] in membership_of(plan)]
    for cell in membership:
        moves += moves_between(plan, patients, (with_value(patients, cell, code) for code in codes_of(plan, cell[1])))
    shift = max((move.shift for move in moves), default=0.0)
    worst = max((move.verdict for move in moves), key=list(Verdict).index, default=Verdict.STANDS)
    return FindingWeight(finding, tuple(touched), shift, worst, membership=bool(membership))


class Move(NamedTuple):
    """What one scenario did to the numbers."""

    shift: float
    verdict: Verdict


def moves_between(plan: Plan, patients: pd.DataFrame, frames: Iterable[pd.DataFrame]) -> Iterator[Move]:
    """What each scenario did to the numbers of a plan."""
    reported = tables(plan, patients)
    for frame in frames:
        other = tables(plan, frame)
        yield Move(shift_between(reported, other), verdict_of(reported, other))


def whole_of(lines: Sequence[Tried]) -> Plan:
    """The plan of all lines at once, without what takes long."""
    endpoints = tuple(one for tried in lines for one in tried.plan.endpoints)
    planned = (one for tried in lines for one in tried.plan.tables)
    merged: dict[str, PlannedTable] = {}
    for table in planned:
        sections = (*(merged[table.id].sections if table.id in merged else ()), *table.sections)
        merged[table.id] = table.model_copy(update={"sections": sections})
    return lines[0].plan.model_copy(update={"endpoints": endpoints, "tables": tuple(merged.values())})


def membership_of(plan: Plan) -> frozenset[FieldRef]:
    """The fields that decide who is analysed, and in which group."""
    return frozenset({plan.grouping, *(one.field for step in plan.flow for one in step.where)})


def codes_of(plan: Plan, reference: FieldRef) -> list[Any]:
    """What a field on who is in could turn out to be: nothing, or any code that the plan knows of it."""
    groups = [code for group in plan.groups for code in group.codes] if reference == plan.grouping else []
    steps = [code for step in plan.flow for one in step.where if one.field == reference for code in one.codes]
    return [np.nan, *dict.fromkeys([*groups, *steps])]


def with_value(patients: pd.DataFrame, cell: Cell, value: Any) -> pd.DataFrame:
    """The patients with another value in one cell."""
    frame = patients.copy()
    frame.loc[cell[0], cell[1].column] = value
    return frame


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
