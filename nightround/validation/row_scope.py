"""Which rows a project's own Data Quality rule is evaluated in: all that can contain a field it refers to.

Source: `data_quality_rules`, "Custom rules": a discrepancy is one (record, event, instance).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from redcap_sync.logic.language import RELATIVE_EVENTS


def rows_that_can_hold(dictionary: Dictionary, read: Iterable[Reference]) -> dict[str, list[str]]:
    """Instruments whose rows are looked at, each with the events in which they are.

    The base row of an event appears in the table of every instrument that does not repeat there; the
    first instrument referred to stands for it, so that each row is looked at once.
    """
    base: dict[str, str] = {}
    rows: dict[str, list[str]] = {}
    for instrument, event in _places(dictionary, read):
        if dictionary.repeats(event, instrument):
            rows.setdefault(instrument, []).append(event)
        else:
            base.setdefault(event, instrument)
    for event, instrument in base.items():
        rows.setdefault(instrument, []).append(event)
    return {instrument: list(dict.fromkeys(events)) for instrument, events in rows.items()}


def _places(dictionary: Dictionary, read: Iterable[Reference]) -> Iterator[tuple[str, str]]:
    for reference in read:
        named = reference.event not in ("", *RELATIVE_EVENTS)
        for instrument in _instruments(dictionary, reference):
            events = dictionary.events_of(instrument)
            yield from ((instrument, event) for event in events if not named or event == reference.event)


def _instruments(dictionary: Dictionary, reference: Reference) -> Iterator[str]:
    """The instrument of a field; the record id is held by every base row, so by all that do not repeat."""
    if reference.field == dictionary.record_id_field:
        repeating = {instrument for _, instrument in dictionary.repeating}
        yield from (one.name for one in dictionary.instruments if one.name not in repeating)
        return
    field = dictionary.by_name.get(reference.field)
    if field is not None:
        yield field.instrument
    yield from (one.name for one in dictionary.instruments if reference.field == f"{one.name}_complete")
