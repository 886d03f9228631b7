"""The sandbox speaks enough of the API for a pull: over HTTP, through requests and through real PyCap."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import redcap
import requests

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.validation import BAD_FORMAT
from tests.sandbox_examples import longitudinal_project, simple_project

ROWS = [
    {"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "2", "complaint___1": "1", "dob": "1970-02-03"},
    {"record_id": "1", "redcap_event_name": "followup_arm_1", "weight": "80.5", "labs_complete": "2"},
    {
        "record_id": "1",
        "redcap_event_name": "followup_arm_1",
        "redcap_repeat_instrument": "visit",
        "redcap_repeat_instance": 2,
        "visit_date": "2025-02-01",
    },
    {"record_id": "1", "redcap_event_name": "diary_arm_1", "redcap_repeat_instance": "new", "weight": "81"},
    {"record_id": "10", "redcap_event_name": "screening_arm_1", "redcap_data_access_group": "north_site"},
    {"record_id": "2", "redcap_event_name": "screening_arm_1", "initials": "A B"},
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject, StoredProject]]:
    """A running sandbox with a classic and a longitudinal project."""
    simple, longitudinal = simple_project(tmp_path / "s"), longitudinal_project(tmp_path / "l")
    with running([simple, longitudinal], random=Random(1)) as sandbox:
        yield sandbox, simple, longitudinal


def post(sandbox: Running, project: StoredProject, **parameters: str) -> requests.Response:
    """Call the API as any client would."""
    return requests.post(sandbox.api_url, data={"token": sandbox.token(project), **parameters}, timeout=10)


def pycap(sandbox: Running, project: StoredProject) -> redcap.Project:
    """Open a project with PyCap."""
    return redcap.Project(sandbox.api_url, sandbox.token(project))


def test_structure_comes_back_through_pycap(served: tuple[Running, StoredProject, StoredProject]) -> None:
    """Metadata, instruments, events, arms, mapping and repeating set-up come back in the API's own rows."""
    sandbox, simple, longitudinal = served
    client = pycap(sandbox, longitudinal)
    assert client.is_longitudinal
    assert client.def_field == "record_id"
    assert list(client.metadata[0])[0::17] == ["field_name", "field_annotation"]
    assert client.export_arms() == [{"arm_num": 1, "name": "Treated"}]
    assert [event["unique_event_name"] for event in client.export_events()] == [
        "screening_arm_1",
        "followup_arm_1",
        "diary_arm_1",
    ]
    assert len(client.export_instrument_event_mappings()) == 4
    assert client.export_repeating_instruments_events()[1] == {
        "event_name": "diary_arm_1",
        "form_name": "",
        "custom_form_label": "",
    }
    assert [row["unique_group_name"] for row in client.export_dags()] == ["north_site", "south_site"]
    assert client.export_users()[0]["forms"]["visit"] == 1
    assert client.export_project_info()["is_longitudinal"] == 1
    assert str(client.export_version()) == "14.5.0"
    assert not pycap(sandbox, simple).is_longitudinal


def test_rows_of_a_longitudinal_repeating_project(served: tuple[Running, StoredProject, StoredProject]) -> None:
    """An import comes back as one row per event and instance, in natural order, blank where nothing belongs."""
    sandbox, _, longitudinal = served
    client = pycap(sandbox, longitudinal)
    assert client.import_records(ROWS) == {"count": 3}
    rows = client.export_records(export_data_access_groups=True)
    keys = [
        (r["record_id"], r["redcap_event_name"], r["redcap_repeat_instrument"], r["redcap_repeat_instance"])
        for r in rows
    ]
    assert keys == [
        ("1", "screening_arm_1", "", ""),
        ("1", "followup_arm_1", "", ""),
        ("1", "followup_arm_1", "visit", 2),
        ("1", "diary_arm_1", "", 1),
        ("2", "screening_arm_1", "", ""),
        ("10", "screening_arm_1", "", ""),
    ]
    screening, followup, visit = rows[:3]
    assert (screening["complaint___1"], screening["complaint___2"], screening["complaint____9"]) == ("1", "0", "0")
    assert (screening["baseline_complete"], screening["labs_complete"], screening["weight"]) == ("0", "", "")
    assert (followup["complaint___1"], followup["visit_complete"], followup["labs_complete"]) == ("", "", "2")
    assert (visit["visit_date"], visit["visit_complete"], visit["labs_complete"]) == ("2025-02-01", "0", "")
    assert rows[-1]["redcap_data_access_group"] == "north_site"


