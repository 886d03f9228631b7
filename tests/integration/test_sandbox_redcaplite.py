"""Each public method of redcaplite, a client written independently of PyCap, on projects of three kinds."""

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redcaplite

from redcap_sync.sandbox import Running, running
from tests.sandbox_examples import Clock, StudyOfAKind, project_of_a_kind

SUPER = "S" * 64
TRANSPORT = {"post", "text_api", "file_download_api", "file_upload_api"}


@dataclass
class Study(StudyOfAKind):
    """A client of one kind of project."""

    client: Any
    kind: str
    folder: Path
    sandbox: Running
    kept: dict[str, Any] = field(default_factory=dict)

    def keep(self, name: str, value: Any) -> Any:
        """Keep what a call gave for one that comes later."""
        self.kept[name] = value
        return value

    def refused(self, call: Callable[[], Any], words: str) -> bool:
        """See that a call is refused, and that the client finds the server's words."""
        with pytest.raises(redcaplite.http.error.APIException, match=words):
            call()
        return True

    def by_event(self, call: Callable[[], Any]) -> Any:
        """Make an export that classic projects refuse, and see that they do."""
        return call() if self.longitudinal else self.refused(call, "for classic projects")

    def sent(self, name: str, content: bytes) -> str:
        """Write a file to be uploaded."""
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def received(self, name: str) -> bytes:
        """Read a file that was downloaded."""
        return (self.folder / "received" / name).read_bytes()


def _records(study: Study) -> bool:
    """The rows as a frame and as a list: the same."""
    frame, rows = study.client.export_records(), study.client.export_records(format="json")
    assert len(frame) == len(rows) == {"simple": 2, "longitudinal": 3, "repeating": 3}[study.kind]
    return list(frame.columns) == list(rows[0])


def _import_records(study: Study) -> bool:
    """Rows and frames; ids, counts, and pairs of new ids with those that stood in their place."""
    import pandas as pd

    client, frame = study.client, pd.DataFrame(study.rows).convert_dtypes()
    assert client.import_records(study.rows) == ["1", "2"]
    assert client.import_records(frame) == ["1", "2"]
    assert client.import_records(study.rows[2:], returnContent="count") == {"count": 1}
    new = client.import_records(study.rows[2:], returnContent="auto_ids", forceAutoNumber=True)
    assert new == ["3,2"]
    return client.delete_records(["3"]) == 1


def _repeating(study: Study) -> bool:
    export = study.client.get_repeating_forms_events
    if study.kind == "simple":
        return study.refused(export, "does not contain any repeating")
    return bool(study.keep("repeating", export()))


def _download(study: Study) -> bool:
    study.client.get_file("1", "scan", **study.labs, file_dictionary=str(study.folder / "received"))
    return study.received("scan.txt") == b"grey"


def _expects_json(call: Callable[[], Any]) -> None:
    """Make a call whose answer is no JSON on any server, which this client fails to read after all is done."""
    with pytest.raises(ValueError, match=r"Expecting value|Extra data"):
        call()


def _delete_file(study: Study) -> bool:
    _expects_json(lambda: study.client.delete_file("1", "scan", **study.labs))
    return study.refused(lambda: study.client.get_file("1", "scan", **study.labs), "There is no file to download")


def _delete_document(study: Study) -> bool:
    _expects_json(lambda: study.client.delete_file_repository(study.kept["doc"]))
    return study.client.list_file_repository(study.kept["folder"]) == []


def _document(study: Study) -> bool:
    study.client.export_file_repository(study.kept["doc"], file_dictionary=str(study.folder / "received"))
    return study.received("plan.pdf") == b"%PDF"


def _pdf(study: Study) -> bool:
    study.client.export_pdf("1", compactDisplay=True, file_dictionary=str(study.folder / "received"), **study.event)
    return study.received(f"{study.client.get_project()['project_title']}.pdf").startswith(b"%PDF")


