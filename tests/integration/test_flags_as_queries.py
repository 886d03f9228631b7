"""`[flags] road = "workflow"`: findings as queries of the Data Resolution Workflow, and what people respond there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightround.model.finding import Finding
from nightround.store.database import Store
from redcap_sync.sandbox import Faults
from tests.commanded_study import Call, call_of, commanded_study
from tests.query_desk import PREFIX, QueryDesk
from tests.questions_on_records import with_instrument
from tests.small_study import COLLEAGUE, FOLDER, PERSON, SmallStudy

LATER = "2025-07-0{day} 12:00:00"


def with_module(project: Path) -> Path:
    """A project that has the workflow and the module."""
    file = project / "project.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings |= {"data_resolution_workflow": True, "data_quality_module": PREFIX}
    file.write_text(json.dumps(settings), encoding="utf-8")
    return project


def study_by_queries(folder: Path) -> Path:
    """The small study's own files, asking by queries; half of its records may go in a night.

    One user of REDCap is the coordinator.
    """
    shutil.copytree(FOLDER, folder)
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[flags]\nroad = "workflow"\n\n[redcap]\nlargest_loss_percent = 50\n')
        file.write('[[people]]\nrole = "coordinator"\naddress = "coordinator@example.org"\nlanguage = "en"\n')
        file.write(f'redcap_user = "{COLLEAGUE}"\n')
    return folder


@pytest.fixture
def faults() -> Faults:
    """What goes wrong."""
    return Faults()


@pytest.fixture(params=[False])
def study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: Faults, request: pytest.FixtureRequest
) -> Iterator[SmallStudy]:
    """The study after one night, asking by queries; with a true parameter the project has the instrument too."""
    if request.param:
        project = with_module(with_instrument(FOLDER / "project", tmp_path / "project"))
    else:
        project = with_module(Path(shutil.copytree(FOLDER / "project", tmp_path / "project")))
    source = study_by_queries(tmp_path / "study")
    with commanded_study(tmp_path / "data", monkeypatch, project=project, source=source, faults=faults) as one:
        yield one


@pytest.fixture
def call(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """A command on the study, as its exit code and its JSON."""
    return call_of(study, capsys)


@pytest.fixture
def desk(study: SmallStudy) -> QueryDesk:
    """The module, as a person's hands."""
    project_id = int(study.client.project()["project_id"])
    return QueryDesk(study.environ["REDCAP_URL"], study.environ["REDCAP_TOKEN"], project_id)


def finding_of(study: SmallStudy, record: str, *fields: str) -> Finding:
    """The finding about some fields of a record."""
    return next(one for one in study.findings() if (one.row.record, one.fields) == (record, fields))


def thread_of(desk: QueryDesk, record: str, field: str) -> dict[str, Any]:
    """The one thread about a field of a record."""
    [thread] = [one for one in desk.threads() if (one["record"], one["field_name"]) == (record, field)]
    return thread


def respond(desk: QueryDesk, thread: dict[str, Any], day: int, **said: str) -> None:
    """Add a line as a person does on REDCap's page."""
    assert desk.says(thread, LATER.format(day=day), **{"username": PERSON, **said})


def next_night(study: SmallStudy) -> None:
    """A day, and its round."""
    study.next_day()
    study.round()


def reasons(done: dict[str, Any], key: str) -> dict[str, str]:
    """The reasons by finding."""
    return {one["finding"]: one["reason"] for one in done[key]}


def test_a_dry_run_writes_nothing_and_says_why_a_finding_is_no_query(
    study: SmallStudy, call: Call, desk: QueryDesk
) -> None:
    """Two findings are about one field each; the third is about two, and the project has no instrument for it."""
    code, wanted = call("flags", "--dry-run")
    assert code == 0
    assert {one["road"] for one in wanted["rows"]} == {"workflow"}
    assert desk.threads() == []
    two_fields = finding_of(study, "2", "systolic", "diastolic")
    assert reasons(wanted, "not_asked") == {two_fields.id: "one_field"}
    code, done = call("flags", "--apply")
    assert (code, done["written"], done["new"]) == (0, 2, 2)
    assert {one["query_status"] for one in desk.threads()} == {"OPEN"}
    assert call("flags", "--apply")[1]["rows"] == []
    assert len(desk.threads()) == 2


