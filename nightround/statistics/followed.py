"""How long each patient was followed, and whether the event ended it: from one field, or from the dates of visits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nightround.statistics.cohort import Cohort, Mask, as_dates, meets
from nightround.statistics.numbers import Numbers
from nightround.study.plan import Condition, Survival

AT_START, UNKNOWN = -1, -2
"""In place of the number of a visit: none after the start; not known, which is the lesser of the two."""
Visits = NDArray[np.int64]


class Followed(NamedTuple):
    """Of each patient the time in the curve's unit, NaN where unknown, and whether the event ended it.

    Where `before_start` holds, the last visit lies before the start, and the time means nothing.
    """

    time: Numbers
    event: Mask
    before_start: Mask


def followed(curve: Survival, cohort: Cohort) -> Followed:
    """How long everybody was followed.

    Who has a code in none of the events' fields is unknown: a blank is no proof that a patient was free of them.
    """
    event = np.any([meets(one, cohort.frame) for one in curve.events], axis=0)
    if curve.time is None:
        return _between_dates(curve, cohort.frame, event)
    time = np.where(event | _looked_at(curve.events, cohort.frame), cohort.measured(curve.time), np.nan)
    return Followed(time, event, time < 0)


def _looked_at(events: tuple[Condition, ...], frame: pd.DataFrame) -> Mask:
    """Where one of the fields contains a code; an event without codes is its own proof."""
    coded = [frame[one.field.column].notna().to_numpy(dtype=bool) for one in events if one.codes]
    return np.any(coded, axis=0) if coded else np.ones(len(frame), dtype=bool)


def _between_dates(curve: Survival, frame: pd.DataFrame, event: Mask) -> Followed:
    """The time of the visit at which the event was found; else of the last one at which it was looked for."""
    start, *ends = (as_dates(frame[one.column]) for one in curve.dates())
    days: Numbers = np.column_stack([(end - start).dt.days.to_numpy(dtype=np.float64) for end in ends])
    there = ~np.isnan(days)
    visit = np.where(event, _visit_of_event(curve, frame, there), _last_free(curve, frame, there))
    elapsed = _at(visit, days)
    elapsed[start.isna().to_numpy(dtype=bool)] = np.nan
    time = np.where(np.isnan(elapsed), np.nan, _at(visit, _times_of(curve, days)))
    return Followed(time, event, elapsed < 0)


def _times_of(curve: Survival, days: Numbers) -> Numbers:
    """Each visit's time in the curve's unit: the planned one where the plan gives it, else as many days passed."""
    if curve.scheduled:
        return np.tile(np.array(curve.scheduled, dtype=np.float64), (len(days), 1))
    return days / curve.unit_days


def _at(visit: Visits, values: Numbers) -> Numbers:
    """Of each patient the value of a visit: 0 at the start, NaN where it is not known which."""
    n = len(values)
    behind = np.column_stack([values, np.full(n, np.nan), np.zeros(n)])  # columns UNKNOWN and AT_START
    return np.asarray(behind[np.arange(n), visit], dtype=np.float64)


def _last(there: Mask) -> Visits:
    """The last visit that is there."""
    last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    return np.where(there.any(axis=1), last, AT_START)


def _same_visit(curve: Survival, condition: Condition) -> list[int]:
    """The visits to whose event the field of a condition belongs."""
    return [place for place, one in enumerate(curve.until) if one.event == condition.field.event]


def _last_free(curve: Survival, frame: pd.DataFrame, there: Mask) -> Visits:
    """The last visit at which the event was looked for, where the visit has a field for it."""
    counts = there.copy()
    for place, one in enumerate(curve.until):
        asked = tuple(event for event in curve.events if event.field.event == one.event)
        counts[:, place] &= _looked_at(asked, frame)
    last = _last(counts)
    return np.where(there.any(axis=1) & (last == AT_START), UNKNOWN, last)


def _visit_of_event(curve: Survival, frame: pd.DataFrame, there: Mask) -> Visits:
    """The first visit at which one of the events was found; one that belongs to no visit counts at the last."""
    first = np.full(len(frame), there.shape[1], dtype=np.int64)
    for condition in curve.events:
        own = _same_visit(curve, condition)
        found = _last(there & np.isin(np.arange(there.shape[1]), own)) if own else _last(there)
        if own:
            found = np.where(found == AT_START, UNKNOWN, found)  # found at a visit whose date is not known
        first = np.where(meets(condition, frame), np.minimum(first, found), first)
    return np.where(first == there.shape[1], UNKNOWN, first)