def _rename(study: Study) -> bool:
    return study.client.rename_record("2", "2a") == 1 and study.client.rename_record("2a", "2") == 1


def _create(study: Study) -> bool:
    client = redcaplite.RedcapClient(study.sandbox.api_url, SUPER)
    before = len(study.sandbox.installation.projects)
    _expects_json(lambda: client.create_project([{"project_title": "New", "purpose": 0}]))
    return len(study.sandbox.installation.projects) == before + 1


LATE = {"event_name": "Late", "arm_num": 2}
ROLE = [{"role_label": "Readers", "api_export": 1, "forms": {"labs": 1}}]
CALLS: dict[str, Callable[[Study], Any]] = {
    "import_records": _import_records,
    "export_records": _records,
    "rename_record": _rename,
    "generate_next_record_name": lambda s: s.client.generate_next_record_name() == 3,
    "get_metadata": lambda s: len(s.keep("metadata", s.client.get_metadata())) >= 12,
    "import_metadata": lambda s: s.client.import_metadata(s.kept["metadata"]) == str(len(s.kept["metadata"])),
    "get_field_names": lambda s: s.client.get_field_names("complaint")[2]["export_field_name"] == "complaint____9",
    "get_instruments": lambda s: len(s.client.get_instruments(format="csv")) >= 2,
    "get_project": lambda s: s.client.get_project()["is_longitudinal"] == s.longitudinal,
    "import_project_settings": lambda s: s.client.import_project_settings({"project_notes": "n", "purpose": 2}) == 2,
    "create_project": _create,
    "get_project_xml": lambda s: "<ODM" in s.client.get_project_xml(exportSurveyFields=True),
    "get_version": lambda s: s.client.get_version() == "14.5.0",
    "get_report": lambda s: {str(code) for code in s.client.get_report(9)["sex"]} == {"1"},
    "get_logs": lambda s: s.client.get_logs(logtype="record_add", endTime=Clock().now)["record"].iloc[-1] == 1,
    "import_file": lambda s: s.client.import_file(s.sent("scan.txt", b"grey"), "1", "scan", **s.labs).ok,
    "get_file": _download,
    "delete_file": _delete_file,
    "export_pdf": _pdf,
    "create_folder_file_repository": lambda s: s.keep(
        "folder", s.client.create_folder_file_repository("Protocols")[0]["folder_id"]
    ),
    "import_file_repository": lambda s: (
        s.client.import_file_repository(s.sent("plan.pdf", b"%PDF"), s.kept["folder"]).ok
    ),
    "list_file_repository": lambda s: s.keep("doc", s.client.list_file_repository(s.kept["folder"])[0]["doc_id"]),
    "export_file_repository": _document,
    "delete_file_repository": _delete_document,
    "get_survey_link": lambda s: "/surveys/?s=" in s.client.get_survey_link("1", "baseline", **s.event),
    "get_survey_queue_link": lambda s: "/surveys/?sq=" in s.client.get_survey_queue_link("1"),
    "get_survey_return_code": lambda s: len(s.client.get_survey_return_code("1", "baseline", **s.event)) == 8,
    "get_participant_list": lambda s: list(s.client.get_participant_list("baseline", **s.event)["record"]) == [1, 2],
    "import_users": lambda s: s.client.import_users([{"username": "tester_a", "api_export": 1}]) == 1,
    "get_users": lambda s: [one["username"] for one in s.client.get_users()] == ["sandbox_user", "tester_a"],
    "import_user_roles": lambda s: s.client.import_user_roles(ROLE) == 1,
    "get_user_roles": lambda s: s.keep("role", s.client.get_user_roles()[-1]["unique_role_name"]),
    "import_user_role_mappings": lambda s: (
        s.client.import_user_role_mappings([{"username": "tester_a", "unique_role_name": s.kept["role"]}]) == 1
    ),
    "get_user_role_mappings": lambda s: s.client.get_user_role_mappings()[-1]["unique_role_name"] == s.kept["role"],
    "import_dags": lambda s: (
        s.client.import_dags([{"data_access_group_name": "New DAG", "unique_group_name": ""}]) == 1
    ),
    "get_dags": lambda s: s.client.get_dags()[-1]["unique_group_name"] == "new_dag",
    "import_user_dag_mappings": lambda s: (
        s.client.import_user_dag_mappings([{"username": "tester_a", "redcap_data_access_group": "new_dag"}]) == 1
    ),
    "get_user_dag_mappings": lambda s: (
        s.client.get_user_dag_mappings(format="csv")["redcap_data_access_group"].iloc[-1] == "new_dag"
    ),
    "switch_dag": lambda s: str(s.client.switch_dag("new_dag")) == "1" and s.client.export_records(format="json") == [],
    "delete_dags": lambda s: s.client.delete_dags(["new_dag"]) == 1 and len(s.client.export_records()) >= 2,
    "delete_user_roles": lambda s: s.client.delete_user_roles([s.kept["role"]]) == 1,
    "delete_users": lambda s: s.client.delete_users(["tester_a"]) == 1,
    "import_arms": lambda s: s.client.import_arms([{"arm_num": 2, "name": "Control"}]) == 1,
    "import_events": lambda s: s.client.import_events([LATE]) == 1,
    "get_arms": lambda s: s.by_event(lambda: [arm["arm_num"] for arm in s.client.get_arms([1, 2])] == [1, 2]),
    "get_events": lambda s: s.by_event(lambda: len(s.client.get_events(format="csv")) == 4),
    "delete_events": lambda s: s.client.delete_events(["late_arm_2"]) == 1,
    "delete_arms": lambda s: s.client.delete_arms([2]) == 1,
    "get_form_event_mappings": lambda s: s.by_event(lambda: s.keep("mapping", s.client.get_form_event_mappings())),
    "import_form_event_mappings": lambda s: (
        s.client.import_form_event_mappings(s.kept.get("mapping", [])) == len(s.kept.get("mapping", []))
    ),
    "get_repeating_forms_events": _repeating,
    "import_repeating_forms_events": lambda s: (
        s.client.import_repeating_forms_events(s.kept.get("repeating", [])) == len(s.kept.get("repeating", []))
    ),
    "delete_records": lambda s: s.client.delete_records(["2"]) == 1 and s.client.delete_records(["1"]) == 1,
}
"""Method to the call with what must come of it, in an order that works."""


