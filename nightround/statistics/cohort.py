"""The patients of a plan as one frame: a row a record, a column a field reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nightround.model.errors import StudyFilesWrong
from nightround.statistics.numbers import Numbers
from nightround.study.plan import Condition, Endpoint, FieldRef, Level, Plan, Step, Variable
from redcap_sync.rows.tables import Table, numbers

Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]
BELOW = float("-inf")
"""A value below the limit of detection: smaller than every other, and with no place in a mean."""
LARGEST = 1e100
"""Squares of larger numbers overflow; nothing that is measured comes near."""
_BELOW_TEXT = r"[<＜]\s*(\d+(?:\.\d+)?)"
_DATE_LENGTH = 10
_BLANK = frozenset({"", ".", "NA", "N/A", "NaN", "nan", "null"})


def patient_frame(
    plan: Plan, tables: Mapping[str, Table], missing_codes: Collection[str] = (), events: Collection[str] = ()
) -> pd.DataFrame:
    """Take the plan's fields out of the instrument tables: one row a record, indexed by record.

    Columns are named as `FieldRef.column`; measured fields are float64, any other is the code as
    text, missing is NaN. `missing_codes` are REDCap's missing data codes; `events` the
    project's events, so that a misspelt one is distinguished from one that no patient has reached yet. Raises
    StudyFilesWrong for a field or event that is nowhere, and for a record with two rows of a field.
    """
    keys = [table.keys["record"] for table in tables.values()]
    records = pd.Index(pd.unique(pd.concat(keys, ignore_index=True)), name="record") if keys else pd.Index([])
    columns = {}
    for reference in plan.references():
        if events and reference.event and reference.event not in events:
            raise _no_such_field("plan.no_event", reference)
        text = _one_row_each(reference, _table_of(reference, tables)).reindex(records)
        text = text.mask(text.isin(["", *missing_codes]))
        columns[reference.column] = _typed(plan, reference, text)
        columns |= _with_limits(plan, reference, text)
    return pd.DataFrame(columns, index=records)


def csv_frame(plan: Plan, rows: pd.DataFrame) -> pd.DataFrame:
    """The same from a table of text with one row a patient, its columns named as the plan's references.

    Raises StudyFilesWrong for a missing column, for a measured value that is no number and a date that is none (named
    by its line), and where no row belongs to any group.
    """
    columns = {}
    for reference in plan.references():
        if reference.column not in rows:
            raise _no_such_field("plan.no_column", reference)
        text = rows[reference.column].astype("str").str.strip()
        text = text.mask(text.isin(_BLANK) | rows[reference.column].isna())
        columns[reference.column] = typed = _typed(plan, reference, text)
        columns |= _with_limits(plan, reference, text)
        if reference in plan.measured():
            _require_read(reference, text, typed)
        if reference in plan.dates():
            _require_dates(reference, text)
    if plan.grouping:
        _require_a_group(columns[plan.grouping.column], plan.grouping, plan)
    return pd.DataFrame(columns, index=rows.index)


def _table_of(reference: FieldRef, tables: Mapping[str, Table]) -> Table:
    for table in tables.values():
        if reference.field in table.text:
            return table
    raise _no_such_field("plan.no_field", reference)


def _one_row_each(reference: FieldRef, table: Table) -> pd.Series[str]:
    at_event = (table.keys["event"] == reference.event) if reference.event else pd.Series(True, index=table.keys.index)
    records = table.keys.loc[at_event, "record"]
    if bool(records.duplicated().any()):
        raise StudyFilesWrong("plan.many_rows", column=reference.column, records=int(records.duplicated().sum()))
    return pd.Series(table.text.loc[at_event, reference.field].to_numpy(), index=pd.Index(records))


def _typed(plan: Plan, reference: FieldRef, text: pd.Series[str]) -> pd.Series:
    if reference not in plan.measured():
        return text
    found = _typed_number(text)
    if reference in plan.with_detection_limit():
        found = found.mask(text.str.fullmatch(_BELOW_TEXT).fillna(False), BELOW)
    return found


def _typed_number(text: pd.Series[str]) -> pd.Series[float]:
    found = numbers(text)
    return found.where(found.abs() < LARGEST)


def as_dates(text: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    """Dates as REDCap writes them (Y-M-D, a time of day left out); what is none is missing."""
    return pd.to_datetime(text.str[:_DATE_LENGTH], format="%Y-%m-%d", errors="coerce")


def half_limit_of(reference: FieldRef) -> FieldRef:
    """Where the same field is with half of the limit in place of a value below detection."""
    return FieldRef(reference.event, f"{reference.field} at half limit")


def limit_of(reference: FieldRef) -> FieldRef:
    """Where the limit stands that a value of the same field is below."""
    return FieldRef(reference.event, f"{reference.field} limit")


def _with_limits(plan: Plan, reference: FieldRef, text: pd.Series[str]) -> dict[str, pd.Series]:
    """Next to a field in which `<0.5` is a value: its limits, and where the plan asks for it half of them in place."""
    if reference not in plan.with_detection_limit():
        return {}
    limits = numbers(text.str.extract(f"^{_BELOW_TEXT}$", expand=False))
    halved = {half_limit_of(reference).column: _typed_number(text).fillna(limits / 2)}
    return {limit_of(reference).column: limits, **(halved if reference in plan.with_half_limit() else {})}


def _require_read(reference: FieldRef, text: pd.Series[str], typed: pd.Series[float]) -> None:
    unread = np.flatnonzero(text.notna() & typed.isna())
    if len(unread):
        raise StudyFilesWrong("plan.no_numbers", column=reference.column, count=len(unread), row=int(unread[0]) + 1)


def _require_dates(reference: FieldRef, text: pd.Series[str]) -> None:
    unread = np.flatnonzero(text.notna() & as_dates(text).isna())
    if len(unread):
        raise StudyFilesWrong("plan.no_dates", column=reference.column, count=len(unread), row=int(unread[0]) + 1)


def _require_a_group(column: pd.Series[str], grouping: FieldRef, plan: Plan) -> None:
    codes = [code for group in plan.groups for code in group.codes]
    if bool(column.notna().any()) and not bool(column.isin(codes).any()):
        raise StudyFilesWrong("plan.no_group", column=grouping.column, codes=", ".join(codes))


def _no_such_field(code: str, reference: FieldRef) -> StudyFilesWrong:
    return StudyFilesWrong(code, column=reference.column)


@dataclass(frozen=True, eq=False)
class Cohort:
    """The plan's population. `group` is each patient's place in `plan.groups`, -1 where unassigned.

    Without a grouping everybody is in the one group.
    """

    plan: Plan
    frame: pd.DataFrame
    group: Codes
    _levels: dict[tuple[Variable, FieldRef], Codes] = field(default_factory=dict, init=False, repr=False)
    """Levels found so far: every cell and every test of a variable asks for them."""

    def members(self, group_id: str) -> Mask:
        """Who belongs to a group; '' stands for the whole population."""
        if not group_id:
            return np.ones(len(self.frame), dtype=bool)
        ids = [group.id for group in self.plan.groups]
        return np.asarray(self.group == ids.index(group_id), dtype=bool)

    def measured(self, reference: FieldRef) -> Numbers:
        """A measured column; missing is NaN."""
        return self.frame[reference.column].to_numpy(dtype=np.float64)

    def limits(self, reference: FieldRef) -> Numbers:
        """The limits of detection that values of a column are below; NaN next to any other value."""
        return self.measured(limit_of(reference))

    def levels(self, variable: Variable, reference: FieldRef) -> Codes:
        """Each patient's place in the variable's levels, -1 where missing or unknown."""
        known = self._levels.get((variable, reference))
        if known is None:
            known = np.full(len(self.frame), -1, dtype=np.int64)
            for place, level in enumerate(variable.levels):
                known[(known < 0) & self._is(level, reference)] = place
            self._levels[variable, reference] = known
        return known

    def with_columns(self, changed: Mapping[str, pd.Series]) -> Cohort:
        """The same patients in the same groups with other values in some columns, none of which decides a group."""
        other = Cohort(self.plan, self.frame.assign(**changed), self.group)
        for (variable, reference), levels in self._levels.items():
            used = {reference.column, *(level.field.column for level in variable.levels if level.field)}
            if not used & changed.keys():
                other._levels[variable, reference] = levels
        return other

    def unknown(self, variable: Variable, reference: FieldRef) -> int:
        """How many have a code that is none of the variable's levels."""
        filled = self.frame[reference.column].notna().to_numpy(dtype=bool)
        return int((filled & (self.levels(variable, reference) < 0)).sum())

    def _is(self, level: Level, reference: FieldRef) -> Mask:
        column = (level.field or reference).column
        return self.frame[column].isin(level.codes).to_numpy(dtype=bool)


