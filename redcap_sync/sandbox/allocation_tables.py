"""Allocation tables of a project's randomizations, as a person uploads them to REDCap: no project XML contains them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.project_folder import csv_rows
from redcap_sync.project.randomization import allocation_table
from redcap_sync.project.state import StoredProject


def read_allocation_tables(project: StoredProject, path_of: Callable[[str], Path]) -> None:
    """Read the table of each randomization from the file of its target field, where there is one.

    Raises ProjectFileWrong for a table that REDCap would refuse.
    """
    for randomization in project.structure.randomizations:
        path = path_of(randomization.target_field)
        try:
            rows = csv_rows(path, optional=True)
            randomization.table = allocation_table(randomization, project.dictionary, rows) if rows else []
        except (OSError, ValueError) as wrong:
            raise ProjectFileWrong("file.allocation", file=path.name, reason=str(wrong)) from wrong
