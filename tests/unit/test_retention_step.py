"""What is old is removed by one rule, and never on the word of a clock that may be wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nightround.night.retention_step import clock_trouble, kept_runs, old_lists, old_mails
from nightround.report.reported import reported_snapshots
from nightround.study.settings import SnapshotsTable

NOW = datetime(2025, 7, 5, 2, 30, tzinfo=UTC)


def nights(*days_ago: int, now: datetime = NOW) -> list[datetime]:
    """The hours of nights before one, the night itself included."""
    return [*(now - timedelta(days=days) for days in days_ago), now]


@pytest.mark.parametrize("days", [-1200, -3, 3, 30, 1200])
@pytest.mark.parametrize("before", [range(30, 0, -1), ()])
def test_a_clock_that_is_not_the_servers_removes_nothing(days: int, before: range) -> None:
    """Two days apart are too much, in either direction, whatever was kept before."""
    trouble = clock_trouble(nights(*before), NOW, NOW + timedelta(days=days))
    assert trouble is not None
    assert trouble.code == "retention.clocks"


@pytest.mark.parametrize("server", [None, NOW, NOW + timedelta(hours=40)])
def test_nightly_rounds_with_the_servers_clock_remove(server: datetime | None) -> None:
    """Also where the server gave no date: the nights follow one another."""
    assert clock_trouble(nights(*range(60, 0, -1)), NOW, server) is None
    assert clock_trouble(nights(*range(70, 0, -7)), NOW, server) is None
    assert clock_trouble([NOW], NOW, server) is None


@pytest.mark.parametrize("runs", [0, 1, 5, 6])
@pytest.mark.parametrize("server", [True, False])
def test_after_a_jump_of_the_clock_nothing_is_removed_for_some_nights(runs: int, server: bool) -> None:  # noqa: FBT001
    """1,200 days ahead, once and again the next nights; the server's clock may be wrong with ours."""
    later = NOW + timedelta(days=1200)
    kept = [*nights(*range(30, 0, -1)), *nights(*range(runs, 0, -1), now=later)]
    trouble = clock_trouble(kept, later, later if server else None)
    assert trouble is not None
    assert (trouble.code, trouble.facts["days"]) == ("retention.pause", 1200 - runs)


def test_a_study_that_was_paused_removes_again_after_a_week() -> None:
    """Seven nights after a pause were without a doubt."""
    later = NOW + timedelta(days=90)
    kept = [*nights(*range(30, 0, -1)), *nights(*range(7, 0, -1), now=later)]
    assert clock_trouble(kept, later, later) is None


def test_a_night_dated_in_the_future_is_no_pause() -> None:
    """The manifest of a night whose clock was ahead does not stop the removal for years."""
    assert clock_trouble([*nights(*range(30, 0, -1)), NOW + timedelta(days=1200)], NOW, NOW) is None


def test_runs_are_kept_as_snapshots_are() -> None:
    """Every run of some days, then the last of each week, and always the newest."""
    started = {number: NOW - timedelta(days=100 - number) for number in range(1, 101)}
    kept = kept_runs(started, SnapshotsTable(keep_days=10, keep_weeks=4), NOW)
    assert set(range(91, 101)) <= set(kept)
    assert len(kept) == 10 + 4
    assert kept_runs({1: NOW - timedelta(days=9000)}, SnapshotsTable(), NOW) == {1: NOW - timedelta(days=9000)}
    assert kept_runs({}, SnapshotsTable(), NOW) == {}


def run_files(runs: Path, number: int, **documents: object) -> None:
    """The folder of a run."""
    folder = runs / f"{number:05d}"
    folder.mkdir(parents=True)
    for name in ("coverage.json", "failures.parquet", "findings.csv", "server_said.txt"):
        (folder / name).write_bytes(b"{}")
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


def test_a_list_that_a_kept_run_names_stays(tmp_path: Path) -> None:
    """Run 5 names the lists of 3, whose verdicts repeat those of 2; of 1 and 4 only the certificate stays."""
    run_files(tmp_path, 1)
    run_files(tmp_path, 2, great_expectations={"validation_results": []})
    run_files(tmp_path, 3, great_expectations={"repeats_run": "2"}, lists={"findings.csv": {"run": 3, "sha256": "x"}})
    run_files(tmp_path, 4, great_expectations={"repeats_run": "2"})
    run_files(tmp_path, 5, lists={"findings.csv": {"run": 3, "sha256": "x"}})
    (tmp_path / "notes").mkdir()
    removed = {str(path.relative_to(tmp_path)) for path in old_lists(tmp_path, {5})}
    gone = ("failures.parquet", "findings.csv", "server_said.txt")
    assert removed == {f"{run}/{name}" for run in ("00001", "00004") for name in gone} | {
        "00004/great_expectations.json"
    }


def test_mails_go_with_the_runs_of_their_day(tmp_path: Path) -> None:
    """A copy stays for the kept days and on a day whose run is kept; other files of the folder are nobody's."""
    names = {
        "2025-01-06_data_manager_0a1b2c3d.eml": False,
        "2025-01-05_data_manager_0a1b2c3d.eml": True,
        "2025-01-05_data_manager_0a1b2c3d.html": True,
        "2025-06-30_data_manager_0a1b2c3d.eml": False,
        "notes.txt": False,
    }
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    removed = {path.name for path in old_mails(tmp_path, {date(2025, 1, 6)}, date(2025, 6, 5))}
    assert removed == {name for name, old in names.items() if old}


@pytest.mark.parametrize("content", ["{", "[1]", '[{"other": 1}]', "3"])
def test_a_damaged_register_is_no_empty_one(tmp_path: Path, content: str) -> None:
    """Where nobody can say what was reported, an error says so; no register is no report."""
    assert reported_snapshots(tmp_path) == frozenset()
    (tmp_path / "register.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"\S"):
        reported_snapshots(tmp_path)
