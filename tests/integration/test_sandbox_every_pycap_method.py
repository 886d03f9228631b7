"""What PyCap's methods do to a project: answers, shapes and side effects, as against a server."""

from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from random import Random

import pandas as pd
import pytest
import redcap

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from tests.sandbox_examples import longitudinal_project, simple_project

Served = tuple[Running, StoredProject, redcap.Project, StoredProject, redcap.Project]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A classic and a longitudinal project, each with its client."""
    settings = {"record_autonumbering_enabled": 1, "surveys": ["baseline"], "surveys_enabled": 1}
    reports = [{"report_id": 9, "title": "Women", "fields": ["record_id", "sex"], "logic": "[sex] = '1'"}]
    simple = simple_project(tmp_path / "s", reports=reports, **settings)
    longitudinal = longitudinal_project(tmp_path / "l")
    with running([simple, longitudinal], random=Random(1), public_url="https://redcap.example.org") as sandbox:
        clients = [redcap.Project(sandbox.api_url, sandbox.token(p)) for p in (simple, longitudinal)]
        yield sandbox, simple, clients[0], longitudinal, clients[1]


def test_arms_and_events(served: Served) -> None:
    """Arms are seen once they have an event; override wipes; unique names come back the same."""
    client = served[4]
    before = client.export_events()
    assert client.import_arms([{"arm_num": 2, "name": "Control"}]) == 1
    assert len(client.export_arms()) == 1
    assert client.import_events([{"event_name": "Deadline to opt out of study", "arm_num": 2}]) == 1
    assert client.export_arms(arms=["2"]) == [{"arm_num": 2, "name": "Control"}]
    assert client.export_events(arms=["2"])[0]["unique_event_name"] == "deadline_to_opt_ou_arm_2"
    assert client.delete_events(["deadline_to_opt_ou_arm_2"]) == 1
    assert client.delete_arms(["2"]) == 1
    mapping = client.export_instrument_event_mappings()
    assert client.import_events(before, override=True) == len(before)
    named = [{"event_name": e["event_name"], "arm_num": e["arm_num"]} for e in before]
    assert client.import_events(named, override=True) == len(before)
    after = [event["unique_event_name"] for event in client.export_events()]
    assert after == ["screening_arm_1", "follow_up_arm_1", "diary_arm_1"]
    assert client.import_events(before, override=True) == len(before)
    assert client.export_instrument_event_mappings() == []
    renamed = [
        {**row, "unique_event_name": row["unique_event_name"].replace("followup", "follow_up")} for row in mapping
    ]
    assert client.import_instrument_event_mappings(renamed) == 4
    assert client.export_instrument_event_mappings() == renamed
    assert client.import_instrument_event_mappings(renamed[:1]) == 1
    assert len(client.export_instrument_event_mappings(arms=["1"])) == 1


def test_repeating_setup_moves_values(served: Served) -> None:
    """What was stored once becomes the first instance when an instrument begins to repeat, and back."""
    client = served[2]
    with pytest.raises(redcap.RedcapError, match="does not contain any repeating instruments and events"):
        client.export_repeating_instruments_events()
    client.import_records([{"record_id": "1", "sex": "1", "weight": "80"}])
    assert client.import_repeating_instruments_events([{"form_name": "labs", "custom_form_label": "[weight]"}]) == 1
    assert client.export_repeating_instruments_events() == [{"form_name": "labs", "custom_form_label": "[weight]"}]
    rows = client.export_records()
    assert [(r["redcap_repeat_instrument"], r["redcap_repeat_instance"], r["weight"]) for r in rows] == [
        ("", "", ""),
        ("labs", 1, "80"),
    ]
    assert client.import_repeating_instruments_events([]) == 0
    assert [row["weight"] for row in client.export_records()] == ["80"]


def test_metadata_replaces_the_dictionary(served: Served) -> None:
    """A dictionary comes back as it was sent, fields that are not in it are gone, and the count is a bare number."""
    client = served[2]
    sent = client.export_metadata()
    assert client.import_metadata(sent) == len(sent)
    assert client.export_metadata() == sent
    assert client.import_metadata(sent[:3]) == 3
    assert client.export_instruments() == [{"instrument_name": "baseline", "instrument_label": "Baseline"}]
    assert len(client.export_field_names()) == 4
    assert client.export_metadata(fields=["dob"], format_type="csv").splitlines()[1].startswith("dob,baseline,")
    with pytest.raises(redcap.RedcapError, match="is not a valid field name"):
        client.import_metadata([{**sent[0], "field_name": "Upper"}])


def test_field_names_leave_files_and_notes_on_pages_out(served: Served) -> None:
    """One row per option of a checkbox, completion behind an instrument's last field, no file, no descriptive."""
    rows = served[2].export_field_names()
    names = [row["export_field_name"] for row in rows]
    assert names[4:8] == ["complaint___1", "complaint___2", "complaint____9", "baseline_complete"]
    assert not {"scan", "hint"} & set(names)
    assert served[2].export_field_names(field="complaint")[2]["choice_value"] == "-9"


