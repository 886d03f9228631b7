"""record, randomize: the next allocation of a record's stratum goes into the target field, once.

Request and answer are those of the API's public help for servers from version 14.7 on. The texts of refusals were
never published and are our own.
"""

from __future__ import annotations

from redcap_sync.project.flat import EVENT
from redcap_sync.project.randomization import Allocation, Randomization, is_concealed
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.importing import Importer
from redcap_sync.sandbox.rendering import MEDIA_TYPES, XML_HEAD, Answer, rows_answer, xml_elements
from redcap_sync.sandbox.storing import store_all
from redcap_sync.whole_numbers import whole_number

CONCEALED = "*"
DONE = 'The record "{record}" was already randomized.'
NO_STRATUM = 'The record "{record}" cannot be randomized, because it has no value for: {fields}'
USED_UP = 'The record "{record}" cannot be randomized, because the allocation table has no free entry for it.'


def randomize_record(call: ApiCall) -> Answer:
    """Allocate, store, log; where the project has no randomization, the action does not exist."""
    if not call.project.structure.randomizations:
        raise not_valid("action")
    call.require("random_perform")
    randomization, record = _randomization(call), call.parameters.text("record")
    if not call.sees(record):
        raise ApiError(f'The record "{record}" does not exist')
    allocation = _allocation(call, randomization, record)
    concealed = is_concealed(call.project.dictionary, randomization.target_field)
    value = allocation.number if concealed else allocation.group
    _store(call, randomization, record, value)
    allocation.record = record
    call.project.structure_changed = True
    call.log("record_edit", f"Randomize Record {record}", details="Randomize record", record=record)
    told = {"randomization_id": randomization.randomization_id, "record": record, "target_field": value}
    if call.parameters.flag("returnAlt"):
        told["target_field_alt"] = CONCEALED if concealed else allocation.number
    return _answer(told, call.parameters.format)


def _randomization(call: ApiCall) -> Randomization:
    asked = whole_number(call.parameters.text("randomization_id").strip())
    events, fields = call.project.event_names, call.project.dictionary.by_name
    for randomization in call.project.structure.randomizations:
        there = randomization.target_event in events and randomization.target_field in fields
        if randomization.randomization_id == asked and there:
            return randomization
    raise not_valid("randomization_id")


def _allocation(call: ApiCall, randomization: Randomization, record: str) -> Allocation:
    """The entry a record is to be given; refuse a record that has one, and one that belongs to no stratum."""
    values, target = call.project.values, ValuePlace(randomization.target_event)
    if randomization.allocated_to(record) or values.stored(record, target).get(randomization.target_field):
        raise ApiError(DONE.format(record=record))
    stratum = {
        name: values.stored(record, ValuePlace(event_id)).get(name, "")
        for name, event_id in randomization.strata.items()
    }
    group = call.project.group(values[record].group) if randomization.by_group else None
    missing = [name for name, code in stratum.items() if not code]
    missing += ["redcap_data_access_group"] if randomization.by_group and group is None else []
    if missing:
        raise ApiError(NO_STRATUM.format(record=record, fields=", ".join(missing)))
    entry = randomization.next_free(stratum, (str(group.group_id), group.unique_name) if group else ("",))
    if entry is None:
        raise ApiError(USED_UP.format(record=record))
    return entry


def _store(call: ApiCall, randomization: Randomization, record: str, value: str) -> None:
    """Store the allocation as an import would, so that a locked instrument refuses it and calculations follow."""
    project = call.project
    row = {project.id_field: record, randomization.target_field: value}
    if project.longitudinal:
        row[EVENT] = project.event_name(randomization.target_event)
    plan = Importer(project).plan([row])
    plan.refuse_errors()
    store_all(project, plan.changes, call.log)


def _answer(told: dict[str, object], output: str) -> Answer:
    """One object, not a list of one."""
    if output == "json":
        listed = rows_answer([told], output)
        return Answer(listed.body[1:-1], listed.media_type)
    if output == "csv":
        return rows_answer([told], output)
    return Answer(f"{XML_HEAD}\n<item>{xml_elements(told)}</item>".encode(), MEDIA_TYPES["xml"])
