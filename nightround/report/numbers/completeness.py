"""How complete the data are: rows begun of those expected and required cells filled, by instrument, group and site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from nightround.model.snapshot import Snapshot
from nightround.report.numbers.facts import Filled, PartFilled, PartKind
from nightround.statistics.cohort import cohort_of
from nightround.statistics.conduct import sites_of
from nightround.study.plan import Plan
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary
from redcap_sync.rows.tables import Table

Part = tuple[PartKind, str, frozenset[str]]
"""Some patients: by what they are parted, the name of the part, and their records."""


@dataclass(frozen=True, eq=False)
class BegunInstrument:
    """An instrument at an event: whether each required cell of a row that was begun is filled, by record."""

    name: str
    filled: pd.DataFrame


@dataclass(frozen=True, eq=False)
class BegunVisit:
    """An event: its instruments, and the records that have begun any of them, of whom a row of each is expected."""

    event: str
    instruments: tuple[BegunInstrument, ...]
    expected: frozenset[str]


def begun_visits(snapshot: Snapshot) -> Iterator[BegunVisit]:
    """Each event with its instruments that do not repeat.

    A row is expected of every record that has begun any instrument at the event. A hidden field may be blank by right,
    so only fields that are always shown are counted.
    """
    dictionary = snapshot.dictionary
    for event in dictionary.event_names:
        names = [one for one in dictionary.instruments_at(event) if not dictionary.repeats(event, one)]
        there = {name: at_event(snapshot.tables[name], event, dictionary) for name in names if name in snapshot.tables}
        begun = {name: frame[(frame != "").any(axis=1)] for name, frame in there.items()}
        found = (BegunInstrument(name, asked_of(frame, dictionary, name)) for name, frame in begun.items())
        yield BegunVisit(event, tuple(found), frozenset(one for frame in begun.values() for one in frame.index))


def asked_of(begun: pd.DataFrame, dictionary: Dictionary, instrument: str) -> pd.DataFrame:
    """Whether each cell is filled of the required fields that no branching can hide."""
    asked = [one.name for one in dictionary.fields_of(instrument) if one.required and not one.branching_logic]
    return begun[[one for one in asked if one in begun]] != ""


def at_event(table: Table, event: str, dictionary: Dictionary) -> pd.DataFrame:
    """The text of an instrument at an event by record, without its completion status and unticked options."""
    own = [
        column
        for field in dictionary.fields_of(table.instrument)
        for column in dictionary.columns_of_field(field)
        if column in table.text
    ]
    rows = (table.keys["event"] == event).to_numpy()
    frame = table.text.loc[rows, own].set_axis(table.keys.loc[rows, "record"], axis=0)
    ticks = [column for column in own if ColumnName.parse(column).code]
    return frame.assign(**{column: frame[column].replace("0", "") for column in ticks})


def filled_of(visits: Iterable[BegunVisit]) -> Iterator[Filled]:
    """Each instrument at each event, of all records."""
    for visit in visits:
        for one in visit.instruments:
            begun, filled = one.filled.index.nunique(), int(one.filled.to_numpy().sum())
            yield Filled(one.name, visit.event, begun, len(visit.expected), filled, one.filled.size)


def parts_filled(visits: Iterable[BegunVisit], parts: Iterable[Part]) -> Iterator[PartFilled]:
    """Each part at each event that has a record, over the instruments of the event."""
    known = tuple(parts)
    for visit in visits:
        for kind, name, members in known:
            frames = [one.filled[one.filled.index.isin(members)] for one in visit.instruments]
            yield PartFilled(
                kind,
                name,
                visit.event,
                begun=sum(frame.index.nunique() for frame in frames),
                expected=len(visit.expected & members) * len(frames),
                filled=sum(int(frame.to_numpy().sum()) for frame in frames),
                cells=sum(frame.size for frame in frames),
            )


def parts_of(plan: Plan, snapshot: Snapshot, patients: pd.DataFrame) -> tuple[Part, ...]:
    """The groups that the plan compares, and the sites where there are several."""
    return (*groups_of(plan, patients), *site_parts(snapshot.groups or {}, patients.index))


def groups_of(plan: Plan, patients: pd.DataFrame) -> Iterator[Part]:
    """The patients of each group that is compared."""
    cohort = cohort_of(plan, patients)
    for group in plan.groups if plan.grouping else ():
        yield PartKind.GROUP, group.id, frozenset(map(str, cohort.frame.index[cohort.members(group.id)]))


def site_parts(groups: Mapping[str, str], records: pd.Index[str]) -> Iterator[Part]:
    """The records of each data access group; none where there are fewer than two."""
    site = sites_of(groups, records)
    names = sorted(set(site) - {""})
    for name in names if len(names) > 1 else ():
        yield PartKind.SITE, name, frozenset(map(str, records[site == name]))
