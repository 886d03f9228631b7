"""The fault mode: what goes wrong, when it goes wrong, and that it does not exist unless asked for."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from redcap_sync.odm.safe_xml import parse_xml
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Faults, Running, running
from redcap_sync.sandbox.faults import KINDS
from tests.sandbox_examples import simple_project

Served = tuple[Running, StoredProject, Faults]
SPOILED = ("truncated", "half", "empty", "login_page", "banned")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A project with four records, on a server whose faults can be scripted."""
    project = simple_project(tmp_path)
    faults = Faults()
    with running([project], faults=faults) as sandbox:
        post(sandbox, project, data='[{"record_id":"1"},{"record_id":"2"},{"record_id":"3"},{"record_id":"4"}]')
        yield sandbox, project, faults


def post(sandbox: Running, project: StoredProject, fault: str = "", **parameters: str) -> requests.Response:
    """Call the API, with a fault asked for in the header."""
    asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
    headers = {"X-Sandbox-Fault": fault} if fault else {}
    return requests.post(sandbox.api_url, data=asked, headers=headers, timeout=5)


def test_a_script_runs_off_request_by_request(served: Served) -> None:
    """Faults come in their order, for the content they are meant for, and then all is well again."""
    sandbox, project, faults = served
    faults.script("bad_gateway", content="record", times=2, after=1)
    faults.script("too_many", content="version")
    statuses = [post(sandbox, project).status_code for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    throttled = post(sandbox, project, content="version")
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "1")
    assert post(sandbox, project, content="version").text == "14.5.0"
    assert faults.requests[-1] == "version"


@pytest.mark.parametrize(
    ("fault", "status", "piece"),
    [
        ("forbidden", 403, "You do not have permissions to use the API"),
        ("server_error", 500, "<h1>500 Internal Server Error</h1>"),
        ("bad_gateway", 502, "<html>"),
        ("out_of_memory", 500, "REDCap ran out of server memory."),
        ("banned", 200, "banned"),
        ("login_page", 200, "<form method='post'>"),
    ],
)
def test_what_comes_in_place_of_the_truth(served: Served, fault: str, status: int, piece: str) -> None:
    """Each fault has the status and the body real servers and proxies were seen to send."""
    answer = post(*served[:2], fault)
    assert answer.status_code == status
    assert piece in answer.text


def test_answers_that_are_not_whole(served: Served) -> None:
    """Half the rows in each format, JSON that stops short, an empty body, a connection that breaks off."""
    sandbox, project, _ = served
    assert [row["record_id"] for row in post(sandbox, project, "half").json()] == ["1", "2"]
    assert len(post(sandbox, project, "half", format="csv").text.splitlines()) == 3
    assert post(sandbox, project, "half", format="xml").text.count("<item>") == 2
    odm = post(sandbox, project, "half", format="odm").text
    assert (odm.count("<SubjectData "), odm.count("</SubjectData>"), odm.rstrip()[-6:]) == (2, 2, "</ODM>")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        post(sandbox, project, "truncated").json()
    assert post(sandbox, project, "empty").content == b""
    with pytest.raises(requests.exceptions.RequestException):
        post(sandbox, project, "dropped")
    assert len(post(sandbox, project).json()) == 4


def test_what_has_no_rows_is_not_halved(served: Served) -> None:
    """An object, an error, a file and an empty answer stay as they are, and XML of any root stays well-formed."""
    sandbox, project, _ = served
    assert post(sandbox, project, "half", content="project").json()["project_title"] == "Simple"
    refused = post(sandbox, project, "half", content="nothing")
    assert (refused.status_code, list(refused.json())) == (400, ["error"])
    assert post(sandbox, project, "half", content="pdf").content[:5] == b"%PDF-"
    taken = post(sandbox, project, "half", data="record_id\n1\n", format="csv", returnContent="nothing")
    assert (taken.status_code, taken.content) == (200, b"")
    instruments = post(sandbox, project, "half", content="instrument", format="xml").text
    assert [cell.text for cell in parse_xml(instruments).iter("instrument_name")] == ["baseline"]


def test_slow_and_with_a_wrong_clock(served: Served) -> None:
    """A slow answer runs into a client's timeout; a wrong clock stamps the answer and the log."""
    sandbox, project, faults = served
    faults.script("slow", seconds=1.0)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(sandbox.api_url, data={"token": sandbox.token(project), "content": "version"}, timeout=0.2)
    true = parsedate_to_datetime(post(sandbox, project).headers["date"])
    wrong = parsedate_to_datetime(
        post(sandbox, project, "wrong_clock;-7200", data='[{"record_id":"9"}]').headers["date"]
    )
    assert (true - wrong).total_seconds() == 7200
    assert next(project.journal.newest_first()).moment.hour == 6


def test_a_record_changes_in_mid_pull(served: Served) -> None:
    """The change happens behind the answer, as if somebody edited the record meanwhile."""
    sandbox, project, faults = served
    place = next(iter(project.values["1"].rows))
    faults.script("changed", change=lambda: project.values.write("1", place, {"sex": "2"}))
    assert post(sandbox, project).json()[0]["sex"] == ""
    assert post(sandbox, project).json()[0]["sex"] == "2"


def test_a_record_changes_in_mid_pull_for_a_program_of_any_language(served: Served) -> None:
    """The change is the form of an API call that somebody else makes; and none is refused."""
    sandbox, project, _ = served
    token = sandbox.token(project)
    edit = {"token": token, "content": "record", "format": "json", "data": '[{"record_id":"1","sex":"2"}]'}
    scripted = {"kind": "changed", "content": "record", "after": "1"}
    address = f"{sandbox.url}/faults"
    assert requests.post(address, data={**scripted, "call": urlencode(edit)}, timeout=5).status_code == 204
    assert [post(sandbox, project).json()[0]["sex"] for _ in range(3)] == ["", "", "2"]
    wrong = urlencode({**edit, "data": '[{"record_id":"1","sex":"9"}]'})
    requests.post(address, data={"kind": "changed", "call": wrong}, timeout=5)
    refused = post(sandbox, project)
    assert (refused.status_code, "the call of the fault was refused" in refused.text) == (400, True)
    for answer in (requests.post(address, data=scripted, timeout=5), post(sandbox, project, "changed")):
        assert (answer.status_code, "needs a call" in answer.text) == (400, True)


def test_faults_over_http(served: Served) -> None:
    """Other programs script faults with a form; an unknown one is named."""
    sandbox, project, _ = served
    address = f"{sandbox.url}/faults"
    assert requests.post(address, data={"kind": "login_page", "content": "record"}, timeout=5).status_code == 204
    assert "Log In" in post(sandbox, project).text
    assert "there is no fault nonsense" in requests.post(address, data={"kind": "nonsense"}, timeout=5).text
    requests.post(address, data={"kind": "empty", "times": "9"}, timeout=5)
    assert requests.delete(address, timeout=5).status_code == 204
    assert len(post(sandbox, project).json()) == 4


def test_every_fault_is_in_the_documentation() -> None:
    """Each kind is in the table of `docs/sandbox.md`, and no other."""
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    table = text.partition("## Faults")[2].partition("\n## ")[0]
    named = [word for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for word in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(KINDS)


def test_without_faults_there_is_no_way_to_ask_for_one(tmp_path: Path) -> None:
    """A plain sandbox ignores the header and has no such address."""
    project = simple_project(tmp_path)
    with running([project]) as sandbox:
        assert post(sandbox, project, "server_error").status_code == 200
        assert requests.post(f"{sandbox.url}/faults", timeout=5).status_code == 404
