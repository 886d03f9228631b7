"""Small made-up projects for tests of the sandbox, written as the folders a user would write."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.project_sources import project_from_folder

KEYS = ("field_name", "form_name", "field_type", "field_label", "choices", "validation", "more")
SIMPLE = [
    ("record_id", "baseline", "text", "Record ID"),
    ("initials", "baseline", "text", "Initials", "", "", {"identifier": "y"}),
    ("dob", "baseline", "text", "Date of birth", "", "date_mdy", {"identifier": "y"}),
    ("sex", "baseline", "radio", "Sex", "1, Female | 2, Male"),
    ("complaint", "baseline", "checkbox", "Complaints", "1, Pain | 2, Swelling | -9, Other, unclear"),
    ("weight", "labs", "text", "Weight (kg)", "", "number", {"text_validation_min": "30"}),
    ("height", "labs", "text", "Height (m)", "", "number_2dp"),
    ("bmi", "labs", "calc", "BMI", "round([weight] / ([height])^(2), 1)"),
    ("smoker", "labs", "yesno", "Smoker"),
    ("scan", "labs", "file", "Scan"),
    ("hint", "labs", "descriptive", "Please check"),
    ("comments", "labs", "notes", "Comments"),
]
SIMPLE_INSTRUMENTS = [("baseline", "Baseline"), ("labs", "Laboratory")]
REPORT = {"report_id": 9, "title": "Women", "fields": ["record_id", "sex"], "logic": "[sex] = '1'"}
SETTINGS = {"surveys": ["baseline"], "surveys_enabled": 1, "reports": [REPORT], "record_autonumbering_enabled": 1}


@dataclass
class Clock:
    """A clock that stands until it is set on."""

    now: datetime = datetime(2025, 3, 1, 8, 0, 0)  # noqa: DTZ001 - server-local

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def forward(self, **parts: float) -> None:
        """Set the clock on."""
        self.now += timedelta(**parts)


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def metadata_rows(fields: Sequence[Sequence[Any]]) -> list[dict[str, str]]:
    """Turn short field descriptions into rows of `content=metadata`."""
    rows = []
    for described in fields:
        name, form, kind, label, choices, validation, more = (*described, *("", "", {})[len(described) - 4 :])
        rows.append(
            {
                "field_name": name,
                "form_name": form,
                "field_type": kind,
                "field_label": label,
                "select_choices_or_calculations": choices,
                "text_validation_type_or_show_slider_number": validation,
                "text_validation_min": "",
                "identifier": "",
                "branching_logic": "",
                "field_annotation": "",
                **more,
            }
        )
    return rows


def write_structure(folder: Path, fields: Sequence[Sequence[Any]], instruments: Sequence[Sequence[str]]) -> None:
    """Write the dictionary part of a project folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = metadata_rows(fields)
    write_rows(folder / "metadata.csv", list(rows[0]), [list(row.values()) for row in rows])
    write_rows(folder / "instruments.csv", ("instrument_name", "instrument_label"), instruments)


def simple_folder(folder: Path, **settings: Any) -> Path:
    """Write a classic project: two instruments, one field of each kind."""
    write_structure(folder, SIMPLE, SIMPLE_INSTRUMENTS)
    (folder / "project.json").write_text(json.dumps({"title": "Simple", **settings}), encoding="utf-8")
    return folder


def longitudinal_folder(folder: Path, **settings: Any) -> Path:
    """Write a longitudinal project: two events, `labs` in the second only, `visit` repeats in it, and two groups."""
    fields = [
        *SIMPLE,
        ("visit_date", "visit", "text", "Visit date", "", "date_ymd"),
        ("pain", "visit", "slider", "Pain"),
    ]
    write_structure(folder, fields, [*SIMPLE_INSTRUMENTS, ("visit", "Visit")])
    described = {"title": "Longitudinal", "is_longitudinal": 1, **settings}
    (folder / "project.json").write_text(json.dumps(described), encoding="utf-8")
    write_rows(folder / "arms.csv", ("arm_num", "name"), [(1, "Treated")])
    events = [("Screening", 1, "screening_arm_1"), ("Follow-up", 1, "followup_arm_1"), ("Diary", 1, "diary_arm_1")]
    write_rows(folder / "events.csv", ("event_name", "arm_num", "unique_event_name"), events)
    mapping = [
        (1, "screening_arm_1", "baseline"),
        (1, "followup_arm_1", "labs"),
        (1, "followup_arm_1", "visit"),
        (1, "diary_arm_1", "labs"),
    ]
    write_rows(folder / "mapping.csv", ("arm_num", "unique_event_name", "form"), mapping)
    repeating = [("followup_arm_1", "visit", "[visit_date]"), ("diary_arm_1", "", "")]
    write_rows(folder / "repeating.csv", ("event_name", "form_name", "custom_form_label"), repeating)
    groups = [("North site", "north_site", 331), ("South site", "south_site", 332)]
    names = ("data_access_group_name", "unique_group_name", "data_access_group_id")
    write_rows(folder / "dags.csv", names, groups)
    return folder


def simple_project(folder: Path, clock: Clock | None = None, **settings: Any) -> StoredProject:
    """Load the classic project."""
    return project_from_folder(simple_folder(folder, **settings), clock=clock or Clock())


def longitudinal_project(folder: Path, clock: Clock | None = None, **settings: Any) -> StoredProject:
    """Load the longitudinal project."""
    return project_from_folder(longitudinal_folder(folder, **settings), clock=clock or Clock())


def project_of_a_kind(kind: str, folder: Path) -> StoredProject:
    """An empty project for a client: longitudinal, or a simple one, in which the client makes repeat what shall."""
    make = longitudinal_project if kind == "longitudinal" else simple_project
    return make(folder, Clock(), **SETTINGS)


class StudyOfAKind:
    """How a call names the one record's places in a simple, a longitudinal or a repeating project."""

    kind: str

    @property
    def longitudinal(self) -> bool:
        """Whether the project has events."""
        return self.kind == "longitudinal"

    @property
    def event(self) -> dict[str, str]:
        """How a call names the first event."""
        return {"event": "screening_arm_1"} if self.longitudinal else {}

    @property
    def labs(self) -> dict[str, str]:
        """How a call names the place of the laboratory values; PyCap deletes files of first instances only."""
        return {"event": "followup_arm_1"} if self.longitudinal else {}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Two records, the first with laboratory values."""
        first = {"redcap_event_name": "screening_arm_1"} if self.longitudinal else {}
        second = {"redcap_event_name": "followup_arm_1"} if self.longitudinal else {}
        if self.kind == "repeating":
            second = {"redcap_repeat_instrument": "labs", "redcap_repeat_instance": 1}
        return [
            {"record_id": "1", **first, "sex": "1"},
            {"record_id": "1", **second, "weight": "81"},
            {"record_id": "2", **first, "sex": "2"},
        ]
