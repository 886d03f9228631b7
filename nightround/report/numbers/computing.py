"""From a snapshot to the result rows of a report: computed once to be printed, and once more for the audit."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nightround.model.result import ResultRow, ResultSet
from nightround.model.snapshot import Snapshot
from nightround.statistics.accrual import accrual_rows
from nightround.statistics.cohort import cohort_of, patient_frame
from nightround.statistics.conduct import death_rows, exposure_rows, follow_up_rows, site_rows
from nightround.statistics.published import bounds_rows, literature_rows
from nightround.statistics.safety import safety_rows
from nightround.statistics.tables import tables
from nightround.statistics.transitions import transition_rows
from nightround.study.plan import Plan


def patients_of(plan: Plan, snapshot: Snapshot) -> pd.DataFrame:
    """The plan's fields of a snapshot, one row a record; missing data codes are missing."""
    codes = [choice.code for choice in snapshot.dictionary.missing_data_codes]
    return patient_frame(plan, snapshot.tables, codes, snapshot.dictionary.event_names)


def results_of(plan: Plan, snapshot: Snapshot, patients: pd.DataFrame | None = None) -> ResultSet:
    """Every number of a report, from its snapshot and its plan alone.

    `patients` are those of the snapshot unless others are given, as where a value is tried at its limits.
    """
    frame = patients_of(plan, snapshot) if patients is None else patients
    return ResultSet([*tables(plan, frame), *_rows_of_report(plan, snapshot, frame)])


def _rows_of_report(plan: Plan, snapshot: Snapshot, patients: pd.DataFrame) -> Iterator[ResultRow]:
    """What the report tells next to the tables of the plan."""
    cohort = cohort_of(plan, patients)
    for table in (table for table in plan.tables if table.kind != "by_group"):
        yield from transition_rows(table, cohort)
    for endpoint in plan.endpoints:
        yield from bounds_rows(plan, endpoint, patients, treated_step(plan))
    if plan.accrual:
        yield from accrual_rows(plan.accrual, patients, snapshot.taken_at.date())
    if plan.safety and plan.safety.instrument in snapshot.tables:
        yield from safety_rows(plan, plan.safety, patients, snapshot.tables[plan.safety.instrument])
    yield from _rows_of_conduct(plan, snapshot, patients)
    for published in plan.literature:
        yield from literature_rows(published)


def _rows_of_conduct(plan: Plan, snapshot: Snapshot, patients: pd.DataFrame) -> Iterator[ResultRow]:
    """How the study runs, as far as the plan names it and the project has it."""
    cutoff = snapshot.taken_at.date()
    if plan.follow_up:
        yield from follow_up_rows(plan, plan.follow_up, patients, cutoff)
    if plan.exposure:
        yield from exposure_rows(plan, plan.exposure, patients, snapshot.tables)
    if plan.deaths:
        yield from death_rows(plan, plan.deaths, patients)
    if snapshot.groups:
        yield from site_rows(plan, snapshot.groups, patients)


def treated_step(plan: Plan) -> str:
    """The step that those analysed are of: everyone who could have reached the endpoint."""
    step = next(step for step in plan.flow if step.id == plan.population)
    return step.of or step.id
