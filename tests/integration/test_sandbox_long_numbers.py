"""Numbers of thousands of digits, which Python refuses to turn into an int, and what else no number can hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Faults, Running, running
from tests.sandbox_examples import Clock, longitudinal_project, simple_project

LONG = "9" * 5000
"""More digits than Python reads by default (4,300)."""
SUPER = "S" * 64
SCREENING = {"record_id": "1", "redcap_event_name": "screening_arm_1"}
VISIT = {"record_id": "1", "redcap_event_name": "followup_arm_1", "redcap_repeat_instrument": "visit"}


def rows(*found: dict[str, Any]) -> str:
    """Write the rows of an import."""
    return json.dumps(found)


REFUSED: list[dict[str, str]] = [
    {"content": "arm", "arms[0]": LONG},
    {"content": "arm", "action": "import", "data": rows({"arm_num": LONG, "name": "x"})},
    {"content": "arm", "action": "delete", "arms": LONG},
    {"content": "event", "arms[0]": LONG},
    {"content": "event", "action": "import", "data": rows({"arm_num": LONG, "event_name": "x"})},
    {"content": "formEventMapping", "arms": LONG},
    {"content": "project_settings", "action": "import", "data": rows({"purpose": LONG})},
    {"content": "user", "data": rows({"username": "u", "design": LONG})},
    {"content": "user", "data": rows({"username": "u", "forms": {"labs": LONG}})},
    {"content": "userRole", "data": rows({"role_label": "r", "forms": f"labs:{LONG}"})},
    {"content": "report", "report_id": LONG},
    {"content": "fileRepository", "action": "list", "folder_id": LONG},
    {"content": "fileRepository", "action": "createFolder", "name": "x", "dag_id": LONG},
    {"content": "fileRepository", "action": "export", "doc_id": LONG},
    {"content": "file", "action": "export", "record": "1", "field": "scan", "repeat_instance": LONG},
    {"content": "file", "record": "1", "field": "scan", "event": "followup_arm_1", "repeat_instance": "0"},
    {"content": "surveyLink", "record": "1", "instrument": "visit", "event": "followup_arm_1", "repeat_instance": LONG},
    {"content": "pdf", "record": "1", "repeat_instance": LONG},
    {"content": "record", "action": "delete", "records[0]": LONG},
    {"content": "record", "action": "delete", "records": "1", "arm": LONG},
    {"content": "record", "action": "delete", "records": "1", "event": "followup_arm_1", "repeat_instance": LONG},
    {"content": "record", "action": "rename", "record": "1", "new_record_name": "2", "arm": LONG},
    {"content": "record", "dateRangeBegin": LONG},
    {"content": "record", "decimalCharacter": LONG},
    {"content": "record", "filterLogic": f"[weight] > {LONG}"},
    {"content": "record", "data": rows({**VISIT, "redcap_repeat_instance": LONG, "pain": "1"})},
    {"content": "record", "data": rows({**SCREENING, "sex": LONG})},
    {"content": "record", "data": rows({**SCREENING, "dob": LONG})},
    {"content": "log", "beginTime": LONG},
]
ANSWERED: list[dict[str, str]] = [
    {"content": "record", "records[0]": LONG},
    {"content": "record", "filterLogic": f"[followup_arm_1][pain][{LONG}] = '{LONG}' or 1"},
    {"content": "record", "filterLogic": f"left('x', '{LONG}') = round('{LONG}', '{LONG}') or 1"},
    {"content": "record", "data": rows({**SCREENING, "record_id": LONG, "initials": LONG})},
    {"content": "record", "format": "csv", "data": f"record_id,redcap_event_name\n{'8' * 5000},screening_arm_1\n"},
    {"content": "record", "data": f'[{{"record_id":{LONG},"redcap_event_name":"screening_arm_1"}}]'},
    {"content": "record", "data": rows({**VISIT, "redcap_repeat_instance": 10**17, "pain": LONG})},
    {"content": "record", "data": rows({**SCREENING, "redcap_event_name": "followup_arm_1", "weight": LONG})},
    {"content": "record", "action": "rename", "record": "1", "new_record_name": LONG},
    {"content": "log", "dag": LONG, "record": LONG},
]
PAGES = (
    "/redcap_v14.5.0/index.php?pid={long}",
    "/redcap_v14.5.0/DataEntry/record_home.php?pid={long}&id={long}",
    "/redcap_v14.5.0/DataEntry/record_home.php?pid={pid}&id={long}",
    "/redcap_v14.5.0/DataEntry/index.php?pid={pid}&id=1&page=visit&event_id={long}",
    "/surveys/?s={long}",
    "/surveys/?sq={long}",
    "/surveys/?code={long}",
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject]]:
    """A longitudinal project with one record, kept in a file, with faults, and a super token."""
    project = longitudinal_project(tmp_path / "p", Clock(), surveys=["baseline", "visit"])
    faults = Faults()
    with running([project], state=tmp_path / "s.sqlite", faults=faults, super_token=SUPER) as sandbox:
        assert call(sandbox, project, content="record", data=rows({**SCREENING, "sex": "1"})).json() == {"count": 1}
        yield sandbox, project


def call(sandbox: Running, project: StoredProject, **parameters: str) -> requests.Response:
    """Call the API."""
    asked = {"token": sandbox.token(project), "format": "json", "returnFormat": "json", **parameters}
    return requests.post(sandbox.api_url, data=asked, timeout=10)


@pytest.mark.parametrize("parameters", REFUSED, ids="-".join)
def test_a_number_of_thousands_of_digits_is_refused(
    served: tuple[Running, StoredProject], parameters: dict[str, str]
) -> None:
    """Where a number is needed, one no server could hold is refused in the caller's format; nothing changes."""
    before = call(*served, content="record").text
    answer = call(*served, **parameters)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert call(*served, content="record").text == before


