"""What a project of the sandbox can be made from: a folder, or the XML REDCap writes."""

import io
from pathlib import Path
from typing import TextIO

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.odm.loading import load_project
from redcap_sync.project.state import OWNER, Clock, StoredProject
from redcap_sync.sandbox.allocation_tables import read_allocation_tables
from redcap_sync.sandbox.csv_folder import project_from_folder

__all__ = ["project_from_folder", "project_from_odm", "project_from_xml"]


def project_from_xml(path: Path, *, clock: Clock, calculated: bool = False) -> StoredProject:
    """Load a project XML as REDCap's page downloads it; raises ProjectFileWrong for anything else.

    Calculated values are left out, as the API does when it creates a project, unless `calculated`. The allocation
    table of a randomization is read from `<name of the file>_allocation_<target field>.csv` next to it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            project = _loaded(file, path.name, clock, calculated=calculated)
    except OSError as unreadable:
        raise ProjectFileWrong("file.project_unreadable", file=path.name, error=type(unreadable).__name__) from None
    read_allocation_tables(project, lambda field: path.with_name(f"{path.stem}_allocation_{field}.csv"))
    return project


def project_from_odm(text: str, *, clock: Clock, calculated: bool = False) -> StoredProject:
    """Load the text of a project XML."""
    return _loaded(io.StringIO(text, newline=""), "The text sent as odm", clock, calculated=calculated)


def _loaded(file: TextIO, name: str, clock: Clock, *, calculated: bool) -> StoredProject:
    _, project = load_project(file, name=name, clock=clock, calculated=calculated)
    created = clock().strftime("%Y-%m-%d %H:%M:%S")
    project.restructure(settings={**project.structure.settings, "creation_time": created})
    project.log(OWNER, "manage", "Manage/Design", details="Create project using REDCap XML file")
    return project
