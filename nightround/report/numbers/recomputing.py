"""Recomputes the lines of a plan with some values changed, without computing again what the change cannot reach.

The population, its groups and the results as reported are computed once and shared by all changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from nightround.model.result import ResultSet
from nightround.report.numbers.doubt import Cell
from nightround.report.numbers.facts import Line
from nightround.statistics.cohort import Cohort, cohort_of, half_limit_of, limit_of, step_mask
from nightround.statistics.policy import POLICIES, PolicyChoice
from nightround.statistics.tables import half_limit_rows, proportion_rows, variable_rows
from nightround.study.plan import Endpoint, FieldRef, Plan, PlannedTable, Variable

ENDPOINTS = "endpoints"
Change = Mapping[Cell, Any]
"""Another value for some cells; None empties one."""


@dataclass(frozen=True)
class PlannedLine:
    """One line of the report, and the fields whose values it prints. An endpoint has no table."""

    id: Line
    variable: Variable | Endpoint
    references: tuple[FieldRef, ...]
    table: PlannedTable | None = None

    @property
    def main(self) -> tuple[FieldRef, ...]:
        """The fields whose values are counted as those of the line."""
        if isinstance(self.variable, Endpoint):
            return self.references
        return tuple(reference for _, reference in self.variable.visits)

    @property
    def columns(self) -> list[str]:
        """Every column that the line is computed from, besides those on who is in and in which group."""
        if isinstance(self.variable, Endpoint):
            return [reference.column for reference in self.references]
        limits = (condition.field for one in self.variable.limits for condition in one.where)
        below = (part for one in self.main for part in (half_limit_of(one), limit_of(one)))
        return list(dict.fromkeys(one.column for one in (*self.references, *limits, *below)))


def lines_of(plan: Plan) -> Iterator[PlannedLine]:
    """Every endpoint and every variable of the plan's tables."""
    for endpoint in plan.endpoints:
        yield PlannedLine(Line(ENDPOINTS, endpoint.id), endpoint, (endpoint.field,))
    for table in plan.tables:
        for variable in table.variables:
            references = (*(one for _, one in variable.visits), *(one.field for one in variable.levels if one.field))
            yield PlannedLine(Line(table.id, variable.id), variable, tuple(dict.fromkeys(references)), table)


def membership_of(plan: Plan) -> frozenset[FieldRef]:
    """The fields that decide who is analysed, and in which group."""
    grouping = {plan.grouping} if plan.grouping else set()
    return frozenset({*grouping, *(one.field for step in plan.flow for one in step.where)})