@pytest.mark.parametrize("study", [True], indirect=True)
def test_what_is_no_query_goes_to_the_instrument(study: SmallStudy, call: Call, desk: QueryDesk) -> None:
    """Each finding is asked about once, by one road, and the reason for the other one is given."""
    done = call("flags", "--apply")[1]
    two_fields = finding_of(study, "2", "systolic", "diastolic")
    assert reasons(done, "not_in_workflow") == {two_fields.id: "one_field"}
    roads = {one["finding"]: one["road"] for one in done["rows"]}
    assert roads.pop(two_fields.id) == "instrument"
    assert set(roads.values()) == {"workflow"}
    assert len(desk.threads()) == 2
    assert call("flags", "--apply")[1]["rows"] == []


def test_responses_become_answers_by_whom_they_are(study: SmallStudy, call: Call, desk: QueryDesk) -> None:
    """A confirmed value is waived, a corrected one closed with proof, and both queries; a changed one is asked again.

    All in the one thread of the field, and the old response is none to the new question.
    """
    call("flags", "--apply")
    confirmed, corrected = finding_of(study, "2", "age"), finding_of(study, "3", "age")
    respond(desk, thread_of(desk, "2", "age"), 3, response="CONFIRMED_CORRECT", comment="seen in the chart")
    respond(desk, thread_of(desk, "3", "age"), 3, response="TYPOGRAPHICAL_ERROR", username=COLLEAGUE)
    study.corrected("3", age="50")
    next_night(study)
    correction = finding_of(study, "3", "age").answer
    assert correction is not None
    assert correction.by == "coordinator"
    answer = finding_of(study, "2", "age").answer
    assert answer is not None
    assert (answer.by, answer.comment) == (PERSON, "seen in the chart")
    assert finding_of(study, "2", "age").state == "waived"
    assert finding_of(study, "3", "age").state == "resolved"
    assert call("flags", "--apply")[1]["written"] == 2
    assert {one["query_status"] for one in desk.threads()} == {"CLOSED"}
    next_night(study)
    assert call("flags", "--apply")[1]["rows"] == []
    study.corrected("2", age="99")
    next_night(study)
    assert finding_of(study, "2", "age").state == "open"
    assert [one["query"] for one in call("flags", "--apply")[1]["rows"]] == [f"{confirmed.id}-2"]
    assert thread_of(desk, "2", "age")["query_status"] == "OPEN"
    next_night(study)
    assert finding_of(study, "2", "age").state == "open"
    assert len(desk.threads()) == 2
    assert corrected.id == finding_of(study, "3", "age").id


def test_a_response_that_was_sent_back_is_no_answer(study: SmallStudy, call: Call, desk: QueryDesk) -> None:
    """What stands is taken: here nothing does, until somebody responds again."""
    call("flags", "--apply")
    thread = thread_of(desk, "2", "age")
    respond(desk, thread, 3, response="OTHER")
    respond(desk, thread, 4, response_requested="1", comment="please be exact")
    next_night(study)
    assert finding_of(study, "2", "age").state == "open"
    respond(desk, thread, 5, response="CONFIRMED_CORRECT")
    next_night(study)
    assert finding_of(study, "2", "age").state == "waived"


