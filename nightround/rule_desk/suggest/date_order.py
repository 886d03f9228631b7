"""Suggests that a date which is asked at each visit does not run backwards from one visit to the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from nightround.model.language import Language, Words
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.suggest.suggestion import Suggestion
from nightround.study.first_folder.field_words import label_words, one_language
from nightround.study.first_folder.plan_places import PlanPlaces
from nightround.study.text_checks import LONGEST_ID
from nightround.texts.catalogue import words
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Field
from redcap_sync.messages import Message

LEAST_PAIRS = 10
"""Records with both dates: of fewer, an order by chance is no evidence."""
LEAST_SHARE = 0.95
"""So many of the pairs are in order; a pair of dates with no order is in order in half.

Half of those in order at least are of two days: a date of birth that is asked again is no order of visits.
"""
DAYS_OF = 10
"""Characters of a stored date: a time of day is left out."""


def suggested_orders(snapshot: Snapshot, languages: tuple[Language, ...]) -> Iterator[Suggestion]:
    """One rule for each date and each two visits that follow one another, where the data keep the order."""
    dictionary, places = snapshot.dictionary, PlanPlaces(snapshot.dictionary)
    for field in dictionary.fields[1:]:
        if field.kind not in ("date", "datetime"):
            continue
        for earlier, later in pairwise(places.events_of(field.instrument)):
            kept, pairs, equal = _counted(snapshot, field, earlier, later)
            if pairs >= LEAST_PAIRS and kept >= LEAST_SHARE * pairs and 2 * equal <= kept:
                yield _suggestion(snapshot, field, (earlier, later), (kept, pairs), languages)


def _counted(snapshot: Snapshot, field: Field, earlier: str, later: str) -> tuple[int, int, int]:
    """How many records are in order, how many have both dates, and how many have the same date twice."""
    before, after = (_dates(snapshot, field, event) for event in (earlier, later))
    both = pd.concat([before, after], axis=1, keys=("before", "after"), join="inner").dropna()
    ordered, equal = both["after"] >= both["before"], both["after"] == both["before"]
    return int(ordered.sum()), len(both), int(equal.sum())


def _dates(snapshot: Snapshot, field: Field, event: str) -> pd.Series[pd.Timestamp]:
    table = snapshot.tables.get(field.instrument)
    if table is None:
        return pd.Series(dtype="datetime64[ns]")
    here = (table.keys["event"] == event).to_numpy()
    text = pd.Series(table.text.loc[here, field.name].to_numpy(), index=table.keys.loc[here, "record"].to_numpy())
    return pd.to_datetime(text.str[:DAYS_OF], format="%Y-%m-%d", errors="coerce")


def _suggestion(
    snapshot: Snapshot, field: Field, events: tuple[str, str], counts: tuple[int, int], languages: tuple[Language, ...]
) -> Suggestion:
    earlier, later = events
    rule_id = f"ORDER-{field.name}-{later}".replace("_", "-").upper()[:LONGEST_ID]
    before = ColumnName(field.name, event=earlier)
    kept, pairs = counts
    names = {
        one.unique_name: label_words(one.in_both, one.unique_name, languages) for one in snapshot.dictionary.events
    }
    label = label_words(field.label, field.name, languages)

    def said(code: str) -> Words:
        found = words(f"suggest.date_order.{code}", field=label, earlier=names[earlier], later=names[later])
        return one_language(found, languages)

    return Suggestion(
        id=rule_id,
        kind="date_order",
        reason=Message.of("suggest.date_order.reason", field=field.name, earlier=earlier, later=later),
        evidence=Message.of("suggest.date_order.evidence", kept=kept, pairs=pairs),
        head="[[rule]]",
        keys={
            "id": rule_id,
            "instrument": field.instrument,
            "events": (later,),
            "severity": "major",
            "title": said("title"),
            "problem": said("problem"),
            "advice": said("advice"),
            "discrepancy": f"datediff({before}, [{field.name}], 'd', 'ymd', true) < 0",
        },
    )
