"""arm, event, formEventMapping, repeatingFormsEvents, exported: when it is asked."""

from __future__ import annotations

from typing import Any

from redcap_sync.project.state import arms_in_use, mapping_rows
from redcap_sync.project.structure import EventRow
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, values_not_valid
from redcap_sync.sandbox.contents.actions import by_action
from redcap_sync.sandbox.contents.event_imports import (
    delete_arms,
    delete_events,
    import_arms,
    import_events,
    import_mapping,
    import_repeating,
)
from redcap_sync.sandbox.rendering import Answer, rows_answer
from redcap_sync.whole_numbers import whole_number

NO_REPEATS = (
    "You cannot export repeating instruments and events because the project does not contain any "
    "repeating instruments and events"
)
MAPPING_KEYS = ("arm_num", "unique_event_name", "form")


def export_arms(call: ApiCall) -> Answer:
    """The arms that have an event."""
    wanted = _longitudinal_export(call, "arms")
    arms = [arm for arm in arms_in_use(call.project) if not wanted or arm.number in wanted]
    rows = [{"arm_num": arm.number, "name": arm.name} for arm in arms]
    return rows_answer(rows, call.parameters.format, columns=("arm_num", "name"), root="arms")


def export_events(call: ApiCall) -> Answer:
    """The events in their order; day offsets only where scheduling is on."""
    wanted = _longitudinal_export(call, "events")
    offsets = bool(call.project.structure.settings["scheduling_enabled"])
    rows = [_event_row(e, offsets=offsets) for e in call.project.structure.events if not wanted or e.arm in wanted]
    columns = tuple(_event_row(EventRow(0, "", "", 0), offsets=offsets))
    return rows_answer(rows, call.parameters.format, columns=columns, root="events")


def export_mapping(call: ApiCall) -> Answer:
    """Which instrument is designated to which event."""
    wanted = _longitudinal_export(call, "form/event mappings")
    return rows_answer(mapping_rows(call.project, wanted), call.parameters.format, columns=MAPPING_KEYS, root="items")


def export_repeating(call: ApiCall) -> Answer:
    """What repeats, with the label of its instances; event names only in longitudinal projects."""
    call.require("api_export")
    project = call.project
    names = project.event_names
    repeating = [repeat for repeat in project.structure.repeating if repeat.event_id in names]
    if not repeating:
        raise ApiError(NO_REPEATS)
    call.log("manage", "Manage/Design", details="Export repeating instruments and events (API)")
    order = {"": -1} | {name: position for position, name in enumerate(project.instrument_names)}
    event_order = list(names)
    rows: list[dict[str, Any]] = []
    for repeat in sorted(repeating, key=lambda r: (event_order.index(r.event_id), order.get(r.instrument, 0))):
        event = {"event_name": names.get(repeat.event_id, "")} if project.longitudinal else {}
        rows.append({**event, "form_name": repeat.instrument, "custom_form_label": repeat.custom_label})
    return rows_answer(rows, call.parameters.format, root="items")


def _longitudinal_export(call: ApiCall, what: str) -> frozenset[int]:
    """Check rights and that the project has events; return the arms asked for, empty for all."""
    call.require("api_export")
    if not call.project.longitudinal:
        raise ApiError(f"You cannot export {what} for classic projects")
    call.log("manage", "Manage/Design", details=f"Export {what} (API)")
    asked = {arm: whole_number(arm) for arm in call.parameters.names("arms")}
    if unreadable := [arm for arm, number in asked.items() if number is None]:
        raise values_not_valid("arms", unreadable)
    return frozenset(number for number in asked.values() if number is not None)


def _event_row(event: EventRow, *, offsets: bool) -> dict[str, Any]:
    scheduled = {"day_offset": event.day_offset, "offset_min": event.offset_min, "offset_max": event.offset_max}
    return {
        "event_name": event.name,
        "arm_num": event.arm,
        **(scheduled if offsets else {}),
        "unique_event_name": event.unique_name,
        "custom_event_label": event.custom_label,
        "event_id": event.event_id,
    }


HANDLERS = {
    "arm": by_action(export_arms, import_arms, {"delete": delete_arms}),
    "event": by_action(export_events, import_events, {"delete": delete_events}),
    "formEventMapping": by_action(export_mapping, import_mapping),
    "repeatingFormsEvents": by_action(export_repeating, import_repeating),
}
