"""Who is in a twin and when: records, groups, arms, the visits that each has, and the day of each visit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.simulation.twin.draft import DraftTable, Mask, Rows
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import EventRow
from redcap_sync.project.values import natural_order
from redcap_sync.whole_numbers import whole_number

LAST_DAY = date(2025, 6, 30)
"""The last day that a twin writes of its own accord, so that a seed gives the same bytes in every year."""
ENROLLING_DAYS = 730
EVENT_DAYS = 30
"""Days between two events of a project that schedules none."""
INSTANCE_DAYS = 3
SLACK_DAYS = 21
"""Days after the day of a visit on which its last dates may lie."""
DECADES_DAYS = 36_525
MOST_INSTANCES = 3
NUMBERED = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,8}[-_]?)(0*)1(?![0-9])")
"""An example of a record's id in a label or note: `ABC-001`."""
Days = npt.NDArray[np.int64]
"""Days since 1970-01-01."""


@dataclass(frozen=True)
class People:
    """The records of a twin. Events are numbered in the order of the dictionary."""

    ids: npt.NDArray[np.object_]
    groups: dict[str, str] | None
    attended: Mask
    """Whether a record has an event: one row a record, one column an event."""
    days: Days
    """The day of each visit, of the same shape, whether it took place or not."""
    late: Mask = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    """Visits outside their window, of a messy twin."""


def enrolled(
    project: StoredProject,
    count: int,
    rng: np.random.Generator,
    *,
    messy: bool,
    expected: frozenset[str] = frozenset(),
) -> People:
    """Make so many records with their visits. `expected` names events that no record may be without."""
    dictionary, structure = project.dictionary, project.structure
    arms, offsets, tolerances = _schedule(project)
    own_arm = rng.choice(np.unique(arms), size=count)
    attended = (arms[None, :] == own_arm[:, None]) & _has_instruments(dictionary)[None, :]
    day_of_start = _starts(dictionary, offsets, count, rng, project.clock())
    wobble = np.rint(rng.uniform(-1, 1, size=(count, len(arms))) * tolerances[None, :]).astype(np.int64)
    days = day_of_start[:, None] + offsets[None, :] + wobble
    late = np.zeros_like(attended)
    if messy:
        late = attended & (offsets > 0)[None, :] & (rng.random(attended.shape) < LATE_SHARE)
        days = days + late * rng.integers(15, 60, size=days.shape)
        kept = np.array([event in expected for event in dictionary.event_names], dtype=bool)
        attended &= _withdrawn(attended, rng) | kept[None, :]
    days = np.maximum.accumulate(days, axis=1)
    in_groups = structure.groups
    chosen = [in_groups[n] for n in rng.integers(0, len(in_groups), size=count)] if in_groups else []
    named = _ids(project, count, [str(group.group_id) for group in chosen])
    order = sorted(range(count), key=lambda number: natural_order(named[number]))
    ids = np.array([named[number] for number in order], dtype=object)
    groups = {named[number]: chosen[number].unique_name for number in order} if chosen else None
    return People(ids, groups, attended, days, late)


LATE_SHARE = 0.08
WITHDRAWN_SHARE = 0.1


def _withdrawn(attended: Mask, rng: np.random.Generator) -> Mask:
    """Take the later events from some records: whoever leaves a study early has no visit afterwards."""
    rank = np.cumsum(attended, axis=1)
    stays = np.maximum(1, np.ceil(rng.random(len(attended)) * rank[:, -1])).astype(np.int64)
    leaves = rng.random(len(attended)) < WITHDRAWN_SHARE
    return attended & ~(leaves[:, None] & (rank > stays[:, None]))


def _schedule(project: StoredProject) -> tuple[npt.NDArray[np.int64], Days, Days]:
    """The arm of each event, its days from the first one, and how far a visit may be from that day."""
    events: list[EventRow] = project.events if project.longitudinal else project.events[:1]
    arms = np.array([event.arm for event in events], dtype=np.int64)
    offsets, tolerances = np.zeros(len(events), dtype=np.int64), np.zeros(len(events), dtype=np.int64)
    for arm in np.unique(arms):
        own = np.flatnonzero(arms == arm)
        given = [whole_number(events[n].day_offset) or 0 for n in own]
        scheduled = any(given)
        offsets[own] = given if scheduled else np.arange(len(own)) * EVENT_DAYS
        windows = [min(_window(events[n])) for n in own]
        tolerances[own] = windows if scheduled else 0
    return arms, offsets, tolerances


def _window(event: EventRow) -> tuple[int, int]:
    return abs(whole_number(event.offset_min) or 0), abs(whole_number(event.offset_max) or 0)


def _has_instruments(dictionary: Dictionary) -> Mask:
    return np.array([bool(dictionary.instruments_at(event)) for event in dictionary.event_names])


def _starts(dictionary: Dictionary, offsets: Days, count: int, rng: np.random.Generator, now: datetime) -> Days:
    """The day on which each record begins, such that the dates of its visits are within the dates' own ranges."""
    last = min(day_number(LAST_DAY), day_number(now.date()) - 1) - int(offsets.max(initial=0)) - SLACK_DAYS
    order = dict(zip(dictionary.event_names, offsets.tolist(), strict=True))
    low, high = last - DECADES_DAYS, last
    for one in filter(_recent, dictionary.fields):
        earliest, latest = day_bounds(one)
        spread = [order[event] for event in dictionary.events_of(one.instrument)] or [0]
        bottom = low if earliest is None else max(low, earliest - min(spread))
        top = high if latest is None else min(high, latest - max(spread) - SLACK_DAYS)
        if bottom <= top:
            low, high = bottom, top
    return rng.integers(max(low, high - ENROLLING_DAYS), high + 1, size=count)


