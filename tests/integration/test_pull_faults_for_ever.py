"""A server that never gets well: each fault of the sandbox, on every request from some moment on."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.errors import ExplainedError
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.faults import KINDS
from tests.pull_examples import Served, served

NIGHT = datetime(2025, 3, 3, 2, 30, tzinfo=UTC)
CODES = {
    "banned": 12,
    "changed": 13,
    "forbidden": 12,
    "bad_gateway": 11,
    "login_page": 11,
    "server_error": 11,
    "slow": 11,
    "too_many": 11,
    "dropped": 13,
    "empty": 13,
    "half": 13,
    "out_of_memory": 13,
    "truncated": 13,
}
"""Exit code where every answer with records is spoiled: 11 unreachable, 12 refused, 13 incomplete."""
HARMLESS = {"wrong_clock"}
"""A wrong clock alone takes nothing away."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """Six records on a server whose faults can be scripted, and a client that soon gives up."""
    with served(tmp_path / "project", records=6) as one:
        one.client = one.fresh_client(timeout_seconds=0.3, attempts=2)
        yield one


def test_every_fault_there_is_has_its_end() -> None:
    """A new kind of fault has to be given its exit code, or be called harmless, here."""
    assert CODES.keys() | HARMLESS == KINDS


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fault_that_stays_ends_in_its_code_with_the_last_snapshot_whole(
    server: Served, tmp_path: Path, kind: str, after: int
) -> None:
    """From the first answer with records, or in mid-pull, the pull is refused; once it is over, the next is whole."""
    store = SnapshotStore(tmp_path / "snapshots")
    base = server.pull()
    saved = store.save("s", base, NIGHT)
    change = somebody_writes(server) if kind == "changed" else None
    server.faults.script(kind, content="record", times=10_000, after=after, seconds=0.6, change=change)
    if kind in HARMLESS:
        assert server.pull().id == base.id
        return
    with pytest.raises(ExplainedError) as caught:
        store.save("s", server.pull(base, full=True, largest_loss_percent=20), NIGHT)
    assert caught.value.exit_code == CODES[kind]
    assert caught.value.remedy
    latest = store.latest("s")
    assert latest is not None
    assert latest.id == saved.id
    server.faults.clear()
    assert (server.pull().id == base.id) == (kind != "changed")


def somebody_writes(server: Served) -> Callable[[], None]:
    """Edits of one record, each another one and with its line in the log."""
    project, count = server.project, itertools.count()
    event = project.event("screening_arm_1")
    assert event is not None

    def write() -> None:
        project.values.write("1", ValuePlace(event.event_id), {"initials": f"edit {next(count)}"})
        project.log("nurse", "record_edit", "Update record 1", details="initials = 'edit'", record="1")

    return write
