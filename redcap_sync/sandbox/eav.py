"""The rows of an EAV export: one per stored value, an unticked option or a blank is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from redcap_sync.project.flat import (
    EVENT,
    GROUP,
    REPEAT_INSTANCE,
    REPEAT_INSTRUMENT,
    Selection,
    applies,
    places_in_order,
)
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.values import ValuePlace

Labelled = Callable[[str, str], str]
"""(column, value) to the value as it is shown."""


def eav_names(selection: Selection) -> tuple[str, ...]:
    """Column names of the rows."""
    project = selection.project
    event = (EVENT,) if project.longitudinal else ()
    repeat = (REPEAT_INSTRUMENT, REPEAT_INSTANCE) if project.dictionary.repeating else ()
    return ("record", *event, *repeat, "field_name", "value")


def eav_rows(selection: Selection, labelled: Labelled | None = None) -> Iterator[dict[str, str]]:
    """Yield a row per stored value. Without labels a file is its document id and a ticked option its code."""
    names, project = eav_names(selection), selection.project
    for record in selection.records:
        wanted = [place for place in places_in_order(project, record) if selection.wants(record, place)]
        for place in wanted:
            where = {
                "record": selection.shown_id(record),
                EVENT: project.event_name(place.event_id),
                REPEAT_INSTRUMENT: place.instrument,
                REPEAT_INSTANCE: str(place.instance or ""),
            }
            values = _values(selection, record, place, labelled)
            if not place.instrument or place == wanted[0]:
                values = chain(_group(selection, record), values)
            for field_name, value in values:
                row = {**where, "field_name": field_name, "value": value}
                yield {name: row[name] for name in names}


def _group(selection: Selection, record: str) -> Iterator[tuple[str, str]]:
    """The record's group, where it is asked for: in base rows, or where there is none in the first instance."""
    group = selection.project.values[record].group
    if GROUP in selection.head and group:
        yield GROUP, group


def _values(
    selection: Selection, record: str, place: ValuePlace, labelled: Labelled | None
) -> Iterator[tuple[str, str]]:
    project = selection.project
    stored = project.values[record].rows[place]
    for column in selection.columns:
        is_id = column.name == project.id_field
        # The record's name is there also where the id field had another name when the row was stored.
        value = selection.shown_id(record) if is_id else stored.get(column.name, "")
        if value and applies(project, column, place):
            yield _named(column, value, labelled)


def _named(column: ExportColumn, value: str, labelled: Labelled | None) -> tuple[str, str]:
    if column.field is not None and column.option is not None:
        return column.field.name, column.option.label if labelled else column.option.code
    return column.name, labelled(column.name, value) if labelled else value
