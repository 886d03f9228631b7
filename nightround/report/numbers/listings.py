"""The records behind each count of a report. Every listing is as long as its count says, or the report is not true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from nightround.model.finding import Finding
from nightround.model.result import ResultRow
from nightround.model.snapshot import Snapshot
from nightround.report.numbers.completeness import begun_visits
from nightround.report.open_version.withheld import KNOWN, parts_by_group
from nightround.statistics.cohort import Cohort, Mask, as_dates, cohort_of, endpoint_known, meets, step_mask
from nightround.statistics.comparisons import known, visit_values
from nightround.statistics.conduct import (
    ALL,
    ANALYSED,
    ENDED,
    ONGOING,
    TIME,
    UNASSIGNED,
    WITHIN,
    amount_of,
    attendance,
    died_of,
    died_within,
    sites_of,
    time_followed,
    treatments_of,
)
from nightround.statistics.followed import followed
from nightround.statistics.rows import RowPlace
from nightround.statistics.safety import adverse_events
from nightround.statistics.transitions import ARROW
from nightround.study.plan import Plan, PlannedTable, Variable

COMPLETENESS, FINDINGS = "completeness", "findings"
"""The tables of counts that are no result rows: instruments not begun, and open findings by rule."""
OF_VARIABLE = frozenset({"count", "missing", "unpaired", "pairs"})
"""Of a planned variable who has a level, no value, one visit of two, or went from one level to another."""


class RecordListing(NamedTuple):
    """A count with its records, in their natural order; a record stands once for each event that is counted."""

    row: ResultRow
    records: tuple[str, ...]


Rows = Callable[["CountSource", ResultRow], "Sequence[str] | None"]


@dataclass(frozen=True, eq=False)
class CountSource:
    """What counts are computed from: the plan, the snapshot and its patients."""

    plan: Plan
    snapshot: Snapshot
    patients: pd.DataFrame

    @property
    def cutoff(self) -> date:
        """The day until which is counted."""
        return self.snapshot.taken_at.date()

    def records(self, row: ResultRow) -> Sequence[str] | None:
        """The records behind a count; None for a number that counts no patients."""
        planned = next((table for table in self.plan.tables if table.id == row.table), None)
        if planned:
            return self._of_table(planned, row)
        find = BY_TABLE.get(row.table)
        return find(self, row) if find else None

    def picked(self, mask: Mask, cohort: Cohort | None = None, group: str = "") -> Sequence[str]:
        """The records of a mask over all patients, or over those of a cohort, in one of its groups."""
        frame = cohort.frame if cohort else self.patients
        members = cohort.members(group) if cohort else np.ones(len(frame), dtype=bool)
        return [str(one) for one in frame.index[mask & members]]

    def _of_table(self, table: PlannedTable, row: ResultRow) -> Sequence[str] | None:
        variable = next((one for one in table.variables if one.id == row.variable), None)
        if variable is None or row.statistic not in OF_VARIABLE:
            return None
        cohort = cohort_of(self.plan, self.patients)
        mask = mask_of_variable(variable, row, cohort)
        return None if mask is None else self.picked(mask, cohort, row.group)


def mask_of_variable(variable: Variable, row: ResultRow, cohort: Cohort) -> Mask | None:
    """Who is counted in a row of a planned variable."""
    if row.statistic in {"unpaired", "pairs"}:
        before, after = visit_values(variable, cohort)
        if row.statistic == "unpaired":
            return known(before) ^ known(after)
        places = [[level.id for level in variable.levels].index(one) for one in row.level.split(ARROW)]
        return np.asarray((before == places[0]) & (after == places[1]), dtype=bool)
    reference = dict(variable.visits)[row.visit]
    if not variable.counted:
        return ~known(cohort.measured(reference)) if row.statistic == "missing" else None
    levels = cohort.levels(variable, reference)
    if row.statistic == "missing":
        return np.asarray(levels < 0, dtype=bool)
    wanted = row.level or variable.shown
    return np.asarray(levels == [level.id for level in variable.levels].index(wanted or ""), dtype=bool)


def of_flow(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """A step, a group, or who is in no group."""
    if row.variable == KNOWN:
        steps = (step_mask(counted.plan, counted.patients, step.id) for step in parts_by_group(counted.plan))
        return counted.picked(np.any(list(steps), axis=0))
    if row.variable != "groups":
        return counted.picked(step_mask(counted.plan, counted.patients, row.variable))
    cohort = cohort_of(counted.plan, counted.patients)
    if row.statistic == "unassigned":
        return counted.picked(cohort.group < 0, cohort)
    return counted.picked(np.ones(len(cohort.frame), dtype=bool), cohort, row.group)


def of_endpoint(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who is assessed, who is not, and who has it."""
    endpoint = next(one for one in counted.plan.endpoints if one.id == row.variable)
    among = counted.patients[step_mask(counted.plan, counted.patients, endpoint.among)]
    assessed = endpoint_known(endpoint, counted.plan, among)
    masks = {"n": assessed, "missing": ~assessed, "count": meets(endpoint, among)}
    found = masks.get(row.statistic)
    return None if found is None else [str(one) for one in among.index[found]]