def cohort_of(plan: Plan, patients: pd.DataFrame, population: str = "") -> Cohort:
    """The patients of the plan's population, or of another step of the flow, with their groups."""
    frame = patients[step_mask(plan, patients, population or plan.population)]
    if plan.grouping is None:
        return Cohort(plan, frame, np.zeros(len(frame), dtype=np.int64))
    group = np.full(len(frame), -1, dtype=np.int64)
    for place, one in enumerate(plan.groups):
        group[frame[plan.grouping.column].isin(one.codes).to_numpy(dtype=bool)] = place
    return Cohort(plan, frame, group)


def step_mask(plan: Plan, patients: pd.DataFrame, step_id: str) -> Mask:
    """Who passed a step of the flow, and every step before it."""
    step: Step = next(step for step in plan.flow if step.id == step_id)
    passed = step_mask(plan, patients, step.of) if step.of else np.ones(len(patients), dtype=bool)
    for condition in step.where:
        passed = passed & meets(condition, patients)
    return passed


def endpoint_known(endpoint: Endpoint, plan: Plan, patients: pd.DataFrame) -> Mask:
    """Of whom the endpoint is known: a code that no level of a variable on the same field has means unknown."""
    column = patients[endpoint.field.column]
    codes = {
        code
        for table in plan.tables
        for variable in table.variables
        if variable.counted and any(reference == endpoint.field for _, reference in variable.visits)
        for level in variable.levels
        if level.field is None
        for code in level.codes
    }
    known = column.isin([*codes, *endpoint.codes]) if codes else column.notna()
    return known.to_numpy(dtype=bool)


def meets(condition: Condition | Endpoint, patients: pd.DataFrame) -> Mask:
    """For whom a condition is true."""
    column = patients[condition.field.column]
    found = column.isin(condition.codes) if condition.codes else column.notna()
    return found.to_numpy(dtype=bool)
