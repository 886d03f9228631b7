"""Storing what an import planned, with the log lines it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from redcap_sync.project.layout import Column
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.importing import Change


class Log(Protocol):
    """Whatever writes log entries in somebody's name."""

    def __call__(self, kind: str, action: str, *, details: str = "", record: str = "") -> None:
        """Write one entry."""


def store(project: StoredProject, change: Change, log: Log, *, source: str = "API") -> None:
    """Store one row and log what is new in it; a row that changes nothing leaves no entry."""
    values = project.values
    created = change.record not in values
    before = dict(values.stored(change.record, change.place))
    values.write(change.record, change.place, change.cells)
    if change.group is not None and values[change.record].group != change.group:
        values.join_group(change.record, change.group)
        log("record_edit", f"Update record ({source}) {change.record}", details="DAG assignment", record=change.record)
    details = logged_cells(project, change, before)
    if created:
        log("record_add", f"Create record ({source}) {change.record}", details=details, record=change.record)
    elif details:
        log("record_edit", f"Update record ({source}) {change.record}", details=details, record=change.record)


def logged_cells(project: StoredProject, change: Change, before: Mapping[str, str]) -> str:
    """Write the new values as the log does: no old ones, apostrophes not escaped, newlines as spaces."""
    by_name = project.layout.by_name
    parts = [
        _logged_cell(by_name[name], value) for name, value in change.cells.items() if before.get(name, "") != value
    ]
    if not parts:
        return ""
    prefix = [f"[instance = {change.place.instance}]"] if change.place.instance > 1 else []
    return ", ".join([*prefix, *parts])


def _logged_cell(column: Column, value: str) -> str:
    if column.field is not None and column.option is not None:
        return f"{column.field.name}({column.option.code}) = {'checked' if value == '1' else 'unchecked'}"
    return f"{column.name} = '{' '.join(value.splitlines())}'"
