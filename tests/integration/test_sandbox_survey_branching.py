"""Survey pages follow branching logic: what a respondent is shown, must answer, and leaves stored."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.column_name import ColumnName
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.sandbox_examples import Clock, longitudinal_folder, write_structure


def shown(logic: str, *, required: str = "", header: str = "") -> dict[str, str]:
    """The end of a field's description: when it is shown, whether it is required, the header over it."""
    return {"branching_logic": logic, "required_field": required, "section_header": header}


FIELDS: list[tuple[Any, ...]] = [
    ("record_id", "habits", "text", "Record ID", "", "", shown("")),
    ("smoker", "habits", "yesno", "Do you smoke?", "", "", shown("", required="y")),
    ("packs", "habits", "text", "Packs a day", "", "", shown("[smoker] = '1'", required="y", header="Smoking")),
    ("since", "habits", "text", "Since when?", "", "", shown("[packs] > 1")),
    ("hint", "habits", "descriptive", "Please stop", "", "", shown("[since] <> ''")),
    ("weight", "habits", "text", "Weight", "", "number", shown("", header="Body")),
    ("height", "habits", "text", "Height", "", "number"),
    ("bmi", "habits", "calc", "BMI", "round([weight] / ([height])^(2), 1)"),
    ("diet", "habits", "yesno", "Do you diet?", "", "", shown("[bmi] >= 25")),
    ("why", "habits", "checkbox", "Why?", "1, Health | 2, Other", "", shown("[diet] = '1'")),
    ("other", "habits", "notes", "Which other reason?", "", "", shown("[why(2)] = '1'")),
    ("broken", "habits", "text", "Anything else?", "", "", shown("[smoker = ")),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject, str]]:
    """A survey about habits, with a record, and the link to it."""
    write_structure(tmp_path, FIELDS, [("habits", "Habits")])
    (tmp_path / "project.json").write_text(json.dumps({"title": "Habits", "surveys": ["habits"]}), encoding="utf-8")
    project = project_from_folder(tmp_path, clock=Clock())
    with running([project]) as sandbox:
        call(sandbox, project, data='[{"record_id":"1"}]')
        link = call(sandbox, project, content="surveyLink", record="1", instrument="habits").text
        yield sandbox, project, link


def call(sandbox: Running, project: StoredProject, **parameters: str) -> requests.Response:
    """Call the API."""
    asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
    return requests.post(sandbox.api_url, data=asked, timeout=10)


def questions(page: str) -> list[str]:
    """Names of the questions on a page, in their order."""
    return re.findall(r'<fieldset id="(\w+)-tr"', page)


def pressed(link: str, page: str, *buttons: str, **answers: str) -> str:
    """Fill in a page as a browser does, which sends what is on it and nothing else, and press a button."""
    found = re.search(r'name="shown-fields" value="([^"]*)"', page)
    assert found
    assert {ColumnName.parse(name).field for name in answers} <= set(questions(page))
    sent = {"shown-fields": found[1], **answers, **dict.fromkeys(buttons, "1")}
    return requests.post(link, data=sent, timeout=10).text


ALWAYS = ["smoker", "weight", "height", "bmi", "broken"]


def test_a_question_is_shown_when_the_answers_ask_for_it(served: tuple[Running, StoredProject, str]) -> None:
    """Answer by answer the page grows, keeps what was typed, and stores nothing until it is submitted."""
    sandbox, project, link = served
    page = requests.get(link, timeout=10).text
    assert questions(page) == ALWAYS
    assert "<h2>Smoking</h2>" not in page
    assert page.count("always shown: its branching logic cannot be read") == 1
    page = pressed(link, page, "lay-again", smoker="1", weight="81", height="1.80")
    assert questions(page) == ["smoker", "packs", "weight", "height", "bmi", "diet", "broken"]
    assert page.index("<h2>Smoking</h2>") < page.index('id="packs-tr"') < page.index("<h2>Body</h2>")
    page = pressed(link, page, "lay-again", smoker="1", packs="2", weight="81", height="1.80", diet="1")
    assert 'name="packs" value="2"' in page
    page = pressed(link, page, "lay-again", smoker="1", packs="2", since="2001", diet="1", why___2="1")
    assert questions(page) == ["smoker", "packs", "since", "hint", "weight", "height", "bmi", "broken"]
    assert call(sandbox, project, fields="smoker,packs,weight").json() == [{"smoker": "", "packs": "", "weight": ""}]


