"""`nightround answer`, `approve`, `snooze`: the loop of a coordinator and a data manager over several nights."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.commanded_study import Call, call_of, commanded_study
from tests.small_study import SmallStudy


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night."""
    with commanded_study(tmp_path / "data", monkeypatch) as one:
        yield one


@pytest.fixture
def call(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """A command on the study, as its exit code and its JSON."""
    return call_of(study, capsys)


def listed(call: Call, *options: str) -> list[dict[str, Any]]:
    """What `findings --json` lists."""
    found: list[dict[str, Any]] = call("findings", *options)[1]["findings"]
    return found


def first_of(call: Call, record: str, severity: str) -> dict[str, Any]:
    """A finding of a record that speaks for itself."""
    return next(one for one in listed(call, "--record", record) if one["severity"] == severity and not one["under"])


def test_a_confirmed_value_is_not_asked_again_until_it_changes(study: SmallStudy, call: Call) -> None:
    """Waived at once and quiet for a night; after a change that still breaks the rule it is asked about again."""
    found = first_of(call, "2", "minor")
    code, done = call(
        "answer", found["id"][:8], "--code", "confirmed_correct", "--by", "coordinator", "--comment", "ok"
    )
    assert (code, done["finding"]["state"]) == (0, "waived")
    assert done["finding"]["answer"]["accepted_by"] == "coordinator"
    study.next_day()
    summary = study.round()
    assert summary.findings["waived"] == 1
    assert found["id"] not in {one["id"] for one in listed(call, "--open")}
    study.next_day()
    study.type_in("2", age="99")
    study.round()
    history = call("finding", found["id"])[1]["finding"]["history"]
    changes = [(one["change"], one["was"], one["by"], one["why"]) for one in history]
    assert changes[:3] == [
        ("opened", None, None, None),
        ("answered", "open", "coordinator", "confirmed_correct"),
        ("waived", "answered", "coordinator", "confirmed_correct"),
    ]
    assert changes[3:] == [("lapsed", "waived", None, "values_changed")]
    assert history[1]["comment"] == "ok"
    (yielded,) = [one for one in call("findings")[1]["rules"] if one["rule_id"] == found["rule_id"]]
    assert (yielded["asked"], yielded["answered"], yielded["changed"], yielded["confirmed"]) == (1, 1, 1, 1)
    assert yielded in call("rules", "--yield")[1]["rules"]


def test_a_correction_is_checked_by_the_next_night(study: SmallStudy, call: Call) -> None:
    """Said to be corrected and not: asked once more. Said and done: closed, with what was said."""
    found = first_of(call, "2", "minor")
    for corrected, state in ((False, "open"), (True, "resolved")):
        assert call("answer", found["id"], "--code", "typo_corrected", "--by", "coordinator")[0] == 0
        study.next_day()
        if corrected:
            study.type_in("2", age="47")
        study.round()
        assert call("finding", found["id"])[1]["finding"]["state"] == state


def test_what_a_state_does_not_allow_ends_with_2_and_a_true_sentence(call: Call) -> None:
    """Each refused command names the finding's state, changes nothing and writes no line."""
    found = first_of(call, "2", "minor")
    assert call("approve", found["id"], "--by", "data_manager")[0] == 2
    call("answer", found["id"], "--code", "other", "--by", "coordinator")
    before = call("finding", found["id"])
    for command, *options in (
        ("answer", "--code", "other", "--by", "x"),
        ("snooze", "--until", "2025-08-01", "--by", "x"),
        ("approve", "--by", "coordinator"),
    ):
        code, refused = call(command, found["id"], *options)
        assert (code, refused["exit_code"]) == (2, 2)
        assert found["id"][:8] in refused["error"]["what"]
    assert call("finding", found["id"]) == before
    assert call("approve", found["id"], "--return", "--by", "data_manager", "--comment", "which source?")[0] == 0
    assert call("finding", found["id"])[1]["finding"]["state"] == "open"
    assert call("snooze", found["id"], "--until", "2025-07-02", "--by", "x")[0] == 2


def test_a_snoozed_finding_leaves_the_repetition_until_its_day(study: SmallStudy, call: Call) -> None:
    """It is counted as snoozed and judged; on its day it comes back once."""
    found = first_of(call, "2", "minor")
    assert call("snooze", found["id"], "--until", "2025-07-04", "--by", "coordinator")[0] == 0
    states = []
    for _ in range(3):
        study.next_day()
        summary = study.round()
        states.append((summary.findings["snoozed"], summary.findings["reopened"]))
    assert states == [(1, 0), (0, 1), (0, 0)]


def test_two_writers_take_turns_and_wait_for_no_longer_than_they_say(study: SmallStudy, call: Call) -> None:
    """While another run changes findings an answer waits, and gives up with exit code 2."""
    found = first_of(call, "2", "minor")
    with study.opened("check") as night, night.facts.only_one(".lock"):
        code, refused = call("answer", found["id"], "--code", "other", "--by", "x", "--wait", "0")
    assert (code, refused["error"]["code"]) == (2, "night.locked")
    assert call("answer", found["id"], "--code", "other", "--by", "x", "--wait", "0")[0] == 0


@pytest.mark.parametrize(("choice", "state"), [("future", "waived"), ("carry", "waived"), ("reopen", "open")])
def test_the_data_manager_decides_what_an_edit_does_to_answers(
    study: SmallStudy, call: Call, tmp_path: Path, choice: str, state: str
) -> None:
    """The counts come first and change nothing; then the answers are kept, or asked again, and the night agrees."""
    study.source = Path(shutil.copytree(study.source, tmp_path / "copy" / study.source.name))
    found = first_of(call, "2", "critical")
    call("answer", found["id"], "--code", "confirmed_correct", "--by", "coordinator")
    call("approve", found["id"], "--by", "data_manager")
    assert call("rules", "change", "BP-01")[1]["affected"] == 0
    file = next((study.source / "rules").glob("*.toml"))
    rule = file.read_text(encoding="utf-8")
    file.write_text(rule.replace("[systolic] <= [diastolic]", "[systolic] < [diastolic]"), encoding="utf-8")
    counts = call("rules", "change", "BP-01")[1]
    assert (counts["waived"], counts["affected"], counts["answers"]) == (1, 1, None)
    assert call("rules", "change", "BP-01", "--answers", choice)[0] == 2
    code, done = call("rules", "change", "BP-01", "--answers", choice, "--by", "data_manager")
    assert (code, done["affected"], done["answers"]) == (0, 1, choice)
    study.next_day()
    study.round()
    shown = call("finding", found["id"])[1]["finding"]
    assert shown["state"] == state
    assert shown["history"][3]["by"] == "data_manager"
    assert call("rules", "change", "NO-SUCH")[0] == 2


def test_an_edit_without_a_decision_asks_again(study: SmallStudy, call: Call, tmp_path: Path) -> None:
    """A night that meets other logic and no decision does not rely on an answer to the old one."""
    study.source = Path(shutil.copytree(study.source, tmp_path / "copy" / study.source.name))
    found = first_of(call, "2", "critical")
    call("answer", found["id"], "--code", "confirmed_correct", "--by", "coordinator")
    file = next((study.source / "rules").glob("*.toml"))
    rule = file.read_text(encoding="utf-8")
    file.write_text(rule.replace("[systolic] <= [diastolic]", "[systolic] < [diastolic]"), encoding="utf-8")
    study.next_day()
    study.round()
    shown = call("finding", found["id"])[1]["finding"]
    assert (shown["state"], shown["history"][-1]["why"]) == ("open", "rule_changed")


def test_check_ends_as_the_night_does(study: SmallStudy, call: Call) -> None:
    """What is put off decides neither exit code, until its day; what is open decides both."""
    assert call("check")[0] == 3
    critical = [one["id"] for one in listed(call) if one["severity"] == "critical"]
    for one in critical:
        call("snooze", one, "--until", "2025-07-20", "--by", "coordinator")
    study.next_day()
    assert study.round().exit_code == 0
    code, said = call("check")
    assert (code, said["severe"]["count"]) == (0, 0)
    assert {one["state"] for one in listed(call) if one["id"] in critical} == {"snoozed"}
    study.now[0] += timedelta(days=30)
    assert call("check")[0] == 3
