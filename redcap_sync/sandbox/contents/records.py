"""record: what is done with whole records, export and import aside."""

from __future__ import annotations

from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.contents.actions import by_action
from redcap_sync.sandbox.contents.exports import export_records
from redcap_sync.sandbox.contents.imports import import_records
from redcap_sync.sandbox.contents.randomizing import randomize_record
from redcap_sync.sandbox.numbering import next_name
from redcap_sync.sandbox.rendering import Answer, count_answer, text_answer


def delete_records(call: ApiCall) -> Answer:
    """Delete records, or of each the part that arm, event, instrument and instance name; all or none."""
    call.require("record_delete")
    records = call.parameters.names("records")
    if not records:
        raise not_valid("records")
    if absent := [record for record in records if not call.sees(record)]:
        raise ApiError(
            "One or more of the records provided cannot be deleted because they do not exist in the project. "
            f"The following records do not exist: {', '.join(absent)}"
        )
    event_ids, instrument = _events_named(call), call.parameters.text("instrument")
    if instrument and instrument not in call.project.instrument_names:
        raise not_valid("instrument")
    whole = not instrument and event_ids == set(call.project.event_names)
    for record in dict.fromkeys(records):
        _delete_whole(call, record) if whole else _delete_part(call, record, event_ids, instrument)
    return count_answer(len(set(records)))


def _events_named(call: ApiCall) -> set[int]:
    """Ids of the events a delete is about: of one event, of one arm, or of all."""
    project, name, arm = call.project, call.parameters.text("event"), call.parameters.text("arm")
    if name and project.event(name) is None:
        raise not_valid("event")
    if arm and not any(str(event.arm) == arm for event in project.events):
        raise not_valid("arm")
    if call.parameters.text("instrument") and project.longitudinal and not name:
        raise not_valid("event")
    events = project.events
    return {e.event_id for e in events if (not name or e.unique_name == name) and (not arm or str(e.arm) == arm)}


def _delete_whole(call: ApiCall, record: str) -> None:
    group = call.project.values[record].group
    call.project.values.delete(record)
    call.project.queries.forget_record(record)
    _log_deletion(call, record, group)


def _log_deletion(call: ApiCall, record: str, group: str) -> None:
    details = f"{call.project.id_field} = '{record}'"
    if call.parameters.flag("delete_logging"):
        call.project.journal.forget_record(record)
    else:
        call.log("record_delete", f"Delete record (API) {record}", details=details, record=record, group=group)


def _delete_part(call: ApiCall, record: str, event_ids: set[int], instrument: str) -> None:
    """Delete rows of events, or what one instrument holds in them; the first instance where none is named."""
    values, asked = call.project.values, call.parameters.text("repeat_instance")
    group = values[record].group
    instance = call.parameters.integer("repeat_instance", 1)
    for place in list(values[record].rows):
        if place.event_id not in event_ids:
            continue
        repeats = place.instance > 0
        if repeats and (instrument or asked) and place.instance != instance:
            continue
        if not instrument or place.instrument == instrument:
            values.delete_row(record, place)
        elif not place.instrument:
            _blank_instrument(call, record, place, instrument)
    if record not in values:
        # Its only arm or event, say: nothing of it is left to be updated.
        call.project.queries.forget_record(record)
        _log_deletion(call, record, group)
        return
    _log_deleted_part(call, record, event_ids, f"[instance = {instance}], " if instrument or asked else "")


def _log_deleted_part(call: ApiCall, record: str, event_ids: set[int], instance: str) -> None:
    """Log that a part of a record was deleted: the events behind the record, as for an edit on a page."""
    structure = call.project.structure
    arms = {arm.number: arm.name for arm in structure.arms}
    named = [one for one in structure.events if one.event_id in event_ids] if call.project.longitudinal else []
    where = "".join(f" ({one.name} (Arm {one.arm}: {arms[one.arm]}))" for one in named)
    details = f"{instance}{call.project.id_field} = '{record}'"
    call.log("record_edit", f"Update record (API) {record}{where}", details=details, record=record)


def _blank_instrument(call: ApiCall, record: str, place: ValuePlace, instrument: str) -> None:
    """Blank what an instrument holds in a row, the moment of its survey too, which was not answered then."""
    id_field = call.project.id_field
    columns = (c.name for c in call.project.layout.columns if c.instrument == instrument and c.name != id_field)
    call.project.values.write(record, place, dict.fromkeys((*columns, f"{instrument}_timestamp"), ""))


def rename_record(call: ApiCall) -> Answer:
    """Give a record a new id, in one arm or in all; the log shows an update of the old id."""
    call.require("api_import", "record_rename")
    project, old, new = call.project, call.parameters.text("record"), call.parameters.text("new_record_name").strip()
    if not call.sees(old):
        raise ApiError(f'The record "{old}" does not exist')
    if not new:
        raise not_valid("new_record_name")
    if new in project.values:
        raise ApiError(f'The record "{new}" already exists')
    arm = call.parameters.text("arm")
    ids = {event.event_id for event in project.structure.events if not arm or str(event.arm) == arm}
    if arm and not ids:
        raise not_valid("arm")
    if not any(place.event_id in ids for place in project.values[old].rows):
        raise ApiError(f'The record "{old}" does not exist')
    project.values.rename(old, new, project.id_field, event_ids=ids)
    project.queries.rename_record(old, new, frozenset(ids))
    for allocation in filter(None, (one.allocated_to(old) for one in project.structure.randomizations)):
        allocation.record = new
        project.structure_changed = True
    group = project.values[new].group
    call.log("record_edit", f"Update record {old}", details=f"{project.id_field} = '{new}'", record=old, group=group)
    return text_answer("1")


def next_record_name(call: ApiCall) -> Answer:
    """The name the next record would get, as plain text; nothing is reserved."""
    call.require("api_export")
    return text_answer(next_name(call))


HANDLERS = {
    "record": by_action(
        export_records,
        import_records,
        {"delete": delete_records, "rename": rename_record, "randomize": randomize_record},
    ),
    "generateNextRecordName": next_record_name,
}
