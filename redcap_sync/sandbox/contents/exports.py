"""record, export: flat or EAV, in CSV, JSON, XML or ODM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from redcap_sync.project.flat import REPEAT_INSTANCE, FlatRow, Selection, flat_rows
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import not_valid
from redcap_sync.sandbox.eav import eav_names, eav_rows
from redcap_sync.sandbox.export_labels import value_labels
from redcap_sync.sandbox.exporting import asked_selection, asked_shape
from redcap_sync.sandbox.installation import VERSION
from redcap_sync.sandbox.odm_data import clinical_data_xml
from redcap_sync.sandbox.odm_writing import document
from redcap_sync.sandbox.rendering import MEDIA_TYPES, Answer, QuotedCells, csv_line, csv_text, json_text, rows_answer
from redcap_sync.sandbox.shaping import Shape, eav_label, headers, shaped, shaped_names, shaped_values

InOrder = Callable[[list[FlatRow]], list[FlatRow]]


def export_records(call: ApiCall) -> Answer:
    """Export rows of records as the call asks."""
    call.require("api_export")
    kind = call.parameters.text("type", "flat")
    if kind not in ("flat", "eav"):
        raise not_valid("type")
    selection, shape = asked_selection(call), asked_shape(call)
    call.log("export", "Data export (API)", details=f"Export format: {call.parameters.format}, Type: {kind}")
    if call.parameters.format == "odm":
        return _odm_answer(call, selection)
    return eav_answer(call, selection, shape) if kind == "eav" else flat_answer(call, selection, shape)


def _odm_answer(call: ApiCall, selection: Selection) -> Answer:
    """Render the data alone as ODM, which has neither rows nor labels and always names the record."""
    title = str(call.project.structure.settings["project_title"])
    data = clinical_data_xml(selection, with_files=False)
    return Answer(document(title, call.now.isoformat(timespec="seconds"), VERSION, data).encode(), MEDIA_TYPES["xml"])


def flat_answer(call: ApiCall, selection: Selection, shape: Shape, in_order: InOrder | None = None) -> Answer:
    """Render one row per event and instance; `in_order` sorts them where a report has an order of its own."""
    project = selection.project
    if call.parameters.format == "csv" and shape.plain and in_order is None:
        return _csv_answer(call, selection, headers(project, shape, selection.names))
    exported = in_order(list(flat_rows(selection))) if in_order else flat_rows(selection)
    rows = shaped(project, shape, (row.cells for row in exported))
    names = shaped_names(project, shape, selection.names)
    return _answer(call, rows, headers(project, shape, names))


def _csv_answer(call: ApiCall, selection: Selection, header: Sequence[str]) -> Answer:
    """Render stored cells as they are, remembering the lines of records for the next time."""
    delimiter = call.parameters.delimiter
    lines = call.installation.rendered_of(call.project).lines(selection, delimiter)
    head = csv_line(header, QuotedCells(delimiter)).encode()
    return Answer(b"".join([head, *lines]) if any(lines) else b"\n", MEDIA_TYPES["csv"])


def eav_answer(call: ApiCall, selection: Selection, shape: Shape) -> Answer:
    """Render one row per stored value."""
    labels = value_labels(selection.project, checkbox_labels=True) if shape.labels else None
    rows = eav_rows(selection, eav_label(labels) if labels else None)
    return _answer(call, shaped_values(selection.project, shape, rows), eav_names(selection))


def _answer(call: ApiCall, rows: Iterable[dict[str, str]], header: Sequence[str]) -> Answer:
    """In JSON every value is a string, but an instance that is set is a number."""
    output = call.parameters.format
    if output == "csv":
        cells = (row.values() for row in rows)
        return Answer(csv_text(header, cells, call.parameters.delimiter).encode(), MEDIA_TYPES["csv"])
    if output == "json":
        items = ",".join(json_text(_with_number(row)) for row in rows)
        return Answer(f"[{items}]".encode(), MEDIA_TYPES["json"])
    return rows_answer(list(rows), "xml")


def _with_number(row: dict[str, str]) -> dict[str, Any]:
    instance = row.get(REPEAT_INSTANCE)
    return {**row, REPEAT_INSTANCE: int(instance)} if instance else row