@dataclass(frozen=True, eq=False)
class Population:
    """Some patients of a plan, and for each line those of them it is about, with its own columns alone."""

    plan: Plan
    patients: pd.DataFrame
    _of_line: dict[Line, Cohort] = field(default_factory=dict, init=False, repr=False)
    _places: dict[str, Mapping[str, int]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def analysed(self) -> Cohort:
        """The population of the tables, with its groups."""
        return cohort_of(self.plan, self.patients)

    def of(self, line: PlannedLine) -> Cohort:
        """The patients of a line; those of an endpoint have passed its step, and their groups are not asked for."""
        found = self._of_line.get(line.id)
        if found is None:
            found = self._of_line[line.id] = self._narrowed(line)
        return found

    def _narrowed(self, line: PlannedLine) -> Cohort:
        columns = [column for column in line.columns if column in self.patients]
        if isinstance(line.variable, Endpoint):
            passed = step_mask(self.plan, self.patients, line.variable.among)
            return Cohort(self.plan, self.patients.loc[passed, columns], np.empty(0, dtype=np.int64))
        return Cohort(self.plan, self.analysed.frame[columns], self.analysed.group)

    def places(self, line: PlannedLine) -> Mapping[str, int]:
        """Where each record is among the patients of a line."""
        step = line.variable.among if isinstance(line.variable, Endpoint) else self.plan.population
        found = self._places.get(step)
        if found is None:
            found = self._places[step] = places_of(self.of(line).frame)
        return found

    def same_for(self, line: PlannedLine, other: Population) -> bool:
        """Whether a line is about the same patients, in the same groups, here and there."""
        mine, theirs = self.of(line), other.of(line)
        return mine.frame.index.equals(theirs.frame.index) and np.array_equal(mine.group, theirs.group)


@dataclass(frozen=True, eq=False)
class Recomputation:
    """The lines of a plan over the patients of one snapshot, each record one row."""

    plan: Plan
    patients: pd.DataFrame
    _reported: dict[Line, ResultSet] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def lines(self) -> tuple[PlannedLine, ...]:
        """Every line of the plan."""
        return tuple(lines_of(self.plan))

    @cached_property
    def population(self) -> Population:
        """The patients as they are."""
        return Population(self.plan, self.patients)

    @cached_property
    def membership(self) -> frozenset[FieldRef]:
        """The fields that decide who is analysed, and in which group."""
        return membership_of(self.plan)

    @cached_property
    def _choice(self) -> PolicyChoice:
        return PolicyChoice(self.plan, POLICIES[self.plan.policy])

    def records_of(self, line: PlannedLine) -> frozenset[str]:
        """The records whose values in doubt count for a line; of an endpoint those of everybody."""
        return self._everybody if isinstance(line.variable, Endpoint) else self._analysed

    @cached_property
    def _everybody(self) -> frozenset[str]:
        return frozenset(self.patients.index)

    @cached_property
    def _analysed(self) -> frozenset[str]:
        return frozenset(self.population.analysed.frame.index)

    @cached_property
    def first_group(self) -> frozenset[str]:
        """The records whose code is one of the first group's."""
        if self.plan.grouping is None:
            return frozenset(self.patients.index)
        column = self.patients[self.plan.grouping.column]
        return frozenset(self.patients.index[column.isin(self.plan.groups[0].codes)])

    def known(self, line: PlannedLine) -> int:
        """How many values a line has; of an endpoint those of everybody."""
        frame = self.patients if isinstance(line.variable, Endpoint) else self.population.analysed.frame
        return int(sum(frame[reference.column].notna().sum() for reference in line.main))

    def reported(self, line: PlannedLine) -> ResultSet:
        """The result rows of a line as the values are."""
        found = self._reported.get(line.id)
        if found is None:
            found = self._reported[line.id] = self._computed(line, self.population.of(line))
        return found

    def changed(self, line: PlannedLine, change: Change) -> ResultSet:
        """The result rows of a line with some of its own cells changed."""
        effective = self.effective(change)
        if not effective:
            return self.reported(line)
        if any(reference in self.membership for _, reference in effective):
            return self._computed(line, self._other_population(effective).of(line))
        cohort = self.population.of(line)
        columns = changed_columns(cohort.frame, self.population.places(line), effective)
        return self._computed(line, cohort.with_columns(columns)) if columns else self.reported(line)

    def with_other_members(self, change: Change) -> Iterator[tuple[PlannedLine, ResultSet]]:
        """The lines that a change of who is in, or in which group, can reach, with their result rows."""
        effective = self.effective(change)
        if not effective:
            return
        other = self._other_population(effective)
        fields = {reference for _, reference in effective}
        for line in self.lines:
            if fields.intersection(line.references) or not other.same_for(line, self.population):
                yield line, self._computed(line, other.of(line))

    def _other_population(self, change: Change) -> Population:
        return Population(self.plan, self.patients.assign(**changed_columns(self.patients, self.places, change)))

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each record is among the patients."""
        return places_of(self.patients)

    def effective(self, change: Change) -> Change:
        """A change without the cells that contain its value already."""
        return {cell: value for cell, value in change.items() if not same(value, self.value_of(cell))}

    def value_of(self, cell: Cell) -> Any:
        """What a cell holds."""
        return self.patients[cell[1].column].iloc[self.places[cell[0]]]

    def without(self, cells: Iterable[Cell], reference: FieldRef) -> pd.Series:
        """The values of a field that stay when some cells are left out."""
        places = [self.places[record] for record, one in cells if one == reference]
        column = self.patients[reference.column]
        return column.iloc[np.delete(np.arange(len(column)), places)].dropna()

    def _computed(self, line: PlannedLine, cohort: Cohort) -> ResultSet:
        if isinstance(line.variable, Endpoint):
            return ResultSet(proportion_rows(line.variable, cohort.plan, cohort.frame))
        assert line.table is not None  # noqa: S101 - only an endpoint has no table
        about = (line.table, line.variable, cohort, self._choice)
        return ResultSet([*variable_rows(*about), *half_limit_rows(*about)])


def same(one: Any, other: Any) -> bool:
    """Whether two values of a cell are equal; missing equals missing."""
    return bool(pd.isna(other)) if pd.isna(one) else bool(one == other)


def places_of(frame: pd.DataFrame) -> Mapping[str, int]:
    """Where each record is in a frame."""
    return {record: place for place, record in enumerate(frame.index)}


def changed_columns(frame: pd.DataFrame, places: Mapping[str, int], change: Change) -> dict[str, pd.Series]:
    """The columns of a frame that a change reaches, with its values; records that are not in the frame have none."""
    wanted: dict[str, dict[Any, list[int]]] = {}
    for (record, reference), value in change.items():
        if record in places:
            wanted.setdefault(reference.column, {}).setdefault(value, []).append(places[record])
    found = {}
    for column, values in wanted.items():
        found[column] = series = frame[column].copy()
        for value, those in values.items():
            series.iloc[those] = np.nan if value is None else value
    return found
