"""Each public method of PyCap, found by introspection, over HTTP: classic, longitudinal and repeating projects."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import redcap

from redcap_sync.sandbox import running
from redcap_sync.sandbox.faults import Faults
from tests.sandbox_examples import StudyOfAKind, project_of_a_kind

CLASSIC = "for classic projects"
NO_REPEATS = "does not contain any repeating instruments and events"


@dataclass
class Study(StudyOfAKind):
    """A client of one kind of project."""

    client: redcap.Project
    kind: str
    faults: Faults
    kept: dict[str, Any] = field(default_factory=dict)


def _keep(study: Study, name: str, value: Any) -> Any:
    study.kept[name] = value
    return value


def _only_longitudinal(study: Study, call: Callable[[], Any]) -> Any:
    """Make an export that classic projects refuse, and see that they do."""
    if study.longitudinal:
        return call()
    with pytest.raises(redcap.RedcapError, match=CLASSIC):
        call()
    return True


def _repeating(study: Study) -> bool:
    if study.kind == "simple":
        with pytest.raises(redcap.RedcapError, match=NO_REPEATS):
            study.client.export_repeating_instruments_events()
        return True
    return bool(_keep(study, "repeating", study.client.export_repeating_instruments_events()))


def _import_repeating(study: Study) -> bool:
    rows = study.kept.get("repeating", [])
    return study.client.import_repeating_instruments_events(rows) == len(rows)


def _download(study: Study) -> bool:
    content, headers = study.client.export_file(record="1", field="scan", **study.labs)
    return (content, headers["name"]) == (b"grey", "scan.txt")


def _delete_file(study: Study) -> bool:
    """PyCap hides whether a delete went well, so the file is asked for again."""
    study.client.delete_file(record="1", field="scan", **study.labs)
    with pytest.raises(redcap.RedcapError, match="no file to download"):
        study.client.export_file(record="1", field="scan", **study.labs)
    return True


def _delete_document(study: Study) -> bool:
    """The same for a file of the repository."""
    study.client.delete_file_from_repository(doc_id=study.kept["doc"])
    return study.client.export_file_repository(folder_id=study.kept["folder"]) == []


def _shapes_of_records(study: Study) -> bool:
    """The rows of the project in each form PyCap knows."""
    rows = study.client.export_records()
    expected = {"simple": 2, "longitudinal": 3, "repeating": 3}[study.kind]
    frame = study.client.export_records(format_type="df")
    columns = [row["redcap_repeat_instance"] for row in rows if "redcap_repeat_instance" in row]
    eav = study.client.export_records(record_type="eav")
    assert columns == {"simple": [], "longitudinal": [""] * 3, "repeating": ["", 1, ""]}[study.kind]
    assert {(row["field_name"], row["value"]) for row in eav} >= {("sex", "1"), ("weight", "81"), ("sex", "2")}
    return len(rows) == len(frame) == expected


EVENT_ROW = {"event_name": "Late", "arm_num": 2}
CALLS: dict[str, tuple[str, Callable[[Study], Any]]] = {
    "import_records": ("record", lambda s: s.client.import_records(s.rows) == {"count": 2}),
    "export_records": ("record", _shapes_of_records),
    "generate_next_record_name": ("generateNextRecordName", lambda s: s.client.generate_next_record_name() == "3"),
    "export_metadata": ("metadata", lambda s: _keep(s, "metadata", s.client.export_metadata())),
    "import_metadata": ("metadata", lambda s: s.client.import_metadata(s.kept["metadata"]) == len(s.kept["metadata"])),
    "export_field_names": ("exportFieldNames", lambda s: s.client.export_field_names()[0]["export_field_name"]),
    "export_instruments": ("instrument", lambda s: len(s.client.export_instruments()) >= 2),
    "export_project_info": ("project", lambda s: s.client.export_project_info()["is_longitudinal"] == s.longitudinal),
    "export_version": ("version", lambda s: str(s.client.export_version()) == "14.5.0"),
    "export_report": ("report", lambda s: {row["sex"] for row in s.client.export_report("9")} == {"1"}),
    "export_logging": ("log", lambda s: s.client.export_logging(log_type="record_add")[0]["record"] == "2"),
    "export_pdf": ("pdf", lambda s: s.client.export_pdf(record="1", **s.event)[0].startswith(b"%PDF")),
    "import_file": (
        "file",
        lambda s: s.client.import_file(
            record="1", field="scan", file_name="scan.txt", file_object=BytesIO(b"grey"), **s.labs
        ),
    ),
    "export_file": ("file", _download),
    "delete_file": ("file", _delete_file),
    "create_folder_in_repository": (
        "fileRepository",
        lambda s: _keep(s, "folder", s.client.create_folder_in_repository(name="Protocols")[0]["folder_id"]),
    ),
    "import_file_into_repository": (
        "fileRepository",
        lambda s: s.client.import_file_into_repository("plan.pdf", BytesIO(b"%PDF"), folder_id=s.kept["folder"]),
    ),
    "export_file_repository": (
        "fileRepository",
        lambda s: _keep(s, "doc", s.client.export_file_repository(folder_id=s.kept["folder"])[0]["doc_id"]),
    ),
    "export_file_from_repository": (
        "fileRepository",
        lambda s: s.client.export_file_from_repository(doc_id=s.kept["doc"])[0] == b"%PDF",
    ),
    "delete_file_from_repository": ("fileRepository", _delete_document),
    "export_survey_link": (
        "surveyLink",
        lambda s: "/surveys/?s=" in s.client.export_survey_link(instrument="baseline", record="1", **s.event),
    ),
    "export_survey_queue_link": (
        "surveyQueueLink",
        lambda s: "/surveys/?sq=" in s.client.export_survey_queue_link(record="1"),
    ),
    "export_survey_access_code": (
        "surveyAccessCode",
        lambda s: len(s.client.export_survey_access_code(instrument="baseline", record="1", **s.event)) == 9,
    ),
    "export_survey_return_code": (
        "surveyReturnCode",
        lambda s: len(s.client.export_survey_return_code(instrument="baseline", record="1", **s.event)) == 8,
    ),
    "export_survey_participant_list": (
        "participantList",
        lambda s: len(s.client.export_survey_participant_list(instrument="baseline", **s.event)) == 2,
    ),
    "export_users": ("user", lambda s: s.client.export_users()[0]["username"] == "sandbox_user"),
    "import_users": ("user", lambda s: s.client.import_users([{"username": "tester_a", "api_export": 1}]) == 1),
    "import_user_roles": ("userRole", lambda s: s.client.import_user_roles([{"role_label": "Readers"}]) == 1),
    "export_user_roles": (
        "userRole",
        lambda s: _keep(s, "role", s.client.export_user_roles()[-1]["unique_role_name"]),
    ),
    "import_user_role_assignment": (
        "userRoleMapping",
        lambda s: (
            s.client.import_user_role_assignment([{"username": "tester_a", "unique_role_name": s.kept["role"]}]) == 1
        ),
    ),
    "export_user_role_assignment": (
        "userRoleMapping",
        lambda s: s.client.export_user_role_assignment()[-1]["unique_role_name"] == s.kept["role"],
    ),
    "import_dags": (
        "dag",
        lambda s: s.client.import_dags([{"data_access_group_name": "New DAG", "unique_group_name": ""}]) == 1,
    ),
    "export_dags": ("dag", lambda s: s.client.export_dags()[-1]["unique_group_name"] == "new_dag"),
    "import_user_dag_assignment": (
        "userDagMapping",
        lambda s: (
            s.client.import_user_dag_assignment([{"username": "tester_a", "redcap_data_access_group": "new_dag"}]) == 1
        ),
    ),
    "export_user_dag_assignment": (
        "userDagMapping",
        lambda s: s.client.export_user_dag_assignment()[-1]["redcap_data_access_group"] == "new_dag",
    ),
    "switch_dag": ("dag", lambda s: s.client.switch_dag("new_dag") == "1" and s.client.export_records() == []),
    "delete_dags": ("dag", lambda s: s.client.delete_dags(["new_dag"]) == 1 and len(s.client.export_records()) >= 2),
    "delete_user_roles": ("userRole", lambda s: s.client.delete_user_roles([s.kept["role"]]) == 1),
    "delete_users": ("user", lambda s: s.client.delete_users(["tester_a"]) == 1),
    "import_arms": ("arm", lambda s: s.client.import_arms([{"arm_num": 2, "name": "Control"}]) == 1),
    "import_events": ("event", lambda s: s.client.import_events([EVENT_ROW]) == 1),
    "export_arms": ("arm", lambda s: _only_longitudinal(s, lambda: len(s.client.export_arms()) == 2)),
    "export_events": ("event", lambda s: _only_longitudinal(s, lambda: len(s.client.export_events()) == 4)),
    "delete_events": ("event", lambda s: s.client.delete_events(["late_arm_2"]) == 1),
    "delete_arms": ("arm", lambda s: s.client.delete_arms(["2"]) == 1),
    "export_instrument_event_mappings": (
        "formEventMapping",
        lambda s: _only_longitudinal(s, lambda: _keep(s, "mapping", s.client.export_instrument_event_mappings())),
    ),
    "import_instrument_event_mappings": (
        "formEventMapping",
        lambda s: (
            s.client.import_instrument_event_mappings(s.kept.get("mapping", [])) == len(s.kept.get("mapping", []))
        ),
    ),
    "export_repeating_instruments_events": ("repeatingFormsEvents", _repeating),
    "import_repeating_instruments_events": ("repeatingFormsEvents", _import_repeating),
    "delete_records": ("record", lambda s: s.client.delete_records(["2"]) == 1 and s.client.delete_records(["1"]) == 1),
}
"""Method to the content its request must carry, and the call with what must come of it, in an order that works."""


def test_the_table_names_every_method_there_is() -> None:
    """A method of a newer PyCap that is missing from the table fails here, and so does one that is gone."""
    public = {name for name, _ in inspect.getmembers(redcap.Project, inspect.isfunction) if not name.startswith("_")}
    assert set(CALLS) == public


@pytest.fixture(params=["simple", "longitudinal", "repeating"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """A running server that counts its requests, with an empty project of one kind."""
    faults, project = Faults(), project_of_a_kind(request.param, tmp_path)
    with running([project], faults=faults) as sandbox:
        client = redcap.Project(sandbox.api_url, sandbox.token(project))
        if request.param == "repeating":
            client.import_repeating_instruments_events([{"form_name": "labs", "custom_form_label": "[weight]"}])
        yield Study(client, request.param, faults)


def test_every_method_speaks_to_the_server(study: Study) -> None:
    """Each method sends its content over HTTP and gets what a server of that kind answers."""
    for name, (content, call) in CALLS.items():
        study.faults.requests.clear()
        assert call(study), name
        assert content in study.faults.requests, name


def test_properties_are_those_of_the_project(study: Study) -> None:
    """What PyCap works out by itself agrees: the events, the id field, the instruments, the version."""
    client = study.client
    assert (client.is_longitudinal, client.def_field) == (study.longitudinal, "record_id")
    assert set(client.forms) >= {"baseline", "labs"}
    assert "weight" in client.field_names
    assert client.metadata[0]["field_name"] == "record_id"
    assert str(client.redcap_version) == "14.5.0"
