"""A project of the sandbox, and what one can be made from."""

from pathlib import Path

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.sandbox.folder import project_from_folder
from redcap_sync.sandbox.odm import parse_odm
from redcap_sync.sandbox.odm_structure import structure_from_odm
from redcap_sync.sandbox.odm_values import load_values
from redcap_sync.sandbox.state import OWNER, Clock, SandboxProject

__all__ = ["OWNER", "SandboxProject", "project_from_folder", "project_from_odm", "project_from_xml"]


def project_from_xml(path: Path, *, clock: Clock, calculated: bool = False) -> SandboxProject:
    """Load a project XML as REDCap's page downloads it; raises ProjectFileWrong for anything else.

    Calculated values are left out, as the API does when it creates a project, unless `calculated`.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ProjectFileWrong(
            f"The project file {path.name} cannot be read.",
            why=str(unreadable),
            remedy="give the path of a project XML that REDCap wrote",
        ) from unreadable
    return project_from_odm(text, clock=clock, calculated=calculated)


def project_from_odm(text: str, *, clock: Clock, calculated: bool = False) -> SandboxProject:
    """Load the text of a project XML."""
    root = parse_odm(text)
    try:
        structure = structure_from_odm(root)
        structure.settings["creation_time"] = clock().strftime("%Y-%m-%d %H:%M:%S")
        project = SandboxProject(structure, clock=clock)
        project.restructure()
        load_values(project, root, calculated=calculated)
    except (KeyError, ValueError, IndexError) as wrong:
        raise ProjectFileWrong(
            "This project XML refers to something it does not contain.",
            why=f"{type(wrong).__name__}: {wrong}",
            remedy="download it from REDCap again",
        ) from wrong
    project.log(OWNER, "manage", "Manage/Design", details="Create project using REDCap XML file")
    return project