def of_accrual(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who entered, by the end of a month."""
    assert counted.plan.accrual  # noqa: S101 - its rows are there
    entered = as_dates(counted.patients[counted.plan.accrual.entered.column])
    there = (entered.dt.date <= counted.cutoff).fillna(False)
    if row.statistic == "cumulative":
        there &= entered.dt.strftime("%Y-%m") <= row.level
    elif row.statistic != "n":
        return None
    return counted.picked(there.to_numpy(dtype=bool))


def of_safety(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who had an event, or a record for each event."""
    safety = counted.plan.safety
    if safety is None or row.statistic not in {"count", "events", "n"}:
        return None
    among = step_mask(counted.plan, counted.patients, safety.among)
    asked = counted.patients.index[among]
    if row.statistic == "n":
        return counted.picked(among)
    events = adverse_events(safety, counted.snapshot.tables[safety.instrument])
    events = events[events["record"].isin(asked)]
    if row.variable == "serious":
        events = events[events["serious"].isin(safety.serious_codes)]
    if row.variable == "grade":
        events = pd.DataFrame(events.groupby("record", as_index=False)["grade"].max())
    if row.level:
        events = events[events[row.variable] == row.level]
    records = [str(one) for one in events["record"]]
    return records if row.statistic == "events" else [*dict.fromkeys(records)]


def of_survival(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who is followed, who is not, and whom the event ended."""
    curve = next(one for one in counted.plan.survival if one.id == row.variable)
    cohort = cohort_of(counted.plan, counted.patients, curve.population)
    found = followed(curve, cohort)
    timed = known(found.time)
    used = timed & ~found.before_start
    masks = {
        "n": used, "missing": ~timed, "before_start": timed & found.before_start, "events": used & found.event,
    }  # fmt: skip
    mask = masks.get(row.statistic)
    return None if mask is None else counted.picked(mask, cohort, row.group)


def of_follow_up(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who came to a visit, missed it, had ended before, or ended how."""
    follow_up = counted.plan.follow_up
    if follow_up is None:
        return None
    cohort = cohort_of(counted.plan, counted.patients, follow_up.among)
    visits = {one.id: one for one in follow_up.visits}
    if row.variable in visits:
        there = attendance(visits[row.variable], follow_up, cohort, counted.cutoff)
        masks = {"n": there.due, "count": there.came, "stopped": there.stopped, "missed": there.missed}
        mask = masks.get(row.statistic)
        return None if mask is None else counted.picked(mask, cohort, row.group)
    if row.variable == TIME and row.statistic == "missing":
        return counted.picked(~known(time_followed(follow_up, cohort, counted.cutoff)), cohort, row.group)
    if follow_up.ended is None or row.statistic != "count" or row.variable not in {ENDED, ONGOING}:
        return None
    ended = cohort.frame[follow_up.ended.column]
    mask = (ended == row.level if row.variable == ENDED else ended.isna()).to_numpy(dtype=bool)
    return counted.picked(mask, cohort, row.group)


def of_exposure(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who had so many treatments, a record for each treatment, or of whom an amount is not known."""
    exposure, tables = counted.plan.exposure, counted.snapshot.tables
    if exposure is None:
        return None
    cohort = cohort_of(counted.plan, counted.patients, exposure.among)
    for amount in (one for one in exposure.amounts if one.id == row.variable):
        if row.statistic == "missing":
            return counted.picked(~known(amount_of(amount, exposure, cohort, tables)), cohort, row.group)
        return None
    times = treatments_of(exposure, cohort, tables)
    if row.statistic == "events":
        members = cohort.members(row.group)
        return [
            str(record)
            for record, n, member in zip(cohort.frame.index, times, members, strict=True)
            if member
            for _ in range(int(n))
        ]
    mask = np.ones(len(times), dtype=bool) if not row.level else np.asarray(times == int(row.level), dtype=bool)
    return counted.picked(mask, cohort, row.group) if row.statistic in {"n", "count"} else None


def of_deaths(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """Who died, within days, or of a cause."""
    deaths = counted.plan.deaths
    if deaths is None or row.statistic not in {"n", "count"}:
        return None
    cohort = cohort_of(counted.plan, counted.patients, deaths.among)
    if row.statistic == "n":
        return counted.picked(np.ones(len(cohort.frame), dtype=bool), cohort, row.group)
    died = died_of(deaths, cohort.frame)
    if row.variable == WITHIN:
        died = died & died_within(deaths, cohort.frame, int(row.level))
    elif row.variable != ALL and deaths.cause:
        died = died & (cohort.frame[deaths.cause.column] == row.level).to_numpy(dtype=bool)
    return counted.picked(died, cohort, row.group)


def of_sites(counted: CountSource, row: ResultRow) -> Sequence[str] | None:
    """The patients of a data access group, entered or analysed; who is in none."""
    if row.statistic not in {"count", UNASSIGNED}:
        return None
    step = counted.plan.population if row.variable == ANALYSED else counted.plan.flow[0].id
    site = sites_of(counted.snapshot.groups or {}, counted.patients.index)
    here = (site == row.level).to_numpy(dtype=bool)
    return counted.picked(here & step_mask(counted.plan, counted.patients, step))


BY_TABLE: Mapping[str, Rows] = {
    "flow": of_flow,
    "endpoints": of_endpoint,
    "accrual": of_accrual,
    "safety": of_safety,
    "survival": of_survival,
    "follow_up": of_follow_up,
    "exposure": of_exposure,
    "deaths": of_deaths,
    "sites": of_sites,
}


def listings_of(
    counted: CountSource, rows: Iterable[ResultRow], findings: Sequence[Finding]
) -> Iterator[RecordListing]:
    """The records behind every count: of the result rows, then instruments not begun, then open findings by rule."""
    for row in rows:
        records = counted.records(row)
        if records is not None:
            yield RecordListing(row, in_natural_order(records))
    yield from not_begun(counted.snapshot)
    for rule in dict.fromkeys(one.rule_id for one in findings):
        records = [one.row.record for one in findings if one.rule_id == rule]
        yield RecordListing(RowPlace(FINDINGS, rule).count("open", len(records)), in_natural_order(records))


def not_begun(snapshot: Snapshot) -> Iterator[RecordListing]:
    """Each instrument at each event: who has begun another one of the event, and not this one."""
    for visit in begun_visits(snapshot):
        for one in visit.instruments:
            missing = visit.expected - set(one.filled.index)
            row = RowPlace(COMPLETENESS, one.name, visit=visit.event).count("missing", len(missing))
            yield RecordListing(row, in_natural_order(missing))


def in_natural_order(records: Iterable[str]) -> tuple[str, ...]:
    """2 before 10."""
    return tuple(sorted(map(str, records), key=lambda one: (len(one), one)))