def test_records_come_back_as_a_frame(served: Served) -> None:
    """PyCap's frames are indexed by record and event, so the columns stand where it looks for them."""
    client = served[4]
    client.import_records([{"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "1"}])
    frame = client.export_records(format_type="df")
    assert list(frame.index.names) == ["record_id", "redcap_event_name"]
    assert client.export_records(format_type="df", records=["9"]).empty
    assert client.generate_next_record_name() == "2"
    eav = client.export_records(record_type="eav")
    assert {"record": "1", "field_name": "sex", "value": "1"}.items() <= eav[-1].items()
    assert client.import_records(
        frame.reset_index()[["record_id", "redcap_event_name", "sex"]], import_format="df"
    ) == {"count": 1}


def test_import_answers(served: Served) -> None:
    """count, ids, auto_ids and nothing, in JSON and CSV; auto-numbering gives the next free ids."""
    client = served[2]
    rows = [{"record_id": "4", "sex": "1"}, {"record_id": "5"}]
    assert client.import_records(rows, return_content="ids") == ["4", "5"]
    assert client.import_records(rows, return_content="nothing") == [{}]
    assert client.import_records(rows, return_format_type="csv") == "2"
    assert client.import_records(rows, return_content="auto_ids", force_auto_number=True) == ["6,4", "7,5"]
    text = client.import_records(rows, return_format_type="csv", return_content="ids")
    assert pd.read_csv(StringIO(text))["id"].tolist() == [4, 5]
    assert client.delete_records(["4"]) == 1


def test_users_roles_and_groups(served: Served) -> None:
    """Each can be added, changed, assigned and deleted; new roles and groups get their unique names."""
    client = served[4]
    assert client.import_users([{"username": "tester_a", "api_export": 1, "forms": {"labs": 2}}]) == 1
    user = client.export_users()[-1]
    assert (user["username"], user["api_export"], user["forms"]["labs"]) == ("tester_a", 1, 2)
    assert client.import_user_roles([{"role_label": "Readers", "api_export": 1}]) == 1
    role = client.export_user_roles()[-1]["unique_role_name"]
    assert role.startswith("U-")
    assert client.import_user_role_assignment([{"username": "tester_a", "unique_role_name": role}]) == 1
    assert client.export_user_role_assignment()[-1]["unique_role_name"] == role
    assert client.import_dags([{"data_access_group_name": "New DAG", "unique_group_name": ""}]) == 1
    assert client.export_dags()[-1]["unique_group_name"] == "new_dag"
    assigned = [{"username": "tester_a", "redcap_data_access_group": "new_dag"}]
    assert client.import_user_dag_assignment(assigned) == 1
    assert client.export_user_dag_assignment() == [
        {"username": "sandbox_user", "redcap_data_access_group": ""},
        assigned[0],
    ]
    assert client.switch_dag("new_dag") == "1"
    client.import_records([{"record_id": "1", "redcap_event_name": "screening_arm_1"}])
    assert client.switch_dag("north_site") == "1"
    assert client.export_records() == []
    assert client.generate_next_record_name() == "331-1"
    assert client.delete_dags(["new_dag"]) == 1
    assert client.delete_user_roles([role]) == 1
    assert client.delete_users(["tester_a"]) == 1


def test_files_of_fields_and_of_the_repository(served: Served) -> None:
    """Bytes, names and types go in and come out; an error comes in XML, which PyCap sees."""
    client = served[2]
    client.import_records([{"record_id": "1"}])
    client.import_file(record="1", field="scan", file_name="scan.txt", file_object=BytesIO(b"grey"))
    content, headers = client.export_file(record="1", field="scan")
    assert (content, headers["name"]) == (b"grey", "scan.txt")
    assert client.export_records()[0]["scan"] == "scan.txt"
    client.delete_file(record="1", field="scan")
    with pytest.raises(redcap.RedcapError, match="no file to download"):
        client.export_file(record="1", field="scan")
    folder = client.create_folder_in_repository(name="Protocols")[0]["folder_id"]
    client.import_file_into_repository("plan.pdf", BytesIO(b"%PDF"), folder_id=folder)
    assert client.export_file_repository() == [{"folder_id": folder, "name": "Protocols"}]
    doc = client.export_file_repository(folder_id=folder)[0]
    content, headers = client.export_file_from_repository(doc_id=doc["doc_id"])
    assert (content, headers["name"]) == (b"%PDF", "plan.pdf")
    client.delete_file_from_repository(doc_id=doc["doc_id"])
    assert client.export_file_repository(folder_id=folder) == []
    with pytest.raises(redcap.RedcapError, match="folder_id=99 does not exist or else you do not have permission"):
        client.export_file_repository(folder_id=99)


def test_surveys(served: Served) -> None:
    """Links carry the public address; codes have the lengths a server's have and stay the same."""
    client = served[2]
    client.import_records([{"record_id": "1", "baseline_complete": "2"}])
    link = client.export_survey_link(instrument="baseline", record="1")
    assert link.startswith("https://redcap.example.org/surveys/?s=")
    assert client.export_survey_link(instrument="baseline", record="1") == link
    assert client.export_survey_queue_link(record="1").startswith("https://redcap.example.org/surveys/?sq=")
    assert len(client.export_survey_access_code(instrument="baseline", record="1")) == 9
    assert len(client.export_survey_return_code(instrument="baseline", record="1")) == 8
    people = client.export_survey_participant_list(instrument="baseline")
    assert (people[0]["record"], people[0]["response_status"], people[0]["survey_link"]) == ("1", 2, link)
    with pytest.raises(redcap.RedcapError, match='The record "-1" does not exist'):
        client.export_survey_link(instrument="baseline", record="-1")


def test_reports_pdf_log_and_project(served: Served) -> None:
    """A report filters and selects; a PDF is one; the log knows the calls; version and project are whole."""
    client = served[2]
    client.import_records([{"record_id": "1", "sex": "1"}, {"record_id": "2", "sex": "2"}])
    assert client.export_report("9") == [{"record_id": "1", "sex": "1"}]
    assert client.export_report("9", format_type="df").index.tolist() == [1]
    content, headers = client.export_pdf(record="1", instrument="baseline")
    assert content.startswith(b"%PDF-1.4")
    assert headers["name"] == "Simple.pdf"
    assert client.export_logging(log_type="record_add")[0]["record"] == "2"
    assert client.export_project_info()["project_title"] == "Simple"
    assert str(client.export_version()) == "14.5.0"
