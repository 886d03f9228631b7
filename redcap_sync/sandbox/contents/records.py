"""record: export, import and delete, chosen by the action, or by the presence of data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.errors import ApiError, not_valid, values_not_valid
from redcap_sync.sandbox.flat import REPEAT_INSTANCE, Selection, flat_rows
from redcap_sync.sandbox.importing import Importer
from redcap_sync.sandbox.rendering import (
    MEDIA_TYPES,
    XML_HEAD,
    Answer,
    count_answer,
    csv_text,
    json_text,
    rows_answer,
    text_answer,
)
from redcap_sync.sandbox.rows_in import imported_rows
from redcap_sync.sandbox.storing import store


def record_content(call: Call) -> Answer:
    """Do what the call's action says."""
    action = call.parameters.text("action")
    if action == "delete":
        return delete_records(call)
    if call.imports:
        return import_records(call)
    if action not in ("", "export"):
        raise not_valid("action")
    return export_records(call)


def export_records(call: Call) -> Answer:
    """Export rows of records."""
    call.require("api_export")
    selection = asked_selection(call)
    call.log("export", "Data export (API)", details=f"Export format: {call.parameters.format}, Type: flat")
    rows = (row.cells for row in flat_rows(selection))
    return flat_answer(rows, selection.names, call.parameters.format, call.parameters.delimiter)


def asked_selection(call: Call) -> Selection:
    """Read which columns, records and events a call asks for."""
    parameters, project = call.parameters, call.project
    fields, forms, events = parameters.names("fields"), parameters.names("forms"), parameters.names("events")
    layout = project.layout
    known = {*layout.by_name, *project.dictionary.by_name}
    if unknown := [name for name in fields if name not in known]:
        raise values_not_valid("fields", unknown)
    if unknown := [name for name in forms if name not in project.instrument_names]:
        raise values_not_valid("forms", unknown)
    event_ids = {e.unique_name: e.event_id for e in project.structure.events}
    if unknown := [name for name in events if name not in event_ids]:
        raise values_not_valid("events", unknown)
    asked = set(parameters.names("records"))
    return Selection(
        project=project,
        columns=layout.selected(set(fields), set(forms)),
        records=[name for name in call.visible_records() if not asked or name in asked],
        event_ids=frozenset(event_ids[name] for name in events or event_ids),
        with_group=parameters.flag("exportDataAccessGroups") and not call.user.group,
    )


def flat_answer(rows: Iterator[dict[str, str]], names: Sequence[str], output: str, delimiter: str) -> Answer:
    """Render flat rows; in JSON every value is a string, but an instance that is set is a number."""
    if output == "csv":
        cells = (row.values() for row in rows)
        return Answer(csv_text(names, cells, delimiter).encode(), MEDIA_TYPES["csv"])
    if output == "json":
        items = ",".join(json_text(_with_number(row)) for row in rows)
        return Answer(f"[{items}]".encode(), MEDIA_TYPES["json"])
    return rows_answer(list(rows), "xml")


def _with_number(row: dict[str, str]) -> dict[str, Any]:
    instance = row.get(REPEAT_INSTANCE)
    return {**row, REPEAT_INSTANCE: int(instance)} if instance else row


def import_records(call: Call) -> Answer:
    """Store rows, all of them or none."""
    call.require("api_import")
    parameters = call.parameters
    importer = Importer(
        call.project,
        overwrite=parameters.text("overwriteBehavior") == "overwrite",
        date_format=parameters.text("dateFormat", "YMD").upper(),
    )
    plan = importer.plan(imported_rows(parameters))
    plan.refuse_errors()
    for change in plan.changes:
        store(call.project, change, call.log)
    return _imported_answer(call, list(dict.fromkeys(change.record for change in plan.changes)))


def _imported_answer(call: Call, records: list[str]) -> Answer:
    """Say what was imported: distinct records, not rows."""
    wanted, output = call.parameters.text("returnContent", "count"), call.parameters.return_format
    if wanted == "nothing":
        return Answer(b"{}" if output == "json" else b"", MEDIA_TYPES[output])
    if wanted == "ids":
        return _ids_answer(records, output)
    if output == "json":
        return Answer(json_text({"count": len(records)}).encode(), MEDIA_TYPES["json"])
    if output == "csv":
        return Answer(str(len(records)).encode(), MEDIA_TYPES["csv"])
    return Answer(f"{XML_HEAD}<count>{len(records)}</count>".encode(), MEDIA_TYPES["xml"])


def _ids_answer(records: list[str], output: str) -> Answer:
    if output == "json":
        return Answer(json_text(records).encode(), MEDIA_TYPES["json"])
    if output == "csv":
        return Answer(csv_text(["id"], ([record] for record in records)).encode(), MEDIA_TYPES["csv"])
    items = "".join(f"<id>{record}</id>" for record in records)
    return Answer(f"{XML_HEAD}<ids>{items}</ids>".encode(), MEDIA_TYPES["xml"])


def delete_records(call: Call) -> Answer:
    """Delete whole records, all that are named or none."""
    call.require("record_delete")
    records = call.parameters.names("records")
    if not records:
        raise not_valid("records")
    if absent := [record for record in records if not call.sees(record)]:
        raise ApiError(
            "One or more of the records provided cannot be deleted because they do not exist in the project. "
            f"The following records do not exist: {', '.join(absent)}"
        )
    for record in records:
        call.project.values.delete(record)
        details = f"{call.project.id_field} = '{record}'"
        call.log("record_delete", f"Delete record (API) {record}", details=details, record=record)
    return count_answer(len(records))


def next_record_name(call: Call) -> Answer:
    """The highest whole-number id plus one, as plain text; nothing is reserved."""
    call.require("api_export")
    numbers = [int(name) for name in call.project.values.names() if name.isdigit()]
    return text_answer(str(max(numbers, default=0) + 1))


HANDLERS = {"record": record_content, "generateNextRecordName": next_record_name}