def _recent(one: Field) -> bool:
    return one.kind in ("date", "datetime") and PAST.search(f"{one.name} {one.label}") is None


PAST = re.compile(
    r"birth|dob|onset|diagnos|histor|implant|placement|previous|earlier"
    r"|出生|生日|起病|发病|诊断|既往|置入|植入|原发|起始",
    re.IGNORECASE,
)
"""What a date is called that lies before the study."""
BIRTH = re.compile(r"birth|dob(?![a-z])|出生|生日", re.IGNORECASE)


def day_bounds(one: Field) -> tuple[int | None, int | None]:
    """The first and last day that the range of a field names; None for none, and for one that moves."""
    return _day(one.minimum), _day(one.maximum)


def _day(written: str) -> int | None:
    try:
        return day_number(date.fromisoformat(written[:10]))
    except ValueError:
        return None


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _ids(project: StoredProject, count: int, group_ids: list[str]) -> list[str]:
    """Ids as the project numbers its records: with the group's number in front, or as an example in the label shows."""
    own = project.dictionary.fields[0]
    if project.structure.settings["record_autonumbering_enabled"] and group_ids:
        running: dict[str, int] = {}
        return [f"{group}-{_next(running, group)}" for group in group_ids]
    example = NUMBERED.search(f"{own.note} {own.label}") if own.validation == "" else None
    if example:
        width = len(example[2]) + 1
        return [f"{example[1]}{number:0{width}d}" for number in range(1, count + 1)]
    return [str(number) for number in range(1, count + 1)]


def _next(running: dict[str, int], group: str) -> int:
    running[group] = running.get(group, 0) + 1
    return running[group]


def empty_tables(dictionary: Dictionary, people: People, rng: np.random.Generator) -> dict[str, DraftTable]:
    """The rows of every instrument, with nothing in them but the completion status."""
    event_instances = {
        event: rng.integers(1, MOST_INSTANCES + 1, size=len(people.ids))
        for event in dictionary.event_names
        if dictionary.event_repeats(event)
    }
    return {one.name: _table(dictionary, one.name, people, event_instances, rng) for one in dictionary.instruments}


def _table(
    dictionary: Dictionary,
    instrument: str,
    people: People,
    event_instances: dict[str, npt.NDArray[np.int64]],
    rng: np.random.Generator,
) -> DraftTable:
    records, events, instances = [], [], []
    for number, event in enumerate(dictionary.event_names):
        if instrument not in dictionary.instruments_at(event):
            continue
        there = np.flatnonzero(people.attended[:, number])
        if dictionary.repeats(event, instrument):
            counts = rng.integers(0, MOST_INSTANCES + 1, size=len(people.ids))[there]
        elif event in event_instances:
            counts = event_instances[event][there]
        else:
            counts = np.ones(len(there), dtype=np.int64)
        first = dictionary.first_instance(event, instrument)
        records.append(np.repeat(there, counts))
        events.append(np.full(int(counts.sum()), number))
        instances.append(_running(counts) + first)
    record, event_number, instance = (
        np.concatenate(part) if part else np.zeros(0, dtype=np.int64) for part in (records, events, instances)
    )
    order = np.lexsort((instance, event_number, record))
    record, event_number, instance = record[order], event_number[order], instance[order]
    names = np.array(dictionary.event_names, dtype=object)
    keys = pd.DataFrame(
        {
            "record": pd.array(people.ids[record], dtype="str"),
            "event": pd.array(names[event_number], dtype="str"),
            "instrument": pd.array(np.full(len(record), instrument, dtype=object), dtype="str"),
            "instance": instance.astype(np.int64),
        }
    )
    return DraftTable(dictionary, instrument, keys, record.astype(np.intp), _blank(dictionary, instrument, len(record)))


def _running(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, 2 ... within each of some groups of so many rows."""
    starts = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(starts, counts)


def _blank(dictionary: Dictionary, instrument: str, length: int) -> dict[str, npt.NDArray[np.object_]]:
    columns = {}
    for one in dictionary.fields_of(instrument):
        for column in dictionary.columns_of_field(one):
            columns[column] = np.full(length, "0" if one.type == "checkbox" else "", dtype=object)
    columns[f"{instrument}_complete"] = np.full(length, "2", dtype=object)
    return columns


def row_days(dictionary: Dictionary, people: People, table: DraftTable, origin: Rows) -> Days:
    """The day of the visit that each row of an instrument belongs to; instances follow one another.

    `origin` is the number among the people of each record of the table.
    """
    order = {event: number for number, event in enumerate(dictionary.event_names)}
    events = table.keys["event"].map(order).to_numpy(dtype=np.int64)
    instance = table.keys["instance"].to_numpy(dtype=np.int64)
    if not len(table.records):
        return np.zeros(0, dtype=np.int64)
    days: Days = people.days[origin[table.records], events]
    instances: Days = np.maximum(instance - 1, 0) * INSTANCE_DAYS
    return days + instances
