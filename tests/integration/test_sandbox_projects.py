"""Projects are created, written as XML, loaded again, and survive a restart."""

import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.odm.safe_xml import parse_xml
from redcap_sync.odm.values_from_xml import rows_from_odm
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import Repeat
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_odm, project_from_xml
from tests.sandbox_examples import Clock, longitudinal_project, simple_folder, simple_project

SUPER = "S" * 64
REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
REAL_FILES = sorted(REAL.rglob("*.xml")) if REAL.exists() else []


def rows_of(project: StoredProject, content: str = "record", **parameters: str) -> Any:
    """Export from a project of its own server."""
    with running([project]) as sandbox:
        asked = {"token": sandbox.token(project), "content": content, "format": "json", **parameters}
        return requests.post(sandbox.api_url, data=asked, timeout=30).json()


def xml_of(project: StoredProject, **parameters: str) -> str:
    """Export a project as XML."""
    with running([project]) as sandbox:
        asked = {"token": sandbox.token(project), "content": "project_xml", **parameters}
        return requests.post(sandbox.api_url, data=asked, timeout=30).content.decode()


def test_what_is_written_as_xml_is_read_again(tmp_path: Path) -> None:
    """Events, repeats, groups, ticks, line breaks, instances and files make the round."""
    project = longitudinal_project(tmp_path, missing_data_codes="NI, No information")
    values = project.values
    event_ids = list(project.event_names)
    from redcap_sync.project.documents import StoredDocument
    from redcap_sync.project.values import ValuePlace

    project.documents.keep(StoredDocument(900, "scan.txt", "text/plain", b"grey"))
    values.write("1", ValuePlace(event_ids[0]), {"record_id": "1", "complaint___1": "1", "initials": 'a<"b'})
    values.write("1", ValuePlace(event_ids[1]), {"record_id": "1", "comments": "one\n\ntwo\r\n", "scan": "900"})
    values.write("1", ValuePlace(event_ids[1], "visit", 3), {"visit_date": "2025-02-01", "visit_complete": "2"})
    values.write("1", ValuePlace(event_ids[2], "", 2), {"record_id": "1", "weight": "NI"})
    values.join_group("1", "south_site")
    text = xml_of(project, exportFiles="true", exportDataAccessGroups="true")
    loaded = project_from_odm(text, clock=Clock())
    for content in ("metadata", "instrument", "event", "arm", "formEventMapping", "repeatingFormsEvents"):
        mine, theirs = rows_of(loaded, content), rows_of(project, content)
        assert [{**row, "event_id": 0} for row in mine] == [{**row, "event_id": 0} for row in theirs]
    assert rows_of(loaded, exportDataAccessGroups="true") == rows_of(project, exportDataAccessGroups="true")
    assert [document.content for document in loaded.documents.files.values()] == [b"grey"]


def test_survey_fields_make_the_round(tmp_path: Path) -> None:
    """With exportSurveyFields the XML holds timestamps and identifiers as they are stored; without, it has none."""
    project = longitudinal_project(tmp_path, surveys=["baseline", "visit"])
    screening, followup, _ = project.event_names
    answered = {"record_id": "1", "sex": "1", "baseline_timestamp": "2025-03-01 08:00:00"}
    project.values.write("1", ValuePlace(screening), {**answered, "redcap_survey_identifier": "Tom T"})
    begun = {"pain": "5", "visit_timestamp": "[not completed]"}
    project.values.write("1", ValuePlace(followup, "visit", 2), begun)
    loaded = project_from_odm(xml_of(project, exportSurveyFields="true"), clock=Clock())
    assert rows_of(loaded, exportSurveyFields="true") == rows_of(project, exportSurveyFields="true")
    assert rows_of(loaded, exportSurveyFields="true")[0]["redcap_survey_identifier"] == "Tom T"
    plain = project_from_odm(xml_of(project), clock=Clock())
    assert rows_of(plain, exportSurveyFields="true")[0]["baseline_timestamp"] == ""