def test_what_is_hidden_is_not_required_and_not_stored(served: tuple[Running, StoredProject, str]) -> None:
    """An answer is erased with the question it hides, and so are those that hang on it in turn."""
    sandbox, project, link = served
    page = requests.get(link, timeout=10).text
    assert "Do you smoke?: an answer is required" in pressed(link, page)
    page = pressed(link, page, "lay-again", smoker="1")
    assert "Packs a day: an answer is required" in pressed(link, page, smoker="1")
    page = pressed(link, page, "lay-again", smoker="1", packs="2", weight="81", height="1.80")
    page = pressed(link, page, "lay-again", smoker="1", packs="2", since="2001", diet="1", weight="81", height="1.80")
    answers = {"since": "2001", "diet": "1", "weight": "81", "height": "1.80", "why___2": "1"}
    assert "Thank you" in pressed(link, page, smoker="0", packs="2", **{**answers, "diet": "0"})
    row = call(sandbox, project).json()[0]
    stored = {"smoker": "0", "packs": "", "since": "", "bmi": "25", "diet": "0", "why___2": "0", "other": ""}
    assert {name: row[name] for name in stored} == stored


def test_a_page_with_questions_that_nobody_saw_is_not_submitted(served: tuple[Running, StoredProject, str]) -> None:
    """Who submits an answer that leads to more questions is shown them first; saving for later needs none of them."""
    sandbox, project, link = served
    page = requests.get(link, timeout=10).text
    again = pressed(link, page, smoker="1")
    assert "Your answers lead to more questions" in again
    assert questions(again) == ["smoker", "packs", *ALWAYS[1:]]
    assert call(sandbox, project, fields="smoker").json() == [{"smoker": ""}]
    assert "Return code" in pressed(link, page, "save-later", smoker="1")
    assert questions(requests.get(link, timeout=10).text) == ["smoker", "packs", *ALWAYS[1:]]
    assert "Thank you" in pressed(link, again, smoker="1", packs="1")


def test_a_hidden_value_comes_back_with_its_question(served: tuple[Running, StoredProject, str]) -> None:
    """A value stored where nobody is asked is there when the question appears, and goes where it does not."""
    sandbox, project, link = served
    call(sandbox, project, data='[{"record_id":"1","packs":"7"}]')
    page = requests.get(link, timeout=10).text
    assert 'value="7"' not in page
    assert 'name="packs" value="7"' in pressed(link, page, "lay-again", smoker="1")
    assert "Thank you" in pressed(link, page, smoker="0")
    assert call(sandbox, project, fields="packs").json() == [{"packs": ""}]


def test_logic_looks_at_other_events(tmp_path: Path) -> None:
    """In a longitudinal project a question may hang on an answer of another event, stored and not on the page."""
    folder = longitudinal_folder(tmp_path, surveys=["visit"])
    path = folder / "metadata.csv"
    lines = [
        line.split(",") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("f", "pain"))
    ]
    header, row = lines
    row[header.index("branching_logic")] = "[screening_arm_1][sex] = '2'"
    others = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("pain")]
    path.write_text("\n".join([*others, ",".join(row)]), encoding="utf-8")
    project = project_from_folder(folder, clock=Clock())
    with running([project]) as sandbox:
        for record in "12":
            screening = {"record_id": record, "redcap_event_name": "screening_arm_1", "sex": record}
            call(sandbox, project, data=json.dumps([screening]))
            where = {"instrument": "visit", "event": "followup_arm_1", "record": record}
            link = call(sandbox, project, content="surveyLink", **where).text
            assert questions(requests.get(link, timeout=10).text) == ["visit_date", "pain"][: int(record)]
