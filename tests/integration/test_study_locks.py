"""Runs of one study in parallel: who waits for whom, for how long, and what a reader is spared."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from nightround.model.errors import RoundAlreadyRunning
from nightround.night.study_locks import BY_CLOCK, BY_HAND, FINDINGS, PULL, ROUND
from nightround.snapshots.retention import prune
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.settings import SnapshotsTable
from redcap_sync.file_locks import lock_tried
from tests.small_study import STUDY, SmallStudy, small_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study on its sandbox."""
    with small_study(tmp_path) as opened:
        yield opened


def test_a_round_waits_for_another_one_and_says_so(study: SmallStudy, caplog: pytest.LogCaptureFixture) -> None:
    """When the other one ends the round is made, and the log has said once what it waited for."""
    pauses: list[float] = []
    with ExitStack() as other:
        assert other.enter_context(lock_tried(study.folder / ROUND))

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.close()

        with caplog.at_level(logging.WARNING):
            assert study.round(sleep=sleep, waiting=BY_CLOCK).complete
    assert len(pauses) == 3
    assert caplog.text.count("another run of this study is in progress; waiting for it, up to 1800 s") == 1


@pytest.mark.parametrize(("waiting", "seconds", "mails"), [(BY_CLOCK, 1800, 1), (BY_HAND, 60, 0)])
def test_a_round_that_waited_in_vain_gives_up(study: SmallStudy, waiting: object, seconds: int, mails: int) -> None:
    """Half an hour by the clock, which is mailed, and a minute by hand, which whoever waits can see."""
    pauses: list[float] = []
    with lock_tried(study.folder / ROUND), pytest.raises(RoundAlreadyRunning):
        study.round(sleep=pauses.append, waiting=waiting)
    assert sum(pauses) == seconds
    assert len(list((study.folder / "outbox").glob("*.eml"))) == mails


def test_a_command_that_reads_waits_for_nobody(study: SmallStudy) -> None:
    """With every lock of the study taken, the rules are judged on the last snapshot all the same."""
    study.round()

    def no_waiting(_: float) -> None:
        raise AssertionError("a reading command has to wait for nobody")

    with ExitStack() as others:
        for lock in (ROUND, PULL, FINDINGS):
            others.enter_context(lock_tried(study.folder / lock))
        with study.opened("check", sleep=no_waiting) as night:
            assert night.validate(night.last_snapshot()).coverage.complete


@pytest.mark.parametrize("lock", [PULL, FINDINGS])
def test_a_step_waits_for_the_lock_of_what_it_changes(study: SmallStudy, lock: str) -> None:
    """A pull waits for another pull, and the ledger for what else changes findings; neither writes without it."""
    study.round()
    study.next_day()
    study.type_in("2", age="79")
    snapshots = SnapshotStore(study.folder / "snapshots")
    with lock_tried(study.folder / lock), pytest.raises(RoundAlreadyRunning):
        study.round()
    assert len(snapshots.manifests()) == (1 if lock == PULL else 2)
    with study.opened("look") as night:
        assert {one.resolution for one in night.store.findings(STUDY)} == {None}


def test_retention_removes_nothing_while_somebody_reads(study: SmallStudy) -> None:
    """A reader finds every part of what it reads; the next night forgets what this one could not."""
    study.round()
    study.next_day()
    study.type_in("2", age="79")
    study.round()
    snapshots = SnapshotStore(study.folder / "snapshots")
    first, _ = snapshots.manifests()
    later = study.now[0] + timedelta(days=3000)
    with snapshots.reading():
        assert prune(snapshots, SnapshotsTable(), later) == []
        assert snapshots.load(first.id, STUDY).id == first.id
    assert [one.id for one in prune(snapshots, SnapshotsTable(), later)] == [first.id]
