"""The small things clients trip over, one test each: types, plain answers, what is logged, what is advertised."""

import csv
import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import METADATA_KEYS
from redcap_sync.sandbox import running
from redcap_sync.sandbox.contents import HANDLERS
from tests.sandbox_examples import Clock, longitudinal_project, simple_project

Call = Callable[..., requests.Response]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[StoredProject, Call]]:
    """A longitudinal project with one record, advertised under another address."""
    project = longitudinal_project(tmp_path, Clock(), scheduling_enabled=1)
    with running([project], public_url="https://redcap.example.org/") as sandbox:

        def call(**parameters: str) -> requests.Response:
            asked = {"token": sandbox.token(project), "format": "json", **parameters}
            return requests.post(sandbox.api_url, data=asked, timeout=10)

        call(content="record", data='[{"record_id":"1","redcap_event_name":"screening_arm_1","sex":"1"}]')
        yield project, call


def test_numbers_are_numbers_exactly_where_servers_send_them(served: tuple[StoredProject, Call]) -> None:
    """Arm numbers, event ids, group ids, rights, flags and instances; everything else is text."""
    _, call = served

    def numbers(row: dict[str, Any]) -> set[str]:
        return {name for name, value in row.items() if isinstance(value, int)}

    assert numbers(call(content="arm").json()[0]) == {"arm_num"}
    event = call(content="event").json()[0]
    assert numbers(event) == {"arm_num", "event_id"}
    assert list(event)[2:5] == ["day_offset", "offset_min", "offset_max"]
    assert numbers(call(content="formEventMapping").json()[0]) == {"arm_num"}
    assert numbers(call(content="dag").json()[0]) == {"data_access_group_id"}
    user = call(content="user").json()[0]
    assert {"design", "logging", "api_export"} <= numbers(user)
    assert numbers(user["forms"]) == {"baseline", "labs", "visit"}
    info = call(content="project").json()
    assert {"is_longitudinal", "purpose", "in_production"} <= numbers(info)
    assert isinstance(info["project_title"], str)
    assert numbers(call(content="record").json()[0]) == set()
    assert set(map(type, call(content="metadata").json()[0].values())) == {str}


def test_csv_of_users_writes_levels_by_instrument(served: tuple[StoredProject, Call]) -> None:
    """`form:level` pairs with commas between them, which an import reads again."""
    _, call = served
    (row,) = csv.DictReader(StringIO(call(content="user", format="csv").text))
    assert row["forms"] == "baseline:1,labs:1,visit:1"
    sent = 'username,forms,api_export\ntester_a,"baseline:2,labs:0",1\n'
    assert call(content="user", format="csv", data=sent).text == "1"
    assert call(content="user").json()[-1]["forms"] == {"baseline": 2, "labs": 0, "visit": 0}
    assert call(content="user", data='[{"username":"tester_a","design":"lots"}]').status_code == 400


def test_the_dictionary_has_eighteen_keys_in_their_order(served: tuple[StoredProject, Call]) -> None:
    """In JSON and CSV alike."""
    _, call = served
    assert tuple(call(content="metadata").json()[0]) == METADATA_KEYS
    assert call(content="metadata", format="csv").text.splitlines()[0] == ",".join(METADATA_KEYS)


def test_plain_text_has_no_newline_at_its_end(served: tuple[StoredProject, Call]) -> None:
    """Version, next record name and counts of deletes."""
    _, call = served
    assert call(content="version").text == "14.5.0"
    assert call(content="generateNextRecordName", format="csv").text == "2"
    assert call(content="record", action="delete", **{"records[0]": "1"}).text == "1"


PLAIN = [
    {"content": "version"},
    {"content": "generateNextRecordName"},
    {"content": "surveyLink", "instrument": "baseline"},
    {"content": "surveyQueueLink"},
    {"content": "surveyAccessCode", "instrument": "baseline"},
    {"content": "surveyReturnCode", "instrument": "baseline"},
    {"content": "dag", "action": "switch", "dag": ""},
    {"content": "record", "action": "rename", "new_record_name": "1b"},
]


@pytest.mark.parametrize("output", ["json", "csv", "xml"])
def test_plain_answers_are_the_same_in_every_format(served: tuple[StoredProject, Call], output: str) -> None:
    """A link, a code, a name or a number alone: no quotes, no wrapping, no blank and no newline around it."""
    project, call = served
    project.restructure(surveys={"baseline": {}})
    for asked in PLAIN:
        told = call(**{"record": "1", "event": "screening_arm_1", **asked, "format": output}).text
        assert told.strip() == told != "", asked
        assert not set(told) & set('"<>{}[] '), asked


def test_counts_in_each_format(served: tuple[StoredProject, Call]) -> None:
    """An import counts distinct records: as an object, a number, or an XML element."""
    _, call = served
    rows = json.dumps(
        [
            {"record_id": "5", "redcap_event_name": "screening_arm_1"},
            {"record_id": "5", "redcap_event_name": "followup_arm_1"},
        ]
    )
    assert call(content="record", data=rows).text == '{"count":1}'
    assert call(content="record", data=rows, returnFormat="csv").text == "1"
    xml = call(content="record", data=rows, returnFormat="xml").text
    assert xml == '<?xml version="1.0" encoding="UTF-8" ?><count>1</count>'


def test_errors_about_files_are_xml_unless_asked_otherwise(served: tuple[StoredProject, Call]) -> None:
    """PyCap sends no format with files and sees an error only in XML."""
    _, call = served
    answer = call(content="file", action="export", record="1", field="sex", format="")
    assert (answer.status_code, "<error>The field 'sex' does not exist or is not a 'file' field" in answer.text) == (
        400,
        True,
    )


