"""fileRepository: folders and files that belong to the project, not to a record."""

from __future__ import annotations

from typing import Any

from redcap_sync.project.documents import Folder, StoredDocument
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid
from redcap_sync.sandbox.contents.actions import by_action
from redcap_sync.sandbox.contents.files import document_answer, uploaded
from redcap_sync.sandbox.rendering import Answer, rows_answer

TOP = 0
NO_FOLDER = (
    "The File Repository folder folder_id={folder_id} does not exist or else you do not have permission to that "
    "folder because it is DAG-restricted or Role-restricted."
)


def create_folder(call: ApiCall) -> Answer:
    """Make a folder, in the top or in another one, for everybody or for one group or role."""
    call.require("api_import", "file_repository")
    name = call.parameters.text("name").strip()
    if not name:
        raise not_valid("name")
    group_id = call.parameters.integer("dag_id", 0) or None
    folder = Folder(call.project.next_id(), name, _folder_id(call), group_id, call.parameters.text("role_id"))
    call.project.documents.folders[folder.folder_id] = folder
    call.project.structure_changed = True
    call.log("manage", "Manage/Design", details=f"Create folder in File Repository (API): {name}")
    return rows_answer([{"folder_id": folder.folder_id}], call.parameters.format)


def list_folder(call: ApiCall) -> Answer:
    """The folders and files in a folder, each with the id it is reached by."""
    call.require("api_export", "file_repository")
    inside, documents = _folder_id(call), call.project.documents
    rows: list[dict[str, Any]] = [
        {"folder_id": folder.folder_id, "name": folder.name}
        for folder in documents.folders.values()
        if folder.parent == inside and _open_to(call, folder.folder_id)
    ]
    rows += [{"doc_id": d.doc_id, "name": d.name} for d in documents.files.values() if d.folder_id == inside]
    if call.parameters.format == "csv":
        rows = [{"folder_id": "", "doc_id": "", **row} for row in rows]
    return rows_answer(rows, call.parameters.format, columns=("folder_id", "doc_id", "name"))


def export_document(call: ApiCall) -> Answer:
    """The file's bytes; its name is in the Content-Type."""
    call.require("api_export", "file_repository")
    document = _document(call)
    call.log("export", "Download file from File Repository (API)", details=document.name)
    return document_answer(document)


def import_document(call: ApiCall) -> Answer:
    """Put a file into a folder; the answer is empty."""
    call.require("api_import", "file_repository")
    upload = uploaded(call)
    folder_id = _folder_id(call)
    kept = StoredDocument(call.project.next_id(), upload.name, upload.media_type, upload.content, folder_id)
    call.project.documents.keep(kept)
    call.log("manage", "Manage/Design", details=f"Upload file to File Repository (API): {upload.name}")
    return Answer(b"")


def delete_document(call: ApiCall) -> Answer:
    """Delete a file; the answer is empty."""
    call.require("api_import", "file_repository")
    document = _document(call)
    call.project.documents.remove(document.doc_id)
    call.log("manage", "Manage/Design", details=f"Delete file from File Repository (API): {document.name}")
    return Answer(b"")


def _document(call: ApiCall) -> StoredDocument:
    doc_id = call.parameters.integer("doc_id", 0)
    found = call.project.documents.files.get(doc_id)
    if found is None or found.folder_id is None or not _open_to(call, found.folder_id):
        raise ApiError(f"The File Repository file doc_id={doc_id} does not exist.")
    return found


def _folder_id(call: ApiCall) -> int:
    """Read the folder a call names; 0 is the top."""
    folder_id = call.parameters.integer("folder_id", TOP)
    if not _open_to(call, folder_id):
        raise ApiError(NO_FOLDER.format(folder_id=folder_id))
    return folder_id


def _open_to(call: ApiCall, folder_id: int) -> bool:
    """Say whether the user may look into a folder; what is closed closes all that is in it."""
    if folder_id == TOP:
        return True
    folder = call.project.documents.folders.get(folder_id)
    if folder is None or not _open_to(call, folder.parent):
        return False
    group = call.project.group(call.user.group)
    own_group = folder.group_id is None or group is None or group.group_id == folder.group_id
    return own_group and folder.role in ("", call.user.role)


HANDLERS = {
    "fileRepository": by_action(
        export_document,
        import_document,
        {"list": list_folder, "createFolder": create_folder, "delete": delete_document},
    )
}
