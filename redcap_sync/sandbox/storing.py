"""Storing what an import planned, with the log lines it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from redcap_sync.project.flat import GROUP
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.calculations import recalculated
from redcap_sync.sandbox.importing import ImportedRow

# As the logging page of the public validation package (redcap_rsvc) shows them.
JOINED, LEFT = "Assign record to Data Access Group", "Remove record from Data Access Group"


class Log(Protocol):
    """Whatever writes log entries in somebody's name."""

    def __call__(self, kind: str, action: str, *, details: str = "", record: str = "") -> None:
        """Write one entry."""


def store_all(project: StoredProject, changes: Sequence[ImportedRow], log: Log, *, source: str = "API") -> None:
    """Store rows, then the calculations that follow from them."""
    touched: dict[str, set[str]] = {}
    for change in changes:
        store(project, change, log, source=source)
        touched.setdefault(change.record, set()).update(change.cells)
    for record, names in touched.items():
        for change in recalculated(project, record, names):
            store(project, change, log, source="Auto calculation")


def store(project: StoredProject, change: ImportedRow, log: Log, *, source: str = "API") -> None:
    """Store one row and log what is new in it; a row that changes nothing leaves no entry.

    `source` is what the log says in brackets; a person on a page has none, but the event behind the record.
    """
    values = project.values
    created = change.record not in values
    before = dict(values.stored(change.record, change.place))
    values.write(change.record, change.place, change.cells)
    moves = change.group is not None and values[change.record].group != change.group
    if moves:
        # Before the log is written, so that the creation of a record is for its group's members to read.
        values.join_group(change.record, change.group or "")
    details = logged_cells(project, change, before)
    if created:
        log("record_add", _action("Create", project, change, source), details=details, record=change.record)
    elif details:
        log("record_edit", _action("Update", project, change, source), details=details, record=change.record)
    if moves:
        _log_move(project, change, log, source)


def _log_move(project: StoredProject, change: ImportedRow, log: Log, source: str) -> None:
    """Log that a record was put into another data access group, or into none: an entry of its own."""
    details = f"{JOINED if change.group else LEFT} ({GROUP} = '{change.group}')"
    log("record_edit", _action("Update", project, change, source), details=details, record=change.record)


def _action(verb: str, project: StoredProject, change: ImportedRow, source: str) -> str:
    if source or not project.longitudinal:
        return " ".join(part for part in (verb, "record", f"({source})" if source else "", change.record) if part)
    event = next(event for event in project.structure.events if event.event_id == change.place.event_id)
    arm = next(arm for arm in project.structure.arms if arm.number == event.arm)
    return f"{verb} record {change.record} ({event.name} (Arm {arm.number}: {arm.name}))"


def logged_cells(project: StoredProject, change: ImportedRow, before: Mapping[str, str]) -> str:
    """Write the new values as the log does: no old ones, apostrophes not escaped, newlines as spaces."""
    by_name = project.layout.by_name
    parts = [
        _logged_cell(by_name[name], value) for name, value in change.cells.items() if before.get(name, "") != value
    ]
    if not parts:
        return ""
    prefix = [f"[instance = {change.place.instance}]"] if change.place.instance > 1 else []
    return ", ".join([*prefix, *parts])


def _logged_cell(column: ExportColumn, value: str) -> str:
    if column.field is not None and column.option is not None:
        return f"{column.field.name}({column.option.code}) = {'checked' if value == '1' else 'unchecked'}"
    return f"{column.name} = '{' '.join(value.splitlines())}'"
