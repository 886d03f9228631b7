"""A project from a folder of CSV files that carry the API's own headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from redcap_sync.dictionary import Instrument
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.flat_loading import load_rows
from redcap_sync.project.project_folder import csv_rows
from redcap_sync.project.randomization import Randomization
from redcap_sync.project.state import Clock, ProjectStructure, StoredProject
from redcap_sync.project.structure import (
    METADATA_KEYS,
    METADATA_TITLES,
    PROJECT_DEFAULTS,
    ArmRow,
    EventRow,
    Repeat,
    Report,
    StoredGroup,
    unique_event_name,
    unique_group_name,
)
from redcap_sync.sandbox.allocation_tables import read_allocation_tables

FIRST_EVENT_ID = 41
RECORDS = "records.csv"


def project_from_folder(folder: Path, *, clock: Clock) -> StoredProject:
    """Read a project from a folder of files with the headers of the API.

    project.json, metadata.csv, instruments.csv and, where they are there, arms.csv, events.csv, mapping.csv,
    repeating.csv and dags.csv; project.json may name `surveys` (instruments), `reports`, `data_resolution_workflow`,
    `data_quality_module` (the prefix of that module) and `randomizations`, each of which has its allocation table in
    allocation_<target field>.csv. Data are in records.csv, in the rows of a flat export, whose values are taken
    literally, calculated ones too.
    Raises ProjectFileWrong where one cannot be read as what it should be.
    """
    try:
        structure, rows = _structure(folder), csv_rows(folder / RECORDS, optional=True)
    except (OSError, KeyError, ValueError, TypeError) as wrong:
        raise ProjectFileWrong(
            "file.sandbox_folder", folder=folder.name, error=type(wrong).__name__, reason=str(wrong)
        ) from wrong
    structure.settings["creation_time"] = clock().strftime("%Y-%m-%d %H:%M:%S")
    project = StoredProject(structure, clock=clock)
    project.restructure()
    try:
        load_rows(project, rows)
    except (KeyError, ValueError, TypeError) as wrong:
        raise ProjectFileWrong(
            "file.sandbox_folder", folder=folder.name, error=type(wrong).__name__, reason=str(wrong)
        ) from wrong
    read_allocation_tables(project, lambda field: folder / f"allocation_{field}.csv")
    project.log("sandbox_user", "manage", "Manage/Design", details="Create project")
    return project


def _structure(folder: Path) -> ProjectStructure:
    settings = json.loads((folder / "project.json").read_text("utf-8"))
    structure = ProjectStructure(settings=_settings(settings))
    structure.metadata = [_metadata_row(row) for row in csv_rows(folder / "metadata.csv")]
    structure.instruments = [
        Instrument(row["instrument_name"], row["instrument_label"]) for row in csv_rows(folder / "instruments.csv")
    ]
    if arms := csv_rows(folder / "arms.csv", optional=True):
        structure.arms = [ArmRow(int(row["arm_num"]), row["name"]) for row in arms]
    if events := csv_rows(folder / "events.csv", optional=True):
        structure.events = _events(events)
    structure.last_id = max(event.event_id for event in structure.events)
    ids = {event.unique_name: event.event_id for event in structure.events}
    classic = structure.events[0].event_id
    mapping = csv_rows(folder / "mapping.csv", optional=True)
    structure.mapping = [(ids[row["unique_event_name"]], row["form"]) for row in mapping]
    structure.repeating = [
        Repeat(
            ids[row["event_name"]] if row.get("event_name") else classic,
            row.get("form_name", ""),
            row.get("custom_form_label", ""),
        )
        for row in csv_rows(folder / "repeating.csv", optional=True)
    ]
    structure.groups = _groups(structure, csv_rows(folder / "dags.csv", optional=True))
    structure.surveys = {name: {} for name in settings.get("surveys", ())}
    structure.data_resolution_workflow = bool(settings.get("data_resolution_workflow"))
    structure.data_quality_module = str(settings.get("data_quality_module", ""))
    structure.reports = [Report(**report) for report in settings.get("reports", ())]
    written = settings.get("randomizations", ())
    structure.randomizations = [_randomization(number, one, ids, classic) for number, one in enumerate(written, 1)]
    structure.settings["randomization_enabled"] |= bool(structure.randomizations)
    return structure


def _randomization(number: int, written: dict[str, Any], ids: dict[str, int], classic: int) -> Randomization:
    """Read `{"target_field", "target_event", "strata": {field: event}, "by_group"}`; events '' if classic."""
    return Randomization(
        number,
        written["target_field"],
        ids[written["target_event"]] if written.get("target_event") else classic,
        strata={name: ids[event] if event else classic for name, event in written.get("strata", {}).items()},
        by_group=bool(written.get("by_group")),
    )


def _settings(written: dict[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in written.items() if key in PROJECT_DEFAULTS}
    known.setdefault("project_title", written.get("title", ""))
    flags = {key: int(value) if isinstance(value, bool) else value for key, value in known.items()}
    return {**PROJECT_DEFAULTS, **flags}


def _metadata_row(row: dict[str, str]) -> dict[str, str]:
    """Read a row of a dictionary, headed by the API's names or by the titles of REDCap's own download."""
    titles = dict(zip(METADATA_KEYS, METADATA_TITLES, strict=True))
    read = {key: row.get(key) or row.get(titles[key]) or "" for key in METADATA_KEYS}
    if not read["field_name"] or not read["form_name"]:
        raise KeyError("field_name, form_name")
    return read


def _events(rows: list[dict[str, str]]) -> list[EventRow]:
    events: list[EventRow] = []
    for position, row in enumerate(rows):
        name, arm = row["event_name"], int(row["arm_num"])
        given = row.get("unique_event_name") or unique_event_name(name, arm, {e.unique_name for e in events})
        event_id = int(row.get("event_id") or FIRST_EVENT_ID + position)
        offsets = (row.get(key) or "0" for key in ("day_offset", "offset_min", "offset_max"))
        events.append(EventRow(event_id, given, name, arm, row.get("custom_event_label", ""), *offsets))
    return events


def _groups(structure: ProjectStructure, rows: list[dict[str, str]]) -> list[StoredGroup]:
    groups: list[StoredGroup] = []
    for row in rows:
        name = row["data_access_group_name"]
        unique = row.get("unique_group_name") or unique_group_name(name, {g.unique_name for g in groups})
        structure.last_id += 1
        groups.append(StoredGroup(int(row.get("data_access_group_id") or structure.last_id), unique, name))
    return groups
