"""The client of the Data Quality API module: threads read, lines added and proven, and what is no module named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.errors import ExplainedError, RedcapRefused
from redcap_sync.project.state import OWNER
from redcap_sync.sandbox import Faults, running
from redcap_sync.write_back.query_module import (
    QueryModule,
    QueryResponse,
    QueryStatus,
    QueryThread,
    ThreadPlace,
    ThreadWrite,
    next_stamp,
)
from tests.query_desk import PREFIX, QueryDesk
from tests.sandbox_examples import simple_project

NOW = datetime(2025, 3, 1, 8, 0, 0)  # noqa: DTZ001 - server-local
SEX, DOB = ThreadPlace("1", "", "sex"), ThreadPlace("1", "", "dob")


@pytest.fixture
def faults() -> Faults:
    """What goes wrong."""
    return Faults()


@pytest.fixture
def desk(tmp_path: Path, faults: Faults) -> Iterator[QueryDesk]:
    """The module of a classic project."""
    project = simple_project(tmp_path / "project", data_resolution_workflow=True, data_quality_module=PREFIX)
    with running([project], random=Random(1), faults=faults) as server:
        yield QueryDesk(server.api_url, server.token(project), project.project_id)


@pytest.fixture
def module(desk: QueryDesk) -> QueryModule:
    """Its client."""
    client = RedcapClient(desk.api_url, Token(desk.token), sleep=lambda _: None)
    return QueryModule(client, PREFIX, desk.project_id, OWNER)


def asked(place: ThreadPlace, comment: str, thread: QueryThread | None = None) -> ThreadWrite:
    """An open question."""
    return ThreadWrite(place, thread, QueryStatus.OPEN, comment, next_stamp(thread, NOW), asks=True)


def test_lines_are_added_and_proven(module: QueryModule) -> None:
    """New threads are made, one a place; a further line goes to its own thread, and is later than all others."""
    assert module.threads() == ()
    receipt = module.write("1", [asked(SEX, "Which\nsex?"), asked(DOB, "When?")])
    assert [one.place for one in receipt.written] == [SEX, DOB]
    sex, dob = module.threads(["1"])
    assert (sex.field, sex.status, sex.repeats, dob.field) == ("sex", QueryStatus.OPEN, False, "dob")
    closing = ThreadWrite(SEX, sex, QueryStatus.CLOSED, "resolved", next_stamp(sex, NOW))
    assert closing.ts == "2025-03-01 08:00:01"
    assert module.write("1", [closing]).written == (closing,)
    sex, dob = module.threads(["1"])
    assert (sex.status, dob.status) == (QueryStatus.CLOSED, QueryStatus.OPEN)
    assert [(one.username, one.comment) for one in sex.lines] == [(OWNER, "Which\nsex?"), (OWNER, "resolved")]
    assert module.threads(status=QueryStatus.CLOSED) == (sex,)


def test_a_request_that_is_sent_twice_adds_one_line(module: QueryModule, faults: Faults) -> None:
    """The answer of the first is lost; the second changes nothing, and the receipt says that the line is there."""
    faults.script("bad_gateway", content="module", after=1)
    assert len(module.write("1", [asked(SEX, "Which?")]).written) == 1
    assert [len(one.lines) for one in module.threads()] == [1]


@pytest.mark.parametrize("changes", [{"ts": "2025-03-01 07:00:00"}, {"place": ThreadPlace("1", "", "no_such")}])
def test_what_the_module_drops_or_does_not_show_is_unproven(module: QueryModule, changes: dict[str, Any]) -> None:
    """An answer of 200 proves nothing: the line, and the status of its thread, have to be there afterwards."""
    module.write("1", [asked(SEX, "Which?")])
    [thread] = module.threads()
    line = ThreadWrite(SEX, thread, QueryStatus.CLOSED, "closed", next_stamp(thread, NOW))
    unproven = replace(line, **changes)
    assert module.write("1", [unproven]).unproven == (unproven,)


def test_a_refused_line_takes_no_other_with_it(module: QueryModule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are refused together are sent in halves, down to the one that is."""
    called = RedcapClient.call_module

    def refuse_dob(self: RedcapClient, address: dict[str, str], form: dict[str, str]) -> Any:
        if '"dob"' in form.get("data", ""):
            raise RedcapRefused("api.not_accepted", status=400)
        return called(self, address, form)

    monkeypatch.setattr(RedcapClient, "call_module", refuse_dob)
    lines = [asked(SEX, "Which?"), asked(DOB, "When?"), asked(ThreadPlace("1", "", "initials"), "Who?")]
    receipt = module.write("1", lines)
    assert (receipt.written, receipt.refused) == ((lines[0], lines[2]), (lines[1],))
    assert [one.field for one in module.threads()] == ["sex", "initials"]


