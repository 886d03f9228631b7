"""How the study runs: who came to each visit and how participation ended, what was given, who died, and each site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultRow
from nightround.statistics.cohort import Cohort, Mask, as_dates, cohort_of, step_mask
from nightround.statistics.describe import Quartiles, quartiles
from nightround.statistics.estimates import NotEstimable
from nightround.statistics.numbers import NOT_ESTIMABLE, Numbers, text_of
from nightround.statistics.policy import POLICIES
from nightround.statistics.rows import RowPlace, method_words
from nightround.statistics.shares import share_rows
from nightround.study.plan import Amount, Deaths, Exposure, FollowUp, Plan, PlannedVisit
from redcap_sync.rows.tables import Table, numbers

FOLLOW_UP, EXPOSURE, DEATHS, SITES = "follow_up", "exposure", "deaths", "sites"
ENDED, ONGOING, TIME, GIVEN = "ended", "ongoing", "time", "given"
ALL, WITHIN, CAUSE = "all", "within", "cause"
ENTERED, ANALYSED, UNASSIGNED = "entered", "analysed", "unassigned"
UNIT_DAYS = {"days": 1.0, "months": 365.25 / 12}


class Attendance(NamedTuple):
    """Of one visit, who is due, and of those who came, who had ended before, and who missed it."""

    due: Mask
    came: Mask
    stopped: Mask
    missed: Mask


def columns_of(plan: Plan) -> tuple[str, ...]:
    """Everybody, then each group where groups are compared."""
    return ("", *(group.id for group in plan.groups if plan.grouping))


def follow_up_rows(plan: Plan, follow_up: FollowUp, patients: pd.DataFrame, cutoff: date) -> Iterator[ResultRow]:
    """Table `follow_up`.

    Variable: the id of a visit. Statistics: n (due), count, percent and summary (came), stopped (ended before its
    window closed), missed. Variable `ended`, level the code of how participation ended, and `ongoing`: of all
    patients. Variable `time`: quartiles of the time from the start to the last visit, in the plan's unit.
    """
    cohort = cohort_of(plan, patients, follow_up.among)
    for group in columns_of(plan):
        members = cohort.members(group)
        for visit in follow_up.visits:
            found = attendance(visit, follow_up, cohort, cutoff)
            place = RowPlace(FOLLOW_UP, visit.id, group=group)
            due = counted(found.due, members)
            yield place.count("n", due)
            yield from share_rows(place, counted(found.came, members), due)
            yield place.count("stopped", counted(found.stopped, members))
            yield place.count("missed", counted(found.missed, members))
        if follow_up.ended:
            ended = cohort.frame[follow_up.ended.column]
            yield from _ended_rows(ended[members], group, sorted(ended.dropna().unique()))
        time = time_followed(follow_up, cohort, cutoff)[members]
        yield from quartile_rows(RowPlace(FOLLOW_UP, TIME, group=group), time, plan, digits=1)


def attendance(visit: PlannedVisit, follow_up: FollowUp, cohort: Cohort, cutoff: date) -> Attendance:
    """Who came to a visit by the cut-off, of whom it was due."""
    frame = cohort.frame
    came = frame[visit.came.column].notna().to_numpy(dtype=bool)
    closes = as_dates(frame[follow_up.since.column]) + pd.Timedelta(days=visit.within_days or 0)
    due = came | (closes <= pd.Timestamp(cutoff)).to_numpy(dtype=bool)
    if visit.within_days is None:
        due = np.ones(len(frame), dtype=bool)
    stopped = due & ~came & _ended_before(follow_up, frame, closes)
    return Attendance(due, came, stopped, due & ~came & ~stopped)


def _ended_before(follow_up: FollowUp, frame: pd.DataFrame, closes: pd.Series[pd.Timestamp]) -> Mask:
    """Whose participation ended before the window closed; without a day of it whose participation ended at all."""
    ended = np.zeros(len(frame), dtype=bool)
    if follow_up.ended:
        ended = frame[follow_up.ended.column].notna().to_numpy(dtype=bool)
    if follow_up.ended_on:
        day = as_dates(frame[follow_up.ended_on.column])
        ended = (ended & day.isna().to_numpy(dtype=bool)) | (day <= closes).to_numpy(dtype=bool)
    return ended


def time_followed(follow_up: FollowUp, cohort: Cohort, cutoff: date) -> Numbers:
    """The time from the start to the last visit with a date, in the plan's unit; NaN without a start, 0 without one."""
    start = as_dates(cohort.frame[follow_up.since.column])
    measured = cohort.plan.measured()
    visits = [as_dates(cohort.frame[one.came.column]) for one in follow_up.visits if one.came not in measured]
    last = pd.concat([start, *visits], axis=1).where(lambda day: day <= pd.Timestamp(cutoff)).max(axis=1)
    return np.asarray((last - start).dt.days / UNIT_DAYS[follow_up.unit], dtype=np.float64)


