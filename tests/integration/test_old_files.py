"""Nights remove what is old by one rule, and a disk that fills up leaves whole files only."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nightround.report.register import ENTRIES, RegisterEntry
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.private_files import LEFT_SECONDS, remove_unfinished, write_private
from tests.small_study import SmallStudy, small_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study on its sandbox."""
    with small_study(tmp_path) as opened:
        yield opened


def taken(study: SmallStudy) -> list[str]:
    """The names of all manifests."""
    return sorted(path.name for path in (study.folder / "snapshots" / "taken").iterdir())


def some_nights(study: SmallStudy, count: int, days: int = 7, age: int = 20) -> None:
    """Make rounds, each with another age typed in, so that each has its own snapshot and lists."""
    for number in range(count):
        study.type_in("1", age=str(age + number))
        study.round()
        study.now[0] += timedelta(days=days)


@pytest.mark.parametrize("both", [False, True])
def test_a_clock_that_jumps_ahead_removes_no_snapshot(study: SmallStudy, *, both: bool) -> None:
    """One run 1,200 days ahead, and the next one, remove nothing; whether or not the server's clock jumped too."""
    some_nights(study, 3)
    before = taken(study)
    wrong = study.now[0] + timedelta(days=1200)
    if both:
        study.now[0] = wrong
    for day in range(2):
        study.round(clock=lambda day=day: wrong + timedelta(days=day))
        if both:
            study.now[0] = wrong + timedelta(days=day + 1)
    assert set(before) <= set(taken(study))
    assert len(taken(study)) == 5


def test_lists_and_mails_go_with_the_snapshots_and_what_a_report_needs_stays(study: SmallStudy) -> None:
    """After three years of rounds the first ones are gone, but the snapshot that was reported is not."""
    some_nights(study, 2)
    first, second = SnapshotStore(study.folder / "snapshots").manifests()
    entry = RegisterEntry(first.id, first.taken_at, looked_at=False, files={})
    write_private(
        study.folder / "reports" / "register.json", json.dumps(ENTRIES.dump_python((entry,), mode="json")).encode()
    )
    mails = sorted((study.folder / "outbox").iterdir())
    assert mails
    some_nights(study, 25, days=40, age=30)
    names = taken(study)
    assert first.name in names
    assert second.name not in names
    assert not set(mails) & set((study.folder / "outbox").iterdir())
    lists = {path.name for path in (study.folder / "runs" / "00002").iterdir()}
    assert lists == {"coverage.json"}
    newest = max((study.folder / "runs").iterdir())
    for name, where in json.loads((newest / "lists.json").read_bytes()).items():
        assert (newest.parent / f"{where['run']:05d}" / name).exists()
    assert study.last_run().complete


def test_a_damaged_register_removes_nothing(study: SmallStudy) -> None:
    """Nobody can say then which snapshot a report needs."""
    some_nights(study, 2, days=44)
    write_private(study.folder / "reports" / "register.json", b"{")
    some_nights(study, 20, days=44, age=30)
    assert len(taken(study)) == 22


class CutDisk:
    """A disk that takes a number of files whole, cuts the next one in half, and is full from then on."""

    def __init__(self, files: int) -> None:
        self.left = files
        self.whole: set[str] = set()
        self.modes: set[int] = set()

    def fsync(self, descriptor: int) -> None:
        """Take a file, or cut it."""
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return
        self.modes.add(stat.S_IMODE(about.st_mode))
        self.left -= 1
        if self.left < 0:
            os.ftruncate(descriptor, about.st_size // 2)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        content = Path(f"/proc/self/fd/{descriptor}").read_bytes()
        self.whole.add(hashlib.sha256(content).hexdigest())


def written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file of a data folder that is no lock and none of the database's, with the hash of its content."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".sqlite3" not in path.name and not path.name.endswith(".lock"):
            yield path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_disk_that_fills_up_at_any_write_leaves_whole_private_files(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever write of a night is cut: each file under its name is whole and private, and no rest stays."""
    disk = CutDisk(10**6)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    writes = 0
    while True:
        study.type_in("1", age=str(30 + writes % 50))
        study.now[0] += timedelta(days=1)
        disk.left = writes
        try:
            study.round()
        except Exception:  # noqa: BLE001 - how a full disk is explained is the matter of other tests
            assert disk.left < 0
        cut = [path for path, content in written(study.folder) if content not in disk.whole]
        assert cut == [], writes
        assert not list(study.folder.rglob(".writing-*")), writes
        if disk.left >= 0:
            break
        writes += 1
    assert writes > 8
    assert disk.modes == {0o600}
    disk.left = 10**6
    study.now[0] += timedelta(days=1)
    assert study.round().complete


def test_what_a_broken_run_left_half_written_goes_at_the_next_start(study: SmallStudy) -> None:
    """Old rests of ours go, also those of earlier versions; young ones, locked ones and other files stay."""
    study.round()
    folder = study.folder / "snapshots" / "objects"
    old = [folder / ".writing-a.parquet-1-2", study.folder / "outbox" / ".x.eml.part", study.folder / ".x.json.new"]
    kept = [study.folder / ".writing-young", study.folder / ".writing-locked", study.folder / ".hidden"]
    for path in (*old, *kept):
        path.write_bytes(b"half")
        if "young" not in path.name:
            os.utime(path, (0, 0))
    with kept[1].open("rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        study.command("check", lambda night: night.last_snapshot())
    assert [path for path in (*old, *kept) if path.exists()] == kept
    now = kept[0].stat().st_mtime + LEFT_SECONDS + 1
    assert remove_unfinished([study.folder], now) == [kept[1], kept[0]]
