"""Randomization by a call: allocations are given in their order, once, to those who may have them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.state import OWNER, StoredProject
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_xml
from tests.sandbox_examples import SIMPLE, Clock, simple_project, write_rows, write_structure

ARM = [("arm", "baseline", "radio", "Arm", "1, Stent | 2, Balloon"), ("code", "baseline", "text", "Code")]
OPEN = ("redcap_randomization_number", "redcap_randomization_group", "sex", "")
TABLE = [("R-1", "2", "1", ""), ("R-2", "1", "1", "NOTES:"), ("R-3", "1", "2", ""), ("", "", "", "no entry")]
CONCEALED = ("redcap_randomization_number", "redcap_randomization_group", "redcap_data_access_group")
BOTH = [
    {"target_field": "arm", "strata": {"sex": ""}},
    {"target_field": "code", "by_group": True},
]
RECORDS = [
    {"record_id": "1", "sex": "1"},
    {"record_id": "2", "sex": "1", "redcap_data_access_group": "north"},
    {"record_id": "3", "sex": "1"},
    {"record_id": "4", "sex": "2"},
    {"record_id": "5"},
]


def folder(path: Path, table: Sequence[Sequence[str]] = TABLE, header: Sequence[str] = OPEN) -> Path:
    """Write a project with an open randomization by sex and a concealed one by group."""
    write_structure(path, [*SIMPLE[:5], *ARM, *SIMPLE[5:]], [("baseline", "Baseline"), ("labs", "Laboratory")])
    (path / "project.json").write_text(json.dumps({"title": "Trial", "randomizations": BOTH}), encoding="utf-8")
    groups = [("North", "north", 331)]
    write_rows(path / "dags.csv", ("data_access_group_name", "unique_group_name", "data_access_group_id"), groups)
    write_rows(path / "allocation_arm.csv", header, table)
    write_rows(path / "allocation_code.csv", CONCEALED, [("A7", "Stent", "331"), ("B2", "Balloon", "331")])
    return path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject]]:
    """The project with five records."""
    project = project_from_folder(folder(tmp_path), clock=Clock())
    with running([project]) as sandbox:
        assert call(sandbox, project, data=json.dumps(RECORDS)).json() == {"count": 5}
        yield sandbox, project


def call(sandbox: Running, project: StoredProject, user: str = OWNER, **parameters: str) -> requests.Response:
    """Call the API."""
    asked = {"token": sandbox.token(project, user), "content": "record", "format": "json", **parameters}
    return requests.post(sandbox.api_url, data=asked, timeout=10)


def randomized(served: tuple[Running, StoredProject], record: str, **more: str) -> Any:
    """Randomize a record for the open randomization; gives the answer, or what it was refused for."""
    answer = call(*served, action="randomize", record=record, **{"randomization_id": "1", **more})
    assert answer.status_code == (400 if "error" in answer.json() else 200)
    return answer.json().get("error", answer.json())


def test_allocations_are_given_in_the_order_of_their_stratum(served: tuple[Running, StoredProject]) -> None:
    """Each record gets the next free entry of its stratum, stored and logged; the number is told on request."""
    assert randomized(served, "4") == {"randomization_id": 1, "record": "4", "target_field": "1"}
    assert randomized(served, "1")["target_field"] == "2"
    told = randomized(served, "2", returnAlt="true")
    assert told == {"randomization_id": 1, "record": "2", "target_field": "1", "target_field_alt": "R-2"}
    rows = call(*served, fields="record_id,arm").json()
    assert [(row["record_id"], row["arm"]) for row in rows] == [
        ("1", "2"),
        ("2", "1"),
        ("3", ""),
        ("4", "1"),
        ("5", ""),
    ]
    log = call(*served, content="log", record="2", logtype="record_edit").json()
    assert [(one["action"], one["details"]) for one in log[:2]] == [
        ("Randomize Record 2", "Randomize record"),
        ("Update record (API) 2", "arm = '1'"),
    ]


def test_who_cannot_be_randomized_is_refused_and_stays_as_it_is(served: tuple[Running, StoredProject]) -> None:
    """No such record, no value to stratify by, already randomized (renamed too), a stratum that is used up."""
    assert randomized(served, "99") == 'The record "99" does not exist'
    assert "no value for: sex" in randomized(served, "5")
    assert randomized(served, "1")["target_field"] == "2"
    assert "already randomized" in randomized(served, "1")
    assert call(*served, action="rename", record="1", new_record_name="1a").text == "1"
    call(*served, data='[{"record_id":"1a","arm":""}]', overwriteBehavior="overwrite")
    assert "already randomized" in randomized(served, "1a")
    assert randomized(served, "2")["target_field"] == "1"
    assert "no free entry" in randomized(served, "3")
    for wrong in ("9", "x", "", "9" * 5000):
        refused = randomized(served, "4", randomization_id=wrong)
        assert refused == 'The value of the parameter "randomization_id" is not valid'
    assert call(*served, records="3,4", fields="arm").json() == [{"arm": ""}, {"arm": ""}]


def test_a_concealed_allocation_is_by_group_and_tells_no_group(served: tuple[Running, StoredProject]) -> None:
    """A text field takes the number that conceals the group, and a star stands for the group itself."""
    told = randomized(served, "2", randomization_id="2", returnAlt="1")
    assert told == {"randomization_id": 2, "record": "2", "target_field": "A7", "target_field_alt": "*"}
    assert "no value for: redcap_data_access_group" in randomized(served, "1", randomization_id="2")


def test_randomizing_needs_its_own_right(served: tuple[Running, StoredProject]) -> None:
    """The right is in the list of users where randomization is enabled, and without it the answer is 403."""
    users = json.dumps([{"username": "u", "api_import": 1, "api_export": 1}])
    assert call(*served, content="user", data=users).status_code == 200
    levels = {user["username"]: user["random_perform"] for user in call(*served, content="user").json()}
    assert levels == {OWNER: 1, "u": 0}
    asked = {"action": "randomize", "record": "1", "randomization_id": "1"}
    assert call(*served, "u", **asked).status_code == 403
    call(*served, content="user", data='[{"username":"u","random_perform":"1"}]')
    assert call(*served, "u", **asked).status_code == 200


IN_XML = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<item><randomization_id><![CDATA[1]]></randomization_id>'
    "<record><![CDATA[1]]></record><target_field><![CDATA[2]]></target_field></item>"
)


@pytest.mark.parametrize(
    ("written", "told"), [("csv", "randomization_id,record,target_field\n1,1,2\n"), ("xml", IN_XML)]
)
def test_the_answer_has_three_forms(served: tuple[Running, StoredProject], written: str, told: str) -> None:
    """CSV has a header, XML one item."""
    assert call(*served, action="randomize", record="1", randomization_id="1", format=written).text == told


def test_what_was_allocated_survives_a_restart(tmp_path: Path) -> None:
    """Kept on disk, an entry that was given is not given again."""
    path, state = folder(tmp_path / "p"), tmp_path / "state.sqlite"
    told = []
    for record in ("1", "2"):
        project = project_from_folder(path, clock=Clock())
        with running([project], state=state) as sandbox:
            call(sandbox, project, data=json.dumps(RECORDS[:3]))
            told.append(randomized((sandbox, project), record)["target_field"])
    assert told == ["2", "1"]


def test_a_project_xml_carries_the_randomizations_and_a_file_beside_it_the_table(tmp_path: Path) -> None:
    """What is exported as XML is loaded again; tables, which no XML holds, are read from the files next to it."""
    project = project_from_folder(folder(tmp_path / "p"), clock=Clock())
    with running([project]) as sandbox:
        text = call(sandbox, project, content="project_xml").text
    (tmp_path / "trial.xml").write_text(text, encoding="utf-8")
    write_rows(tmp_path / "trial_allocation_arm.csv", OPEN, TABLE)
    loaded = project_from_xml(tmp_path / "trial.xml", clock=Clock())
    arm, code = loaded.structure.randomizations
    assert (arm.target_field, list(arm.strata), arm.by_group, len(arm.table)) == ("arm", ["sex"], False, 3)
    assert (code.target_field, list(code.strata), code.by_group, len(code.table)) == ("code", [], True, 0)
    assert loaded.structure.settings["randomization_enabled"] == 1


@pytest.mark.parametrize(
    ("header", "table", "why"),
    [
        (OPEN, [("", "3", "1", "")], '"3" is not a valid categorical option for the field "arm"'),
        (OPEN, [("", "1", "7", "")], '"7" is not a valid categorical option for the field "sex"'),
        (("group", "sex"), [("1", "1")], "its first row needs the columns redcap_randomization_group, sex"),
    ],
)
def test_a_table_that_redcap_would_refuse_is_no_table(
    tmp_path: Path, header: Sequence[str], table: Sequence[Sequence[str]], why: str
) -> None:
    """A code that a field does not have, and a header that is not that of the template."""
    with pytest.raises(ProjectFileWrong, match="allocation_arm") as wrong:
        project_from_folder(folder(tmp_path, table, header), clock=Clock())
    assert wrong.value.why == why


def test_servers_without_a_method_say_so(tmp_path: Path) -> None:
    """Without a randomization there is no such action; external modules and a content of that name do not exist."""
    project = simple_project(tmp_path)
    with running([project]) as sandbox:
        asked = {"record": "1", "randomization_id": "1"}
        told = call(sandbox, project, action="randomize", **asked)
        assert (told.status_code, told.json()) == (400, {"error": 'The value of the parameter "action" is not valid'})
        for content in ("randomize", "randomization", "externalModule"):
            told = call(sandbox, project, content=content, prefix="x", action="y", **asked)
            message = 'The value of the parameter "content" is not valid'
            assert (told.status_code, told.json()) == (400, {"error": message})
