"""What the test suites of other makers' clients found: events, empty lists, downloads, groups and rights."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redcap
import requests

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.__main__ import main
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_odm, project_from_xml
from tests.sandbox_examples import Clock, longitudinal_folder, longitudinal_project, simple_project, write_structure

PUBLIC = "https://redcap.example.org"

ARMS = [{"arm_num": 1, "name": "A"}, {"arm_num": 2, "name": "B"}]
EVENTS = [{"event_name": f"Visit {n}", "arm_num": arm} for arm in (1, 2) for n in (1, 2)]


@dataclass(frozen=True)
class Asked:
    """A project that is served, and what calls its API."""

    project: StoredProject
    sandbox: Running

    @property
    def client(self) -> redcap.Project:
        """PyCap, freshly made: it keeps what it once learned of a project."""
        return redcap.Project(self.sandbox.api_url, self.sandbox.token(self.project))

    def __call__(self, rows: Any = None, **parameters: str) -> requests.Response:
        """Call the API."""
        asked = {"token": self.sandbox.token(self.project), "content": "record", "format": "json", **parameters}
        if rows is not None:
            asked["data"] = rows if isinstance(rows, str) else json.dumps(rows)
        return requests.post(self.sandbox.api_url, data=asked, timeout=10)


Makes = Callable[..., StoredProject]


def _served(project: StoredProject) -> Iterator[Asked]:
    with running([project], public_url=PUBLIC) as sandbox:
        yield Asked(project, sandbox)


@pytest.fixture
def classic(tmp_path: Path) -> Iterator[Asked]:
    """A classic project."""
    yield from _served(simple_project(tmp_path))


@pytest.fixture
def longitudinal(tmp_path: Path) -> Iterator[Asked]:
    """A longitudinal project."""
    yield from _served(longitudinal_project(tmp_path))


@pytest.fixture(params=[simple_project, longitudinal_project], ids=["classic", "longitudinal"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Asked]:
    """A classic and a longitudinal project."""
    make: Makes = request.param
    yield from _served(make(tmp_path))


def _second_arm(call: Asked) -> None:
    call([{"arm_num": 2, "name": "Control"}], content="arm", action="import")
    call([{"event_name": "Start", "arm_num": 2}], content="event", action="import")
    mapping = [*call(content="formEventMapping").json(), {"unique_event_name": "start_arm_2", "form": "baseline"}]
    call(mapping, content="formEventMapping", action="import")


@pytest.mark.parametrize("kind", ["flat", "eav"])
@pytest.mark.parametrize("blank", [{}, {"redcap_event_name": ""}], ids=["no column", "blank cell"])
def test_a_row_without_an_event_belongs_to_the_first_event(
    longitudinal: Asked, kind: str, blank: dict[str, str]
) -> None:
    """An import into a longitudinal project may leave the event out; of a new record it is the first event."""
    value = {"sex": "1"} if kind == "flat" else {"field_name": "sex", "value": "1"}
    name = "record_id" if kind == "flat" else "record"
    assert longitudinal([{name: "1", **blank, **value}], type=kind).json() == {"count": 1}
    [row] = longitudinal().json()
    assert (row["redcap_event_name"], row["sex"]) == ("screening_arm_1", "1")


def test_a_row_without_an_event_belongs_to_the_arm_of_its_record(longitudinal: Asked) -> None:
    """The first event is that of the arm in which the record is; an event that does not exist is still refused."""
    _second_arm(longitudinal)
    longitudinal([{"record_id": "1", "redcap_event_name": "start_arm_2", "sex": "1"}])
    assert longitudinal([{"record_id": "1", "sex": "2"}]).json() == {"count": 1}
    [row] = longitudinal().json()
    assert (row["redcap_event_name"], row["sex"]) == ("start_arm_2", "2")
    assert longitudinal([{"record_id": "1", "redcap_event_name": "nowhere", "sex": "2"}]).status_code == 400


def test_a_row_without_an_event_is_checked_against_the_first_event(longitudinal: Asked) -> None:
    """What cannot be stored in the first event is refused there, also a row of an instrument that repeats elsewhere."""
    assert longitudinal([{"record_id": "1", "weight": "80"}]).status_code == 400
    repeating = {"record_id": "1", "redcap_repeat_instrument": "visit", "redcap_repeat_instance": "1", "pain": "3"}
    assert longitudinal([repeating]).status_code == 400


def test_arms_events_and_mapping_of_a_classic_project_show_once_it_is_longitudinal(classic: Asked) -> None:
    """They can be imported while the project is classic; its rows stay as they are until events are in use."""
    classic([{"record_id": "1", "sex": "1"}])
    rows = classic().json()
    assert classic(ARMS, content="arm", action="import").text == "2"
    assert classic(EVENTS, content="event", action="import").text == "4"
    mapping = [
        {"unique_event_name": "visit_1_arm_2", "form": "labs"},
        {"unique_event_name": "event_1_arm_1", "form": "baseline"},
    ]
    assert classic(mapping, content="formEventMapping", action="import").text == "2"
    assert (classic().json(), classic(content="event").status_code) == (rows, 400)
    assert classic({"is_longitudinal": 1}, content="project_settings").text == "1"
    assert [arm["name"] for arm in classic.client.export_arms()] == ["A", "B"]
    assert [event["unique_event_name"] for event in classic.client.export_events()] == [
        *("event_1_arm_1", "visit_1_arm_1", "visit_2_arm_1", "visit_1_arm_2", "visit_2_arm_2")
    ]
    assert len(classic.client.export_instrument_event_mappings()) == 2
    second = [{"record_id": "1", "redcap_event_name": "visit_1_arm_2", "weight": "80"}]
    assert classic.client.import_records(second) == {"count": 1}
    assert classic({"is_longitudinal": 0}, content="project_settings").text == "1"
    assert [(row["record_id"], row["weight"]) for row in classic().json()] == [("1", "")]


def test_arms_and_events_can_be_deleted_from_a_classic_project(classic: Asked) -> None:
    """What was imported before the project became longitudinal can be deleted before it, too."""
    classic(ARMS, content="arm", action="import")
    classic(EVENTS, content="event", action="import")
    assert classic(content="event", action="delete", **{"events[0]": "visit_2_arm_1"}).text == "1"
    assert classic(content="arm", action="delete", **{"arms[0]": "2"}).text == "1"
    classic({"is_longitudinal": 1}, content="project_settings")
    assert [event["unique_event_name"] for event in classic.client.export_events()] == [
        "event_1_arm_1",
        "visit_1_arm_1",
    ]


@pytest.mark.parametrize("content", ["arm", "event", "dag", "user", "userRole"])
def test_deleting_nothing_is_no_error(either: Asked, content: str) -> None:
    """A delete that names nothing deletes nothing; one that names what is not there is refused."""
    parameter = {"user": "users", "userRole": "roles"}.get(content, f"{content}s")
    answer = either(content=content, action="delete")
    assert (answer.status_code, answer.text) == (200, "0")
    assert either(content=content, action="delete", **{f"{parameter}[0]": "99"}).status_code == 400


def test_empty_lists_are_their_header_line_and_empty_exports_of_records_a_newline(longitudinal: Asked) -> None:
    """In CSV a list without a row names its columns; records without a row come as a lone newline."""
    longitudinal([], content="formEventMapping", action="import")
    longitudinal(content="dag", action="delete", **{"dags[0]": "north_site"})
    longitudinal(content="dag", action="delete", **{"dags[0]": "south_site"})
    asked = {
        "formEventMapping": "arm_num,unique_event_name,form\n",
        "dag": "data_access_group_name,unique_group_name,data_access_group_id\n",
        "fileRepository": "folder_id,doc_id,name\n",
        "log": "timestamp,username,action,details,record\n",
    }
    more = {"fileRepository": {"action": "list"}, "log": {"user": "nobody"}}
    for content, header in asked.items():
        assert longitudinal(content=content, format="csv", **more.get(content, {})).text == header
        assert longitudinal(content=content, **more.get(content, {})).text == "[]"
    for content, first in {"event": "event_name,arm_num", "arm": "arm_num,name"}.items():
        found = longitudinal(content=content, format="csv", **{"arms[0]": "9"}).text
        assert (found.startswith(first), found.count("\n")) == (True, 1)
    assert longitudinal(content="userRole", format="csv").text.startswith("unique_role_name,role_label,design")
    for kind in ("flat", "eav"):
        assert longitudinal(format="csv", type=kind).text == "\n"


EMPTY_FORM = '<FormData FormOID="Form.baseline"/>'
EVERYTHING: list[dict[str, str]] = [
    *({"content": content} for content in ("arm", "event", "formEventMapping", "repeatingFormsEvents", "metadata")),
    *({"content": content} for content in ("exportFieldNames", "instrument", "project", "pdf", "log", "user", "dag")),
    *({"format": form, "type": kind} for form in ("csv", "json", "xml", "odm") for kind in ("flat", "eav")),
    {"content": "project_xml"},
    {"content": "report", "report_id": "9"},
    {"content": "generateNextRecordName"},
    {"content": "participantList", "instrument": "baseline"},
    {"content": "surveyLink", "instrument": "baseline", "record": "1"},
    {"content": "file", "action": "export", "record": "1", "field": "scan"},
    {"action": "delete", "records": "1"},
    {"filterLogic": "[sex] = 1"},
    {"data": '[{"record_id": "1", "sex": "1"}]'},
    {"data": '[{"record_id": "1", "redcap_repeat_instrument": "labs", "redcap_repeat_instance": "1", "weight": "1"}]'},
    {"data": '[{"record": "1", "field_name": "sex", "value": "1"}]', "type": "eav"},
    {"data": '[{"form_name": "labs"}]', "content": "repeatingFormsEvents"},
    {"data": '[{"event_name": "", "form_name": "labs"}]', "content": "repeatingFormsEvents"},
    {"data": '[{"event_name": "x", "form_name": ""}]', "content": "repeatingFormsEvents"},
    {
        "format": "odm",
        "data": f'<ODM><ClinicalData><SubjectData SubjectKey="1">{EMPTY_FORM}</SubjectData></ClinicalData></ODM>',
    },
]


@pytest.mark.parametrize("asked", EVERYTHING, ids=str)
def test_a_project_without_any_event_is_answered_and_never_fails(either: Asked, asked: dict[str, str]) -> None:
    """Whoever deletes every event gets answers or refusals, never an error of the server."""
    assert either(content="arm", action="delete", **{"arms[0]": "1"}).text == "1"
    assert either(**asked).status_code in (200, 400, 406)


def test_an_event_of_another_time_is_not_looked_into(longitudinal: Asked) -> None:
    """Events a project no longer uses are kept: logic that names them is blank, and what repeats there is not shown."""
    longitudinal([{"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "1"}])
    longitudinal({"is_longitudinal": 0}, content="project_settings")
    assert longitudinal(filterLogic="[followup_arm_1][weight] > 1 or [last-event-name][weight] > 1").json() == []
    assert longitudinal(content="repeatingFormsEvents").status_code == 400
    assert longitudinal(content="project").json()["has_repeating_instruments_or_events"] == 0


@pytest.mark.parametrize(
    ("name", "sent", "media_type"),
    [
        ("notes.txt", "text/plain", 'text/plain; name="notes.txt";charset=UTF-8'),
        ("table.csv", "text/csv", 'text/csv; name="table.csv";charset=UTF-8'),
        ("mugshot-1.jpg", "image/jpeg", 'image/jpeg; name="mugshot-1.jpg"'),
        ("scan.pdf", "application/pdf", 'application/pdf; name="scan.pdf"'),
        ("mugshot-1.jpg", None, 'image/jpeg; name="mugshot-1.jpg"'),
        ("notes.txt", None, 'text/plain; name="notes.txt";charset=UTF-8'),
        ("blob", None, 'application/octet-stream; name="blob"'),
    ],
)
def test_only_text_has_a_charset(classic: Asked, name: str, sent: str | None, media_type: str) -> None:
    """A download of text names its charset, any other type is as it was uploaded; without one the name decides."""
    classic([{"record_id": "1"}])
    part = (name, b"x", sent) if sent else (name, b"x")
    about = {"token": classic.sandbox.token(classic.project), "content": "file", "record": "1", "field": "scan"}
    requests.post(classic.sandbox.api_url, data={**about, "action": "import"}, files={"file": part}, timeout=10)
    found = requests.post(classic.sandbox.api_url, data={**about, "action": "export"}, timeout=10)
    assert found.headers["content-type"] == media_type
    assert "charset" not in classic(content="pdf").headers["content-type"]


def test_a_renamed_group_has_the_name_of_its_new_title(longitudinal: Asked) -> None:
    """Users, records, the log and later calls follow the new unique name; a title that stays changes nothing."""
    place = {"record_id": "1", "redcap_event_name": "screening_arm_1"}
    longitudinal([{**place, "redcap_data_access_group": "north_site"}])
    user = [
        {
            "username": "anna",
            "data_access_group": "north_site",
            "api_export": 1,
            "logging": 1,
            "forms_export": "baseline:1",
        }
    ]
    longitudinal(user, content="user")
    group = {"data_access_group_name": "Far North", "unique_group_name": "north_site"}
    assert longitudinal.client.import_dags([group]) == 1
    names = {dag["unique_group_name"]: dag["data_access_group_name"] for dag in longitudinal.client.export_dags()}
    assert (names["far_north"], "north_site" in names) == ("Far North", False)
    assert longitudinal(exportDataAccessGroups="true").json()[0]["redcap_data_access_group"] == "far_north"
    own = {"token": longitudinal.sandbox.token(longitudinal.project, "anna")}
    assert [row["record_id"] for row in longitudinal(**own).json()] == ["1"]
    assert [row["record"] for row in longitudinal(content="log", logtype="record", **own).json()] == ["1", "1"]
    again = {"data_access_group_name": "Far North", "unique_group_name": "far_north"}
    assert longitudinal.client.import_dags([again]) == 1
    assert longitudinal.client.export_users()[-1]["data_access_group"] == "far_north"


def test_a_group_renamed_to_a_title_that_is_taken_gets_a_name_of_its_own(longitudinal: Asked) -> None:
    """Two groups of one title have two unique names."""
    groups = longitudinal.client.export_dags()
    first, second = groups[0], groups[1]
    longitudinal.client.import_dags([{**second, "data_access_group_name": first["data_access_group_name"]}])
    names = [dag["unique_group_name"] for dag in longitudinal.client.export_dags()]
    assert names[:2] == [first["unique_group_name"], f"{first['unique_group_name']}a"]


@pytest.mark.parametrize("written", ["", {"baseline": ""}, "baseline:"])
def test_a_blank_export_level_is_no_export(classic: Asked, written: Any) -> None:
    """A user or a role imported with a blank `forms_export` exports nothing; one that is not named keeps its level."""
    classic([{"username": "anna", "forms_export": {"baseline": 1}, "forms": {"baseline": 1}}], content="user")
    classic([{"username": "anna", "design": 1}], content="user")
    assert classic.client.export_users()[-1]["forms_export"] == {"baseline": 1, "labs": 0}
    assert classic([{"username": "anna", "forms_export": written}], content="user").text == "1"
    assert classic.client.export_users()[-1]["forms_export"] == {"baseline": 0, "labs": 0}
    assert classic.client.export_users()[-1]["forms"]["baseline"] == 1
    owner = [{"username": "sandbox_user", "forms_export": ""}]
    classic(owner, content="user")
    assert set(classic.client.export_users()[0]["forms_export"].values()) == {0}


LOCKS = ("lock_records_all_forms", "lock_records", "lock_records_customization")


@pytest.mark.parametrize("workflow", [False, True])
def test_the_right_to_resolve_queries_is_listed_where_the_workflow_is_on(tmp_path: Path, *, workflow: bool) -> None:
    """Users and roles have it only there; roles list the rights to lock the other way round."""
    for call in _served(simple_project(tmp_path, data_resolution_workflow=workflow)):
        call([{"role_label": "Readers"}], content="userRole")
        [user], [role] = call.client.export_users(), call.client.export_user_roles()
        assert ("data_quality_resolution" in user, "data_quality_resolution" in role) == (workflow, workflow)
        assert tuple(name for name in user if name in LOCKS) == LOCKS
        assert tuple(name for name in role if name in LOCKS) == LOCKS[::-1]
        header = call(content="userRole", format="csv").text.splitlines()[0].split(",")
        assert header == list(role)


@pytest.mark.parametrize(
    ("sent", "status", "columns"),
    [
        ([("fields[1]", "sex"), ("fields", "nope")], 400, None),
        ([("fields[1]", "sex"), ("fields", "record_id")], 200, ["record_id"]),
        ([("fields", "nope"), ("fields[]", "sex")], 200, ["sex"]),
        ([("fields[0]", "nope"), ("fields[0]", "sex")], 200, ["sex"]),
        ([("fields[7]", "sex"), ("fields[]", "record_id")], 200, ["record_id", "sex"]),
    ],
)
def test_a_later_parameter_replaces_one_of_the_same_name(
    classic: Asked, sent: list[tuple[str, str]], status: int, columns: list[str] | None
) -> None:
    """A scalar behind an array is what counts, an array behind a scalar, and the last value of an index."""
    classic([{"record_id": "1", "sex": "1"}])
    about = [("token", classic.sandbox.token(classic.project)), ("content", "record"), ("format", "json"), *sent]
    answer = requests.post(classic.sandbox.api_url, data=about, timeout=10)
    assert answer.status_code == status
    assert columns is None or list(answer.json()[0]) == columns


def test_surveys_know_the_arms_of_records(tmp_path: Path) -> None:
    """The participants of an event are the records of its arm, and links and codes of another arm's are refused."""
    for call in _served(longitudinal_project(tmp_path, surveys=["baseline"])):
        _second_arm(call)
        call([{"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "1"}])
        call([{"record_id": "2", "redcap_event_name": "start_arm_2", "sex": "2"}])
        call([{"record_id": "3", "redcap_event_name": event} for event in ("screening_arm_1", "start_arm_2")])
        listed = {
            event: [row["record"] for row in call.client.export_survey_participant_list("baseline", event=event)]
            for event in ("screening_arm_1", "start_arm_2")
        }
        assert listed == {"screening_arm_1": ["1", "3"], "start_arm_2": ["2", "3"]}
        about = {"instrument": "baseline", "record": "2"}
        for content in ("surveyLink", "surveyAccessCode", "surveyReturnCode"):
            assert call(content=content, event="start_arm_2", **about).status_code == 200
            refused = call(content=content, event="screening_arm_1", **about)
            assert (refused.status_code, refused.json()) == (400, {"error": 'The record "2" does not exist'})
        queue = requests.get(call.client.export_survey_queue_link("2").replace(PUBLIC, call.sandbox.url), timeout=10)
        assert (queue.text.count("/surveys/?s="), queue.status_code) == (1, 200)


ITEMS = (
    '<ItemDef OID="dx" Name="dx" DataType="text" Length="999" redcap:Variable="dx" redcap:FieldType="text" '
    'redcap:OntologySearch="BIOPORTAL:ICD10CM"><Question><TranslatedText>Diagnosis</TranslatedText>'
    "<redcap:FormattedTranslatedText>&lt;b&gt;Diagnosis&lt;/b&gt;</redcap:FormattedTranslatedText></Question></ItemDef>"
    '<ItemDef OID="n" Name="n" DataType="float" Length="999" redcap:Variable="n" redcap:FieldType="text" '
    'redcap:TextValidationType="float"><Question><TranslatedText>if a &lt; b</TranslatedText></Question></ItemDef>'
    '<ItemDef OID="twice" Name="twice" DataType="float" Length="999" redcap:Variable="twice" redcap:FieldType="calc" '
    'redcap:Calculation="[n] * 2"><Question><TranslatedText>Twice</TranslatedText></Question></ItemDef>'
)
ITEM_NAMES = ("record_id", "dx", "n", "twice")
DATA = (
    '<ClinicalData StudyOID="P" MetaDataVersionOID="M"><SubjectData SubjectKey="1"><FormData FormOID="Form.f" '
    'FormRepeatKey="1"><ItemGroupData ItemGroupOID="f.g" ItemGroupRepeatKey="1"><ItemData ItemOID="record_id" '
    'Value="1"/><ItemData ItemOID="dx" Value="I10"/><ItemData ItemOID="n" Value="2"/><ItemData ItemOID="twice" '
    'Value="5"/></ItemGroupData></FormData></SubjectData></ClinicalData>'
)


def _xml(items: str, data: str) -> str:
    refs = "".join(f'<ItemRef ItemOID="{name}" Mandatory="No" redcap:Variable="{name}"/>' for name in ITEM_NAMES)
    first = '<ItemDef OID="record_id" Name="record_id" redcap:Variable="record_id" redcap:FieldType="text"/>'
    study = (
        '<Study OID="P"><GlobalVariables><StudyName>T</StudyName></GlobalVariables><MetaDataVersion OID="M" Name="T">'
        '<FormDef OID="Form.f" Name="F" redcap:FormName="f"><ItemGroupRef ItemGroupOID="f.g"/></FormDef>'
        f'<ItemGroupDef OID="f.g" Name="F">{refs}</ItemGroupDef>{first}{items}</MetaDataVersion></Study>'
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" ?><ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" '
        f'xmlns:redcap="https://projectredcap.org">{study if items else ""}{data}</ODM>'
    )


def test_metadata_of_an_xml_have_ontology_and_formats(tmp_path: Path) -> None:
    """What a text field searches and how a label is formatted come back, also through the XML written of it."""
    path = tmp_path / "p.xml"
    path.write_text(_xml(ITEMS, DATA), encoding="utf-8")
    for call in _served(project_from_xml(path, clock=Clock())):
        metadata = call.client.export_metadata()
        dx, n = metadata[1], metadata[2]
        assert (dx["select_choices_or_calculations"], dx["field_label"]) == ("BIOPORTAL:ICD10CM", "<b>Diagnosis</b>")
        assert n["field_label"] == "if a < b"
        written = call(content="project_xml").text
        assert "<TranslatedText>Diagnosis</TranslatedText>" in written
        for again in _served(project_from_odm(written, clock=Clock())):
            assert again.client.export_metadata() == metadata


def test_an_xml_of_data_alone_is_called_so(tmp_path: Path) -> None:
    """An export without metadata is no project, and the refusal says which export it is."""
    path = tmp_path / "p.xml"
    path.write_text(_xml("", DATA), encoding="utf-8")
    with pytest.raises(ProjectFileWrong, match="data-only export"):
        project_from_xml(path, clock=Clock())
    path.write_text(_xml("", ""), encoding="utf-8")
    with pytest.raises(ProjectFileWrong, match="it has no field"):
        project_from_xml(path, clock=Clock())


@pytest.mark.parametrize(("options", "stored"), [([], ""), (["--calculated"], "5")])
def test_the_command_line_keeps_stored_calculations_where_asked(
    tmp_path: Path, options: list[str], stored: str
) -> None:
    """Calculated values of a project XML are left out as by a call, and kept with an option."""
    path = tmp_path / "p.xml"
    path.write_text(_xml(ITEMS, DATA), encoding="utf-8")
    with _started("--project", str(path), *options) as (lines, url):
        token = lines[0].split()[-1]
        asked = {"token": token, "content": "record", "format": "json"}
        assert requests.post(f"{url}/api/", data=asked, timeout=10).json()[0]["twice"] == stored


def test_the_command_line_adds_users_with_groups_and_roles(tmp_path: Path) -> None:
    """Each further user has a token, sees the own group's records, and may what the role allows."""
    folder = longitudinal_folder(tmp_path / "p")
    state = str(tmp_path / "state.db")
    arguments = ["--project", str(folder), "--state", state, "--user", "anna,group=north_site", "--user", "ben"]
    with _started(*arguments) as (lines, url):
        tokens = {line.split()[2]: line.split()[3] for line in lines if line.startswith("user ")}
        assert [*tokens] == ["anna", "ben"]
        owner, anna, ben = (redcap.Project(f"{url}/api/", t) for t in (lines[0].split()[-1], *tokens.values()))
        row = {"record_id": "1", "redcap_event_name": "screening_arm_1"}
        anna.import_records([row])
        ben.import_records([{**row, "record_id": "2"}])
        assert [len(client.export_records()) for client in (owner, anna, ben)] == [2, 1, 2]
        owner.import_user_roles([{"role_label": "Reader", "api_export": 1, "forms_export": {"baseline": 1}}])
    with _started(*arguments[:-1], "ben,role=Reader") as (lines, url):
        assert {line.split()[2]: line.split()[3] for line in lines if line.startswith("user ")} == tokens
        ben = redcap.Project(f"{url}/api/", tokens["ben"])
        assert len(ben.export_records()) == 2
        with pytest.raises(redcap.RedcapError, match="API Import/Update"):
            ben.import_records([{**row, "record_id": "3"}])


@pytest.mark.parametrize(
    "written", ["", ",group=north_site", "anna,site=x", "anna,group=", "anna,group=x", "anna,role=x"]
)
def test_a_user_that_cannot_be_added_is_refused(tmp_path: Path, written: str) -> None:
    """A user without a name, of a group or a role that is not there ends the command before it listens."""
    folder = longitudinal_folder(tmp_path / "p")
    with pytest.raises(SystemExit) as ended:
        main(["--project", str(folder), "--user", written])
    assert ended.value.code == 2


@contextmanager
def _started(*arguments: str) -> Iterator[tuple[list[str], str]]:
    """The sandbox as a command: the lines before `ready`, and its address."""
    command = [sys.executable, "-m", "redcap_sync.sandbox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = []
            while not (line := process.stdout.readline() if process.stdout else "ready -").startswith("ready"):
                assert line
                lines.append(line.strip())
            yield lines, line.split()[1]
        finally:
            process.terminate()


@pytest.mark.parametrize("instrument", ["baseline", "labs", "nowhere"])
@pytest.mark.parametrize("where", ["", "&event_id=1", "&event_id=99"])
def test_pages_of_a_project_without_any_event_never_fail(either: Asked, instrument: str, where: str) -> None:
    """Its pages say that there is nothing, or are not there."""
    either([{"record_id": "1"}])
    either(content="arm", action="delete", **{"arms[0]": "1"})
    base, pid = f"{either.sandbox.url}/redcap_v14.5.0", either.project.project_id
    for page in (f"index.php?pid={pid}", f"DataEntry/record_home.php?pid={pid}&id=1"):
        assert requests.get(f"{base}/{page}", timeout=10).status_code in (200, 404)
    entry = f"{base}/DataEntry/index.php?pid={pid}&id=1&page={instrument}{where}"
    assert requests.get(entry, timeout=10).status_code in (200, 404)


def test_a_checkbox_without_a_choice_has_a_page(tmp_path: Path) -> None:
    """A checkbox that has the options of missing data codes alone is shown like any other."""
    fields = [("record_id", "form", "text", "Record ID"), ("box", "form", "checkbox", "Box", "")]
    write_structure(tmp_path, fields, [("form", "Form")])
    settings = {"title": "Box", "missing_data_codes": "NI, No information"}
    (tmp_path / "project.json").write_text(json.dumps(settings), encoding="utf-8")
    for call in _served(project_from_folder(tmp_path, clock=Clock())):
        call([{"record_id": "1", "box___ni": "1"}])
        address = f"{call.sandbox.url}/redcap_v14.5.0/DataEntry/index.php?pid={call.project.project_id}&id=1&page=form"
        page = requests.get(address, timeout=10)
        assert (page.status_code, page.text.count('id="box-tr"')) == (200, 1)