def test_columns_follow_the_dictionary_and_the_server_adds_no_id(
    served: tuple[Running, StoredProject, StoredProject],
) -> None:
    """Column order is the dictionary's whatever was asked first, and an id nobody asked for is not there."""
    sandbox, simple, _ = served
    pycap(sandbox, simple).import_records([{"record_id": "1", "sex": "1", "comments": 'line one\r\nline two, "so"'}])
    asked = {"content": "record", "format": "csv", "fields": "sex,dob"}
    assert post(sandbox, simple, **asked).text == "dob,sex\n,1\n"
    whole = post(sandbox, simple, content="record", format="csv").text.splitlines()[0].split(",")
    assert whole[:4] == ["record_id", "initials", "dob", "sex"]
    assert "hint" not in whole
    assert whole[-1] == "labs_complete"


def test_errors_have_the_status_and_words_of_a_server(
    served: tuple[Running, StoredProject, StoredProject],
) -> None:
    """Wrong token 403, unknown content 400, classic events 400, other verbs 501, other addresses 404."""
    sandbox, simple, _ = served
    wrong = requests.post(sandbox.api_url, data={"token": "0" * 32, "content": "record", "format": "json"}, timeout=10)
    assert (wrong.status_code, wrong.json()) == (403, {"error": "You do not have permissions to use the API"})
    unknown = post(sandbox, simple, content="nothing", returnFormat="csv")
    assert (unknown.status_code, unknown.text) == (400, 'ERROR: The value of the parameter "content" is not valid')
    events = post(sandbox, simple, content="event")
    told = "<hash><error>You cannot export events for classic projects</error></hash>"
    assert events.text == f'<?xml version="1.0" encoding="UTF-8" ?>{told}'
    fields = post(sandbox, simple, content="record", format="json", **{"fields[0]": "redcap_event_name"})
    assert fields.json() == {
        "error": "The following values in the parameter \"fields\" are not valid: 'redcap_event_name'"
    }
    got = requests.get(sandbox.api_url, timeout=10)
    assert (got.status_code, "The requested method is not implemented." in got.text) == (501, True)
    assert requests.get(sandbox.url + "/elsewhere", timeout=10).status_code == 404


def test_an_import_with_one_wrong_row_stores_nothing(
    served: tuple[Running, StoredProject, StoredProject],
) -> None:
    """The lines name record, field, value and message; the right rows are refused with the wrong one."""
    sandbox, simple, _ = served
    client = pycap(sandbox, simple)
    with pytest.raises(redcap.RedcapError) as refused:
        client.import_records([{"record_id": "1", "sex": "1"}, {"record_id": "2", "sex": "3", "weight": "5."}])
    lines = refused.value.args[0]["error"].split("\n")
    assert lines == [
        '"2","sex","3","The value is not a valid category for sex"',
        f'"2","weight","5.","{BAD_FORMAT}"',
    ]
    assert client.export_records() == []
    with pytest.raises(redcap.RedcapError, match="not found in the project as real data fields: nonsense"):
        client.import_records([{"record_id": "1", "nonsense": "1"}])


def test_delete_is_all_or_nothing_and_the_log_tells(served: tuple[Running, StoredProject, StoredProject]) -> None:
    """An absent record stops a delete; create, update and delete are in the log, newest first."""
    sandbox, simple, _ = served
    client = pycap(sandbox, simple)
    client.import_records([{"record_id": "1", "complaint___2": "1"}, {"record_id": "2"}])
    client.import_records([{"record_id": "1", "complaint___2": "0", "comments": "isn't\nit"}])
    with pytest.raises(redcap.RedcapError, match="The following records do not exist: 3"):
        client.delete_records(["1", "3"])
    assert client.delete_records(["2"]) == 1
    log = [entry for entry in client.export_logging() if entry["record"]]
    assert [(entry["action"], entry["details"]) for entry in log] == [
        ("Delete record (API) 2", "record_id = '2'"),
        ("Update record (API) 1", "complaint(2) = unchecked, comments = 'isn't it'"),
        ("Create record (API) 2", "record_id = '2'"),
        ("Create record (API) 1", "record_id = '1', complaint(2) = checked"),
    ]
    assert log[0]["timestamp"] == "2025-03-01 08:00"


def test_a_deep_link_opens_on_a_synthetic_page(served: tuple[Running, StoredProject, StoredProject]) -> None:
    """The page shows the instrument's values, escaped, and says that the data are synthetic."""
    sandbox, simple, _ = served
    pycap(sandbox, simple).import_records([{"record_id": "1", "initials": "<b>"}])
    query = {"pid": simple.project_id, "id": "1", "page": "baseline", "event_id": "", "instance": "1"}
    page = requests.get(f"{sandbox.url}/redcap_v14.5.0/DataEntry/index.php", params=query, timeout=10)
    assert page.status_code == 200
    assert "SYNTHETIC DATA" in page.text
    assert "&lt;b&gt;" in page.text
    query["page"] = "nothing"
    assert (
        requests.get(f"{sandbox.url}/redcap_v14.5.0/DataEntry/index.php", params=query, timeout=10).status_code == 404
    )
