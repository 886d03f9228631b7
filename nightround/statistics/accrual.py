"""Enrolment over time, and when its target would be reached at its present pace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

from nightround.model.result import ResultRow
from nightround.statistics.cohort import as_dates
from nightround.statistics.numbers import PERCENT_DIGITS, percent, text_of
from nightround.statistics.rows import RowPlace
from nightround.study.methods import Reason
from nightround.study.plan import Accrual

ACCRUAL = "accrual"
MONTHS = 12
DAYS_OF_MONTH = 365.25 / MONTHS


def accrual_rows(accrual: Accrual, patients: pd.DataFrame, cutoff: date) -> Iterator[ResultRow]:
    """How many entered by the end of each month, of how many wanted, the pace, and the months still needed.

    Table `accrual`, variable `enrolled`; `cumulative` has the month as its level (YYYY-MM). The pace is
    that of the last `pace_months` before the cut-off, in patients a month; with none, nothing is projected.
    """
    place = RowPlace(ACCRUAL, "enrolled")
    entered = as_dates(patients[accrual.entered.column]).dropna()
    entered = entered[entered.dt.date <= cutoff]
    share = percent(len(entered), accrual.target)
    yield from (place.count("n", len(entered)), place.count("target", accrual.target))
    yield place.row("percent", share, text_of(share, PERCENT_DIGITS), n=accrual.target)
    for month, count in _cumulative(entered):
        yield place.at(level=month).count("cumulative", count)
    since = pd.Timestamp(cutoff) - pd.Timedelta(days=DAYS_OF_MONTH * accrual.pace_months)
    pace = float((entered > since).sum()) / accrual.pace_months
    yield place.row("pace", pace, text_of(pace, PERCENT_DIGITS), n=len(entered))
    yield _months_to_go(place, accrual.target - len(entered), pace)


def _cumulative(entered: pd.Series[pd.Timestamp]) -> Iterator[tuple[str, int]]:
    counts = entered.dt.strftime("%Y-%m").value_counts().sort_index().cumsum()
    yield from ((str(month), int(count)) for month, count in counts.items())


def _months_to_go(place: RowPlace, missing: int, pace: float) -> ResultRow:
    if missing > 0 and not pace:
        return place.refused("months_to_go", Reason.NOT_REACHED)
    months = max(missing, 0) / pace if missing > 0 else 0.0
    return place.row("months_to_go", months, text_of(months, PERCENT_DIGITS))
