"""What a person sees who opens an address the sandbox, or a mail of ours, gives out."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from tests.sandbox_examples import Clock, longitudinal_project, simple_project

Call = Callable[..., requests.Response]
ROWS = (
    '[{"record_id":"1","redcap_event_name":"screening_arm_1","initials":"<b>","complaint___2":"1"},'
    '{"record_id":"1","redcap_event_name":"followup_arm_1","redcap_repeat_instrument":"visit",'
    '"redcap_repeat_instance":"2","pain":"3"}]'
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject, Call]]:
    """A longitudinal project whose visits and baseline are surveys, with one record, kept in a file."""
    project = longitudinal_project(tmp_path / "p", Clock(), surveys=["baseline", "visit"], surveys_enabled=1)
    with running([project], state=tmp_path / "state.sqlite") as sandbox:

        def call(**parameters: str) -> requests.Response:
            asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
            return requests.post(sandbox.api_url, data=asked, timeout=10)

        assert call(data=ROWS).json() == {"count": 1}
        yield sandbox, project, call


def opened(sandbox: Running, address: str, **query: str) -> requests.Response:
    """Open a page, which warns of what it is."""
    page = requests.get(f"{sandbox.url}{address}", params=query, timeout=10)
    assert page.status_code == 404 or "SYNTHETIC DATA" in page.text
    return page


def links(page: requests.Response) -> list[str]:
    """Addresses a page leads to."""
    return [found.replace("&amp;", "&") for found in re.findall(r'href="([^"]+)"', page.text)]


def test_every_page_leads_on_and_none_is_a_dead_end(served: tuple[Running, StoredProject, Call]) -> None:
    """From the start over the project and the record to its instruments, every link opens."""
    sandbox = served[0]
    seen, waiting = set[str](), ["/"]
    while waiting:
        address = waiting.pop()
        if address not in seen:
            seen.add(address)
            page = opened(sandbox, address)
            assert page.status_code == 200, address
            waiting += links(page)
    kinds = {address.partition("?")[0].rpartition("/")[2] for address in seen}
    assert kinds == {"", "index.php", "record_home.php"}
    assert sum("page=visit" in address and "instance=2" in address for address in seen) == 1


def test_the_addresses_of_our_mails_open_and_jump_to_the_field(served: tuple[Running, StoredProject, Call]) -> None:
    """The project's page, and the instrument with a mark for each field, whatever its type."""
    sandbox, project, _ = served
    pid, event = str(project.project_id), str(project.structure.events[0].event_id)
    assert opened(sandbox, "/redcap_v14.5.0/index.php", pid=pid).status_code == 200
    query = {"pid": pid, "id": "1", "event_id": event, "page": "baseline"}
    page = opened(sandbox, "/redcap_v14.5.0/DataEntry/index.php", **query).text
    assert [page.count(f'id="{name}-tr"') for name in ("initials", "complaint", "baseline_complete")] == [1, 1, 1]
    assert "&lt;b&gt;" in page
    assert "<td><b>" not in page


@pytest.mark.parametrize("path", ["index.php", "DataEntry/record_home.php", "DataEntry/index.php"])
def test_what_is_not_there_is_not_found(served: tuple[Running, StoredProject, Call], path: str) -> None:
    """Another project, another record, and a number that is none."""
    for query in ({}, {"pid": "999"}, {"pid": "x²", "id": "1"}, {"id": "1"}):
        assert opened(served[0], f"/redcap_v14.5.0/{path}", **query).status_code == 404


def survey(call: Call, **more: str) -> str:
    """Ask for the link of the screening survey."""
    asked = {"instrument": "baseline", "event": "screening_arm_1", "record": "1", **more}
    return call(content="surveyLink", **asked).text


def test_a_survey_is_answered(served: tuple[Running, StoredProject, Call]) -> None:
    """The link shows the stored answers; what is submitted is stored, stamped, logged and told to the API."""
    _, project, call = served
    link = survey(call)
    page = requests.get(link, timeout=10).text
    assert all(
        piece in page for piece in ("&lt;b&gt;", 'type="radio" name="sex"', 'name="complaint___2" value="1" checked')
    )
    told = requests.post(link, data={"initials": "CD", "sex": "2", "complaint___1": "1"}, timeout=10)
    assert "Thank you" in told.text
    row = call(events="screening_arm_1", exportSurveyFields="true").json()[0]
    names = ("initials", "sex", "complaint___1", "complaint___2", "baseline_complete", "baseline_timestamp")
    assert [row[name] for name in names] == ["CD", "2", "1", "0", "2", "2025-03-01 08:00:00"]
    entry = call(content="log", logtype="record_edit").json()[0]
    assert (entry["username"], entry["record"]) == ("[survey respondent]", "1")
    assert entry["action"] == "Update record 1 (Screening (Arm 1: Treated))"
    people = call(content="participantList", instrument="baseline", event="screening_arm_1").json()
    assert [(one["record"], one["response_status"], one["survey_link"]) for one in people] == [("1", 2, link)]
    assert project.values.names() == ["1"]


