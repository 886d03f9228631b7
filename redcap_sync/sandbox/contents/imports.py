"""record, import: flat or EAV rows, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from redcap_sync.odm.safe_xml import NotProjectXml, parse_xml
from redcap_sync.odm.values_from_xml import rows_from_odm
from redcap_sync.sandbox.call import CLOSED, ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.eav_in import flat_from_eav
from redcap_sync.sandbox.importing import ImportedRow, Importer, ImportPlan
from redcap_sync.sandbox.numbering import numbered
from redcap_sync.sandbox.rendering import MEDIA_TYPES, XML_HEAD, Answer, csv_text, json_text
from redcap_sync.sandbox.rows_in import MALFORMED, NOT_ACCEPTABLE, cell_text, imported_rows
from redcap_sync.sandbox.storing import store_all

CHOICES = {
    "overwriteBehavior": ("normal", "overwrite"),
    "dateFormat": ("YMD", "MDY", "DMY"),
    "returnContent": ("count", "ids", "auto_ids", "nothing"),
    "type": ("flat", "eav"),
}
OTHER_GROUP = "This record belongs to another Data Access Group, so that you may not change it."


def import_records(call: ApiCall) -> Answer:
    """Store the rows a call brings and say what was stored."""
    call.require("api_import")
    for name, accepted in CHOICES.items():
        if call.parameters.text(name) not in ("", *accepted):
            raise not_valid(name)
    automatic = call.parameters.flag("forceAutoNumber")
    if call.parameters.text("returnContent") == "auto_ids" and not automatic:
        raise not_valid("returnContent")
    rows: Sequence[Mapping[str, Any]] = _rows(call)
    given: dict[str, str] = {}
    if automatic:
        rows, given = numbered(call, rows)
    if call.parameters.flag("backgroundProcess"):
        return _in_background(call, rows)
    changes = checked_rows(call, rows)
    store_all(call.project, changes, call.log)
    records = list(dict.fromkeys(change.record for change in changes))
    return _answer(call, records, [f"{new},{old}" for old, new in given.items()])


def _rows(call: ApiCall) -> Sequence[Mapping[str, Any]]:
    if call.parameters.format == "odm":
        try:
            return rows_from_odm(call.project, parse_xml(call.parameters.text("data")))
        except (NotProjectXml, ET.ParseError, KeyError, ValueError) as broken:
            raise ApiError(MALFORMED, NOT_ACCEPTABLE) from broken
    rows = imported_rows(call.parameters)
    return flat_from_eav(call.project, rows) if call.parameters.text("type") == "eav" else rows


def checked_rows(call: ApiCall, rows: Sequence[Mapping[str, Any]]) -> list[ImportedRow]:
    """Check the rows against the project and against what the user may do; refuse all if one is wrong."""
    importer = Importer(
        call.project,
        overwrite=call.parameters.text("overwriteBehavior") == "overwrite",
        date_format=call.parameters.text("dateFormat") or "YMD",
    )
    plan = importer.plan(rows)
    if any(change.record not in call.project.values for change in plan.changes):
        call.require("record_create")
    if call.user.group:
        plan = _within_group(call, plan)
    plan.errors += _closed_to(call, plan.changes)
    plan.refuse_errors()
    return plan.changes


def _closed_to(call: ApiCall, changes: Sequence[ImportedRow]) -> list[tuple[str, str, str, str]]:
    """Lines for cells that would change on instruments the user may not edit; what stays as it is may come along."""
    project = call.project
    closed = {name for name in project.instrument_names if not call.rights.may_edit(name)}
    return [
        (change.record, name, value, CLOSED.format(instrument=column.instrument))
        for change in (changes if closed else ())
        for name, value in change.cells.items()
        if (column := project.layout.by_name[name]).instrument in closed
        and name != project.id_field
        and project.values.stored(change.record, change.place).get(name, "") != value
    ]


def _within_group(call: ApiCall, plan: ImportPlan) -> ImportPlan:
    """Members of a group change their group's records only, and what they create is their group's."""
    values, group, id_field = call.project.values, call.user.group, call.project.id_field
    foreign = [
        (change.record, id_field, change.record, OTHER_GROUP)
        for change in plan.changes
        if change.record in values and not call.sees(change.record)
    ]
    changes = [ImportedRow(change.record, change.place, change.cells, group) for change in plan.changes]
    return ImportPlan(changes, [*plan.errors, *foreign])


def _in_background(call: ApiCall, rows: Sequence[Mapping[str, Any]]) -> Answer:
    """Take record by record and pass over the ones that are wrong; the answer says only that it was taken."""
    by_record: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_record.setdefault(cell_text(row.get(call.project.id_field)), []).append(row)
    for own_rows in by_record.values():
        try:
            changes = checked_rows(call, own_rows)
        except ApiError:
            continue
        store_all(call.project, changes, call.log)
    output = call.parameters.return_format
    told = {"json": json_text({"success": True}), "csv": "1", "xml": f"{XML_HEAD}<success>1</success>"}
    return Answer(told[output].encode(), MEDIA_TYPES[output])


def _answer(call: ApiCall, records: list[str], pairs: list[str]) -> Answer:
    """Say what was imported: distinct records, not rows."""
    wanted, output = call.parameters.text("returnContent") or "count", call.parameters.return_format
    if wanted == "nothing":
        return Answer(b"{}" if output == "json" else b"", MEDIA_TYPES[output])
    if wanted in ("ids", "auto_ids"):
        return _ids_answer(records if wanted == "ids" else pairs, output)
    count = len(records)
    told = {"json": json_text({"count": count}), "csv": str(count), "xml": f"{XML_HEAD}<count>{count}</count>"}
    return Answer(told[output].encode(), MEDIA_TYPES[output])


def _ids_answer(ids: list[str], output: str) -> Answer:
    items = "".join(f"<id>{escape(name)}</id>" for name in ids)
    told = {
        "json": json_text(ids),
        "csv": csv_text(["id"], ([name] for name in ids)),
        "xml": f"{XML_HEAD}<ids>{items}</ids>",
    }
    return Answer(told[output].encode(), MEDIA_TYPES[output])
