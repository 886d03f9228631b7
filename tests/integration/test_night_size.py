"""A night without a change adds little: a list that says nothing new is named, not written again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nightround.night import night_ledger, steps
from tests.small_study import SmallStudy, small_study

LISTS = {"coverage.json", "great_expectations.json", "failures.parquet", "findings.csv"}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study on its sandbox."""
    with small_study(tmp_path) as opened:
        yield opened


def document(study: SmallStudy, run: int, name: str) -> dict[str, Any]:
    """A JSON file of a run."""
    found: dict[str, Any] = json.loads((study.folder / "runs" / f"{run:05d}" / name).read_text(encoding="utf-8"))
    return found


def listed(study: SmallStudy, run: int) -> list[dict[str, str]]:
    """The rows of a run's list of findings, wherever it is."""
    where = document(study, run, "lists.json")["findings.csv"]["run"]
    text = (study.folder / "runs" / f"{where:05d}" / "findings.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_a_night_without_change_adds_less_than_30_kb(study: SmallStudy) -> None:
    """Database, snapshots, lists and mails together, of a night that found what the night before found."""
    study.round()
    for _ in range(2):
        study.next_day()
        study.round()
    before = size(study.folder)
    for _ in range(3):
        study.next_day()
        study.round()
    assert size(study.folder) - before < 3 * 30_000


def size(folder: Path) -> int:
    """Bytes in all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_list_that_says_nothing_new_is_named(study: SmallStudy) -> None:
    """The second night has its certificate, without the rules, and names the run that has the other lists."""
    first = study.round()
    study.next_day()
    second = study.round()
    assert {path.name for path in second.files} == {path.name for path in first.files} == LISTS
    assert all(path.exists() for path in second.files)
    folder = study.folder / "runs" / "00002"
    assert {path.name for path in folder.iterdir()} == {"coverage.json", "great_expectations.json", "lists.json"}
    certificate, before = document(study, 2, "coverage.json"), document(study, 1, "coverage.json")
    assert (certificate["run"], certificate["rules_of_run"]) == ("2", "1")
    assert {name: certificate[name] for name in ("known", "passed", "failed", "snapshot")} == {
        name: before[name] for name in ("known", "passed", "failed", "snapshot")
    }
    assert len(before["rules"]) == before["known"]


def test_a_list_is_written_again_when_it_says_something_new(study: SmallStudy) -> None:
    """A correction changes certificate, failures and findings; the run after that names this one."""
    study.round()
    study.next_day()
    study.type_in("2", age="79")
    study.round()
    assert all(one["run"] == 2 for one in document(study, 2, "lists.json").values())
    study.next_day()
    study.round()
    assert {one["run"] for one in document(study, 3, "lists.json").values()} == {2}
    assert [row["state"] for row in listed(study, 3)].count("resolved") == 1


def test_a_finding_that_was_not_seen_again_is_something_new(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list may stand for a later night only as long as the same findings were seen on it."""
    study.round()
    study.next_day()
    judged = steps.validate

    def stops_one(snapshot: Any, rules: Any, **other: Any) -> Any:
        return judged(snapshot, [rule for rule in rules if rule.id != "BP-01"], **other)

    monkeypatch.setattr(steps, "validate", stops_one)
    study.round()
    assert document(study, 2, "lists.json")["findings.csv"]["run"] == 2
    seen = {row["rule"]: row["last_seen_at"][:10] for row in listed(study, 2)}
    assert (seen["BP-01"], seen["range:age"]) == ("2025-07-01", "2025-07-02")


def test_a_list_that_was_removed_is_written_again(study: SmallStudy) -> None:
    """Whoever clears old runs away loses no list of the nights to come."""
    study.round()
    (study.folder / "runs" / "00001" / "findings.csv").unlink()
    study.next_day()
    study.round()
    assert (study.folder / "runs" / "00002" / "findings.csv").exists()


def test_a_closed_finding_leaves_the_list_after_a_month(study: SmallStudy) -> None:
    """It is in the database and in the lists of before."""
    study.round()
    study.type_in("2", age="79")
    study.next_day()
    study.round()
    assert "resolved" in [row["state"] for row in listed(study, 2)]
    study.now[0] += timedelta(days=31)
    study.round()
    assert "resolved" not in [row["state"] for row in listed(study, 3)]
    assert len(listed(study, 3)) == 2


def test_a_night_without_change_reads_no_finding(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers, its exit code and the hour of each finding are those of a night that reads them all."""
    read: list[int] = []
    decided = night_ledger.reconcile

    def counted(study_id: str, known: Any, *others: Any, **other: Any) -> Any:
        read.append(len(known))
        return decided(study_id, known, *others, **other)

    monkeypatch.setattr(night_ledger, "reconcile", counted)
    first = study.round()
    study.next_day()
    second = study.round()
    assert read == [0, 0]
    assert first.findings["opened"] == second.findings["persisting"] > 0
    assert (second.severe, second.exit_code) == (first.severe, first.exit_code)
    assert {one.last_seen_at for one in study.findings()} == {study.now[0]}
