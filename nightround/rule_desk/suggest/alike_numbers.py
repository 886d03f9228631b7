"""Suggests how far two numbers of one patient can be apart: left and right, and one visit and the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from nightround.rule_desk.suggest.fences import LEAST_DIFFERENT, as_logic, fences, quartiles
from nightround.rule_desk.suggest.study_data import StudyData, at_event
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Field

LEAST_PAIRS = 20
"""Fewer pairs do not say how far apart two values are."""
LEAST_CORRELATION = 0.8
"""Spearman's rho of the two: values that do not follow one another may be any distance apart."""
LEAST_SPREADS, MOST_SPREADS = 0.5, 2.0
"""Between how many interquartile ranges of the values a limit lies: a smaller one asks about the error of measurement,
a larger one about nothing that a range of the values would not find."""
SIDES = {"left": "right", "l": "r", "lt": "rt", "lft": "rgt"}


def suggested_sides(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each two numbers of an instrument whose names differ in the side alone."""
    numbers = {one.name: one for one in data.numbers}
    for left in data.numbers:
        right = numbers.get(_other_side(left.name))
        if right is None or right.instrument != left.instrument:
            continue
        both = _both(data.number(left.name), data.number(right.name))
        limit = _limit(both)
        if limit:
            yield _of_sides(data, left, right, limit, len(both))


def _other_side(name: str) -> str:
    """The name with the left side turned into the right one; '' where it names no left side."""
    parts = re.split(r"(_)", name)
    sided = [place for place, part in enumerate(parts) if part in SIDES]
    if len(sided) != 1:
        return ""
    return "".join(SIDES[part] if place == sided[0] else part for place, part in enumerate(parts))


def suggested_changes(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each number and each two visits that follow one another, where the one says much of the other."""
    for field in data.numbers:
        if _is_calculated_too(data, field):
            continue
        values = data.number(field.name)
        for earlier, later in pairwise(data.places.events_of(field.instrument)):
            both = _both(at_event(values, earlier), at_event(values, later))
            limit = _limit(both)
            if limit:
                yield _of_visits(data, field, (earlier, later), limit, len(both))


def _is_calculated_too(data: StudyData, field: Field) -> bool:
    """Whether REDCap calculates it next to what was typed: it changes as its parts do."""
    return any(one.type == "calc" and one.name.startswith(field.name) for one in data.neighbours(field))


def _both(first: pd.Series[float], second: pd.Series[float]) -> pd.DataFrame:
    return pd.concat([first, second], axis=1, keys=("first", "second"), join="inner").dropna()


def _limit(both: pd.DataFrame) -> str:
    """The largest distance that is plausible, '' where the pairs are too few, or do not follow one another."""
    if len(both) < LEAST_PAIRS or both.nunique().min() < LEAST_DIFFERENT:
        return ""
    if both["first"].rank().corr(both["second"].rank()) < LEAST_CORRELATION:
        return ""
    apart = both["second"] - both["first"]
    found = fences(apart)
    if found is None:
        return ""
    spread = np.subtract(*quartiles(both["first"])[::-1])
    limit = max(abs(found.low), abs(found.high), LEAST_SPREADS * spread)
    says_something = limit <= MOST_SPREADS * spread and (apart.abs() <= limit).mean() >= LEAST_SHARE
    return as_logic(float(f"{limit:.2g}")) if says_something else ""


def _of_sides(data: StudyData, left: Field, right: Field, limit: str, pairs: int) -> Suggestion:
    return suggested_rule(
        "sides",
        ("sides", left.name),
        data.languages,
        {"left": data.label(left.name), "right": data.label(right.name), "limit": limit},
        {"left": left.name, "right": right.name},
        evidence={"pairs": pairs, "limit": limit},
        instrument=left.instrument,
        discrepancy=f"abs([{left.name}] - [{right.name}]) > {limit}",
    )


def _of_visits(data: StudyData, field: Field, events: tuple[str, str], limit: str, pairs: int) -> Suggestion:
    earlier, later = events
    before = ColumnName(field.name, event=earlier)
    return suggested_rule(
        "change",
        ("change", field.name, later),
        data.languages,
        {
            "field": data.label(field.name),
            "earlier": data.event(earlier),
            "later": data.event(later),
            "limit": limit,
        },
        {"field": field.name, "earlier": earlier, "later": later},
        evidence={"pairs": pairs, "limit": limit},
        instrument=field.instrument,
        events=(later,),
        discrepancy=f"abs([{field.name}] - {before}) > {limit}",
    )
