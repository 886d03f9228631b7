"""Which event and column a reference means, seen from an event."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import NoReturn

from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic.syntax import Reference

NOWHERE = ""
"""The event of a reference that finds none in a longitudinal project; its value is blank."""


def resolve(reference: Reference, dictionary: Dictionary, event: str) -> tuple[str, str]:
    """The (event, export column) a reference means in a row of `event`.

    A relative event is the nearest one, in the arm of `event`, where the field's instrument is
    designated. The event is '' where there is none, and in a classic project. Raise `LogicError` for
    a field or an event the project does not have.
    """
    if reference.is_smart:
        return event, reference.column
    column = reference.export_column
    _check_field(reference, dictionary)
    if not dictionary.longitudinal:
        return NOWHERE, column
    designated = _designated(reference.field, dictionary)
    if reference.event in ("", "event-name"):
        return (event if event in designated else NOWHERE), column
    if "-" in reference.event:
        return nearest_event(dictionary, reference.event, event, designated), column
    if reference.event not in dictionary.event_names:
        _refuse(reference, "logic.no_event", reference.event, dictionary.event_names)
    return (reference.event if reference.event in designated else NOWHERE), column


def nearest_event(dictionary: Dictionary, selector: str, event: str, designated: Collection[str]) -> str:
    """The event a relative name means, seen from an event: the nearest of its arm among the designated, or ''."""
    arms = {known.unique_name: known.arm for known in dictionary.events}
    order = [name for name in dictionary.event_names if arms[name] == arms.get(event)]
    usable = [name for name in order if name in designated]
    if selector == "event-name":
        return event
    if selector in ("first-event-name", "last-event-name"):
        found = usable if selector == "last-event-name" else usable[::-1]
    elif selector == "previous-event-name":
        found = [name for name in usable if order.index(name) < order.index(event)]
    else:
        found = [name for name in reversed(usable) if order.index(name) > order.index(event)]
    return found[-1] if found else NOWHERE


def _designated(name: str, dictionary: Dictionary) -> tuple[str, ...]:
    """The events in which a field can contain a value; the record id can in all."""
    if name == dictionary.record_id_field:
        return dictionary.event_names
    field = dictionary.by_name.get(name)
    return dictionary.events_of(field.instrument if field else name.removesuffix("_complete"))


def _check_field(reference: Reference, dictionary: Dictionary) -> None:
    statuses = tuple(f"{instrument.name}_complete" for instrument in dictionary.instruments)
    known = (*dictionary.by_name, *statuses)
    if reference.field not in known:
        _refuse(reference, "logic.no_field", reference.field, known)


def _refuse(reference: Reference, code: str, name: str, known: tuple[str, ...]) -> NoReturn:
    near = next(iter(get_close_matches(name, known, n=1)), "")
    hint = "hint.near_name" if near else "hint.codebook"
    written = reference.column if reference.column.startswith("[") else f"[{reference.column}]"
    raise LogicError(code, text=written, position=0, hint=hint, name=name, near=near)