def test_a_record_with_its_id_alone_makes_the_round(tmp_path: Path) -> None:
    """Where the first instrument repeats, the XML of a record without an instance adds none to it."""
    project = simple_project(tmp_path)
    event = next(iter(project.event_names))
    project.restructure(repeating=[Repeat(event, "baseline")])
    project.values.write("1", ValuePlace(event, "baseline", 2), {"sex": "1"})
    project.values.write("2", ValuePlace(event), {"record_id": "2"})
    written = xml_of(project)
    loaded = project_from_odm(written, clock=Clock())
    rows = rows_of(loaded)
    assert rows == rows_of(project)
    assert [(row["record_id"], row["redcap_repeat_instance"]) for row in rows] == [("1", 2), ("2", "")]
    assert len(rows_from_odm(project, parse_xml(written))) == 2
    assert "redcap_repeat_instance" not in rows_from_odm(project, parse_xml(written))[1]


def test_records_of_a_renamed_group_make_the_round(tmp_path: Path) -> None:
    """The XML tells groups by their names, so records are in it under the unique names that are made of those."""
    project = longitudinal_project(tmp_path)
    project.structure.groups[0].name = "Nordic"
    project.values.write("1", ValuePlace(next(iter(project.event_names))), {"record_id": "1"})
    project.values.join_group("1", "north_site")
    loaded = project_from_odm(xml_of(project, exportDataAccessGroups="true"), clock=Clock())
    group = loaded.group(loaded.values["1"].group)
    assert group is not None
    assert (group.name, group.unique_name) == ("Nordic", "nordic")


def test_the_group_of_a_record_without_a_base_row_makes_the_round(tmp_path: Path) -> None:
    """A record that has instances only keeps its data access group in the project XML, and tells it in EAV."""
    project = longitudinal_project(tmp_path)
    visits = list(project.event_names)[1]
    for instance in (2, 3):
        project.values.write("1", ValuePlace(visits, "visit", instance), {"pain": "5"})
    project.values.join_group("1", "south_site")
    written = xml_of(project, exportDataAccessGroups="true")
    assert written.count("redcap_data_access_group") == 1
    assert project_from_odm(written, clock=Clock()).values["1"].group == "south_site"
    rows = rows_of(project, type="eav", exportDataAccessGroups="true")
    assert [(row["field_name"], row["value"]) for row in rows] == [
        ("redcap_data_access_group", "south_site"),
        ("pain", "5"),
        ("pain", "5"),
    ]


@pytest.mark.skipif(not REAL_FILES, reason="the folder ../shared/redcap_projects is not here")
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_real_files_make_the_round(path: Path) -> None:
    """What a real server wrote is loaded, written and loaded to the same dictionary and the same rows."""
    project = project_from_xml(path, clock=Clock(), calculated=True)
    text = xml_of(project, exportFiles="true", exportDataAccessGroups="true")
    loaded = project_from_odm(text, clock=Clock(), calculated=True)
    assert rows_of(loaded, "metadata") == rows_of(project, "metadata")
    assert rows_of(loaded) == rows_of(project)
    assert loaded.structure.data_quality_rules == project.structure.data_quality_rules


