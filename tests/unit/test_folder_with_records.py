"""A project folder that contains its data, and the days of its schedule."""

from __future__ import annotations

from pathlib import Path

import pytest

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.twin_examples import CHOICES, NOW, exported, field, write_csv, write_project

ROWS = [
    field("id", "f"),
    field("sum", "f", "calc", **{CHOICES: "1 + 1"}),
    field("box", "f", "checkbox", **{CHOICES: "1, A"}),
]
EVENTS = [{"event_name": "a", "arm_num": 1, "unique_event_name": "a_arm_1", "day_offset": 7, "offset_max": 3}]
COLUMNS = ("id", "redcap_event_name", "redcap_data_access_group", "sum", "box___1", "f_complete")


def written(folder: Path, event: str = "a_arm_1") -> Path:
    """A folder with one record in a group."""
    write_project(folder, ROWS, events=EVENTS, mapping=[("a_arm_1", "f")], groups=["North"])
    write_csv(folder / "records.csv", COLUMNS, [dict(zip(COLUMNS, ("1", event, "north", "5", "1", "2"), strict=True))])
    return folder


def test_rows_are_taken_literally(tmp_path: Path) -> None:
    """A calculated value stays as it is written, an option is ticked, the record is in its group."""
    project = project_from_folder(written(tmp_path / "p"), clock=lambda: NOW)
    assert exported(project) == [dict(zip(COLUMNS, ("1", "a_arm_1", "north", "5", "1", "2"), strict=True))]
    assert project.structure.events[0].day_offset == "7"
    assert project.structure.events[0].offset_max == "3"


def test_a_row_of_an_unknown_event_is_refused(tmp_path: Path) -> None:
    """The error is that of a project folder that cannot be read."""
    with pytest.raises(ProjectFileWrong):
        project_from_folder(written(tmp_path / "p", "nowhere_arm_1"), clock=lambda: NOW)
