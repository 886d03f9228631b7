"""Records that are renamed in REDCap keep their findings, with age and history, under their new names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from nightround.model.finding import Finding, FindingState
from tests.small_study import SmallStudy, small_study

BROKEN = {"age": "97", "sex": "2", "systolic": "80", "diastolic": "120"}
"""Breaks a rule of the small study: the upper pressure is below the lower one."""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study on its sandbox; record 2 has findings, and so has record 3."""
    with small_study(tmp_path) as opened:
        yield opened


def rename(study: SmallStudy, *pairs: tuple[str, str]) -> None:
    """Rename records through the API, one after the other."""
    for old, new in pairs:
        call = {"content": "record", "action": "rename", "record": old, "new_record_name": new}
        answer = requests.post(
            study.environ["REDCAP_URL"], data={"token": study.environ["REDCAP_TOKEN"], **call}, timeout=30
        )
        assert answer.text == "1"


def lived(findings: Sequence[Finding]) -> dict[str, tuple[str, str]]:
    """Record and opening date of each finding by id."""
    return {one.id: (one.row.record, one.opened_at.isoformat()) for one in findings}


def under(names: dict[str, str], findings: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The same findings with their records under other names."""
    return {one: (names.get(record, record), opened) for one, (record, opened) in findings.items()}


CHAINS: dict[str, tuple[tuple[tuple[str, str], ...], dict[str, str]]] = {
    "one": ((("2", "2A"),), {"2": "2A"}),
    "a chain": ((("2", "x"), ("x", "y"), ("y", "z")), {"2": "z"}),
    "a swap": ((("2", "t"), ("3", "2"), ("t", "3")), {"2": "3", "3": "2"}),
    "into a name that was left": ((("2", "x"), ("3", "2")), {"2": "x", "3": "2"}),
    "there and back": ((("2", "x"), ("x", "2")), {}),
}


@pytest.mark.parametrize(("pairs", "names"), CHAINS.values(), ids=CHAINS.keys())
def test_findings_go_with_their_record(
    study: SmallStudy, pairs: tuple[tuple[str, str], ...], names: dict[str, str]
) -> None:
    """Nothing opens or closes; each finding has its id and its age, and the name that its record has now."""
    study.round()
    before = lived(study.findings())
    study.next_day()
    rename(study, *pairs)
    changes = study.round().findings
    assert (changes["opened"], changes["reopened"], changes["resolved"], changes["withdrawn"]) == (0, 0, 0, 0)
    assert lived(study.findings()) == under(names, before)
    study.next_day()
    study.type_in(names.get("2", "2"), age="40", systolic="130", diastolic="70")
    assert study.round().findings["resolved"] > 0


def test_a_night_that_failed_after_its_pull_loses_no_renaming(study: SmallStudy) -> None:
    """The lines of the log were read by a pull that no findings followed; the next round goes by them too."""
    study.round()
    before = lived(study.findings())
    study.next_day()
    rename(study, ("2", "t"), ("3", "2"), ("t", "3"))
    study.command("pull", lambda night: night.pull())
    study.next_day()
    study.round()
    study.next_day()
    study.round()
    assert lived(study.findings()) == under({"2": "3", "3": "2"}, before)


def test_who_takes_the_name_of_a_deleted_record_has_nothing_of_it(study: SmallStudy) -> None:
    """The findings of the deleted record are closed as removed; those of the renamed one go to the name."""
    study.client.import_records([{"record_id": f"9{n}", "age": "50", "sex": "1"} for n in range(9)], overwrite=True)
    study.round()
    before = {one.id: one.row.record for one in study.findings() if one.state is FindingState.OPEN}
    study.next_day()
    study.delete("2")
    rename(study, ("3", "2"))
    study.round()
    after = {one.id: (one.row.record, one.resolution) for one in study.findings()}
    assert after == {
        one: ("2", "row_removed") if record == "2" else ("2", None) if record == "3" else (record, None)
        for one, record in before.items()
    }


def test_a_new_patient_under_a_name_that_was_left_has_findings_of_its_own(study: SmallStudy) -> None:
    """The finding of the record that left has the id that the new one would get: the new one gets another."""
    study.round()
    before = lived(study.findings())
    study.next_day()
    rename(study, ("2", "2A"))
    study.client.import_records([{"record_id": "2", **BROKEN}], overwrite=True)
    opened = study.round().findings["opened"]
    after = lived(study.findings())
    assert under({"2": "2A"}, before).items() <= after.items()
    assert opened == len(after) - len(before) == sum(record == "2" for record, _ in before.values())


def test_many_renamed_at_once_are_one_line(study: SmallStudy) -> None:
    """Forty records move: the mail has one line of it, and no finding as new or closed."""
    study.client.import_records([{"record_id": f"9{n:02}", **BROKEN} for n in range(40)], overwrite=True)
    study.round()
    study.next_day()
    rename(study, *((f"9{n:02}", f"A-{n:02}") for n in range(40)))
    summary = study.round()
    assert summary.changes == ()
    page = max((study.folder / "outbox").glob("*.html"), key=lambda path: path.stat().st_mtime_ns)
    mail = page.read_text(encoding="utf-8")
    assert "Records renamed in REDCap: 40." in mail or "40 条记录更改了编号" in mail
    news, _, known = mail.partition("Still open</td>")
    assert "A-07" not in news
    assert "A-07" in known  # it is critical, and listed every day
