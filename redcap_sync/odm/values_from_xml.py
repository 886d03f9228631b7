"""Values out of a project XML: taken literally, nothing is recomputed while loading."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from redcap_sync.dictionary import DATE_FORMATS, Field
from redcap_sync.odm.safe_xml import attribute, children, every, local_name
from redcap_sync.project.documents import StoredDocument
from redcap_sync.project.flat import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT, SURVEY_IDENTIFIER
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.whole_numbers import whole_number

NO_EVENT = 0
STORED_LENGTHS = {"date": 10, "datetime": 16, "datetime_seconds": 19}


def load_values(project: StoredProject, root: ET.Element, *, calculated: bool) -> None:
    """Store the data of a project XML. Calculated values are kept only where `calculated` says so.

    Creating a project from XML through the API stores no calculated value; an upload on REDCap's own
    page may.
    """
    for subject in every(root, "SubjectData"):
        record = attribute(subject, "SubjectKey")
        for event_id, event_key, form in _forms(project, subject):
            _load_form(project, record, _place(project, event_id, event_key, form), form, calculated=calculated)


def rows_from_odm(project: StoredProject, root: ET.Element) -> list[dict[str, str]]:
    """Return the data of an ODM document as the flat rows an import checks."""
    rows: list[dict[str, str]] = []
    for subject in every(root, "SubjectData"):
        for event_id, event_key, form in _forms(project, subject):
            place = _place(project, event_id, event_key, form)
            row = {project.id_field: attribute(subject, "SubjectKey")}
            if project.longitudinal:
                row[EVENT] = project.event_name(event_id)
            if place.instance:
                row |= {REPEAT_INSTRUMENT: place.instrument, REPEAT_INSTANCE: str(place.instance)}
            for item in every(form, "ItemData"):
                name, value = attribute(item, "ItemOID"), attribute(item, "Value")
                column = project.layout.by_name.get(name)
                if name != project.id_field:
                    row[name] = _moment(column.field, value) if column and column.field else value
            rows.append(row)
    return rows


def _forms(project: StoredProject, subject: ET.Element) -> Iterator[tuple[int, int, ET.Element]]:
    """Every FormData with its event and the event's repeat key; classic projects name no event."""
    first = next(iter(project.event_names), NO_EVENT)
    ids = {event.unique_name: event.event_id for event in project.structure.events}
    for form in children(subject, "FormData"):
        yield first, 1, form
    for event in children(subject, "StudyEventData"):
        name = attribute(event, "UniqueEventName") or attribute(event, "StudyEventOID").removeprefix("Event.")
        for form in children(event, "FormData"):
            yield ids.get(name, first), _repeat_key(event, "StudyEventRepeatKey"), form


def _place(project: StoredProject, event_id: int, event_key: int, form: ET.Element) -> ValuePlace:
    name = project.event_name(event_id)
    instrument = attribute(form, "FormOID").removeprefix("Form.")
    if project.dictionary.repeats(name, instrument) and not _only_names(project, form):
        return ValuePlace(event_id, instrument, _repeat_key(form, "FormRepeatKey"))
    return ValuePlace(event_id, "", event_key if project.dictionary.event_repeats(name) else 0)


def _only_names(project: StoredProject, form: ET.Element) -> bool:
    """Say whether a form contains the record's name, and its group, alone: that is the base row, no instance."""
    items = [attribute(item, "ItemOID") for item in form.iter() if local_name(item).startswith("ItemData")]
    return project.id_field in items and not {*items} - {project.id_field, GROUP, SURVEY_IDENTIFIER}


def _repeat_key(element: ET.Element, name: str) -> int:
    """Number of an instance; raises ValueError for a text that is none."""
    number = whole_number(attribute(element, name) or "1")
    if number is None:
        raise ValueError(name)
    return number


def _load_form(project: StoredProject, record: str, place: ValuePlace, form: ET.Element, *, calculated: bool) -> None:
    cells = {} if place.instrument else {project.id_field: record}
    for item in every(form, "ItemData"):
        name, value = attribute(item, "ItemOID"), attribute(item, "Value")
        column = project.layout.by_name.get(name)
        if name == GROUP:
            project.values.join_group(record, value)
        elif column is not None and (calculated or not _is_calculated(column)):
            cells[name] = _stored(column, value)
        elif name == SURVEY_IDENTIFIER:
            cells[name] = value
        elif name.removesuffix("_timestamp") in project.structure.surveys:
            cells[name] = value.replace("T", " ", 1)
    for item in every(form, "ItemDataBase64Binary"):
        cells[attribute(item, "ItemOID")] = str(_keep_document(project, item))
    project.values.write(record, place, cells)


def _is_calculated(column: ExportColumn) -> bool:
    return column.field is not None and column.field.type == "calc"


def _stored(column: ExportColumn, value: str) -> str:
    """Write a value as REDCap stores it: an unticked option is nothing, a time is behind a space."""
    if column.is_checkbox:
        return "1" if value == "1" else ""
    return _moment(column.field, value) if column.field is not None else value


def _moment(field: Field, value: str) -> str:
    kind = field.validation.rpartition("_")[0]
    if kind not in DATE_FORMATS or "T" not in value[:11]:
        return value
    return value.replace("T", " ", 1)[: STORED_LENGTHS[kind]]


def _keep_document(project: StoredProject, item: ET.Element) -> int:
    content = base64.b64decode(item.text or "")
    document = StoredDocument(project.next_id(), attribute(item, "DocName"), attribute(item, "MimeType"), content)
    project.documents.keep(document)
    return document.doc_id