def test_a_super_token_creates_projects(tmp_path: Path) -> None:
    """From settings alone, or from an XML; the answer is the new token and works at once."""
    odm = xml_of(simple_project(tmp_path))
    with running([], super_token=SUPER, random=Random(1), clock=Clock()) as sandbox:

        def create(data: str, **more: str) -> requests.Response:
            asked = {"token": SUPER, "content": "project", "format": "json", "data": data, **more}
            return requests.post(sandbox.api_url, data=asked, timeout=10)

        plain = create('[{"project_title":"New","purpose":0}]')
        assert (plain.status_code, len(plain.text)) == (200, 32)
        asked = {"token": plain.text, "content": "record", "format": "json"}
        taken = requests.post(sandbox.api_url, data={**asked, "data": '[{"record_id":"1"}]'}, timeout=10)
        assert taken.json() == {"count": 1}
        from_odm = create('{"project_title":"Copy","purpose":"2","purpose_other":"x"}', odm=odm)
        asked = {"token": from_odm.text[-32:], "content": "project", "format": "json"}
        info = requests.post(sandbox.api_url, data=asked, timeout=10).json()
        assert (info["project_title"], info["purpose"], info["creation_time"]) == ("Copy", 2, "2025-03-01 08:00:00")
        assert requests.post(sandbox.api_url, data={**asked, "content": "log"}, timeout=10).json()[-1]["action"]
        assert create('[{"project_title":"","purpose":0}]').status_code == 400
        xml = '<?xml version="1.0" encoding="UTF-8" ?><item><project_title>X</project_title><purpose>0</purpose></item>'
        assert len(create(xml, format="xml").text) == 32
        wrong = requests.post(sandbox.api_url, data={"token": "T" * 64, "content": "project"}, timeout=10)
        assert wrong.status_code == 403


def test_settings_count_what_they_take(tmp_path: Path) -> None:
    """Editable settings change, read-only ones are passed over."""
    project = simple_project(tmp_path)
    sent = json.dumps({"project_title": "Changed", "surveys_enabled": 1, "project_id": 99})
    assert rows_of(project, "project_settings", data=sent) == 2
    info = rows_of(project, "project")
    assert (info["project_title"], info["surveys_enabled"], info["project_id"]) == ("Changed", 1, 13)


def test_a_server_that_starts_has_its_lines_ready(tmp_path: Path) -> None:
    """The first full export is not rendered while the caller waits, and shows a change that was made before it."""
    project = simple_project(tmp_path)
    event = project.structure.events[0].event_id
    for name in ("1", "2"):
        project.values.write(name, ValuePlace(event), {"record_id": name, "initials": "A"})
    with running([project]) as sandbox:
        (ready,) = sandbox.installation.rendered_of(project)._known.values()
        assert [line.partition(b",")[0] for _, line in ready.values()] == [b"1", b"2"]
        project.values.write("2", ValuePlace(event), {"initials": "B C"})
        asked = {"token": sandbox.token(project), "content": "record", "format": "csv"}
        lines = requests.post(sandbox.api_url, data=asked, timeout=10).text.splitlines()
        assert [line.split(",")[1] for line in lines] == ["initials", "A", '"B C"']
        assert len(sandbox.installation.rendered_of(project)._known) == 1


def test_state_survives_a_restart(tmp_path: Path) -> None:
    """Records, deletions, structure, files, log and tokens are there again, also of projects made by a call."""
    state = tmp_path / "state.sqlite"
    with running([simple_project(tmp_path / "p")], state=state, super_token=SUPER, random=Random(1)) as sandbox:
        (project,) = sandbox.installation.projects.values()
        token = sandbox.token(project)
        asked = {"token": token, "content": "record", "format": "json"}
        data = '[{"record_id":"1","initials":"A B"},{"record_id":"2"}]'
        requests.post(sandbox.api_url, data={**asked, "data": data}, timeout=10)
        requests.post(sandbox.api_url, data={**asked, "action": "delete", "records[0]": "2"}, timeout=10)
        upload = {"token": token, "content": "file", "action": "import", "record": "1", "field": "scan"}
        requests.post(sandbox.api_url, data=upload, files={"file": ("a.txt", b"grey")}, timeout=10)
        new = {"token": SUPER, "content": "project", "format": "json", "data": '{"project_title":"N","purpose":0}'}
        other = requests.post(sandbox.api_url, data=new, timeout=10).text
        before = requests.post(sandbox.api_url, data=asked, timeout=10).json()
        in_csv = requests.post(sandbox.api_url, data={**asked, "format": "csv"}, timeout=10).text
        log = requests.post(sandbox.api_url, data={**asked, "content": "log"}, timeout=10).json()
    with running([simple_project(tmp_path / "p")], state=state) as sandbox:
        assert requests.post(sandbox.api_url, data=asked, timeout=10).json() == before
        assert before[0]["scan"] == "a.txt"
        assert '"A B"' in in_csv
        assert requests.post(sandbox.api_url, data={**asked, "format": "csv"}, timeout=10).text == in_csv
        after = requests.post(sandbox.api_url, data={**asked, "content": "log"}, timeout=10).json()
        assert after[-len(log) :] == log
        again = requests.post(sandbox.api_url, data={**upload, "action": "export"}, timeout=10)
        assert again.content == b"grey"
        answer = requests.post(sandbox.api_url, data={**asked, "token": other}, timeout=10)
        assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("text", ["", "<html></html>", "<ODM>", "not xml"])
