"""file: the documents in file fields."""

from __future__ import annotations

from redcap_sync.project.documents import StoredDocument
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call import CLOSED, ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.contents.actions import by_action
from redcap_sync.sandbox.exporting import NO_EXPORT, permitted
from redcap_sync.sandbox.importing import ImportedRow
from redcap_sync.sandbox.parameters import Upload
from redcap_sync.sandbox.rendering import Answer
from redcap_sync.sandbox.storing import store

NO_FILE = "There is no file to download for this record"
NO_UPLOAD = "No valid file was uploaded"


def export_file(call: ApiCall) -> Answer:
    """The document's bytes; its name is in the Content-Type."""
    call.require("api_export")
    document = _document(call)
    column = call.project.layout.by_name[call.parameters.text("field")]
    if column not in permitted(call, (column,)):
        raise ApiError(NO_EXPORT, 403)
    call.log("export", "Download uploaded document (API)", record=call.parameters.text("record"))
    return document_answer(document)


def import_file(call: ApiCall) -> Answer:
    """Put a document into a file field of a record that exists; the answer is empty."""
    call.require("api_import")
    record, place, name = _editable_cell(call)
    upload = uploaded(call)
    document = StoredDocument(call.project.next_id(), upload.name, upload.media_type, upload.content)
    call.project.documents.keep(document)
    store(call.project, ImportedRow(record, place, {name: str(document.doc_id)}), call.log)
    return Answer(b"")


def delete_file(call: ApiCall) -> Answer:
    """Take the document out of a file field; the answer is empty."""
    call.require("api_import")
    document = _document(call)
    record, place, name = _editable_cell(call)
    call.project.documents.remove(document.doc_id)
    store(call.project, ImportedRow(record, place, {name: ""}), call.log)
    return Answer(b"")


def uploaded(call: ApiCall) -> Upload:
    """The uploaded part `file` of a call."""
    upload = call.parameters.uploads.get("file")
    if upload is None:
        raise ApiError(NO_UPLOAD)
    return upload


def document_answer(document: StoredDocument) -> Answer:
    """Send a document with its name, as clients read it."""
    media_type = document.media_type or "application/octet-stream"
    charset = ";charset=UTF-8" if media_type.startswith("text/") else ""
    return Answer(document.content, f'{media_type}; name="{document.name}"{charset}')


def _document(call: ApiCall) -> StoredDocument:
    record, place, name = _cell(call)
    stored = call.project.values.stored(record, place).get(name, "")
    document = call.project.documents.named(stored)
    if document is None:
        raise ApiError(NO_FILE)
    return document


def _cell(call: ApiCall) -> tuple[str, ValuePlace, str]:
    """Read which record, place and file field a call is about."""
    project, name = call.project, call.parameters.text("field")
    column = project.layout.by_name.get(name)
    if column is None or not column.is_file:
        raise ApiError(f"The field '{name}' does not exist or is not a 'file' field")
    record = call.parameters.text("record")
    if not call.sees(record):
        raise ApiError(f'The record "{record}" does not exist')
    return record, place_named(call, column.instrument), name


def _editable_cell(call: ApiCall) -> tuple[str, ValuePlace, str]:
    """Read the cell of a call that changes it; its instrument must be open to the user."""
    record, place, name = _cell(call)
    instrument = call.project.layout.by_name[name].instrument
    if not call.rights.may_edit(instrument):
        raise ApiError(CLOSED.format(instrument=instrument), 403)
    return record, place, name


def place_named(call: ApiCall, instrument: str) -> ValuePlace:
    """Read the place a call names by event and repeat_instance, for an instrument designated there."""
    project = call.project
    event = project.event(call.parameters.text("event") if project.longitudinal else "")
    if event is None or instrument not in project.dictionary.instruments_at(project.event_name(event.event_id)):
        raise not_valid("event")
    name = project.event_name(event.event_id)
    instance = call.parameters.integer("repeat_instance", 1)
    if instance < 1:
        raise not_valid("repeat_instance")
    if project.dictionary.repeats(name, instrument):
        return ValuePlace(event.event_id, instrument, instance)
    return ValuePlace(event.event_id, "", instance if project.dictionary.event_repeats(name) else 0)


HANDLERS = {"file": by_action(export_file, import_file, {"delete": delete_file})}
