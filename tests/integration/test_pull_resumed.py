"""A pull that was broken off goes on where it stopped."""

import contextlib
from pathlib import Path

import pytest

from nightround.snapshots.vault import Vault
from redcap_sync.pulling.pull import Progress
from redcap_sync.pulling.resume import ResumeFolder
from tests.pull_examples import Served, served


class BrokenOffError(Exception):
    """The process ended in mid-pull."""


def stop_at_once() -> Progress:
    """End the process after the first batch."""

    def stop(_done: int, _all: int) -> None:
        raise BrokenOffError

    return stop


def broken_off(server: Served, folder: Path) -> ResumeFolder:
    """Break a full pull off after its first batch; returns where that is kept."""
    vault = Vault()
    resume = ResumeFolder(folder, write=vault.write, read=vault.read)
    with contextlib.suppress(BrokenOffError):
        server.pull(batch=1, full=True, resume=resume, progress=stop_at_once())
    return resume


@pytest.mark.parametrize("batch", [1, 100])
def test_records_deleted_while_nothing_ran_are_gone_from_what_was_kept(tmp_path: Path, batch: int) -> None:
    """Where all that is left to ask for was deleted meanwhile, nothing is asked without a name, and nothing is left."""
    with served(tmp_path / "project", records=4) as server:
        resume = broken_off(server, tmp_path / "unfinished")
        for record in ("1", "2"):
            server.delete(record)
        whole = server.pull(batch=batch, full=True, resume=resume)
        assert whole.summary.kind == "resumed"
        assert whole.parts == server.pull().parts
        assert set(whole.rows["record"]) == {"3", "4"}


@pytest.mark.parametrize("damage", [b'[{"record_id', b'record_id,initials\n"1,', b"[]\n\x00"])
def test_a_damaged_batch_that_was_kept_is_pulled_again(tmp_path: Path, damage: bytes) -> None:
    """What a broken pull left and a disk spoiled stops no night: everything is asked for anew."""
    with served(tmp_path / "project", records=4) as server:
        resume = broken_off(server, tmp_path / "unfinished")
        for body in (tmp_path / "unfinished").glob("batch-*"):
            body.write_bytes(damage)
        whole = server.pull(full=True, resume=resume)
        assert whole.summary.kind == "full"
        assert whole.parts == server.pull().parts