def test_what_is_no_project_is_said_so(tmp_path: Path, text: str) -> None:
    """A wrong file ends in an explanation, not in a traceback."""
    path = tmp_path / "p.xml"
    path.write_text(text)
    with pytest.raises(ProjectFileWrong, match="not a REDCap project XML"):
        project_from_xml(path, clock=Clock())


def test_the_command_prints_tokens_then_the_address(tmp_path: Path) -> None:
    """`project PATH TOKEN` for each project, `ready URL` once it listens, and the address answers."""
    folder = simple_folder(tmp_path / "p")
    command = [sys.executable, "-m", "redcap_sync.sandbox", "--port", "0", "--project", str(folder)]
    with subprocess.Popen(
        [*command, "--public-url", "https://redcap.example.org"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        word, path, token = process.stdout.readline().split()
        assert (word, path, len(token)) == ("project", str(folder), 32)
        word, url = process.stdout.readline().split()
        assert word == "ready"
        answer = requests.post(f"{url}/api/", data={"token": token, "content": "version"}, timeout=10)
        assert answer.text == "14.5.0"
        process.terminate()


def test_the_command_explains_a_wrong_file(tmp_path: Path) -> None:
    """Exit code 10 and an explanation on stderr."""
    command = [sys.executable, "-m", "redcap_sync.sandbox", "--project", str(tmp_path / "absent.xml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 10
    assert "What to do" in done.stderr
    assert "Traceback" not in done.stderr


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    """Start the command with options that cannot be followed."""
    command = [sys.executable, "-m", "redcap_sync.sandbox", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert "ready" not in done.stdout
    return done


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--port", "99999"), "from 0 to 65535"),
        (("--port", "http"), "from 0 to 65535"),
        (("--super-token", "SHORT"), "64 characters, this one 5"),
    ],
)
def test_the_command_explains_a_wrong_option(option: tuple[str, str], told: str) -> None:
    """Usage, exit code 2, without the secret that was given."""
    done = refused(*option)
    assert (done.returncode, told in done.stderr, "SHORT" in done.stderr) == (2, True, False)


def test_the_command_explains_a_taken_port() -> None:
    """Somebody else listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = refused("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr


@pytest.mark.parametrize("state", ["absent/state.sqlite", "text", "other", "."])
def test_the_command_explains_a_file_that_holds_no_state(tmp_path: Path, state: str) -> None:
    """A folder that is not there, a text, a database of another version, a folder."""
    (tmp_path / "text").write_text("no database at all", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "other")) as connection, connection:
        connection.execute("CREATE TABLE project (project_id INTEGER PRIMARY KEY, structure TEXT, folders TEXT)")
        connection.execute("INSERT INTO project VALUES (1, '{\"fields\": []}', 'x')")
    done = refused("--state", str(tmp_path / state))
    assert done.returncode == 10
    assert "cannot be used as the state of a sandbox" in done.stderr
