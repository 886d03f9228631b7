"""The rows of a flat export put back where they lie in a project, as they are: nothing is checked or calculated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from redcap_sync.project.documents import StoredDocument
from redcap_sync.project.flat import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT, applies
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace

MADE_UP = b"SYNTHETIC: this document was made up by a program.\n"


def load_rows(project: StoredProject, rows: Iterable[Mapping[str, str]]) -> None:
    """Store the cells of flat rows; raises KeyError for an event that is not there, ValueError for no number.

    The cell of a file field is the name of a document, which is stored with a text that says that it was made up.
    """
    ids = {name: event_id for event_id, name in project.event_names.items()}
    boxes = project.layout.boxes
    files = {column.name for column in project.layout.columns if column.is_file}
    columns: dict[tuple[int, str], frozenset[str]] = {}
    for row in rows:
        event_id = ids[row.get(EVENT) or ""]
        place = ValuePlace(event_id, row.get(REPEAT_INSTRUMENT) or "", int(row.get(REPEAT_INSTANCE) or 0))
        if place[:2] not in columns:
            columns[place[:2]] = _columns(project, place)
        known = columns[place[:2]]
        cells = {
            name: text for name, text in row.items() if name in known and text and (name not in boxes or text == "1")
        }
        cells |= {name: _document(project, cells[name]) for name in files & cells.keys()}
        record = row[project.id_field]
        project.values.write(record, place, {project.id_field: record} | cells if not place.instrument else cells)
        if row.get(GROUP):
            project.values.join_group(record, row[GROUP])


def _columns(project: StoredProject, place: ValuePlace) -> frozenset[str]:
    """What a row of a place can hold."""
    return frozenset(column.name for column in project.layout.columns if applies(project, column, place))


def _document(project: StoredProject, name: str) -> str:
    """Store a made-up document; returns the number that its cell holds."""
    document = StoredDocument(project.next_id(), name, "text/plain", MADE_UP)
    project.documents.keep(document)
    return str(document.doc_id)
