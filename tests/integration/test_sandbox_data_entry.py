"""The page of an instrument, typed into and saved in the name of a user, as on REDCap's own pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from redcap_sync.project.rights import Rights, User, every_right
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox import Running, running
from tests.questions_on_records import typed_on_page
from tests.sandbox_examples import Clock, longitudinal_project

ANNA, READER = "anna", "reader"
ROW = (
    '[{"record_id":"1","redcap_event_name":"screening_arm_1","initials":"AB","sex":"1","complaint___2":"1",'
    '"dob":"1950-02-03"}]'
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject]]:
    """A longitudinal project with one record, one who may edit everything, and one who may edit nothing."""
    project = longitudinal_project(tmp_path / "p", Clock())
    reader = User(READER, Rights(unnamed=2))
    project.structure.users.update({ANNA: User(ANNA, every_right()), READER: reader})
    with running([project]) as sandbox:
        asked = {"token": sandbox.token(project), "content": "record", "format": "json", "data": ROW}
        assert requests.post(sandbox.api_url, data=asked, timeout=10).json() == {"count": 1}
        yield sandbox, project


def address(served: tuple[Running, StoredProject], page: str, event: int = 0, **where: str) -> str:
    """The page of an instrument of record 1."""
    sandbox, project = served
    event_id = project.structure.events[event].event_id
    query = "&".join(f"{name}={value}" for name, value in where.items())
    start = f"{sandbox.url}/redcap_v14.5.0/DataEntry/index.php"
    return f"{start}?pid={project.project_id}&id=1&page={page}&event_id={event_id}&{query}"


def stored(project: StoredProject, event: int = 0, instrument: str = "", instance: int = 0) -> dict[str, str]:
    """What is stored at a place of record 1."""
    event_id = project.structure.events[event].event_id
    return dict(project.values.stored("1", ValuePlace(event_id, instrument, instance)))


def test_what_is_typed_is_stored_and_all_else_stays(served: tuple[Running, StoredProject]) -> None:
    """Choices that were not touched stay chosen, a new value is logged under the user's name, as a page logs it."""
    project = served[1]
    before = stored(project)
    assert "Saved by anna" in typed_on_page(address(served, "baseline"), ANNA, initials="CD")
    assert stored(project) == {**before, "initials": "CD"}
    entry = next(project.journal.newest_first())
    assert (entry.username, entry.details, entry.record) == (ANNA, "initials = 'CD'", "1")
    assert entry.action == "Update record 1 (Screening (Arm 1: Treated))"


def test_a_box_is_unticked_and_an_instance_is_made(served: tuple[Running, StoredProject]) -> None:
    """A page that shows a box and does not send it unticks it; an instance that is not there is one to fill."""
    project = served[1]
    page = address(served, "baseline")
    form = {"shown-columns": "complaint___1,complaint___2", "complaint___1": "1", "saved-by": ANNA}
    assert requests.post(page, data=form, timeout=10).ok
    boxes = {name: value for name, value in stored(project).items() if name.startswith("complaint")}
    assert {name for name, value in boxes.items() if value == "1"} == {"complaint___1"}
    typed_on_page(address(served, "visit", event=1, instance="2"), ANNA, pain="3")
    assert stored(project, 1, "visit", 2)["pain"] == "3"
    assert next(project.journal.newest_first()).details.startswith("[instance = 2], pain = '3'")


@pytest.mark.parametrize(
    ("by", "values", "said"),
    [
        ("nobody", {"initials": "CD"}, "Choose the user"),
        (READER, {"initials": "CD"}, "do not allow you"),
        (ANNA, {"dob": "soon"}, "could not be validated"),
    ],
)
def test_what_may_not_be_saved_is_said(
    served: tuple[Running, StoredProject], by: str, values: dict[str, str], said: str
) -> None:
    """Without a known user, without the right to edit, and with a value that does not fit, nothing is stored."""
    project = served[1]
    before = stored(project)
    assert said in typed_on_page(address(served, "baseline"), by, **values)
    assert stored(project) == before


def test_a_locked_instrument_is_only_shown(served: tuple[Running, StoredProject]) -> None:
    """It offers nothing to save, and what is sent all the same is refused."""
    project = served[1]
    before = stored(project)
    project.values.lock("1", ValuePlace(project.structure.events[0].event_id), "baseline")
    page = address(served, "baseline")
    shown = requests.get(page, timeout=10).text
    assert "is locked" in shown
    assert "<button>" not in shown
    assert "is locked" in requests.post(page, data={"initials": "CD", "saved-by": ANNA}, timeout=10).text
    assert stored(project) == before


def test_what_is_read_only_is_not_typed(served: tuple[Running, StoredProject]) -> None:
    """A field with @READONLY is shown, and a form that sends it all the same changes nothing."""
    project = served[1]
    metadata = project.structure.metadata
    rows = [{**row, "field_annotation": "@READONLY"} if row["field_name"] == "initials" else row for row in metadata]
    project.restructure(metadata=rows)
    page = address(served, "baseline")
    assert 'name="initials"' not in requests.get(page, timeout=10).text
    requests.post(page, data={"initials": "CD", "saved-by": ANNA}, timeout=10)
    assert stored(project)["initials"] == "AB"
