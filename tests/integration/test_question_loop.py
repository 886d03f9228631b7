"""The whole loop over HTTP: a night finds, questions are on the record, people answer on its page, a night closes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.commanded_study import Call, call_of, commanded_study
from tests.questions_on_records import page_of_question, questions_of, typed_on_page, with_instrument
from tests.small_study import COLLEAGUE, FOLDER, PERSON, SmallStudy


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night, with the instrument."""
    project = with_instrument(FOLDER / "project", tmp_path / "project")
    with commanded_study(tmp_path / "data", monkeypatch, project=project) as one:
        yield one


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