def test_creating_the_project_is_the_first_entry_of_the_log(served: tuple[StoredProject, Call]) -> None:
    """It is the last in the export, which is newest first; timestamps end with the minute."""
    _, call = served
    entries = call(content="log").json()
    assert list(entries[0]) == ["timestamp", "username", "action", "details", "record"]
    assert entries[-1]["details"] == "Create project"
    assert {len(entry["timestamp"]) for entry in entries} == {16}


@pytest.mark.parametrize("content", sorted(HANDLERS))
def test_every_call_is_logged(served: tuple[StoredProject, Call], content: str) -> None:
    """A call that is answered leaves an entry; one that is refused leaves none."""
    project, call = served
    before = len(project.journal)
    parameters = {"action": "list"} if content == "fileRepository" else {}
    answer = call(content=content, **parameters)
    assert (len(project.journal) > before) == (answer.status_code == 200)


def test_log_filters(served: tuple[StoredProject, Call]) -> None:
    """By kind, user, record and time; an end at 24:00 is the end of the day."""
    project, call = served
    call(content="record")
    kinds = {kind: len(call(content="log", logtype=kind).json()) for kind in ("record_add", "record", "export")}
    assert kinds == {"record_add": 1, "record": 1, "export": 1}
    assert call(content="log", user="nobody").json() == []
    assert {entry["record"] for entry in call(content="log", record="1").json()} == {"1"}
    assert call(content="log", endTime="2025-02-28 24:00").json() == []
    assert call(content="log", beginTime="2025-03-01 08:01").json() == []
    assert len(call(content="log", beginTime="2025-03-01 08:00").json()) > 3
    assert call(content="log", beginTime="yesterday").status_code == 400
    assert project.values.names() == ["1"]


def test_odm_loads_no_calculation_and_an_import_makes_it(tmp_path: Path) -> None:
    """A calc in the XML of a new project is not stored; an import of its inputs works it out."""
    project = simple_project(tmp_path)
    with running([project], super_token="S" * 64) as sandbox:

        def call(token: str, **parameters: str) -> requests.Response:
            return requests.post(sandbox.api_url, data={"token": token, "format": "json", **parameters}, timeout=10)

        first = sandbox.token(project)
        inputs = '[{"record_id":"1","weight":"81","height":"1.80"}]'
        call(first, content="record", data=inputs)
        assert call(first, content="record").json()[0]["bmi"] == "25"
        odm = call(first, content="project_xml").text
        new = call("S" * 64, content="project", data='{"project_title":"N","purpose":0}', odm=odm).text
        assert call(new, content="record").json()[0]["bmi"] == ""
        call(new, content="record", data=inputs)
        assert call(new, content="record").json()[0]["bmi"] == "25"


def test_links_carry_the_advertised_address(tmp_path: Path) -> None:
    """The address in links is the public one, or the listen address where none was given."""
    for public, start in (("https://redcap.example.org", "https://redcap.example.org/"), (None, "http://127.0.0.1:")):
        project = simple_project(tmp_path, surveys=["labs"])
        with running([project], public_url=public) as sandbox:
            asked = {
                "token": sandbox.token(project),
                "content": "record",
                "format": "json",
                "data": '[{"record_id":"1"}]',
            }
            requests.post(sandbox.api_url, data=asked, timeout=10)
            asked |= {"content": "surveyLink", "record": "1", "instrument": "labs"}
            assert requests.post(sandbox.api_url, data=asked, timeout=10).text.startswith(start)
            assert sandbox.api_url.startswith("http://127.0.0.1:")


def test_headers_of_answers(served: tuple[StoredProject, Call]) -> None:
    """CSV is UTF-8 and says so; answers are dated by the server's own clock."""
    _, call = served
    answer = call(content="record", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "Mar 2025" in answer.headers["date"]
    escaped = call(content="record", data='[{"record_id":"1","redcap_event_name":"screening_arm_1","initials":"张三"}]')
    assert escaped.json() == {"count": 1}
    assert "张三" in call(content="record", format="csv").content.decode()
    assert "\\u5f20" in call(content="record").text


WITHOUT_ACTION = {
    "record": '[{"record_id":"7","redcap_event_name":"screening_arm_1"}]',
    "user": '[{"username":"tester_a"}]',
    "userRole": '[{"role_label":"Readers"}]',
    "userRoleMapping": '[{"username":"sandbox_user","unique_role_name":""}]',
    "userDagMapping": '[{"username":"sandbox_user","redcap_data_access_group":""}]',
    "repeatingFormsEvents": '[{"event_name":"followup_arm_1","form_name":"visit"}]',
}


@pytest.mark.parametrize("content", WITHOUT_ACTION)
def test_data_make_a_call_without_an_action_an_import(served: tuple[StoredProject, Call], content: str) -> None:
    """With data it answers a count, without data rows; an action of its own decides before the data do."""
    call, data = served[1], WITHOUT_ACTION[content]
    assert isinstance(call(content=content).json(), list)
    counted = call(content=content, data=data).json()
    assert counted in (1, {"count": 1})
    assert isinstance(call(content=content, data=data, action="export").json(), list)
    rows = call(content="metadata").text
    assert call(content="metadata", data=rows).json() == len(json.loads(rows))


def test_parameters_nobody_knows_are_tolerated(served: tuple[StoredProject, Call]) -> None:
    """Clients send `eventName` with records and `dateFormat` with a dictionary; neither changes anything."""
    call = served[1]
    assert call(content="record", eventName="label", somethingNew="1").text == call(content="record").text
    dictionary = call(content="metadata").text
    assert call(content="metadata", data=dictionary, dateFormat="YMD").json() == len(json.loads(dictionary))
    assert call(content="metadata").text == dictionary