def _ended_rows(ended: pd.Series[str], group: str, codes: Sequence[str]) -> Iterator[ResultRow]:
    place = RowPlace(FOLLOW_UP, ENDED, group=group)
    for code in codes:
        yield from share_rows(place.at(level=str(code)), int((ended == code).sum()), len(ended))
    yield from share_rows(RowPlace(FOLLOW_UP, ONGOING, group=group), int(ended.isna().sum()), len(ended))


def exposure_rows(
    plan: Plan, exposure: Exposure, patients: pd.DataFrame, tables: Mapping[str, Table]
) -> Iterator[ResultRow]:
    """Table `exposure`.

    Variable `given`, level how many treatments (n, count, percent, summary of patients), and `events`, all treatments.
    Variable: the id of an amount, quartiles of its sum over a patient's treatments.
    """
    cohort = cohort_of(plan, patients, exposure.among)
    treatments = treatments_of(exposure, cohort, tables)
    for group in columns_of(plan):
        members = cohort.members(group)
        place = RowPlace(EXPOSURE, GIVEN, group=group)
        given = treatments[members]
        yield from (place.count("n", len(given)), place.count("events", int(given.sum())))
        for times in sorted({int(one) for one in treatments}):
            yield from share_rows(place.at(level=str(times)), int((given == times).sum()), len(given))
        for amount in exposure.amounts:
            total = amount_of(amount, exposure, cohort, tables)[members]
            yield from quartile_rows(RowPlace(EXPOSURE, amount.id, group=group), total, plan, digits=amount.digits)


def treatments_of(exposure: Exposure, cohort: Cohort, tables: Mapping[str, Table]) -> Numbers:
    """How many treatments each patient was given."""
    if exposure.given:
        filled = cohort.frame[[one.column for one in exposure.given]].notna()
        return np.asarray(filled.sum(axis=1), dtype=np.float64)
    rows = _treatment_rows(exposure, tables, ())
    times = rows["record"].value_counts().reindex(cohort.frame.index, fill_value=0)
    return np.asarray(times, dtype=np.float64)


def amount_of(amount: Amount, exposure: Exposure, cohort: Cohort, tables: Mapping[str, Table]) -> Numbers:
    """The sum of a quantity over each patient's treatments; NaN where none is known."""
    if exposure.given:
        measured = cohort.plan.measured()
        columns = ((one, cohort.frame[one.column]) for one in amount.fields)
        values = pd.concat([text if one in measured else numbers(text) for one, text in columns], axis=1)
        return np.asarray(values.sum(axis=1, min_count=1), dtype=np.float64)
    rows = _treatment_rows(exposure, tables, (amount.field,))
    summed = numbers(rows[amount.field]).groupby(rows["record"]).sum(min_count=1)
    return np.asarray(summed.reindex(cohort.frame.index), dtype=np.float64)


def _treatment_rows(exposure: Exposure, tables: Mapping[str, Table], fields: Iterable[str]) -> pd.DataFrame:
    """The rows of the repeating instrument that count as a treatment, with some of their fields as text."""
    table = tables.get(exposure.instrument)
    wanted = (exposure.entered, *fields)
    missing = [name for name in wanted if table is None or name not in table.text]
    if table is None or missing:
        raise StudyFilesWrong("plan.no_row_field", part=EXPOSURE, field=missing[0], instrument=exposure.instrument)
    rows = table.text[[*wanted]].assign(record=table.keys["record"])
    return rows[rows[exposure.entered] != ""]


