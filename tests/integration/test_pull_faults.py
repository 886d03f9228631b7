"""Every fault a server can have ends in a retry that succeeds or in an error with its own exit code."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.errors import ExplainedError, ExportIncomplete, RedcapRefused, RedcapUnreachable
from redcap_sync.pulling.pulled import Pull
from redcap_sync.sandbox.faults import KINDS
from tests.pull_examples import Served, served

NIGHT = datetime(2025, 3, 3, 2, 30, tzinfo=UTC)
CONTENTS = (
    *("version", "log", "project", "metadata", "exportFieldNames", "instrument", "formEventMapping"),
    *("dag", "user", "record"),
)
RIGHTS_TOLD = ("log", "dag", "user", "exportFieldNames")
MENDED = {"dropped", "too_many", "server_error", "bad_gateway", "empty", "truncated"}
REFUSED = {"forbidden": RedcapRefused, "banned": RedcapRefused, "login_page": RedcapUnreachable}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """Twelve records on a server whose faults can be scripted."""
    with served(tmp_path / "project") as one:
        yield one


def test_every_fault_of_the_sandbox_is_tried() -> None:
    """No kind of fault is without a test in this file."""
    assert MENDED | REFUSED.keys() | {"slow", "out_of_memory", "half", "changed", "wrong_clock"} == KINDS


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("kind", sorted(MENDED))
def test_what_is_worth_retrying_is_retried(server: Served, kind: str, content: str) -> None:
    """A fault that passes costs a request, and the snapshot is the same as without it."""
    undisturbed = server.pull()
    if (kind, content) == ("empty", "version"):
        pytest.skip("an empty version is no error: it is unknown")
    server.faults.script(kind, content=content, times=2 if content != "record" else 1)
    assert server.pull().id == undisturbed.id


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_is_not_worth_retrying_ends_in_its_own_code(
    server: Served, tmp_path: Path, kind: str, content: str
) -> None:
    """A refusal, a ban and a login page are not asked again and again; the last good snapshot stays."""
    store = SnapshotStore(tmp_path / "snapshots")
    store.save("s", server.pull(), NIGHT)
    if kind in ("forbidden", "banned") and content in RIGHTS_TOLD:
        pytest.skip("a pull does without what is refused there")
    server.faults.script(kind, content=content, times=99)
    before = len(server.faults.requests)
    with pytest.raises(REFUSED[kind]) as caught:
        server.pull()
    assert caught.value.exit_code == {RedcapRefused: 12, RedcapUnreachable: 11}[REFUSED[kind]]
    assert len([one for one in server.faults.requests[before:] if one == content]) <= 2
    assert store.latest("s") is not None


@pytest.mark.parametrize("kind", ["dropped", "too_many", "server_error", "bad_gateway", "empty", "truncated"])
def test_what_does_not_pass_is_an_error_with_its_code(server: Served, tmp_path: Path, kind: str) -> None:
    """A fault that stays is unreachable or incomplete, and the last good snapshot stays readable."""
    store = SnapshotStore(tmp_path / "snapshots")
    saved = store.save("s", server.pull(), NIGHT)
    server.faults.script(kind, content="record", times=10_000)
    with pytest.raises(ExplainedError) as caught:
        server.pull()
    assert caught.value.exit_code == (13 if kind in {"dropped", "empty", "truncated"} else 11)
    loaded = store.latest("s")
    assert loaded is not None
    assert loaded.id == saved.id


@pytest.mark.parametrize("times", [1, 3, 6])
def test_out_of_memory_makes_batches_smaller(server: Served, times: int) -> None:
    """A server without memory for a batch is asked for half of it, down to one record."""
    undisturbed = server.pull(batch=12)
    server.faults.script("out_of_memory", content="record", times=times, after=1)
    before = len(server.faults.requests)
    assert server.pull(batch=12).id == undisturbed.id
    assert len(server.faults.requests) - before > times


def test_a_slow_batch_is_asked_for_in_halves(server: Served) -> None:
    """An answer that does not come in time is not waited for again with as many records."""
    undisturbed = server.pull(batch=12)
    server.client = server.fresh_client(timeout_seconds=0.5)
    server.faults.script("slow", content="record", seconds=1.0, after=1)
    assert server.pull(batch=12).id == undisturbed.id


@pytest.mark.parametrize("after", range(6))
def test_half_of_the_records_is_never_the_whole(server: Served, after: int) -> None:
    """Wherever half an answer comes once, ids or cells, the other half is found and fetched."""
    undisturbed = server.pull()
    server.faults.script("half", content="record", after=after)
    assert server.pull().id == undisturbed.id


@pytest.mark.parametrize("full", [True, False])
def test_a_server_that_hides_half_of_everything_is_refused(server: Served, full: bool) -> None:  # noqa: FBT001
    """When ids and cells agree in what they leave out, the loss since the last snapshot gives it away."""
    base = server.pull()
    server.faults.script("half", content="record", times=10_000)
    with pytest.raises(ExportIncomplete, match="6 records; the last good snapshot has 12") as caught:
        server.pull(base, full=full, largest_loss_percent=20)
    assert caught.value.exit_code == 13


def test_half_of_every_batch_is_refused(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the ids are all there and the cells never are, the pull is refused, whatever the loss it allows."""
    answer = server.client.records

    def half(*asked: object, **how: object) -> list[dict[str, object]]:
        rows = answer(*asked, **how)
        return rows[: len(rows) // 2]

    monkeypatch.setattr(server.client, "records", half)
    with pytest.raises(ExportIncomplete, match=r"missing|still changing"):
        server.pull(batch=100)


def edit_behind(server: Served, after: int) -> Pull:
    """Pull while somebody edits the first record and adds a visit once an answer with records has left."""

    def edit() -> None:
        at = server.clock.now
        project = server.project
        screening = project.event("screening_arm_1")
        assert screening is not None
        place = next(place for place in project.values["1"].rows if place.event_id == screening.event_id)
        project.values.write("1", place, {"initials": "ZZ"})
        project.log("coordinator", "record_edit", "Update record 1", details="initials = 'ZZ'", record="1")
        assert server.clock.now == at, "within the same minute as every call of the pull"

    server.faults.script("changed", content="record", after=after, change=edit)
    return server.pull()


@pytest.mark.parametrize("after", range(6))
def test_a_record_edited_in_mid_pull_is_fetched_again(server: Served, after: int) -> None:
    """Whenever the edit happens, the snapshot is that of the server after it."""
    during = edit_behind(server, after)
    assert "ZZ" in set(during.tables["baseline"].text["initials"])
    assert server.pull().id == during.id


def test_a_project_that_never_rests_is_refused(server: Served) -> None:
    """When every look finds another edit, the pull gives up after a bounded number of rounds."""
    numbers = iter(range(10_000))

    def edit() -> None:
        server.project.log("coordinator", "record_edit", "Update record 1", details=f"pain = '{next(numbers)}'")

    server.faults.script("changed", content="record", times=10_000, change=edit)
    with pytest.raises(ExportIncomplete, match="still changing"):
        server.pull()


@pytest.mark.parametrize("seconds", [-7200, 7200, -80_000, 80_000])
def test_an_edit_by_a_web_server_with_a_wrong_clock_is_seen(server: Served, seconds: int) -> None:
    """An edit that the log dates hours before or after its time is in the next increment all the same."""
    base = server.pull()
    server.clock.forward(hours=24)
    server.faults.script("wrong_clock", content="record", seconds=seconds)
    server.write("3", weight="81")
    pulled = server.pull(base)
    assert pulled.summary.kind == "incremental"
    assert pulled.id == server.pull().id != base.id


def test_a_server_whose_clock_was_set_back_is_pulled_whole(server: Served) -> None:
    """When the log shows nothing of our own since the last pull, its clock went back, and everything is pulled."""
    base = server.pull()
    server.clock.forward(days=-400)
    server.write("3", weight="81")
    pulled = server.pull(base)
    assert pulled.summary.kind == "full"
    assert "does not say what changed" in str(pulled.summary.why)
    assert "81" in set(pulled.tables["labs"].text["weight"])


def test_a_server_years_off_is_pulled_like_any_other(tmp_path: Path) -> None:
    """Our clock is never asked: a server that lives in the past has complete pulls and increments."""
    with served(tmp_path, records=4) as server:
        server.clock.forward(days=-9000)
        base = server.pull()
        server.clock.forward(hours=20)
        server.write("2", weight="70")
        pulled = server.pull(base)
        assert (pulled.summary.kind, pulled.summary.fetched) == ("incremental", 1)
        assert pulled.id == server.pull().id


def test_a_renamed_record_is_no_record_without_a_line_in_the_log(server: Served) -> None:
    """The log names a renamed record by its old id; the new one is found by comparing ids, and accuses nobody."""
    base = server.pull()
    server.clock.forward(hours=24)
    server.rename("3", "33")
    proof = server.pull(base, full=True).summary.proof
    assert proof is not None
    assert (proof.records, proof.instruments) == (0, ())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("lie", ["event", "instrument", "repeating event"])
def test_rows_that_the_structure_does_not_explain_are_refused(server: Served, lie: str, *, full: bool) -> None:
    """The structure lacks an event, a repeating instrument or a repeating event that rows name: exit code 13."""
    server.client.import_records(
        [{"record_id": "1", "redcap_event_name": "diary_arm_1", "redcap_repeat_instance": 2, "weight": "70"}],
        overwrite=True,
    )
    base = server.pull()
    server.project.log("designer", "manage", "Manage/Design", details="Modify project structure")
    left_out = {"event": "followup_arm_1", "instrument": "visit", "repeating event": "diary_arm_1"}[lie]
    calls = ("events", "mapping", "repeating") if lie == "event" else ("repeating",)
    with pytest.MonkeyPatch.context() as lying:
        for call in calls:
            rows = [one for one in getattr(server.client, call)() if left_out not in one.values()]
            lying.setattr(server.client, call, lambda rows=rows: rows)
        with pytest.raises(ExportIncomplete, match="that the project's structure does not explain") as caught:
            server.pull(base, full=full)
    assert caught.value.exit_code == 13
    assert server.pull(base).id == server.pull().id == base.id
