"""What an import takes, refuses, and makes of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.odm.safe_xml import parse_xml
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder
from redcap_sync.sandbox.validation import BAD_FORMAT
from tests.sandbox_examples import (
    SIMPLE,
    SIMPLE_INSTRUMENTS,
    Clock,
    longitudinal_project,
    simple_folder,
    simple_project,
    write_rows,
    write_structure,
)

Call = Callable[..., requests.Response]


def _served(project: StoredProject) -> Iterator[tuple[StoredProject, Call]]:
    with running([project]) as sandbox:

        def call(rows: Any = None, **parameters: str) -> requests.Response:
            asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
            if rows is not None:
                asked["data"] = rows if isinstance(rows, str) else json.dumps(rows)
            return requests.post(sandbox.api_url, data=asked, timeout=10)

        yield project, call


@pytest.fixture
def simple(tmp_path: Path) -> Iterator[tuple[StoredProject, Call]]:
    """A classic project."""
    yield from _served(simple_project(tmp_path, Clock()))


@pytest.fixture
def longitudinal(tmp_path: Path) -> Iterator[tuple[StoredProject, Call]]:
    """A longitudinal project."""
    yield from _served(longitudinal_project(tmp_path, Clock()))


def test_calculations_follow_their_inputs(simple: tuple[StoredProject, Call]) -> None:
    """A calc is worked out when an input comes, blank when one is missing; a value sent for it is passed over."""
    call = simple[1]
    call([{"record_id": "1", "weight": "81", "height": "1.80", "bmi": "99"}])
    assert call().json()[0]["bmi"] == "25"
    call([{"record_id": "1", "weight": ""}], overwriteBehavior="overwrite")
    assert call().json()[0]["bmi"] == ""
    call([{"record_id": "1", "comments": "x", "bmi": "99"}])
    assert call().json()[0]["bmi"] == ""


def test_texts_and_dates_are_calculated_too(tmp_path: Path) -> None:
    """@CALCTEXT and @CALCDATE fields follow their inputs, and calculations may feed one another."""
    folder = simple_folder(tmp_path)
    fields = [
        *SIMPLE,
        ("due", "labs", "text", "Due", "", "date_ymd", {"field_annotation": "@CALCDATE([dob], 10, 'd')"}),
        ("build", "labs", "text", "Build", "", "", {"field_annotation": "@CALCTEXT(if([bmi] > 30, 'high', 'normal'))"}),
    ]
    write_structure(folder, fields, SIMPLE_INSTRUMENTS)
    for _, call in _served(project_from_folder(folder, clock=Clock())):
        call([{"record_id": "1", "weight": "120", "height": "1.80", "dob": "2000-02-25"}])
        row = call().json()[0]
        assert (row["bmi"], row["build"], row["due"]) == ("37", "high", "2000-03-06")


def test_blank_cells_erase_only_when_asked(simple: tuple[StoredProject, Call]) -> None:
    """With `normal` a blank leaves what is stored, with `overwrite` it erases, a tick too."""
    call = simple[1]
    call([{"record_id": "1", "sex": "1", "complaint___1": "1"}])
    call([{"record_id": "1", "sex": "", "complaint___1": ""}])
    assert (call().json()[0]["sex"], call().json()[0]["complaint___1"]) == ("1", "1")
    call([{"record_id": "1", "sex": "", "complaint___1": ""}], overwriteBehavior="overwrite")
    assert (call().json()[0]["sex"], call().json()[0]["complaint___1"]) == ("", "0")


@pytest.mark.parametrize(
    ("date_format", "written"), [("YMD", "1970-12-31"), ("MDY", "12/31/1970"), ("DMY", "31/12/1970")]
)
def test_date_formats(simple: tuple[StoredProject, Call], date_format: str, written: str) -> None:
    """A date is read as the call says and stored as Y-M-D; anything else is refused."""
    call = simple[1]
    assert call([{"record_id": "1", "dob": written}], dateFormat=date_format).json() == {"count": 1}
    assert call().json()[0]["dob"] == "1970-12-31"
    refused = call([{"record_id": "1", "dob": "1970-2-31"}], dateFormat=date_format)
    assert (refused.status_code, refused.json()) == (400, {"error": f'"1","dob","1970-2-31","{BAD_FORMAT}"'})


def test_a_whole_export_comes_in_again(simple: tuple[StoredProject, Call]) -> None:
    """Calculated values and file names in an export are passed over when it is imported, in CSV, JSON and XML."""
    call = simple[1]
    call([{"record_id": "1", "weight": "81", "height": "1.80", "complaint___2": "1", "comments": 'a "b"\r\nc'}])
    before = call().json()
    for output in ("csv", "json", "xml"):
        sent = call(format=output).content.decode()
        assert call(sent, format=output, returnFormat="json", overwriteBehavior="overwrite").json() == {"count": 1}
        # Whoever parses XML gets line ends as \n.
        line_end = "\n" if output == "xml" else "\r\n"
        assert call().json() == [{**before[0], "comments": f'a "b"{line_end}c'}]


def test_eav_comes_in_again(longitudinal: tuple[StoredProject, Call]) -> None:
    """EAV rows of an export, with events, instances and ticked options, store the same values in an empty project."""
    project, call = longitudinal
    call(
        [
            {"record_id": "1", "redcap_event_name": "screening_arm_1", "complaint___1": "1", "sex": "2"},
            {
                "record_id": "1",
                "redcap_event_name": "followup_arm_1",
                "redcap_repeat_instrument": "visit",
                "redcap_repeat_instance": 3,
                "pain": "5",
            },
        ]
    )
    flat, eav = call().json(), call(type="eav").text
    call(action="delete", **{"records[0]": "1"})
    assert call(eav, type="eav").json() == {"count": 1}
    assert call().json() == flat
    assert project.values.instances("1", 42, "visit") == [3]


def test_a_new_instance_is_the_next_one(longitudinal: tuple[StoredProject, Call]) -> None:
    """`new` counts on from the highest instance, also within one import."""
    call = longitudinal[1]
    row = {"record_id": "1", "redcap_event_name": "followup_arm_1", "redcap_repeat_instrument": "visit", "pain": "1"}
    call([{**row, "redcap_repeat_instance": "4"}])
    call([{**row, "redcap_repeat_instance": "new"}, {**row, "redcap_repeat_instance": "new"}])
    assert [row["redcap_repeat_instance"] for row in call().json()] == [4, 5, 6]


NOT_DESIGNATED = (
    "This field ('weight') exists on an instrument that is not designated for the event named "
    "'Screening (Arm 1: Treated)'. You are not allowed to import data for this field into this event."
)
WRONG_INSTRUMENT = (
    "redcap_repeat_instrument must be the unique form name of a Repeating Instrument. It currently does not match "
    "the unique form name of any Repeating Instruments. Please fix this in the data import file and try again."
)
NEEDLESS_INSTANCE = (
    "redcap_repeat_instance cannot have a value since this instrument or event is not a repeating instrument or "
    "repeating event, respectively. The redcap_repeat_instance field must be left blank for this row of data."
)
ON_REPEATING = (
    "This field ('pain') exists on a Repeating Instrument named 'visit'. However, the fields 'redcap_repeat_instance' "
    "and/or 'redcap_repeat_instrument' for this row of data have no value, which are both required for importing data "
    "into a Repeating Instrument. You are not allowed to import data for this field into a non-repeating instrument."
)
FOLLOW_UP = {"redcap_event_name": "followup_arm_1"}
WRONG_ROWS = [
    ({"redcap_event_name": "screening_arm_1", "weight": "80"}, "weight", "80", NOT_DESIGNATED),
    (
        {**FOLLOW_UP, "redcap_repeat_instrument": "labs", "redcap_repeat_instance": 1},
        "redcap_repeat_instrument",
        "labs",
        WRONG_INSTRUMENT,
    ),
    ({**FOLLOW_UP, "redcap_repeat_instance": 1, "weight": "80"}, "redcap_repeat_instance", "1", NEEDLESS_INSTANCE),
    ({**FOLLOW_UP, "pain": "4"}, "pain", "4", ON_REPEATING),
    (
        {**FOLLOW_UP, "redcap_repeat_instrument": "visit", "pain": "4"},
        "redcap_repeat_instance",
        "",
        "redcap_repeat_instance must have a value for the Repeating Instrument named 'visit'.",
    ),
]


@pytest.mark.parametrize(("row", "field", "value", "message"), WRONG_ROWS)
def test_what_does_not_belong_is_refused_in_redcaps_words(
    longitudinal: tuple[StoredProject, Call], row: dict[str, Any], field: str, value: str, message: str
) -> None:
    """A line with record, field, value and message; nothing of the import is stored."""
    call = longitudinal[1]
    good = {"record_id": "7", "redcap_event_name": "screening_arm_1"}
    refused = call([good, {"record_id": "8", **row}], returnFormat="csv")
    assert refused.status_code == 400
    assert refused.text == f'ERROR: "8","{field}","{value}","{message}"'
    assert call().json() == []


def test_out_of_range_is_taken(simple: tuple[StoredProject, Call]) -> None:
    """Minimum and maximum are soft: a value outside is stored."""
    assert simple[1]([{"record_id": "1", "weight": "3"}]).json() == {"count": 1}


def test_odd_data(simple: tuple[StoredProject, Call]) -> None:
    """JSON that is no list of objects contains nothing; broken JSON is malformed; a locked instrument stays."""
    project, call = simple
    assert call('{"record_id":"1"}').json() == {"count": 0}
    assert call("[{").status_code == 406
    call([{"record_id": "1", "sex": "1"}])
    project.values.lock("1", next(iter(project.values["1"].rows)), "baseline")
    assert "locked" in call([{"record_id": "1", "sex": "2"}]).json()["error"]
    assert call([{"record_id": "1", "weight": "70"}]).json() == {"count": 1}


def test_background_imports_pass_wrong_records_over(simple: tuple[StoredProject, Call]) -> None:
    """The answer says only that the data were taken; records that are right are stored."""
    call = simple[1]
    rows = [{"record_id": "1", "sex": "9"}, {"record_id": "2", "sex": "1"}]
    assert call(rows, backgroundProcess="1").json() == {"success": True}
    assert [row["record_id"] for row in call().json()] == ["2"]


def test_parts_of_records_are_deleted(longitudinal: tuple[StoredProject, Call]) -> None:
    """Event, instrument and instance narrow a delete; the rest of the record stays, and the count is of records."""
    call = longitudinal[1]
    visit = {"record_id": "1", "redcap_event_name": "followup_arm_1", "redcap_repeat_instrument": "visit"}
    call(
        [
            {"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "1"},
            {"record_id": "1", "redcap_event_name": "followup_arm_1", "weight": "80"},
            {**visit, "redcap_repeat_instance": 1, "pain": "1"},
            {**visit, "redcap_repeat_instance": 2, "pain": "2"},
        ]
    )
    named = {"action": "delete", "records[0]": "1", "event": "followup_arm_1"}
    assert call(**named, instrument="visit", repeat_instance="2").text == "1"
    assert [row["redcap_repeat_instance"] for row in call().json()] == ["", "", 1]
    assert call(action="delete", instrument="labs", **{"records[0]": "1"}).status_code == 400
    assert call(**named, instrument="labs").text == "1"
    assert call(**named).text == "1"
    assert [row["redcap_event_name"] for row in call().json()] == ["screening_arm_1"]


def test_rename_shows_as_an_update(simple: tuple[StoredProject, Call]) -> None:
    """The new id stands only in the details of an update of the old one."""
    project, call = simple
    call([{"record_id": "1", "sex": "1"}, {"record_id": "2"}])
    assert call(action="rename", record="1", new_record_name="1.A").text == "1"
    assert [row["record_id"] for row in call().json()] == ["1.A", "2"]
    entry = next(entry for entry in project.journal.newest_first() if entry.record)
    assert (entry.action, entry.details, entry.record) == ("Update record 1", "record_id = '1.A'", "1")
    assert call(action="rename", record="2", new_record_name="1.A").status_code == 400
    assert call(action="delete", delete_logging="1", **{"records[0]": "2"}).text == "1"
    assert "2" not in {entry.record for entry in project.journal.newest_first()}


def test_a_new_instance_stands_behind_those_of_the_same_import(longitudinal: tuple[StoredProject, Call]) -> None:
    """`new` is the next instance after the stored ones and after those that earlier rows name."""
    call = longitudinal[1]
    visit = {"record_id": "1", "redcap_event_name": "followup_arm_1", "redcap_repeat_instrument": "visit"}
    rows = [{**visit, "redcap_repeat_instance": instance, "pain": pain} for instance, pain in ((1, "3"), ("new", "4"))]
    assert call(rows).json() == {"count": 1}
    assert [(row["redcap_repeat_instance"], row["pain"]) for row in call().json()] == [(1, "3"), (2, "4")]


def test_a_record_is_renamed_only_in_an_arm_that_it_is_in(tmp_path: Path) -> None:
    """A rename in another arm is refused and leaves no empty record; in its own arm the record moves whole."""
    longitudinal_project(tmp_path, Clock())
    write_rows(tmp_path / "arms.csv", ("arm_num", "name"), [(1, "Treated"), (2, "Control")])
    events = [("Screening", 1, "screening_arm_1"), ("Follow-up", 1, "followup_arm_1"), ("Diary", 1, "diary_arm_1")]
    header = ("event_name", "arm_num", "unique_event_name")
    write_rows(tmp_path / "events.csv", header, [*events, ("End", 2, "end_arm_2")])
    for project, call in _served(project_from_folder(tmp_path, clock=Clock())):
        call([{"record_id": "1", "redcap_event_name": "screening_arm_1"}])
        refused = call(action="rename", record="1", new_record_name="2", arm="2")
        assert (refused.status_code, refused.json()["error"]) == (400, 'The record "1" does not exist')
        assert project.values.names() == ["1"]
        assert call(action="rename", record="1", new_record_name="2", arm="1").text == "1"
        assert project.values.names() == ["2"]


def test_a_record_of_which_nothing_is_left_is_logged_as_deleted(longitudinal: tuple[StoredProject, Call]) -> None:
    """Deleting a record's only arm deletes the record, so the log says so; with delete_logging it says nothing."""
    project, call = longitudinal
    for record in ("1", "2"):
        call([{"record_id": record, "redcap_event_name": "screening_arm_1"}])
    assert call(action="delete", event="screening_arm_1", **{"records[0]": "1"}).text == "1"
    entry = next(project.journal.newest_first())
    assert (entry.kind, entry.action, entry.record) == ("record_delete", "Delete record (API) 1", "1")
    assert call(action="delete", event="screening_arm_1", delete_logging="1", **{"records[0]": "2"}).text == "1"
    assert project.values.names() == []
    assert "2" not in {entry.record for entry in project.journal.newest_first()}


