"""Suggests that a date which is asked at each visit does not run backwards from one visit to the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from nightround.rule_desk.suggest.study_data import StudyData, at_event
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Field

LEAST_PAIRS = 10
"""Records with both dates: of fewer, an order by chance is no evidence.

A pair of dates with no order is in order in half; half of those in order at least are of two days, because a date of
birth that is asked again is no order of visits.
"""


def suggested_orders(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each date and each two visits that follow one another, where the data keep the order."""
    for field in data.dates:
        for earlier, later in pairwise(data.places.events_of(field.instrument)):
            kept, pairs, equal = _counted(data, field, earlier, later)
            if pairs >= LEAST_PAIRS and kept >= LEAST_SHARE * pairs and 2 * equal <= kept:
                yield _suggestion(data, field, (earlier, later), (kept, pairs))


def _counted(data: StudyData, field: Field, earlier: str, later: str) -> tuple[int, int, int]:
    """How many records are in order, how many have both dates, and how many have the same date twice."""
    days = data.day(field.name)
    before, after = (at_event(days, event) for event in (earlier, later))
    both = pd.concat([before, after], axis=1, keys=("before", "after"), join="inner").dropna()
    ordered, equal = both["after"] >= both["before"], both["after"] == both["before"]
    return int(ordered.sum()), len(both), int(equal.sum())


def _suggestion(data: StudyData, field: Field, events: tuple[str, str], counts: tuple[int, int]) -> Suggestion:
    earlier, later = events
    before = ColumnName(field.name, event=earlier)
    kept, pairs = counts
    return suggested_rule(
        "date_order",
        ("order", field.name, later),
        data.languages,
        {"field": data.label(field.name), "earlier": data.event(earlier), "later": data.event(later)},
        {"field": field.name, "earlier": earlier, "later": later},
        evidence={"kept": kept, "pairs": pairs},
        severity="major",
        instrument=field.instrument,
        events=(later,),
        discrepancy=f"datediff({before}, [{field.name}], 'd', 'ymd', true) < 0",
    )