def test_wrong_and_missing_answers_are_shown_and_nothing_is_stored(
    served: tuple[Running, StoredProject, Call],
) -> None:
    """A required question and a value's format hold a survey back; what was typed stays on the page."""
    _, project, call = served
    metadata = project.structure.metadata
    project.restructure(
        metadata=[{**row, "required_field": "y"} if row["field_name"] == "sex" else row for row in metadata]
    )
    before, link = call().text, survey(call)
    page = requests.post(link, data={"initials": "<i>", "dob": "soon"}, timeout=10).text
    assert "Sex: an answer is required" in page
    assert 'value="&lt;i&gt;"' in page
    page = requests.post(link, data={"dob": "soon", "sex": "1"}, timeout=10).text
    assert "dob: The value you provided could not be validated" in page
    assert call().text == before


def test_a_survey_is_saved_for_later_and_reopened(served: tuple[Running, StoredProject, Call]) -> None:
    """Saved, it shows its return code; submitted, it opens again with that code alone."""
    _, _, call = served
    link = survey(call)
    code = call(content="surveyReturnCode", instrument="baseline", event="screening_arm_1", record="1").text
    assert code in requests.post(link, data={"initials": "EF", "save-later": "1"}, timeout=10).text
    row = call(events="screening_arm_1", exportSurveyFields="true").json()[0]
    assert (row["baseline_complete"], row["baseline_timestamp"]) == ("0", "[not completed]")
    assert 'value="EF"' in requests.get(link, timeout=10).text
    requests.post(link, data={"initials": "EF"}, timeout=10)
    for shut in (requests.get(link, timeout=10), requests.post(link, data={"initials": "GH"}, timeout=10)):
        assert "already completed" in shut.text
    assert 'value="EF"' in requests.get(f"{link}&return={code}", timeout=10).text
    assert call(events="screening_arm_1").json()[0]["initials"] == "EF"


def test_access_codes_queues_and_new_instances_lead_to_surveys(served: tuple[Running, StoredProject, Call]) -> None:
    """A code that is typed, the list of a record's surveys, and the link of an instance that is to come."""
    sandbox, _, call = served
    where = {"instrument": "visit", "event": "followup_arm_1", "record": "1", "repeat_instance": "3"}
    access = call(content="surveyAccessCode", **where).text
    assert 'name="code"' in opened(sandbox, "/surveys/").text
    assert 'name="pain"' in opened(sandbox, "/surveys/", code=access.lower()).text
    requests.post(call(content="surveyLink", **where).text, data={"pain": "9"}, timeout=10)
    rows = call(filterLogic="[pain] = '9'").json()
    assert [row["redcap_repeat_instance"] for row in rows] == [3]
    queue = requests.get(call(content="surveyQueueLink", record="1").text, timeout=10)
    assert [opened(sandbox, address).status_code for address in links(queue)] == [200] * 5
    for query in ({"s": "NOWHERE000"}, {"sq": "NOWHERE000"}, {"code": "NOWHERE00"}):
        assert opened(sandbox, "/surveys/", **query).status_code == 404
    assert requests.post(f"{sandbox.url}/surveys/?s=NOWHERE000", data={}, timeout=10).status_code == 404


def test_a_survey_of_a_classic_project(tmp_path: Path) -> None:
    """A calculation follows an answer, and the log names no event."""
    project = simple_project(tmp_path, Clock(), surveys=["labs"])
    with running([project]) as sandbox:
        token = {"token": sandbox.token(project), "format": "json"}
        requests.post(sandbox.api_url, data={**token, "content": "record", "data": '[{"record_id":"1"}]'}, timeout=10)
        asked = {**token, "content": "surveyLink", "record": "1", "instrument": "labs"}
        link = requests.post(sandbox.api_url, data=asked, timeout=10).text
        page = requests.post(link, data={"weight": "81", "height": "1.80", "smoker": "1"}, timeout=10)
        assert "Thank you" in page.text
        row = requests.post(sandbox.api_url, data={**token, "content": "record"}, timeout=10).json()[0]
        assert (row["bmi"], row["smoker"], row["labs_complete"]) == ("25", "1", "2")
        log = requests.post(sandbox.api_url, data={**token, "content": "log"}, timeout=10).json()
        assert "Update record 1" in [entry["action"] for entry in log]