def test_what_a_person_said_is_read(module: QueryModule, desk: QueryDesk) -> None:
    """Response, comment and name."""
    module.write("1", [asked(SEX, "Which?")])
    desk.says(desk.threads()[0], "2025-03-01 09:00:00", response="CONFIRMED_CORRECT", comment="seen", username="nobody")
    line = module.threads()[0].lines[-1]
    assert (line.response, line.comment, line.username) == (QueryResponse.CONFIRMED_CORRECT, "seen", "")


@pytest.mark.parametrize("fault", ["empty", "login_page", ""])
def test_a_site_without_the_module_is_named(module: QueryModule, faults: Faults, fault: str) -> None:
    """Nothing, a page, or a refusal of an unknown prefix: the module is not there, which is exit code 12."""
    if fault:
        faults.script(fault, content="module")
    else:
        module = replace(module, prefix="another")
    with pytest.raises(ExplainedError) as raised:
        module.threads()
    assert (raised.value.code, raised.value.exit_code) == ("query_module.absent", 12)


def test_a_project_without_the_workflow_ends_with_14(module: QueryModule, faults: Faults) -> None:
    """Refused as a whole, so no half of it is tried."""
    faults.script("forbidden", content="module")
    with pytest.raises(ExplainedError) as raised:
        module.write("1", [asked(SEX, "Which?"), asked(DOB, "When?")])
    assert (raised.value.code, raised.value.exit_code) == ("query_module.no_import", 14)
    assert module.threads() == ()


GOOD = {
    "status_id": "1",
    "record": "1",
    "event_id": "1",
    "field_name": "sex",
    "repeat_instrument": None,
    "instance": "1",
    "query_status": "OPEN",
}
LINE = {
    "res_id": "1",
    "ts": "2025-03-01 08:00:00",
    "response_requested": "1",
    "response": None,
    "comment": None,
    "current_query_status": "OPEN",
    "username": None,
}


@pytest.mark.parametrize(
    "found",
    [
        "text",
        {"1": "text"},
        {"1": {**GOOD, "query_status": "REOPENED"}},
        {"1": {**GOOD, "resolutions": {"1": {**LINE, "response": "MAYBE"}}}},
        {"1": {**GOOD, "resolutions": {"1": {**LINE, "ts": "yesterday"}}}},
        *({"1": {key: value for key, value in GOOD.items() if key != left}} for left in GOOD),
        *(
            {"1": {**GOOD, "resolutions": {"1": {key: value for key, value in LINE.items() if key != left}}}}
            for left in LINE
        ),
    ],
)
def test_json_of_another_form_is_no_answer(module: QueryModule, monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    """A key or a word that is not known may mean anything: exit code 13, and no value is in the message."""
    monkeypatch.setattr(RedcapClient, "call_module", lambda *_: json.loads(json.dumps(found)))
    with pytest.raises(ExplainedError) as raised:
        module.threads()
    assert raised.value.exit_code == 13
    assert not {"MAYBE", "REOPENED", "yesterday"} & set(str(raised.value).split())


def test_a_thread_without_a_line_is_read(module: QueryModule, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module leaves the key out then."""
    monkeypatch.setattr(RedcapClient, "call_module", lambda *_: {"1": GOOD})
    [thread] = module.threads()
    assert (thread.lines, thread.newest, thread.last_line) == ((), "", 0)
