"""The sandbox plays the Data Quality API module with the oddities that were measured on the module itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from redcap_sync.project.query_threads import QueriedPlace
from redcap_sync.project.rights import User, every_right
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running
from tests.query_desk import PREFIX, QueryDesk
from tests.sandbox_examples import longitudinal_project, simple_project

SETTINGS = {"data_resolution_workflow": True, "data_quality_module": PREFIX}
MORNING, LATER = "2025-03-01 08:00:00", "2025-03-01 08:00:01"


def served(project: StoredProject, state: Path | None = None) -> Iterator[QueryDesk]:
    """The module of a project with a second user and two records."""
    project.structure.users["anna"] = User("anna", every_right())
    with running([project], random=Random(1), state=state) as server:
        desk = QueryDesk(server.api_url, server.token(project), project.project_id)
        yield desk


@pytest.fixture
def project(tmp_path: Path) -> StoredProject:
    """A classic project that has the module."""
    return simple_project(tmp_path / "project", **SETTINGS)


@pytest.fixture
def desk(project: StoredProject) -> Iterator[QueryDesk]:
    """Its module."""
    yield from served(project)


def statuses(desk: QueryDesk) -> list[tuple[str, str | None]]:
    """Each thread's instance and status."""
    return [(one["instance"], one["query_status"]) for one in desk.threads()]


def test_a_project_without_the_module_refuses(tmp_path: Path) -> None:
    """Off unless the project has it; nor does another prefix answer."""
    for desk in served(simple_project(tmp_path / "without")):
        assert desk.call("export").status_code == 400
    for desk in served(simple_project(tmp_path / "with", **SETTINGS)):
        assert desk.call("export", prefix="data_quality").status_code == 400
        assert desk.call("export").json() == []


def test_another_projects_number_is_answered_with_nothing(desk: QueryDesk) -> None:
    """The project of the token and that of the address have to be the same one."""
    assert desk.call("export", pid=desk.project_id + 1).text == ""


def test_an_export_has_the_keys_of_the_module(desk: QueryDesk) -> None:
    """Threads by their ids, lines by theirs, numbers as texts and blanks as null."""
    [added] = desk.send(desk.row("1", "sex", MORNING, comment="Which?", response_requested="1"))
    [(key, thread)] = desk.call("export").json().items()
    assert (key, thread["status_id"], thread["query_status"]) == ("1", "1", "OPEN")
    assert set(thread) == {
        *("status_id", "rule_id", "pd_rule_id", "non_rule", "project_id", "record", "event_id", "field_name"),
        *("repeat_instrument", "instance", "status", "exclude", "query_status", "group_id", "assigned_username"),
        "resolutions",
    }
    [(line, said)] = thread["resolutions"].items()
    assert (line, said["comment"], said["response_requested"]) == (str(added), "Which?", "1")
    assert set(said) - {"status_id"} == {
        *("res_id", "ts", "response_requested", "response", "comment", "current_query_status", "upload_doc_id"),
        *("field_comment_edited", "username"),
    }


@pytest.mark.parametrize(
    ("filters", "records"),
    [
        ({}, ["1", "2", "3"]),
        ({"record": "2"}, ["2"]),
        ({"record[0]": "1", "record[1]": "3"}, ["1", "3"]),
        ({"records": "2"}, ["1", "2", "3"]),
        ({"records[0]": "2"}, ["1", "2", "3"]),
        ({"status": "CLOSED"}, ["2"]),
        ({"status": "OPEN"}, ["1", "3"]),
        ({"user": "anna"}, ["3"]),
        ({"user": "nobody_known"}, ["1", "2", "3"]),
    ],
)
def test_filters_of_an_export(desk: QueryDesk, filters: dict[str, str], records: list[str]) -> None:
    """`record`, `user` and `status` are; `records`, as the README writes, is ignored and everything comes back."""
    desk.send(
        desk.row("1", "sex", MORNING),
        desk.row("2", "sex", MORNING, current_query_status="CLOSED"),
        desk.row("3", "sex", MORNING, assigned_username="anna"),
    )
    assert [one["record"] for one in desk.threads(**filters)] == records


def test_threads_without_a_field_of_the_dictionary_never_appear(project: StoredProject, desk: QueryDesk) -> None:
    """Queries of rules on several fields have no field, and those of a deleted field are there and not shown."""
    desk.send(desk.row("1", "sex", MORNING))
    for field in ("", "deleted_field"):
        project.queries.open_thread(QueriedPlace("1", 1, field))
    assert [one["field_name"] for one in desk.threads()] == ["sex"]
    assert desk.send(desk.row("1", "deleted_field", MORNING)) == []


@pytest.mark.parametrize(("status_id", "threads"), [("", 2), ("new", 2), ("0", 1)])
def test_a_new_thread_needs_the_id_0(desk: QueryDesk, status_id: str, threads: int) -> None:
    """Without a number an error is lost and the same call makes a second thread; with "0" its repeat answers []."""
    row = desk.row("1", "sex", MORNING, status_id=status_id)
    assert len(desk.send(row)) == 1
    assert len(desk.send(row)) == threads - 1
    assert len(desk.threads()) == threads


def test_a_second_line_of_one_user_in_one_second_is_dropped(desk: QueryDesk) -> None:
    """Answered with [] and status 200; a second later, or by another user, it is added."""
    desk.send(desk.row("1", "sex", MORNING))
    [thread] = desk.threads()
    assert desk.says(thread, MORNING, current_query_status="CLOSED") == []
    assert statuses(desk) == [("1", "OPEN")]
    assert len(desk.says(thread, MORNING, username="anna")) == 1
    assert len(desk.says(thread, LATER, current_query_status="CLOSED")) == 1
    assert statuses(desk) == [("1", "CLOSED")]


