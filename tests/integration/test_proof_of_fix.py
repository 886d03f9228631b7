"""How far it is proven who corrected what: rounds in which people, nobody, or we ourselves changed values."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main
from nightround.findings.rule_yield import rule_yields
from nightround.model.finding import Finding
from nightround.store.database import open_store
from tests.small_study import COLLEAGUE, FOLDER, PATIENTS, PERSON, STUDY, SmallStudy, small_study

Edit = Callable[[SmallStudy], None]
EDITS: Mapping[str, tuple[Edit, tuple[str, str, str]]] = {
    "one line of a person": (lambda one: one.corrected("2", age="47"), ("fixed", "full", PERSON)),
    "one line with other fields": (lambda one: one.corrected("2", age="47", sex="1"), ("fixed", "full", PERSON)),
    "a person after another field": (
        lambda one: (one.corrected("2", sex="1"), one.corrected("2", age="47"))[0],
        ("fixed", "full", PERSON),
    ),
    "two lines of two people": (
        lambda one: (one.corrected("2", age="46"), one.corrected("2", COLLEAGUE, age="47"))[0],
        ("fixed", "partial", ""),
    ),
    "our own line": (lambda one: one.type_in("2", age="47"), ("fixed", "none", "")),
    "our own line, then a person's": (
        lambda one: (one.type_in("2", age="46"), one.corrected("2", age="47"))[0],
        ("fixed", "partial", ""),
    ),
    "a blank": (lambda one: one.corrected("2", age=""), ("emptied", "full", PERSON)),
    "a deleted record": (lambda one: one.delete("2"), ("row_removed", "none", "")),
}


SOUND = [{**PATIENTS[0], "record_id": str(record)} for record in range(4, 10)]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The study after a first night, on which the age of record 2 is too high."""
    with small_study(tmp_path / "data", patients=[*PATIENTS, *SOUND]) as one:
        one.round()
        one.next_day()
        yield one


def of_age(study: SmallStudy, record: str = "2") -> Finding:
    """The first finding on the age of a record."""
    found = (one for one in study.findings() if one.row.record == record and one.fields == ("age",))
    return min(found, key=lambda one: one.opened_at)


def graded(study: SmallStudy) -> tuple[str, str, str]:
    """How it was closed, its grade, and who did it."""
    found = of_age(study)
    assert found.proof is not None
    assert found.resolution is not None
    return found.resolution.value, found.proof.grade.value, found.proof.by


@pytest.mark.parametrize("name", EDITS)
def test_a_fix_is_graded_by_what_log_and_snapshots_say(study: SmallStudy, name: str) -> None:
    """Full takes one line of somebody else; several lines are partial, and our own account's lines are no proof."""
    edit, expected = EDITS[name]
    edit(study)
    study.round()
    assert graded(study) == expected
    assert not of_age(study).closed_without_change


def test_lines_of_nights_that_judged_nothing_count(study: SmallStudy) -> None:
    """A pull between two rounds takes its lines from the log, and the round after it counts them all."""
    study.corrected("2", age="46")
    study.command("pull", lambda night: night.pull())
    study.next_day()
    study.corrected("2", COLLEAGUE, age="47")
    study.round()
    assert graded(study) == ("fixed", "partial", "")


def test_a_finding_that_came_back_has_no_proof_until_it_is_closed_again(study: SmallStudy) -> None:
    """The proof is that of the last closing; the history keeps each one."""
    study.corrected("2", age="47")
    study.round()
    study.next_day()
    study.corrected("2", age="98")
    study.round()
    assert of_age(study).proof is None
    study.next_day()
    study.type_in("2", age="48")
    study.round()
    assert graded(study) == ("fixed", "none", "")
    with open_store(study.folder / "nightround.sqlite3") as store:
        lines = store.history(STUDY, of_age(study).id)
        assert [one.proof.grade.value for one in lines if one.proof] == ["full", "none"]
        assert store.broken_lines(STUDY) == ()


def test_without_the_snapshot_that_saw_it_a_fix_is_partial(study: SmallStudy) -> None:
    """The log has the new value only: without the old one in a snapshot nothing more is claimed."""
    study.command("pull", lambda night: night.pull())
    (first, *_) = sorted((study.folder / "snapshots" / "taken").iterdir())
    first.unlink()
    study.next_day()
    study.corrected("2", age="47")
    study.round()
    assert graded(study) == ("fixed", "partial", PERSON)


def called(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(list(words))
    return capsys.readouterr().out


DUE = """
[[rule]]
id = "DUE-01"
instrument = "baseline"
title = { zh = "须在 7 月 3 日之前填写", en = "To be filled in before the third of July" }
discrepancy = "[systolic] = '118' and datediff('today', '2025-07-02', 'd', true) >= 0"
severity = "minor"
owner = "coordinator"
fields = ["systolic"]
advice = { zh = "请核对。", en = "Check it." }
source = "made up"

[[rule.examples]]
verdict = "passes"
values = { systolic = "120" }

[[rule.examples]]
verdict = "passes"
values = { systolic = "118" }
"""
"""A rule that holds again once its day is over, whatever the data say."""


@pytest.fixture
def over(tmp_path: Path) -> Iterator[SmallStudy]:
    """A study with that rule, after the nights before and after that day, and another field changed in between."""
    source = Path(shutil.copytree(FOLDER, tmp_path / "small_study"))
    (source / "rules" / "due.toml").write_text(DUE, encoding="utf-8")
    with small_study(tmp_path / "data", source) as one:
        one.round()
        one.next_day()
        one.corrected("3", sex="2")
        one.round()
        yield one


def test_what_was_closed_without_any_change_is_listed_apart(
    over: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finding whose cells are as they were has no proof, and JSON, its page, the list and the yield say so."""
    study = over
    monkeypatch.setenv("REDCAP_URL", study.environ["REDCAP_URL"])
    (found,) = (one for one in study.findings() if one.rule_id == "DUE-01")
    assert (found.proof and found.proof.grade.value, found.closed_without_change) == ("none", True)
    data = ("--data", str(study.data))
    document = json.loads(called(capsys, "findings", str(study.source), *data, "--json"))
    (shown,) = (one for one in document["findings"] if one["id"] == found.id)
    assert (shown["proof"], shown["closed_without_change"], shown["changed_by"]) == ("none", True, None)
    (yielded,) = (one for one in document["rules"] if one["rule_id"] == found.rule_id)
    assert (yielded["closed_without_change"], yielded["changed"]) == (1, 0)
    assert "without any change" in called(capsys, "finding", str(study.source), found.id, *data)
    (row,) = (one for one in listed(study) if one["finding"] == found.id)
    assert (row["proof"], row["closed_without_change"]) == ("none", "yes")
    with open_store(study.folder / "nightround.sqlite3") as store:
        yields = rule_yields(store.findings(STUDY), store.whole_history(STUDY), study.now[0])
    assert sum(one.unchanged for one in yields) == 1


def listed(study: SmallStudy) -> list[dict[str, Any]]:
    """The rows of the newest `findings.csv`."""
    newest = max((study.folder / "runs").rglob("findings.csv"))
    return list(csv.DictReader(newest.read_text(encoding="utf-8-sig").splitlines()))
