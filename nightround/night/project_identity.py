"""Whether the project that answers is the one whose snapshots a study has."""

from __future__ import annotations

from collections.abc import Callable

from nightround.model.errors import StudyFilesWrong
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.raw_structure import RawStructure

LONGEST_TITLE = 100
"""So much of a project's title is repeated in a message."""


class AnotherProject(StudyFilesWrong):
    """Address and token lead to another project than the one whose snapshots the study has."""


def known_structure(snapshots: SnapshotStore) -> RawStructure | None:
    """The structure of the study's project as far as it can be read: of the last snapshot, or the accepted one."""

    def of_latest() -> RawStructure | None:
        manifest = snapshots.latest_manifest()
        return snapshots.structure(manifest) if manifest else None

    for read in (of_latest, snapshots.accepted):
        try:
            if (found := read()) is not None:
                return found
        except (ExportIncomplete, OSError, ValueError):
            continue  # a damaged file is named where it is needed
    return None


def refuse_another(study: str, known: RawStructure) -> Callable[[RawStructure], None]:
    """A check of a structure that raises AnotherProject unless it is that of the known project."""

    def check(structure: RawStructure) -> None:
        if is_another(known, structure):
            raise AnotherProject(
                "night.another_project",
                study=study,
                known_id=_id(known),
                known_title=_title(known),
                found_id=_id(structure),
                found_title=_title(structure),
            )

    return check


def is_another(known: RawStructure, found: RawStructure) -> bool:
    """Whether two structures are of two projects.

    The number decides. On two servers two projects may have the same one; a project may get another title, or another
    record id field, or new fields for the most part, but no two of these in one night.
    """
    ids = known.dictionary.project_id, found.dictionary.project_id
    if None not in ids and ids[0] != ids[1]:
        return True
    before, now = ({field.name for field in one.dictionary.fields} for one in (known, found))
    other_title = _title(known) != _title(found)
    other_record_id = known.dictionary.record_id_field != found.dictionary.record_id_field
    other_fields = 2 * len(before & now) < len(before)
    return other_title + other_record_id + other_fields >= (1 if None in ids else 2)


def _id(structure: RawStructure) -> int | str:
    found = structure.dictionary.project_id
    return "?" if found is None else found


def _title(structure: RawStructure) -> str:
    return structure.dictionary.title[:LONGEST_TITLE]