def test_threads_of_a_repeating_instrument_are_mixed_up(tmp_path: Path) -> None:
    """Closing the first instance's thread by its own id closes the second; a new one is stored without instrument."""
    project = longitudinal_project(tmp_path / "project", **SETTINGS)
    event = next(one.event_id for one in project.events if one.unique_name == "followup_arm_1")
    for instance in (1, 2):
        project.queries.open_thread(QueriedPlace("1", event, "pain", instance), repeat_instrument="visit")
    for desk in served(project):
        first = desk.threads()[0]
        assert len(desk.says(first, MORNING, repeat_instrument="visit", current_query_status="CLOSED")) == 1
        assert statuses(desk) == [("1", None), ("2", "CLOSED")]
        desk.send(desk.row("2", "pain", MORNING, event_id=str(event), repeat_instrument="visit"))
        assert desk.threads(record="2")[0]["repeat_instrument"] is None
        assert desk.send(desk.row("2", "pain", MORNING, event_id="99")) == []


@pytest.mark.parametrize("ts", ["2025-02-28 23:59:59", MORNING])
def test_a_line_that_is_not_newer_changes_no_status(desk: QueryDesk, ts: str) -> None:
    """It is added, and the thread stays as it was."""
    desk.send(desk.row("1", "sex", MORNING))
    [thread] = desk.threads()
    assert len(desk.says(thread, ts, current_query_status="CLOSED", username="anna")) == 1
    assert statuses(desk) == [("1", "OPEN")]


def test_users_are_taken_as_they_come(desk: QueryDesk) -> None:
    """An unknown one is stored as nobody, and who a thread is assigned to is set when it is made, never later."""
    desk.send(desk.row("1", "sex", MORNING, username="nobody_known", assigned_username="anna"))
    desk.send(desk.row("1", "sex", LATER, username="anna", assigned_username="sandbox_user"))
    [thread] = desk.threads()
    assert [one["username"] for one in thread["resolutions"]] == [None, "anna"]
    assert thread["assigned_username"] == "anna"


def test_the_words_of_a_line_are_those_of_the_module(desk: QueryDesk) -> None:
    """An unknown response is none, and a line without a known status opens the thread where it asks or responds."""
    desk.send(desk.row("1", "sex", MORNING, current_query_status="NO_SUCH"))
    assert statuses(desk) == [("1", None)]
    [thread] = desk.threads()
    desk.says(thread, LATER, current_query_status="", response="CONFIRMED_CORRECT", username="anna")
    assert statuses(desk) == [("1", "OPEN")]
    desk.says(thread, LATER, response="NO_SUCH")
    said = [one["response"] for one in desk.threads()[0]["resolutions"]]
    assert said == [None, "CONFIRMED_CORRECT", None]


@pytest.mark.parametrize("data", ["", "no json", "[1, null]", '"text"', "{}"])
def test_what_is_no_row_is_passed_over(desk: QueryDesk, data: str) -> None:
    """Without a word, with status 200."""
    assert desk.call("import", data=data).json() == []


def test_a_project_without_the_workflow_takes_no_import(tmp_path: Path) -> None:
    """Refused with 403 in the module's words; any user may import, whatever the right to resolve queries says."""
    project = simple_project(tmp_path / "project", data_quality_module=PREFIX)
    for desk in served(project):
        refused = desk.call("import", data="[]")
        assert (refused.status_code, "data quality" in refused.text) == (403, True)


def test_every_call_is_in_the_log_and_the_state_is_kept(tmp_path: Path, project: StoredProject) -> None:
    """One line a call; threads survive a restart, follow a renamed record and go with a deleted one."""
    state, rows = tmp_path / "state.sqlite3", [{"record_id": "1", "sex": "1"}, {"record_id": "2", "sex": "1"}]
    for desk in served(project, state):
        before = len(project.journal)
        desk.send(desk.row("1", "sex", MORNING), desk.row("2", "sex", MORNING))
        desk.threads()
        assert len(project.journal) == before + 2
    for desk in served(simple_project(tmp_path / "again", **SETTINGS), state):
        core(desk, "record", data=rows, action="import")
        core(desk, "record", action="rename", record="1", new_record_name="9")
        core(desk, "record", action="delete", **{"records[0]": "2"})
        assert [one["record"] for one in desk.threads()] == ["9"]


def test_the_queries_of_a_field_are_on_its_page(desk: QueryDesk) -> None:
    """Next to its value, line by line, and no text of a comment is markup."""
    desk.send(desk.row("1", "sex", MORNING, comment="Which <b>sex</b>?"))
    desk.says(desk.threads()[0], LATER, response="OTHER", username="anna")
    address = f"{desk.api_url.removesuffix('api/')}redcap_v14.5.0/DataEntry/index.php"
    page = requests.get(address, params={"pid": desk.project_id, "id": "1", "page": "baseline"}, timeout=10).text
    assert page.count("Data query: OPEN") == 1
    assert "Which &lt;b&gt;sex&lt;/b&gt;?" in page
    assert "anna · OPEN · OTHER" in page


def core(desk: QueryDesk, content: str, data: list[dict[str, Any]] | None = None, **form: str) -> None:
    """A call of the ordinary API."""
    told = {"token": desk.token, "content": content, "format": "json", **form}
    if data is not None:
        told |= {"data": json.dumps(data), "type": "flat"}
    requests.post(desk.api_url, data=told, timeout=10).raise_for_status()