def test_a_run_that_was_killed_after_writing_doubles_nothing(
    study: SmallStudy, call: Call, desk: QueryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What REDCap has and nobody remembers is known by its mark; a response to it is an answer all the same."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "remember_questions", lambda *_: None)
        call("flags", "--apply")
    before = desk.threads()
    respond(desk, thread_of(desk, "2", "age"), 3, response="CONFIRMED_CORRECT")
    next_night(study)
    assert finding_of(study, "2", "age").state == "waived"
    call("flags", "--apply")
    assert [one["status_id"] for one in desk.threads()] == [one["status_id"] for one in before]
    assert len(thread_of(desk, "3", "age")["resolutions"]) == 1
    assert thread_of(desk, "2", "age")["query_status"] == "CLOSED"


def test_a_query_of_a_person_is_left_alone(study: SmallStudy, call: Call, desk: QueryDesk) -> None:
    """An open one keeps its field; a closed one may be opened again with a question; a verified value is not asked."""
    for record, status in (("2", "OPEN"), ("3", "VERIFIED")):
        desk.send(desk.row(record, "age", "2025-07-01 09:00:00", current_query_status=status, username=PERSON))
    done = call("flags", "--apply")[1]
    assert done["written"] == 0
    against = reasons(done, "not_asked")
    assert against[finding_of(study, "2", "age").id] == "taken"
    assert against[finding_of(study, "3", "age").id] == "verified"
    assert all(len(one["resolutions"]) == 1 for one in desk.threads())
    respond(desk, thread_of(desk, "2", "age"), 2, current_query_status="CLOSED")
    assert call("flags", "--apply")[1]["written"] == 1
    assert thread_of(desk, "2", "age")["query_status"] == "OPEN"


def test_a_query_that_a_person_closed_is_not_opened_again(study: SmallStudy, call: Call, desk: QueryDesk) -> None:
    """It is reported after the next night; a person who opens it again is asked again, and nothing else is written."""
    call("flags", "--apply")
    thread = thread_of(desk, "2", "age")
    respond(desk, thread, 3, current_query_status="CLOSED")
    next_night(study)
    done = call("flags", "--apply")[1]
    assert done["written"] == 0
    assert reasons(done, "not_asked")[finding_of(study, "2", "age").id] == "closed"
    respond(desk, thread, 4, response_requested="1")
    next_night(study)
    assert finding_of(study, "2", "age").id not in reasons(call("flags", "--dry-run")[1], "not_asked")
    study.corrected("2", age="50")
    next_night(study)
    done = call("flags", "--apply")[1]
    assert reasons(done, "not_asked").get(finding_of(study, "2", "age").id) == "edited"
    assert thread_of(desk, "2", "age")["query_status"] == "OPEN"


def test_a_record_that_is_renamed_or_gone_takes_its_queries_along(
    study: SmallStudy, call: Call, desk: QueryDesk
) -> None:
    """Nothing is written to a record that is not there, because the module would make a thread for it."""
    call("flags", "--apply")
    before = thread_of(desk, "2", "age")
    study.rename("2", "22")
    study.delete("3")
    done = call("flags", "--apply")[1]
    assert done["written"] == 0
    next_night(study)
    respond(desk, thread_of(desk, "22", "age"), 4, response="CONFIRMED_CORRECT")
    next_night(study)
    assert finding_of(study, "22", "age").state == "waived"
    call("flags", "--apply")
    [thread] = desk.threads()
    assert (thread["status_id"], thread["query_status"]) == (before["status_id"], "CLOSED")


def test_a_night_goes_on_without_the_module(study: SmallStudy, call: Call, faults: Faults) -> None:
    """The findings are brought up to date, and the run ends with the code of what was not done."""
    study.next_day()
    faults.script("login_page", content="module", times=9)
    with pytest.raises(Exception, match="module"):
        study.round()
    assert study.last_run().exit_code == 12
    assert finding_of(study, "2", "age").last_seen_at == study.now[0]
    faults.clear()
    faults.script("login_page", content="module", times=9)
    assert call("flags", "--apply")[0] == 12
    faults.clear()
    faults.script("forbidden", content="module", after=1, times=9)
    assert call("flags", "--apply")[0] == 14


def test_a_line_whose_answer_was_lost_is_not_added_again(call: Call, desk: QueryDesk, faults: Faults) -> None:
    """The run ends, and the next one finds what is there."""
    faults.script("truncated", content="module", after=1)
    assert call("flags", "--apply")[0] != 0
    call("flags", "--apply")
    assert sorted(len(one["resolutions"]) for one in desk.threads()) == [1, 1]


def test_doctor_tries_the_module(call: Call, faults: Faults) -> None:
    """It has a line of its own: how many queries are open, or what is wrong with it."""
    line = {one["check"]: one for one in call("doctor")[1]["checks"]}["queries"]
    assert (line["state"], "0" in line["said"]) == ("fine", True)
    faults.script("empty", content="module", times=9)
    code, found = call("doctor")
    line = {one["check"]: one for one in found["checks"]}["queries"]
    assert (code, line["state"]) == (12, "wrong")
