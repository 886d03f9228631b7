"""pdf: instruments on paper, blank or with a record's values."""

from __future__ import annotations

from collections.abc import Iterator

from redcap_sync.project.flat import applies, places_in_order
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.export_labels import value_labels
from redcap_sync.sandbox.exporting import permitted
from redcap_sync.sandbox.plain_pdf import pdf_of_lines
from redcap_sync.sandbox.rendering import Answer

NOTICE = "SYNTHETIC DATA: a REDCap sandbox, no patient exists here"


def export_pdf(call: ApiCall) -> Answer:
    """One record, all records, or blank instruments; `compactDisplay` leaves out what has no value."""
    call.require("api_export")
    project, record, instrument = call.project, call.parameters.text("record"), call.parameters.text("instrument")
    if instrument and instrument not in project.instrument_names:
        raise not_valid("instrument")
    if record and not call.sees(record):
        raise ApiError(f'The record "{record}" does not exist')
    wanted = [instrument] if instrument else list(project.instrument_names)
    records = call.visible_records() if "allRecords" in call.parameters else [record] if record else []
    title = str(project.structure.settings["project_title"])
    lines = [title, NOTICE, ""]
    for name in records:
        lines += _lines_of_record(call, name, wanted)
    if not records:
        # A blank instrument is of no event, of which there may be none.
        lines += _lines_of_place(call, "", ValuePlace(0), wanted)
    call.log("export", "Download PDF (API)", record=record)
    file_name = "".join(letter for letter in title if letter.isascii() and letter.isalnum()) or "project"
    return Answer(pdf_of_lines(lines), f'application/pdf; name="{file_name}.pdf"')


def _lines_of_record(call: ApiCall, record: str, wanted: list[str]) -> Iterator[str]:
    project, event = call.project, call.parameters.text("event")
    instance = call.parameters.integer("repeat_instance", 0)
    yield f"{project.dictionary.fields[0].label} {record}"
    for place in places_in_order(project, record):
        if event and project.event_name(place.event_id) != event:
            continue
        if not instance or place.instance in (0, instance):
            yield from _lines_of_place(call, record, place, wanted)


def _lines_of_place(call: ApiCall, record: str, place: ValuePlace, wanted: list[str]) -> Iterator[str]:
    project, compact = call.project, call.parameters.flag("compactDisplay")
    stored = project.values.stored(record, place)
    labels = value_labels(project, checkbox_labels=False)
    shown = frozenset(permitted(call, project.layout.columns)) if record else frozenset()
    titles = {instrument.name: instrument.label for instrument in project.structure.instruments}
    for name in wanted:
        columns = [
            c for c in project.layout.selected((), (name,)) if not record or (c in shown and applies(project, c, place))
        ]
        if not columns or (record and not stored.keys() & {column.name for column in columns}):
            continue
        yield ""
        yield titles[name] + (f" #{place.instance}" if place.instance else "")
        for column in columns:
            value = stored.get(column.name, "")
            if column.name != project.id_field and (value or not compact):
                label = column.field.label if column.field else "Complete?"
                option = f" [{column.option.label}]" if column.option else ""
                yield f"{label}{option} {labels[column.name].get(value, value)}"


HANDLERS = {"pdf": export_pdf}
