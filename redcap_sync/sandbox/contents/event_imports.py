"""arm, event, formEventMapping, repeatingFormsEvents, imported and deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import ArmRow, EventRow, Repeat, unique_event_name
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid, values_not_valid
from redcap_sync.sandbox.contents.actions import named
from redcap_sync.sandbox.rendering import Answer, count_answer
from redcap_sync.sandbox.rows_in import cell_text, imported_rows
from redcap_sync.whole_numbers import whole_number


def import_arms(call: ApiCall) -> Answer:
    """Add arms or rename them; `override` deletes all arms first, thereby their events."""
    rows = _design_rows(call)
    imported = [ArmRow(_arm_number(row), cell_text(row.get("name"))) for row in rows]
    arms = {arm.number: arm for arm in call.project.structure.arms}
    if call.parameters.flag("override"):
        _forget_events(call.project, [event.event_id for event in call.project.structure.events])
        arms = {}
    arms |= {arm.number: arm for arm in imported}
    call.project.restructure(arms=sorted(arms.values(), key=lambda arm: arm.number))
    call.log("manage", "Manage/Design", details="Import arms (API)")
    return count_answer(len(rows))


def delete_arms(call: ApiCall) -> Answer:
    """Delete arms with their events and the values in them."""
    call.require("api_import", "design")
    known = {str(arm.number) for arm in call.project.structure.arms}
    gone = named(call, "arms", known)
    _forget_events(call.project, [e.event_id for e in call.project.structure.events if str(e.arm) in gone])
    arms = [arm for arm in call.project.structure.arms if str(arm.number) not in gone]
    call.project.restructure(arms=arms)
    call.log("manage", "Manage/Design", details="Delete arms (API)")
    return count_answer(len(gone))


def import_events(call: ApiCall) -> Answer:
    """Add events, or rename those that come with their unique name; `override` deletes all events first."""
    rows = _design_rows(call)
    project = call.project
    arms = {arm.number for arm in project.structure.arms}
    if missing := [row for row in rows if _arm_number(row) not in arms or not cell_text(row.get("event_name"))]:
        raise ApiError(f"Event {rows.index(missing[0]) + 1} needs an event_name and the arm_num of an existing arm")
    if call.parameters.flag("override"):
        _forget_events(project, [event.event_id for event in project.structure.events])
    for row in rows:
        _put_event(project, {name: cell_text(value) for name, value in row.items()})
    by_arm = sorted(project.structure.events, key=lambda event: event.arm)
    project.restructure(events=by_arm)
    call.log("manage", "Manage/Design", details="Import events (API)")
    return count_answer(len(rows))


def _put_event(project: StoredProject, row: Mapping[str, str]) -> None:
    name, arm = row["event_name"], _arm_number(row)
    events = project.structure.events
    known = next((event for event in events if event.unique_name == row.get("unique_event_name")), None)
    unique = known.unique_name if known else unique_event_name(name, arm, {event.unique_name for event in events})
    old = known or EventRow(project.next_id(), unique, name, arm)
    changed = EventRow(
        old.event_id,
        unique,
        name,
        arm,
        custom_label=row.get("custom_event_label", old.custom_label),
        day_offset=row.get("day_offset", old.day_offset),
        offset_min=row.get("offset_min", old.offset_min),
        offset_max=row.get("offset_max", old.offset_max),
    )
    replaced = [changed if event is known else event for event in events]
    project.restructure(events=replaced if known else [*events, changed])


def delete_events(call: ApiCall) -> Answer:
    """Delete events with what is designated to them and the values in them."""
    call.require("api_import", "design")
    known = {event.unique_name: event.event_id for event in call.project.structure.events}
    gone = named(call, "events", known)
    _forget_events(call.project, [known[name] for name in gone])
    call.log("manage", "Manage/Design", details="Delete events (API)")
    return count_answer(len(gone))


def import_mapping(call: ApiCall) -> Answer:
    """Replace the whole mapping."""
    rows = _design_rows(call)
    project = call.project
    ids = {event.unique_name: event.event_id for event in project.structure.events}
    mapping: list[tuple[int, str]] = []
    for row in rows:
        event, form = cell_text(row.get("unique_event_name")), cell_text(row.get("form"))
        if event not in ids:
            raise values_not_valid("unique_event_name", [event])
        if form not in project.instrument_names:
            raise values_not_valid("form", [form])
        mapping.append((ids[event], form))
    project.restructure(mapping=mapping)
    call.log("manage", "Manage/Design", details="Import form/event mappings (API)")
    return count_answer(len(rows))


def import_repeating(call: ApiCall) -> Answer:
    """Replace what repeats; no row at all clears it. Values move with it: what was stored becomes instance 1."""
    call.require("api_import", "design")
    project = call.project
    rows = imported_rows(call.parameters)
    repeating = [_repeat(project, {name: cell_text(value) for name, value in row.items()}) for row in rows]
    project.restructure(repeating=repeating)
    _rehome_values(project)
    call.log("manage", "Manage/Design", details="Import repeating instruments and events (API)")
    return count_answer(len(rows))


def _repeat(project: StoredProject, row: Mapping[str, str]) -> Repeat:
    written, form = row.get("event_name", ""), row.get("form_name", "")
    event = project.event(written if project.longitudinal else "")
    if event is None:
        raise ApiError(f"event '{written}' is not available in project")
    if form and form not in project.instrument_names:
        raise values_not_valid("form_name", [form])
    return Repeat(event.event_id, form, row.get("custom_form_label", ""))


def _rehome_values(project: StoredProject) -> None:
    """Put every row where the repeating set-up now says it belongs: a plain row and a first instance are the same."""
    for record in list(project.values.names()):
        for place in list(project.values[record].rows):
            for target, columns in _homes(project, place).items():
                project.values.move_cells(record, place, target, columns)


def _homes(project: StoredProject, place: ValuePlace) -> dict[ValuePlace, set[str]]:
    """Places the cells of a row belong to now, other than where they are."""
    name = project.event_names.get(place.event_id)
    if name is None or place.instance > 1:
        return {}
    homes: dict[ValuePlace, set[str]] = {}
    for column in project.layout.columns:
        if column.name == project.id_field:
            alone = False
        elif place.instrument and column.instrument != place.instrument:
            continue
        else:
            alone = project.dictionary.repeats(name, column.instrument)
        repeats = alone or project.dictionary.event_repeats(name)
        home = ValuePlace(place.event_id, column.instrument if alone else "", int(repeats))
        if home != place:
            homes.setdefault(home, set()).add(column.name)
    return homes


def _forget_events(project: StoredProject, event_ids: Collection[int]) -> None:
    structure = project.structure
    for record in list(project.values.names()):
        for place in [place for place in project.values[record].rows if place.event_id in event_ids]:
            project.values.delete_row(record, place)
    project.restructure(
        events=[event for event in structure.events if event.event_id not in event_ids],
        mapping=[(event_id, form) for event_id, form in structure.mapping if event_id not in event_ids],
        repeating=[repeat for repeat in structure.repeating if repeat.event_id not in event_ids],
    )


def _design_rows(call: ApiCall) -> list[dict[str, Any]]:
    call.require("api_import", "design")
    return imported_rows(call.parameters)


def _arm_number(row: Mapping[str, Any]) -> int:
    number = whole_number(cell_text(row.get("arm_num")))
    if number is None:
        raise not_valid("arm_num")
    return number
