"""Smart variables as values: what a row knows of itself from the project's structure and the rows there are.

Source: `redcap_api`, section 10. Whatever hangs on who is looking, or on what was not exported, is refused
with its reason: a guess would make a rule ask, or be silent, without anyone knowing why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from nightround.model.snapshot import Snapshot
from nightround.validation.no_value import NoValue
from redcap_sync.dictionary import Dictionary, Event, Group
from redcap_sync.logic.events import nearest_event
from redcap_sync.logic.language import RELATIVE_EVENTS

Values = Callable[[Snapshot, pd.DataFrame], "pd.Series[str]"]
REFUSED = {
    "user-name": "outcome.nobody",
    "user-dag-name": "outcome.nobody",
    "user-role-name": "outcome.nobody",
    "is-form": "outcome.no_page",
    "is-survey": "outcome.no_page",
}
"""The code of the reason why a smart variable never has a value at night."""
OF_INSTRUMENT = frozenset({"instrument-name", "form-name", *RELATIVE_EVENTS[1:]})
"""What is said of the instrument a row belongs to: a rule of whole rows, which has none, cannot use them."""


def smart_values(name: str, snapshot: Snapshot, keys: pd.DataFrame) -> pd.Series[str]:
    """The value of a smart variable in every row, '' where blank; raises NoValue where it has none."""
    if name in REFUSED:
        raise NoValue(REFUSED[name], name=name)
    if name in _OF_EVENTS or name in RELATIVE_EVENTS:
        if not snapshot.dictionary.longitudinal:
            raise NoValue("outcome.not_longitudinal", name=name)
        return _of_event(name, snapshot.dictionary, keys)
    values = _OF_ROWS[name](snapshot, keys)
    if values is None:
        raise NoValue("outcome.not_exported", name=name)
    return values


def _of_event(name: str, dictionary: Dictionary, keys: pd.DataFrame) -> pd.Series[str]:
    if name in RELATIVE_EVENTS:
        pairs = keys[["event", "instrument"]].drop_duplicates().itertuples(index=False, name=None)
        said = {
            (event, instrument): nearest_event(dictionary, name, event, dictionary.events_of(instrument))
            for event, instrument in pairs
        }
        found = [said[pair] for pair in zip(keys["event"], keys["instrument"], strict=True)]
        return pd.Series(found, index=keys.index, dtype="str")
    of_events = {event.unique_name: _OF_EVENTS[name](dictionary, event) for event in dictionary.events}
    if None in of_events.values():
        raise NoValue("outcome.not_exported", name=name)
    return keys["event"].map(of_events).astype("str")


def _arm_label(dictionary: Dictionary, event: Event) -> str | None:
    return next((arm.label for arm in dictionary.arms if arm.number == event.arm), None)


def _number(dictionary: Dictionary, event: Event) -> str:
    """The place of an event in its arm, from 1."""
    return str([one for one in dictionary.events if one.arm == event.arm].index(event) + 1)


_OF_EVENTS: Mapping[str, Callable[[Dictionary, Event], str | None]] = {
    "event-label": lambda _, event: event.label,
    "event-id": lambda _, event: None if event.event_id is None else str(event.event_id),
    "event-number": _number,
    "arm-number": lambda _, event: str(event.arm),
    "arm-label": _arm_label,
}


def _instances(step: int) -> Values:
    """The number of an instance so many steps from the row's own; blank where nothing repeats, and before the first."""

    def values(_: Snapshot, keys: pd.DataFrame) -> pd.Series[str]:
        there = keys["instance"].gt(0) & keys["instance"].add(step).gt(0)
        return keys["instance"].add(step).astype("str").where(there, "")

    return values


def _outermost(end: str) -> Values:
    """The first or last instance that is there of what the row repeats; blank where nothing does."""

    def values(snapshot: Snapshot, keys: pd.DataFrame) -> pd.Series[str]:
        every = pd.concat([table.keys for table in snapshot.tables.values()], ignore_index=True)
        by_place = ["record", "event", "instrument"]
        found = every[every["instance"].gt(0)].groupby(by_place)["instance"].agg(end)
        numbers = found.reindex(pd.MultiIndex.from_frame(keys[by_place])).to_numpy()
        texts = ["" if number != number else str(int(number)) for number in numbers]  # noqa: PLR0124 - NaN
        return pd.Series(texts, index=keys.index, dtype="str")

    return values


def _group_name(snapshot: Snapshot, keys: pd.DataFrame) -> pd.Series[str] | None:
    """The unique name of a record's data access group; blank for a record in none, None where it was not exported."""
    groups = snapshot.groups
    if groups is None:
        return None
    return pd.Series([groups.get(record, "") for record in keys["record"]], index=keys.index, dtype="str")


def _group(said: Callable[[Group], str | None]) -> Callable[[Snapshot, pd.DataFrame], pd.Series[str] | None]:
    """What the list of groups says of a record's group."""

    def values(snapshot: Snapshot, keys: pd.DataFrame) -> pd.Series[str] | None:
        names, listed = _group_name(snapshot, keys), snapshot.dictionary.groups
        known = {group.unique_name: said(group) for group in listed or ()}
        if names is None or listed is None or None in known.values():
            return None
        return pd.Series([known.get(name, "") for name in names], index=keys.index, dtype="str")

    return values


def _project_id(snapshot: Snapshot, keys: pd.DataFrame) -> pd.Series[str] | None:
    number = snapshot.dictionary.project_id
    return None if number is None else pd.Series(str(number), index=keys.index, dtype="str")


_OF_ROWS: Mapping[str, Callable[[Snapshot, pd.DataFrame], pd.Series[str] | None]] = {
    "record-name": lambda _, keys: keys["record"],
    "record-dag-name": _group_name,
    "record-dag-label": _group(lambda group: group.label),
    "record-dag-id": _group(lambda group: None if group.group_id is None else str(group.group_id)),
    "instrument-name": lambda _, keys: keys["instrument"],
    "form-name": lambda _, keys: keys["instrument"],
    "project-id": _project_id,
    "current-instance": _instances(0),
    "previous-instance": _instances(-1),
    "next-instance": _instances(1),
    "first-instance": _outermost("min"),
    "last-instance": _outermost("max"),
}