@pytest.mark.parametrize("parameters", ANSWERED, ids="-".join)
def test_digits_that_are_text_are_taken_as_text(
    served: tuple[Running, StoredProject], parameters: dict[str, str]
) -> None:
    """Record names, values and texts in logic may be digits without end; all other calls go on as before."""
    assert call(*served, **parameters).status_code == 200
    names = {row["record_id"] for row in call(*served, content="record", fields="record_id").json()}
    assert names <= {"1", LONG, "8" * 5000}
    assert call(*served, content="generateNextRecordName").text == str(1 + ("1" in names))
    for asked in ({"content": "project_xml"}, {"content": "participantList", "instrument": "visit"}):
        assert call(*served, event="followup_arm_1", **asked).status_code == 200


def test_calculations_take_such_numbers_for_none(tmp_path: Path) -> None:
    """A calculation from a number that overflows is blank, and an instance that large has a survey of its own."""
    project = simple_project(tmp_path, Clock(), surveys=["labs"])
    with running([project]) as sandbox:
        data = rows({"record_id": "1", "weight": LONG, "height": "1.80"})
        assert call(sandbox, project, content="record", data=data).json() == {"count": 1}
        row = call(sandbox, project, content="record").json()[0]
        assert (row["weight"], row["bmi"]) == (LONG, "")
        link = call(sandbox, project, content="surveyLink", record="1", instrument="labs").text
        page = requests.post(link, data={"weight": LONG, "height": "1" + "0" * 5000 + ".00"}, timeout=10)
        assert (page.status_code, "Thank you" in page.text) == (200, True)


def test_the_survey_of_a_far_instance_opens(served: tuple[Running, StoredProject]) -> None:
    """Instances need not be contiguous: the survey after a far one opens, without counting up to it."""
    sandbox, project = served
    far = rows({**VISIT, "redcap_repeat_instance": 10**17, "pain": "1"})
    assert call(sandbox, project, content="record", data=far).json() == {"count": 1}
    where = {"content": "surveyLink", "record": "1", "instrument": "visit", "event": "followup_arm_1"}
    for instance in (1, 10**17, 10**17 + 1):
        link = call(sandbox, project, **where, repeat_instance=str(instance)).text
        assert requests.get(link, timeout=10).status_code == 200


@pytest.mark.parametrize("address", PAGES)
def test_a_page_of_such_a_number_is_not_found(served: tuple[Running, StoredProject], address: str) -> None:
    """An address with a number that nothing can have leads nowhere."""
    sandbox, project = served
    asked = address.format(long=LONG, pid=project.project_id)
    assert requests.get(f"{sandbox.url}{asked}", timeout=10).status_code == 404


def test_creating_projects_and_asking_for_faults(served: tuple[Running, StoredProject]) -> None:
    """A project's settings, its XML and a scripted fault refuse such numbers too."""
    sandbox, project = served
    odm = f"<ODM><StudyEventDef ArmNum='{LONG}' OID='e'/></ODM>"
    wanted = {"project_title": "x", "purpose": "1"}
    for more in ({"odm": odm}, {"data": rows({**wanted, "is_longitudinal": LONG})}):
        asked = {"content": "project", "data": rows(wanted), **more, "token": SUPER}
        assert call(sandbox, project, **asked).status_code == 400
    for fault in (f"slow;{LONG}", "wrong_clock;nan", "no such fault", "slow;x"):
        header = {"X-Sandbox-Fault": fault}
        asked = {"token": sandbox.token(project), "content": "version", "format": "json"}
        assert requests.post(sandbox.api_url, data=asked, headers=header, timeout=10).status_code == 400
    for asked in ({"times": LONG}, {"seconds": LONG}, {"after": LONG}):
        assert requests.post(f"{sandbox.url}/faults", data={"kind": "slow", **asked}, timeout=10).status_code == 400


def test_a_file_may_have_any_name(served: tuple[Running, StoredProject]) -> None:
    """A name with letters that HTTP's headers have not comes back as UTF-8."""
    sandbox, project = served
    sent = {"token": sandbox.token(project), "content": "fileRepository", "action": "import"}
    body = (
        "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in sent.items()
        )
        + '--b\r\nContent-Disposition: form-data; name="file"; filename="扫描.txt"\r\n\r\nx\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert requests.post(sandbox.api_url, data=body.encode(), headers=headers, timeout=10).status_code == 200
    doc_id = call(sandbox, project, content="fileRepository", action="list").json()[0]["doc_id"]
    found = call(sandbox, project, content="fileRepository", action="export", doc_id=str(doc_id))
    assert found.headers["content-type"].encode("latin-1").decode() == ('text/plain; name="扫描.txt";charset=UTF-8')
