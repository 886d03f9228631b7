"""The whole loop over HTTP: a night finds, questions are on the record, people answer on its page, a night closes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from nightround.cli.main import main
from tests.commanded_study import Call, call_of, commanded_study
from tests.questions_on_records import page_of_question, questions_of, typed_on_page, with_instrument
from tests.small_study import COLLEAGUE, FOLDER, PERSON, SmallStudy


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night, with the instrument."""
    project = with_instrument(FOLDER / "project", tmp_path / "project")
    with commanded_study(tmp_path / "data", monkeypatch, project=project) as one:
        yield one


def told_roles(folder: Path) -> Path:
    """The files of the study, in which REDCap's user of the data manager is named."""
    shutil.copytree(FOLDER, folder)
    settings = folder / "study.toml"
    text = settings.read_text(encoding="utf-8")
    named = f'role = "data_manager"\nredcap_user = "{PERSON}"'
    settings.write_text(text.replace('role = "data_manager"', named), encoding="utf-8")
    return folder


def asked(study: SmallStudy, finding: dict[str, Any]) -> dict[str, Any]:
    """The last question about a finding, as it is on the record."""
    mine = {name: row for name, row in questions_of(study.client, ["1", "2", "3"]).items() if finding["id"] in name}
    return mine[max(mine)]


def test_from_a_finding_to_its_fix_and_back(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """One value is confirmed and stays unasked until it changes; another is corrected, and closed with full proof."""
    call: Call = call_of(study, capsys)

    def by_record() -> dict[str, dict[str, Any]]:
        return {one["record"]: one for one in call("findings")[1]["findings"] if one["fields"] == ["age"]}

    call("flags", "--apply")
    confirmed, corrected = by_record()["2"], by_record()["3"]
    for one in (confirmed, corrected):
        shown = requests.get(page_of_question(asked(study, one), one["link"]), timeout=30).text
        assert all(said in shown for said in (f"{one['id']}-1", one["rule_id"], "confirmed_correct"))
    page = page_of_question(asked(study, confirmed), confirmed["link"])
    said = {"dq_code": "confirmed_correct", "dq_comment": "seen in the chart"}
    assert "Saved by" in typed_on_page(page, PERSON, **said)
    assert "Saved by" in typed_on_page(corrected["link"], COLLEAGUE, age="50")

    study.next_day()
    call("night")
    assert by_record()["2"]["state"] == "waived"
    closed = by_record()["3"]
    assert (closed["state"], closed["resolution"], closed["proof"]) == ("resolved", "fixed", "full")
    assert closed["changed_by"] == COLLEAGUE
    call("flags", "--apply")
    assert asked(study, confirmed)["dq_status"] == "waived"
    assert asked(study, corrected)["dq_status"] == "resolved"

    study.next_day()
    call("night")
    assert by_record()["2"]["state"] == "waived"
    assert call("flags", "--apply")[1]["rows"] == []
    typed_on_page(by_record()["2"]["link"], PERSON, age="99")
    study.next_day()
    call("night")
    assert by_record()["2"]["state"] == "open"
    call("flags", "--apply")
    again = asked(study, confirmed)
    assert (again["dq_id"], again["dq_code"], again["dq_status"]) == (f"{confirmed['id']}-2", "", "open")


@pytest.mark.parametrize("named", [False, True])
def test_who_answered_on_the_record_may_not_approve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, named: bool
) -> None:
    """REDCap's log says who saved the answer: by user name, or by the role whose user the study says it is."""
    project = with_instrument(FOLDER / "project", tmp_path / "project")
    source = told_roles(tmp_path / "study") if named else FOLDER
    who, other = ("data_manager", "coordinator") if named else (PERSON, "data_manager")
    with commanded_study(tmp_path / "data", monkeypatch, project=project, source=source) as study:
        call = call_of(study, capsys)
        call("flags", "--apply")
        (critical,) = (one for one in call("findings")[1]["findings"] if one["severity"] == "critical")
        page = page_of_question(asked(study, critical), critical["link"])
        typed_on_page(page, COLLEAGUE, dq_code="other")
        typed_on_page(page, PERSON, dq_code="confirmed_correct")
        study.next_day()
        call("night")
        (waits,) = (one for one in call("findings")[1]["findings"] if one["severity"] == "critical")
        assert (waits["state"], waits["answer"]["by"], waits["answer"]["by_known"]) == ("answered", who, True)
        for name in (who, PERSON) if not named else (who, PERSON, "data.manager@example.org"):
            assert call("approve", critical["id"], "--by", name)[0] == 2
        assert call("approve", critical["id"], "--by", other)[1]["finding"]["state"] == "waived"


def test_where_the_log_is_not_read_nobody_is_named(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer counts; it is said that who gave it is not known, and what an approval then stands for."""
    call = call_of(study, capsys)
    call("flags", "--apply")
    (critical,) = (one for one in call("findings")[1]["findings"] if one["severity"] == "critical")
    typed_on_page(page_of_question(asked(study, critical), critical["link"]), PERSON, dq_code="confirmed_correct")
    study.project.structure.users["sandbox_user"].rights.levels["logging"] = 0
    study.next_day()
    call("night")
    (waits,) = (one for one in call("findings")[1]["findings"] if one["severity"] == "critical")
    assert (waits["state"], waits["answer"]["by_known"]) == ("answered", False)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["approve", str(study.source), critical["id"], "--by", "data_manager", "--data", str(study.data)])
    assert not ended.value.code
    assert "does not say who answered" in capsys.readouterr().out
