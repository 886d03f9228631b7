"""Small projects for tests of the twin, and the rounds that its files go through."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from nightround.simulation.twin.make_twin import Twin, Wish, make_twin
from nightround.simulation.twin.source_project import read_source
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import METADATA_KEYS
from redcap_sync.sandbox import running

NOW = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - REDCap's clock has no zone
CHOICES, VALIDATION = "select_choices_or_calculations", "text_validation_type_or_show_slider_number"
LOW, HIGH = "text_validation_min", "text_validation_max"


def field(name: str, form: str, kind: str = "text", **more: str) -> dict[str, str]:
    """One row of a dictionary."""
    return {"field_name": name, "form_name": form, "field_type": kind, "field_label": name, **more}


def write_csv(path: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_dictionary(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write a data dictionary with the API's headings."""
    return write_csv(path, METADATA_KEYS, rows)


def write_project(
    folder: Path,
    rows: Sequence[Mapping[str, str]],
    *,
    events: Sequence[Mapping[str, Any]] = (),
    mapping: Sequence[tuple[str, str]] = (),
    repeating: Sequence[tuple[str, str]] = (),
    groups: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """Write a project folder without data."""
    folder.mkdir(parents=True)
    write_dictionary(folder / "metadata.csv", rows)
    forms = dict.fromkeys(row["form_name"] for row in rows)
    columns = ("instrument_name", "instrument_label")
    write_csv(folder / "instruments.csv", columns, [dict.fromkeys(columns, form) for form in forms])
    project = {"project_title": "Try", "is_longitudinal": int(bool(events)), **(settings or {})}
    (folder / "project.json").write_text(json.dumps(project), encoding="utf-8")
    if events:
        arms = sorted({event["arm_num"] for event in events})
        write_csv(folder / "arms.csv", ("arm_num", "name"), [{"arm_num": arm, "name": f"Arm {arm}"} for arm in arms])
        write_csv(folder / "events.csv", list(events[0]), events)
        designated = [{"arm_num": 1, "unique_event_name": event, "form": form} for event, form in mapping]
        write_csv(folder / "mapping.csv", ("arm_num", "unique_event_name", "form"), designated)
    if repeating:
        named = [{"event_name": event, "form_name": form} for event, form in repeating]
        write_csv(folder / "repeating.csv", ("event_name", "form_name"), named)
    if groups:
        write_csv(folder / "dags.csv", ("data_access_group_name",), [{"data_access_group_name": one} for one in groups])
    return folder


def made(path: Path, records: int = 20, seed: int = 1, **wish: Any) -> Twin:
    """The twin of a dictionary, a project or a study."""
    source = read_source(path, wish.pop("rules", None), clock=lambda: NOW)
    return make_twin(source, Wish(records, seed, NOW, **wish))


def cells(twin: Twin, column: str) -> list[str]:
    """A column of a twin, in the order of its instrument's rows."""
    table = next(table for table in twin.snapshot.tables.values() if column in table.column_names)
    return table.cells[column].to_pylist()


def file_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def exported(project: StoredProject) -> list[dict[str, str]]:
    """Everything that the API gives of a project."""
    with running([project]) as server:
        asked = {"token": server.token(project), "content": "record", "format": "csv", "exportDataAccessGroups": "true"}
        answer = requests.post(server.api_url, data=asked, timeout=60)
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