def test_a_deleted_instrument_has_no_survey_timestamp(tmp_path: Path) -> None:
    """What an instrument holds goes with the moment its survey was submitted."""
    for project, call in _served(simple_project(tmp_path, Clock(), surveys=["labs"])):
        call([{"record_id": "1", "weight": "80"}])
        place = next(iter(project.values["1"].rows))
        project.values.write("1", place, {"labs_timestamp": "2025-03-01 08:00:00"})
        assert call(exportSurveyFields="true").json()[0]["labs_timestamp"] == "2025-03-01 08:00:00"
        assert call(action="delete", instrument="labs", **{"records[0]": "1"}).text == "1"
        assert call(exportSurveyFields="true").json()[0]["labs_timestamp"] == ""


@pytest.mark.parametrize(
    ("content", "row"),
    [("arm", {"arm_num": "x", "name": "A"}), ("event", {"event_name": "A", "arm_num": "7"})],
)
def test_arms_and_events_are_overridden_whole_or_not_at_all(
    longitudinal: tuple[StoredProject, Call], content: str, row: dict[str, str]
) -> None:
    """A wrong row refuses an import with override before anything is deleted, values included."""
    call = longitudinal[1]
    call([{"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "1"}])
    before = call().json()
    assert call([row], content=content, action="import", override="1").status_code == 400
    assert len(call(content="event").json()) == 3
    assert call().json() == before != []


def test_a_project_without_events_has_blank_instruments(longitudinal: tuple[StoredProject, Call]) -> None:
    """A blank PDF needs no event, and a project whose arms were all deleted has none."""
    call = longitudinal[1]
    assert call(content="arm", action="delete", **{"arms[0]": "1"}).text == "1"
    answer = call(content="pdf")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")


def test_ids_in_xml_can_be_read_whatever_letters_they_have(simple: tuple[StoredProject, Call]) -> None:
    """An id with letters that mean something in XML is escaped in the answer of an import."""
    answer = simple[1]([{"record_id": "a&b<c"}], returnContent="ids", returnFormat="xml")
    assert parse_xml(answer.text).findtext("id") == "a&b<c"


def test_instances_of_what_repeats_no_longer_are_kept_and_not_shown(longitudinal: tuple[StoredProject, Call]) -> None:
    """A record and event has one row where nothing repeats; the other instances are back with the set-up."""
    call = longitudinal[1]
    setup = call(content="repeatingFormsEvents").json()
    visit = {"record_id": "1", "redcap_event_name": "followup_arm_1", "redcap_repeat_instrument": "visit"}
    call([{**visit, "redcap_repeat_instance": number, "pain": str(number)} for number in (1, 2, 3)])
    before = call().json()
    for kind, pains in (({}, ["1"]), ({"type": "eav"}, ["1"])):
        assert call([], content="repeatingFormsEvents").text == "0"
        rows = call(**kind, fields="pain").json()
        assert [row.get("pain", row.get("value")) for row in rows] == pains
        assert call(setup, content="repeatingFormsEvents").text == "2"
    assert call().json() == before
    assert len(before) == 3


def test_a_long_text_comes_in_by_every_format(simple: tuple[StoredProject, Call]) -> None:
    """Notes of 200,000 characters, as an export gives them, are taken in CSV as in JSON and XML."""
    call = simple[1]
    call([{"record_id": "1", "comments": "a, b " * 40_000}])
    for output in ("csv", "json", "xml"):
        exported = call(format=output).text
        assert call(exported, format=output, overwriteBehavior="overwrite").status_code == 200
        assert call(format=output).text == exported


def test_records_keep_their_ids_when_the_id_field_is_renamed(simple: tuple[StoredProject, Call]) -> None:
    """After a dictionary whose first field has another name, each export names the records by it."""
    call = simple[1]
    call([{"record_id": "1", "sex": "1"}, {"record_id": "2"}])
    first, *others = call(content="metadata").json()
    assert call([{**first, "field_name": "study_id"}, *others], content="metadata").status_code == 200
    assert [row["study_id"] for row in call().json()] == ["1", "2"]
    rows = [(row["record"], row["field_name"], row["value"]) for row in call(type="eav").json()]
    assert rows == [("1", "study_id", "1"), ("1", "sex", "1"), ("2", "study_id", "2")]
    assert call(format="odm").text.count('ItemOID="study_id"') == 2
