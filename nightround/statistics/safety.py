"""Adverse events: patients and events, in all, serious, by term and by worst grade."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultRow
from nightround.statistics.cohort import step_mask
from nightround.statistics.rows import RowPlace
from nightround.statistics.shares import share_rows
from nightround.study.plan import Plan, Safety
from redcap_sync.rows.tables import Table

SAFETY = "safety"


def safety_rows(plan: Plan, safety: Safety, patients: pd.DataFrame, events: Table) -> Iterator[ResultRow]:
    """Who had an adverse event, of the patients of `safety.among`.

    Table `safety`; variable `any`, `serious`, `term` or `grade`, level the code of a term or grade. Statistics:
    n (patients asked about), count (of them with one), percent, summary, events; for any and serious the
    exact interval. A patient counts once at the worst grade. Raises StudyFilesWrong for a field that is not there.
    """
    among = patients.index[step_mask(plan, patients, safety.among)]
    found = adverse_events(safety, events)
    found = found[found["record"].isin(among)]
    worst = found.groupby("record", as_index=False)["grade"].max()
    serious = found[found["serious"].isin(safety.serious_codes)]
    yield from _counted(RowPlace(SAFETY, "any"), found, len(among), interval=True)
    yield from _counted(RowPlace(SAFETY, "serious"), serious, len(among), interval=True)
    for variable, rows in (("term", found), ("grade", worst)):
        for code in sorted(set(found[variable]) - {""}):
            yield from _counted(RowPlace(SAFETY, variable, level=code), rows[rows[variable] == code], len(among))


def adverse_events(safety: Safety, events: Table) -> pd.DataFrame:
    """One row an event with record, term, grade and serious; a row without a term is no event yet."""
    fields = {"term": safety.term, "grade": safety.grade, "serious": safety.serious}
    if missing := sorted(set(fields.values()) - set(events.text)):
        raise StudyFilesWrong("plan.no_row_field", part=SAFETY, field=str(missing[0]), instrument=safety.instrument)
    found = pd.DataFrame({"record": events.keys["record"], **{name: events.text[of] for name, of in fields.items()}})
    return found[found["term"] != ""]


def _counted(place: RowPlace, rows: pd.DataFrame, among: int, *, interval: bool = False) -> Iterator[ResultRow]:
    count = int(rows["record"].nunique())
    yield from (place.count("n", among), place.count("events", len(rows)))
    yield from share_rows(place, count, among, interval=interval)
