"""Adverse events: patients and events, in all, serious, by term and by worst grade."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultRow
from nightround.statistics.cohort import step_mask
from nightround.statistics.describe import clopper_pearson
from nightround.statistics.numbers import PERCENT_DIGITS, count_text, percent, text_of
from nightround.statistics.rows import RowPlace, method_words
from nightround.study.methods import Reason
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
    found = _events(safety, events)
    found = found[found["record"].isin(among)]
    worst = found.groupby("record", as_index=False)["grade"].max()
    serious = found[found["serious"].isin(safety.serious_codes)]
    yield from _counted(RowPlace(SAFETY, "any"), found, len(among), interval=True)
    yield from _counted(RowPlace(SAFETY, "serious"), serious, len(among), interval=True)
    for variable, rows in (("term", found), ("grade", worst)):
        for code in sorted(set(found[variable]) - {""}):
            yield from _counted(RowPlace(SAFETY, variable, level=code), rows[rows[variable] == code], len(among))


def _events(safety: Safety, events: Table) -> pd.DataFrame:
    """One row an event with record, term, grade and serious; a row without a term is no event yet."""
    fields = {"term": safety.term, "grade": safety.grade, "serious": safety.serious}
    if missing := sorted(set(fields.values()) - set(events.text)):
        raise StudyFilesWrong("plan.no_safety", field=str(missing[0]), instrument=safety.instrument)
    found = pd.DataFrame({"record": events.keys["record"], **{name: events.text[of] for name, of in fields.items()}})
    return found[found["term"] != ""]


def _counted(place: RowPlace, rows: pd.DataFrame, among: int, *, interval: bool = False) -> Iterator[ResultRow]:
    count = int(rows["record"].nunique())
    yield from (place.count("n", among), place.count("events", len(rows)))
    yield place.row("count", float(count), str(count), n=among)
    if not among:
        yield from (place.refused(statistic, Reason.NO_VALUES) for statistic in ("percent", "summary"))
        return
    share = percent(count, among)
    yield place.row("percent", share, text_of(share, PERCENT_DIGITS), n=among)
    yield place.row("summary", float(count), count_text(count, among), n=among)
    if interval:
        exact = clopper_pearson(count, among)
        for end, value in (("low", 100 * exact.low), ("high", 100 * exact.high)):
            text = text_of(value, PERCENT_DIGITS)
            yield place.row(f"percent_{end}", value, text, n=among, method=method_words(exact.method))