def death_rows(plan: Plan, deaths: Deaths, patients: pd.DataFrame) -> Iterator[ResultRow]:
    """Table `deaths`: variable `all` with the exact interval, `within` (level: days), `cause` (level: its code)."""
    cohort = cohort_of(plan, patients, deaths.among)
    died = died_of(deaths, cohort.frame)
    for group in columns_of(plan):
        members = cohort.members(group)
        place, size = RowPlace(DEATHS, ALL, group=group), int(members.sum())
        yield place.count("n", size)
        yield from share_rows(place, counted(died, members), size, interval=True)
        for days in deaths.within_days:
            early = counted(died & died_within(deaths, cohort.frame, days), members)
            yield from share_rows(RowPlace(DEATHS, WITHIN, group=group, level=str(days)), early, size)
        if deaths.cause:
            causes = cohort.frame[deaths.cause.column].where(died)
            for code in sorted(causes.dropna().unique()):
                of_it = counted((causes == code).to_numpy(dtype=bool), members)
                yield from share_rows(RowPlace(DEATHS, CAUSE, group=group, level=str(code)), of_it, size)


def died_of(deaths: Deaths, frame: pd.DataFrame) -> Mask:
    """Who died: one of the codes, or any value where no codes are given."""
    column = frame[deaths.field.column]
    return (column.isin(deaths.codes) if deaths.codes else column.notna()).to_numpy(dtype=bool)


def died_within(deaths: Deaths, frame: pd.DataFrame, days: int) -> Mask:
    """Whose day of death is at most so many days after the start."""
    if not (deaths.on and deaths.since):
        return np.zeros(len(frame), dtype=bool)
    after = as_dates(frame[deaths.on.column]) - as_dates(frame[deaths.since.column])
    return (after <= pd.Timedelta(days=days)).to_numpy(dtype=bool)


def site_rows(plan: Plan, groups: Mapping[str, str], patients: pd.DataFrame) -> Iterator[ResultRow]:
    """Table `sites`: of each data access group (level) the patients that entered, and those in the tables.

    Nothing where all are of one group: there is one site then. `unassigned` counts who is in none.
    """
    entered = step_mask(plan, patients, plan.flow[0].id)
    analysed = step_mask(plan, patients, plan.population)
    site = sites_of(groups, patients.index)
    known = sorted(set(site[entered]) - {""})
    if len(known) < 2:  # noqa: PLR2004 - one site is no comparison
        return
    for name in known:
        here = (site == name).to_numpy(dtype=bool)
        for variable, mask in ((ENTERED, entered), (ANALYSED, analysed)):
            yield from share_rows(RowPlace(SITES, variable, level=name), counted(mask, here), int(mask.sum()))
    yield RowPlace(SITES, ENTERED).count(UNASSIGNED, counted(entered, (site == "").to_numpy(dtype=bool)))


def sites_of(groups: Mapping[str, str], records: pd.Index[str]) -> pd.Series[str]:
    """The data access group of each record, '' for none."""
    return pd.Series([groups.get(str(record), "") for record in records], index=records, dtype="object")


def counted(mask: Mask, members: Mask) -> int:
    """How many of the members."""
    return int((mask & members).sum())


def quartile_rows(place: RowPlace, values: Numbers, plan: Plan, *, digits: int) -> Iterator[ResultRow]:
    """n, missing, quartiles by the plan's definition, and the median with its quartiles as it is printed."""
    known = values[~np.isnan(values)]
    kind = POLICIES[plan.policy].quartiles
    yield from (place.count("n", len(known)), place.count("missing", len(values) - len(known)))
    try:
        found = quartiles(known, kind)
    except NotEstimable as refusal:
        names = (*Quartiles._fields, "summary")
        yield from (place.row(name, None, NOT_ESTIMABLE, n=0, error=refusal.reason) for name in names)
        return
    texts = {name: text_of(value, digits) for name, value in found._asdict().items()}
    method = method_words(f"quartiles_{kind}")
    for name, value in found._asdict().items():
        yield place.row(name, value, texts[name], n=len(known), method=method)
    printed = f"{texts['median']} ({texts['q1']}~{texts['q3']})"
    yield place.row("summary", found.median, printed, n=len(known), method=method)
