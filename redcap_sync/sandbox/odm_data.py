"""The values of a project written as ODM clinical data: the counterpart of `redcap_sync.odm.values_from_xml`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from redcap_sync.project.flat import GROUP, SURVEY_IDENTIFIER, FlatRow, Selection, applies, flat_rows
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.odm_study import group_oid
from redcap_sync.sandbox.odm_writing import element


def clinical_data_xml(selection: Selection, *, with_files: bool, groups: Mapping[str, str] | None = None) -> str:
    """Write the ClinicalData element with every row of a selection; files only where asked for.

    `groups` gives data access groups other unique names: those that a reader of the whole XML makes for them.
    """
    project = selection.project
    subjects: dict[str, list[str]] = {}
    for row in flat_rows(selection):
        if groups and row.cells.get(GROUP):
            row.cells[GROUP] = groups.get(row.cells[GROUP], "")
        if row.place.instrument and row.record in subjects:
            # The group is next to the record's id; only a record without a base row has it at its first instance.
            row.cells.pop(GROUP, None)
        subjects.setdefault(row.record, []).append(_row(selection, row, with_files=with_files))
    parts = [
        element(
            "SubjectData",
            {"SubjectKey": selection.shown_id(record), "redcap:RecordIdField": project.id_field},
            "\n".join(rows),
        )
        for record, rows in subjects.items()
    ]
    attributes = {"StudyOID": f"Project.{project.project_id}", "MetaDataVersionOID": f"Metadata.{project.project_id}"}
    return element("ClinicalData", attributes, "\n".join(["", *parts, ""]))


def _row(selection: Selection, row: FlatRow, *, with_files: bool) -> str:
    project, place = selection.project, row.place
    names = [place.instrument] if place.instrument else list(project.instrument_names)
    key = str(place.instance) if place.instrument else "1"
    forms = [
        element("FormData", {"FormOID": f"Form.{name}", "FormRepeatKey": key}, items)
        for name in names
        if (items := _items(selection, row, name, with_files=with_files))
    ]
    if not project.longitudinal:
        return "".join(forms)
    event = project.event_name(place.event_id)
    event_key = str(place.instance) if place.instance and not place.instrument else "1"
    attributes = {"StudyEventOID": f"Event.{event}", "StudyEventRepeatKey": event_key}
    return element("StudyEventData", {**attributes, "redcap:UniqueEventName": event}, "".join(forms))


def _items(selection: Selection, row: FlatRow, instrument: str, *, with_files: bool) -> str:
    project = selection.project
    items: list[str] = []
    for column in (column for column in selection.columns if column.instrument == instrument):
        if applies(project, column, row.place):
            items += _item(project, column, row, with_files=with_files)
            if column.name == project.id_field:
                items += _text_items(row, GROUP, SURVEY_IDENTIFIER)
    items += _text_items(row, f"{instrument}_timestamp", *((GROUP,) if row.place.instrument else ()))
    if not items:
        return ""
    return element("ItemGroupData", {"ItemGroupOID": group_oid(instrument), "ItemGroupRepeatKey": "1"}, "".join(items))


def _text_items(row: FlatRow, *names: str) -> list[str]:
    """Write what a row has in columns that are no fields: they are there where the export was asked for them."""
    cells = {name: row.cells[name] for name in names if row.cells.get(name)}
    return [element("ItemData", {"ItemOID": name, "Value": cell}) for name, cell in cells.items()]


def _item(project: StoredProject, column: ExportColumn, row: FlatRow, *, with_files: bool) -> Iterator[str]:
    stored = project.values.stored(row.record, row.place).get(column.name, "")
    value = row.cells.get(column.name, "")
    if column.is_file:
        document = project.documents.named(stored)
        if document is not None and with_files:
            attributes = {
                "ItemOID": column.name,
                "redcap:DocName": document.name,
                "redcap:MimeType": document.media_type,
            }
            yield element("ItemDataBase64Binary", attributes, base64.b64encode(document.content).decode())
    elif stored or column.is_checkbox or column.name == project.id_field:
        kind = column.field.kind if column.field else ""
        shown = value.replace(" ", "T", 1) if kind == "datetime" else value
        yield element("ItemData", {"ItemOID": column.name, "Value": shown})
