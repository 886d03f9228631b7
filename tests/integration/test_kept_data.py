"""A data folder that an earlier version left opens unchanged, and its study goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nightround.model.finding import FindingState, Resolution
from nightround.model.outcome import Status
from nightround.snapshots.snapshot_diff import changed_cells, edits_between
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import Store, open_store
from nightround.store.run_rows import Ended
from tests.made_findings import history_of
from tests.small_study import STUDY, SmallStudy, small_study

KEPT = Path(__file__).parents[1] / "kept" / "data_ab75676"
DATABASE = "nightround.sqlite3"
NIGHTS = (datetime(2025, 7, 1, 18, 30, tzinfo=UTC), datetime(2025, 7, 2, 18, 30, tzinfo=UTC))


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The study on its sandbox, as it was on its second night, with a copy of the data of then."""
    shutil.copytree(KEPT, tmp_path / STUDY)
    with small_study(tmp_path) as opened:
        opened.type_in("2", age="79")
        opened.type_in("1", diastolic="130")
        opened.now[0] = NIGHTS[1]
        yield opened


def rows(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, read by SQLite alone."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY rowid")] for name in tables}  # noqa: S608 - names out of the database itself
    connection.close()
    return found


SENTENCES = {("runs", "trouble"), ("steps", "note"), ("outcomes", "reason")}
"""What was a sentence then and is a message now."""


def as_stored_now(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of then with its sentences as messages."""
    kept = {name: _message(value) if (table, name) in SENTENCES else value for name, value in row.items()}
    if table != "digests":
        return kept
    state = "written" if kept.pop("delivered") else "refused"
    del kept["trouble"]
    return kept | {"written_at": kept.pop("at"), "state": state, "kind": "digest"}


def _message(sentence: str) -> str | None:
    return json.dumps({"code": "kept.text", "facts": {"text": sentence}}) if sentence else None


def told(store: Store) -> list[tuple[str, str, FindingState, Resolution | None]]:
    """The findings: rule, record, state and proof."""
    return sorted((one.rule_id, one.row.record, one.state, one.resolution) for one in store.findings(STUDY))


BEFORE = [
    ("BP-01", "1", FindingState.OPEN, None),
    ("BP-01", "2", FindingState.OPEN, None),
    ("range:age", "2", FindingState.RESOLVED, Resolution.FIXED),
    ("required:age", "3", FindingState.OPEN, None),
]


RENAMED = {"digests": "messages"}


def test_nothing_is_lost_by_opening_it(tmp_path: Path) -> None:
    """Every row of every table is there afterwards with all that it held; a sentence is a message now."""
    shutil.copy(KEPT / DATABASE, tmp_path / DATABASE)
    before = rows(tmp_path / DATABASE)
    open_store(tmp_path / DATABASE).close()
    after = rows(tmp_path / DATABASE)
    for table in before.keys() - {"alembic_version", "sqlite_sequence"}:
        for row, old in zip(after[RENAMED.get(table, table)], before[table], strict=True):
            expected = as_stored_now(table, old)
            assert {name: row[name] for name in expected} == expected, table


def test_its_findings_runs_and_outcomes_are_shown(tmp_path: Path) -> None:
    """What the store says of the two nights is what they were."""
    shutil.copy(KEPT / DATABASE, tmp_path / DATABASE)
    with open_store(tmp_path / DATABASE) as store:
        assert told(store) == BEFORE
        assert [(run.id, run.ended, run.started_at) for run in store.runs(STUDY)] == [
            (2, Ended.DONE, NIGHTS[1]),
            (1, Ended.DONE, NIGHTS[0]),
        ]
        failed = [[one.rule_id for one in store.outcomes(run) if one.status is Status.FAILED] for run in (1, 2)]
        assert failed == [["BP-01", "range:age", "required:age"], ["BP-01", "required:age"]]
        assert all(run.coverage is not None and len(run.coverage.known) == 5 for run in store.runs(STUDY))
        assert [entry.change.value for entry in history_of(store, STUDY)] == ["opened"] * 3 + ["opened", "resolved"]
        assert [(one.state, one.upto) for one in store.messages(STUDY)] == [("written", 3), ("written", 5)]


def test_its_snapshots_are_read_and_compared(tmp_path: Path) -> None:
    """Both nights are read back, proven by their hashes, and a diff names who changed which cell."""
    shutil.copytree(KEPT, tmp_path / STUDY)
    snapshots = SnapshotStore(tmp_path / STUDY / "snapshots")
    first, second = snapshots.manifests()
    changed = changed_cells(
        snapshots.load(first.id, STUDY), snapshots.load(second.id, STUDY), edits_between(snapshots, first, second)
    )
    assert [(one.row.record, one.column, one.old, one.new) for one in changed] == [
        ("2", "age", "97", "79"),
        ("1", "diastolic", "80", "130"),
    ]


def test_its_study_goes_on(study: SmallStudy) -> None:
    """The next night confirms, resolves and reopens the findings of before; their history only grows."""
    with open_store(study.folder / DATABASE) as store:
        history = history_of(store, STUDY)
    study.next_day()
    study.type_in("1", diastolic="80")
    study.type_in("2", age="97")
    summary = study.round()
    assert summary.complete
    assert dict(summary.findings) == {
        "opened": 0,
        "reopened": 1,
        "persisting": 2,
        "resolved": 1,
        "untouched": 0,
        "withdrawn": 0,
        "under": 0,
        "answered": 0,
        "snoozed": 0,
        "waived": 0,
    }
    with open_store(study.folder / DATABASE) as store:
        assert history_of(store, STUDY)[: len(history)] == history
        assert told(store) == [
            ("BP-01", "1", FindingState.RESOLVED, Resolution.FIXED),
            ("BP-01", "2", FindingState.OPEN, None),
            ("range:age", "2", FindingState.OPEN, None),
            ("required:age", "3", FindingState.OPEN, None),
        ]
        assert [run.id for run in store.runs(STUDY)] == [3, 2, 1]
    assert (study.folder / f"{DATABASE}.version-0001").exists()