def test_the_table_names_every_method_there_is() -> None:
    """A method of a newer redcaplite that is missing from the table fails here, and so does one that is gone."""
    found = inspect.getmembers(redcaplite.RedcapClient, inspect.isfunction)
    assert set(CALLS) == {name for name, _ in found if not name.startswith("_")} - TRANSPORT


@pytest.fixture(params=["simple", "longitudinal", "repeating"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """A running server with an empty project of one kind."""
    project = project_of_a_kind(request.param, tmp_path / "p")
    (tmp_path / "received").mkdir()
    with running([project], super_token=SUPER) as sandbox:
        client = redcaplite.RedcapClient(sandbox.api_url, sandbox.token(project))
        if request.param == "repeating":
            client.import_repeating_forms_events([{"form_name": "labs", "custom_form_label": "[weight]"}])
        yield Study(client, request.param, tmp_path, sandbox)


def test_every_method_gets_what_a_server_answers(study: Study) -> None:
    """Each method does to the project what it is for, and reads the answer."""
    for name, call in CALLS.items():
        assert call(study), name


def test_refusals_reach_the_caller_in_the_servers_words(study: Study) -> None:
    """A wrong value is reported with its line, and a wrong token is no permission."""
    row = {**study.rows[0], "sex": "7"}
    line = '"1","sex","7","The value is not a valid category for sex"'
    study.refused(lambda: study.client.import_records(json.dumps([row]), format="json"), line)
    stranger = redcaplite.RedcapClient(study.sandbox.api_url, "0" * 32)
    study.refused(stranger.get_project, "Forbidden")
