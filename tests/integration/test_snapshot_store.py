"""Snapshots on disk: what was saved is what is loaded, once, privately, whole or not at all."""

import errno
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.snapshots import snapshot_store
from nightround.snapshots.retention import prune, to_keep
from nightround.snapshots.snapshot_diff import changed_cells, edits_between
from nightround.snapshots.snapshot_files import read_table
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.snapshots.vault import KEY_BYTES, Vault, find_key
from nightround.study.settings import SnapshotsTable
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling import pulled
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.rows.tables import Table, UnreadTable
from tests.pull_examples import Served, served

NIGHT = datetime(2025, 7, 5, 2, 30, tzinfo=UTC)
CANARY = "CANARY-initials"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A server with twelve records."""
    with served(tmp_path / "project") as one:
        yield one


def files(folder: Path) -> dict[str, float]:
    """Every file with the time of its last change."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_snapshot_is_read_back_as_it_was(server: Served, tmp_path: Path) -> None:
    """Keys, text, types, structure and id of what is loaded are those of what was saved."""
    server.write("1", weight="80.50", height="1.70")
    server.write("2", initials="007")
    store = SnapshotStore(tmp_path / "s")
    saved = store.save("s", server.pull(), NIGHT)
    loaded = store.latest("s")
    assert loaded is not None
    assert (loaded.id, loaded.dictionary, loaded.taken_at) == (saved.id, saved.dictionary, NIGHT)
    for name, table in saved.tables.items():
        pd.testing.assert_frame_equal(loaded.tables[name].keys, table.keys)
        pd.testing.assert_frame_equal(loaded.tables[name].text, table.text)
        pd.testing.assert_frame_equal(loaded.tables[name].typed, table.typed)
    assert store.latest_id() == saved.id
    latest = store.latest_manifest()
    assert latest is not None
    assert latest.records == 12


def test_a_full_disk_is_told_and_leaves_the_last_snapshot(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up in mid-save is reported, and the last snapshot is still that of the night before."""
    store = SnapshotStore(tmp_path / "s")
    first = store.save("s", server.pull(), NIGHT)
    server.write("3", weight="81")
    pulled, write, left = server.pull(), os.fsync, 1

    def fill(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(StudyFilesWrong, match=r"cannot be written \(ENOSPC\)"):
        store.save("s", pulled, NIGHT + timedelta(days=1))
    monkeypatch.undo()
    assert store.latest_id() == first.id
    assert not [path for path in files(tmp_path / "s") if ".writing-" in path]
    assert store.save("s", pulled, NIGHT + timedelta(days=1)).id == pulled.id == store.latest_id()


def test_a_loaded_snapshot_is_a_base_for_the_next_pull(server: Served, tmp_path: Path) -> None:
    """An increment on what was read from disk is what a full pull gives."""
    store = SnapshotStore(tmp_path / "s")
    store.save("s", server.pull(), NIGHT)
    server.clock.forward(hours=24)
    server.write("3", weight="81")
    base = store.base()
    assert base is not None
    pulled = server.pull(base)
    assert (pulled.summary.kind, pulled.summary.fetched, pulled.id) == ("incremental", 1, server.pull().id)


def test_groups_are_read_back_as_they_were(server: Served, tmp_path: Path) -> None:
    """A saved snapshot knows which record is in which group, and a file of groups that was changed is refused."""
    server.join("3", "south_site")
    store = SnapshotStore(tmp_path / "s")
    saved = store.save("s", server.pull(), NIGHT)
    loaded, base = store.latest("s"), store.base()
    assert loaded is not None
    assert base is not None
    assert saved.groups == loaded.groups == base.groups == {"3": "south_site"}
    path = tmp_path / "s" / "objects" / store.manifest_of(saved.id).objects["*groups"]
    pd.DataFrame({"record": ["3"], "group": ["north_site"]}, dtype="str").to_parquet(path, index=False)
    with pytest.raises(ExportIncomplete, match="does not match its name"):
        store.load(saved.id, "s")


class FirstStructure(RawStructure):
    """The structure as versions kept it that did not ask for groups."""

    def json(self) -> bytes:
        """One document, without groups."""
        document = {name: value for name, value in asdict(self).items() if name != "groups"}
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_a_snapshot_kept_before_groups_were_asked_for_is_read(server: Served, tmp_path: Path) -> None:
    """It proves true, knows nothing of groups, and the next pull on it is a full one."""
    now = server.pull()
    structure = FirstStructure(**{**asdict(now.structure), "groups": None})
    store = SnapshotStore(tmp_path / "s")
    saved = store.save("s", replace(now, structure=structure, groups=None), NIGHT)
    latest = tmp_path / "s" / "latest.json"
    document = json.loads(latest.read_bytes())
    del document["checkpoint"]["groups_asked"]
    latest.write_text(json.dumps(document))
    loaded, base = store.load(saved.id, "s"), store.base()
    assert (loaded.groups, loaded.dictionary.groups) == (None, None)
    assert base is not None
    server.clock.forward(hours=24)
    pulled = server.pull(base)
    assert (pulled.summary.kind, pulled.groups) == ("full", {})


def test_an_unchanged_instrument_costs_nothing(server: Served, tmp_path: Path) -> None:
    """The same data again add a manifest; an edit in one instrument adds that instrument."""
    store = SnapshotStore(tmp_path / "s")
    base = server.pull()
    store.save("s", base, NIGHT)
    before = files(tmp_path / "s" / "objects")
    store.save("s", server.pull(base), NIGHT + timedelta(days=1))
    assert files(tmp_path / "s" / "objects") == before
    server.visit("3", 1, pain="9")
    store.save("s", server.pull(base), NIGHT + timedelta(days=2))
    new = [Path(name).name for name in files(tmp_path / "s" / "objects").keys() - before.keys()]
    changed = store.manifests()[-1].objects["visit"]
    assert changed in new
    assert [name for name in new if name.endswith(".parquet")] == [changed]


def test_only_what_changed_is_hashed_again(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An increment takes over the hashes that were proven when its base was read; each is that of its content."""
    store = SnapshotStore(tmp_path / "s")
    store.save("s", server.pull(), NIGHT)
    quiet = server.pull(base=store.base())
    assert set(quiet.carried) == {"*rows", *quiet.tables}
    server.write("2", initials="007")
    edited = server.pull(base=store.base())
    hashed: list[str] = []
    original = pulled.table_pieces
    monkeypatch.setattr(pulled, "table_pieces", lambda table: (hashed.append(table.instrument), original(table))[1])
    parts = dict(edited.parts)
    assert hashed == [name for name in edited.tables if name not in edited.carried]
    assert hashed
    assert "*rows" in edited.carried
    monkeypatch.undo()
    assert parts == replace(edited, carried={}).parts


def test_files_are_private_and_typed(server: Served, tmp_path: Path) -> None:
    """Folders are 0700 and files 0600; a Parquet table has typed columns and the exact text next to them."""
    server.write("1", weight="80.50")
    store = SnapshotStore(tmp_path / "s")
    store.save("s", server.pull(resume=store.resume()), NIGHT)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").rglob("*") if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").rglob("*") if path.is_file()} == {0o600}
    frame = pd.read_parquet(tmp_path / "s" / "objects" / store.manifests()[0].objects["labs"])
    assert frame["weight"].dtype == "float64"
    assert "80.50" in set(frame["text:weight"])


def test_manifests_hold_no_value_and_no_record_id(tmp_path: Path) -> None:
    """What is written in plain JSON names counts, hashes and columns."""
    with served(tmp_path / "project", records=3) as server:
        server.write("RECORD-CANARY", initials=CANARY)
        store = SnapshotStore(tmp_path / "s")
        base = server.pull()
        store.save("s", base, NIGHT)
        server.write("RECORD-CANARY", initials=CANARY + "2")
        store.save("s", server.pull(base), NIGHT)
    for path in (*(tmp_path / "s").glob("*.json"), *(tmp_path / "s" / "taken").iterdir()):
        assert "CANARY" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("part", ["baseline", "*structure"])
def test_a_changed_snapshot_is_refused(server: Served, tmp_path: Path, part: str) -> None:
    """A part whose bytes are not those of its name is never used."""
    store = SnapshotStore(tmp_path / "s")
    server.write("1", initials="AA")
    first = store.save("s", server.pull(), NIGHT)
    other = server.pull()
    manifest = store.manifest_of(first.id)
    path = tmp_path / "s" / "objects" / manifest.objects[part]
    if part == "*structure":
        path.write_bytes(path.read_bytes().replace(b"Initials", b"Initialz"))
    else:
        frame = pd.read_parquet(path)
        frame.loc[0, "initials"] = "BB"
        frame.to_parquet(path, index=False)
    with pytest.raises(ExportIncomplete, match="does not match its name"):
        store.load(first.id, "s")
    assert other.id == first.id


@pytest.mark.parametrize("part", ["baseline", "*rows", "*groups", "*structure"])
@pytest.mark.parametrize("damage", [b"", b"PAR1 no more", b"{"])
def test_a_damaged_part_is_told_and_a_full_pull_makes_it_whole(
    server: Served, tmp_path: Path, part: str, damage: bytes
) -> None:
    """A part that can no longer be read is a named error, and the pull that follows writes it anew."""
    store = SnapshotStore(tmp_path / "s")
    saved = store.save("s", server.pull(), NIGHT)
    path = tmp_path / "s" / "objects" / store.manifest_of(saved.id).objects[part]
    path.write_bytes(damage)
    with pytest.raises(ExportIncomplete, match="does not match its name"):
        store.base()
    store.save("s", server.pull(), NIGHT + timedelta(days=1))
    loaded = store.load(saved.id, "s")
    assert loaded.tables["baseline"].text.equals(saved.tables["baseline"].text)


@pytest.mark.parametrize("name", ["latest.json", "manifest"])
def test_a_damaged_manifest_is_told(server: Served, tmp_path: Path, name: str) -> None:
    """A document that is no JSON any more is a named error, and the pull that follows is the latest again."""
    store = SnapshotStore(tmp_path / "s")
    store.save("s", server.pull(), NIGHT)
    path = tmp_path / "s" / ("latest.json" if name == "latest.json" else f"taken/{store.manifests()[0].name}")
    path.write_bytes(b'{"manif')
    with pytest.raises(ExportIncomplete, match="not JSON"):
        store.base()
    store.save("s", server.pull(), NIGHT)
    assert store.base() is not None


@pytest.mark.parametrize("damage", [b'{"manif', b"[]", b'{"id": "0"}', b'{"told": {"proof": 1}}'])
def test_a_damaged_manifest_of_an_old_night_stops_no_night(server: Served, tmp_path: Path, damage: bytes) -> None:
    """It is told by name; the others are there, and nothing is forgotten, for its parts are not known."""
    store, base = SnapshotStore(tmp_path / "s"), None
    for day in range(3):
        server.write("1", weight=str(60 + day))
        base = server.pull(base)
        store.save("s", base, NIGHT + timedelta(days=day))
    first, *others = store.manifests()
    (tmp_path / "s" / "taken" / first.name).write_bytes(damage)
    readable, [damaged] = store.readable_manifests()
    assert readable == others
    assert first.name[:40] in str(damaged)
    assert store.last_full(NIGHT + timedelta(days=3)) is None
    assert store.manifest_of(others[0].id[:12]) == others[0]
    for asked in (store.manifests, lambda: store.manifest_of(first.id)):
        with pytest.raises(ExportIncomplete, match="cannot be read"):
            asked()
    parts = sorted((tmp_path / "s" / "objects").iterdir())
    assert prune(store, SnapshotsTable(keep_days=1, keep_weeks=0), NIGHT + timedelta(days=9)) == []
    assert sorted((tmp_path / "s" / "objects").iterdir()) == parts


def test_a_number_that_rotted_on_disk_is_told(server: Served, tmp_path: Path) -> None:
    """A flipped bit in a typed column, of which the name of the file says nothing, is found by the checksums."""
    server.write("1", weight="80.5")
    store = SnapshotStore(tmp_path / "s")
    saved = store.save("s", server.pull(), NIGHT)
    path = tmp_path / "s" / "objects" / store.manifest_of(saved.id).objects["labs"]
    content, number = path.read_bytes(), struct.pack("<d", 80.5)
    at = content.index(number)
    path.write_bytes(content[:at] + struct.pack("<d", 80.25) + content[at + len(number) :])
    for read in (lambda: store.load(saved.id, "s"), store.base):
        with pytest.raises(ExportIncomplete, match="does not match its name"):
            read()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The instruments whose cells were read from a file, each time they were."""
    names: list[str] = []

    def counted(name: str, content: bytes) -> Table:
        names.append(name)
        return read_table(name, content)

    monkeypatch.setattr(snapshot_store, "read_table", counted)
    return names


@pytest.mark.parametrize("vault", [Vault(), Vault(bytes(KEY_BYTES))])
def test_an_increment_reads_what_it_looks_at(server: Served, tmp_path: Path, opened: list[str], vault: Vault) -> None:
    """A night without change reads no cell; what is read later is what was pulled, and is read once."""
    server.write("1", weight="80.50", height="1.70")
    server.write("2", initials="007")
    store = SnapshotStore(tmp_path / "s", vault)
    full = store.save("s", server.pull(), NIGHT)
    saved = store.save("s", server.pull(store.base()), NIGHT + timedelta(days=1))
    assert (saved.id, opened) == (full.id, [])
    for name, table in full.tables.items():
        unread = saved.tables[name]
        pd.testing.assert_frame_equal(unread.keys, table.keys)
        assert (len(unread), list(unread.column_names)) == (len(table), list(table.column_names))
        assert name not in opened
        pd.testing.assert_frame_equal(unread.text, table.text)
        pd.testing.assert_frame_equal(unread.typed, table.typed)
        pd.testing.assert_frame_equal(unread.read().keys, table.keys)
    assert opened == list(full.tables)


def test_an_increment_keeps_no_cells_of_what_did_not_change(server: Served, tmp_path: Path, opened: list[str]) -> None:
    """The instruments of an edited record are read to compare it, one with a new value for lost answers too."""
    store = SnapshotStore(tmp_path / "s")
    store.save("s", server.pull(), NIGHT)
    server.write("1", weight="61")
    saved = store.save("s", server.pull(store.base()), NIGHT + timedelta(days=1))
    unread = {name for name, table in saved.tables.items() if isinstance(table, UnreadTable)}
    assert unread == saved.tables.keys() - {"labs"}
    assert sorted(opened) == sorted([*saved.tables, "labs"])
    assert saved.tables["labs"].text["weight"].tolist().count("61") == 1
    assert store.latest("s").id == saved.id  # type: ignore[union-attr]


@pytest.mark.parametrize("part", ["baseline", "labs", "visit"])
def test_a_snapshot_of_a_version_before_is_proven_by_its_cells(
    server: Served, tmp_path: Path, opened: list[str], part: str
) -> None:
    """Where the hashes of the files are not known, every table is read; the next night knows them."""
    store, latest = SnapshotStore(tmp_path / "s"), tmp_path / "s" / "latest.json"
    saved = store.save("s", server.pull(), NIGHT)
    document = json.loads(latest.read_bytes())
    del document["files"]
    latest.write_text(json.dumps(document), encoding="utf-8")
    path = tmp_path / "s" / "objects" / store.manifest_of(saved.id).objects[part]
    content = path.read_bytes()
    path.write_bytes(content[:-40] + bytes(40))
    with pytest.raises(ExportIncomplete, match="does not match its name"):
        store.base()
    path.write_bytes(content)
    opened.clear()
    pulled_next = server.pull(store.base())
    assert opened == list(saved.tables)
    store.save("s", pulled_next, NIGHT + timedelta(days=1))
    opened.clear()
    assert store.base().id == saved.id  # type: ignore[union-attr]
    assert opened == []


def test_a_sealed_snapshot_shows_nothing_without_its_key(server: Served, tmp_path: Path) -> None:
    """With a key no file contains a value in the clear; without it, or with another, nothing opens."""
    server.write("1", initials=CANARY)
    key = bytes(range(KEY_BYTES))
    store = SnapshotStore(tmp_path / "s", Vault(key))
    saved = store.save("s", server.pull(resume=store.resume()), NIGHT)
    server.pull(resume=store.resume())
    assert all(CANARY.encode() not in path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file())
    assert store.load(saved.id, "s").id == saved.id
    for vault in (Vault(), Vault(bytes(KEY_BYTES))):
        with pytest.raises(ExportIncomplete, match="cannot be opened"):
            SnapshotStore(tmp_path / "s", vault).latest("s")
    assert "\\x01\\x02" not in repr(store)


def test_a_sealed_file_cannot_take_the_place_of_another(tmp_path: Path) -> None:
    """The name is sealed with the content."""
    vault = Vault(bytes(KEY_BYTES))
    vault.write(tmp_path / "a", b"one")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes())
    assert vault.read(tmp_path / "a") == b"one"
    with pytest.raises(ExportIncomplete):
        vault.read(tmp_path / "b")


def test_a_key_is_read_from_environment_or_file_and_never_repeated(tmp_path: Path) -> None:
    """A key is 32 bytes in base64; what is not is refused without being shown."""
    good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    (tmp_path / "key").write_text(good + "\n")
    assert find_key({"K": good}, variable="K", file=None) == find_key({}, variable="K", file=tmp_path / "key")
    assert find_key({}, variable="K", file=None) is None
    for wrong in ("c2hvcnQ=", "not base64 at all!"):
        with pytest.raises(StudyFilesWrong) as caught:
            find_key({"K": wrong}, variable="K", file=None)
        assert wrong not in str(caught.value)
    with pytest.raises(StudyFilesWrong, match="cannot be used"):
        find_key({}, variable="K", file=tmp_path / "absent")


def test_old_snapshots_are_thinned_out(server: Served, tmp_path: Path) -> None:
    """Every night of three days is kept, the last of each week before, and no part that nothing names."""
    store = SnapshotStore(tmp_path / "s")
    for day in range(20):
        server.write("1", weight=str(60 + day))
        store.save("s", server.pull(), NIGHT + timedelta(days=day))
    now = NIGHT + timedelta(days=19)
    (tmp_path / "s" / "objects" / ".writing-half").write_bytes(b"x")
    forgotten = prune(store, SnapshotsTable(keep_days=3, keep_weeks=2), now)
    kept = store.manifests()
    assert [one.taken_at for one in kept][-3:] == [now - timedelta(days=2), now - timedelta(days=1), now]
    assert len(kept) + len(forgotten) == 20
    assert len(kept) == 5
    named = {file for one in kept for file in one.objects.values()}
    assert {path.name for path in (tmp_path / "s" / "objects").iterdir()} == named
    assert all(store.load(one.id, "s").id == one.id for one in kept)
    assert to_keep([], now=now, days=1, weeks=1) == []


def test_a_diff_over_forgotten_nights_names_who_edited_last(server: Served, tmp_path: Path) -> None:
    """Who edited stays with the next night that is kept, so that nobody answers for a later edit of somebody else."""
    store = SnapshotStore(tmp_path / "s")
    base = server.pull()
    first = store.save("s", base, NIGHT)
    written = {1: "70", 3: "90"}
    for day in range(1, 8):
        server.clock.forward(hours=24)
        if day in written:
            server.write("1", weight=written[day])
            edited_at = f"{server.clock.now:%Y-%m-%d %H:%M}"
        base = server.pull(base)
        last = store.save("s", base, NIGHT + timedelta(days=day))
    for _ in range(2):
        prune(store, SnapshotsTable(keep_days=1, keep_weeks=3), NIGHT + timedelta(days=7))
    kept = store.manifests()
    assert [one.taken_at - NIGHT for one in kept] == [timedelta(days=day) for day in (1, 7)]
    edits = edits_between(store, kept[0], kept[1])
    [cell] = [one for one in changed_cells(store.load(kept[0].id, "s"), last, edits) if one.column == "weight"]
    assert (cell.old, cell.new, cell.by, cell.at) == ("70", "90", "sandbox_user", edited_at)
    assert first.id not in {one.id for one in kept}


def test_a_full_pull_dated_in_the_future_is_no_last_one(server: Served, tmp_path: Path) -> None:
    """A machine whose clock was once years ahead does not wait years for the next proof."""
    store = SnapshotStore(tmp_path / "s")
    assert store.last_full(NIGHT) is None
    for days in (-9, -2, 900):
        store.save("s", server.pull(), NIGHT + timedelta(days=days))
    assert store.last_full(NIGHT) == NIGHT - timedelta(days=2)


def test_the_latest_snapshot_is_never_forgotten(server: Served, tmp_path: Path) -> None:
    """Also when it is years old."""
    store = SnapshotStore(tmp_path / "s")
    saved = store.save("s", server.pull(), NIGHT)
    assert prune(store, SnapshotsTable(), NIGHT + timedelta(days=9999)) == []
    assert store.latest_id() == saved.id


SAVER = """
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from nightround.snapshots.retention import prune
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.settings import SnapshotsTable
from redcap_sync.dictionary import dictionary_from_api
from redcap_sync.rows.export_rows import rows_from_json
from redcap_sync.pulling.pulled import Pull
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.rows.tables import flat_keys, tables_from_rows

metadata = [{"field_name": "record_id", "form_name": "one", "field_type": "text"}]
metadata += [{"field_name": f"f{n}", "form_name": f"form{n % 5}", "field_type": "text"} for n in range(40)]
names = ["one", *(f"form{n}" for n in range(5))]
structure = RawStructure({}, metadata, [{"instrument_name": n, "instrument_label": n} for n in names], [], [], [])
store = SnapshotStore(Path(sys.argv[1]))
night = datetime(2025, 1, 1, tzinfo=timezone.utc)
for turn in range(100_000):
    rows = rows_from_json("record_id", [
        {"record_id": str(r), **{f"f{n}": str(turn if n % 5 == turn % 5 else 0) for n in range(40)}} for r in range(50)
    ])
    pull = Pull(structure, flat_keys(rows), tables_from_rows(structure.dictionary, rows))
    store.save("s", pull, night + timedelta(days=turn))
    prune(store, SnapshotsTable(keep_days=2, keep_weeks=0), night + timedelta(days=turn))
    print(turn, pull.id, flush=True)
"""


@pytest.mark.parametrize("milliseconds", [0, 7, 13, 29, 41, 53])
def test_kill_9_at_any_moment_leaves_a_good_snapshot(tmp_path: Path, milliseconds: int) -> None:
    """A process killed while it saves and forgets leaves the last saved snapshot, or the one it was saving."""
    store = tmp_path / "store"
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(store)], stdout=output, env={**os.environ, "PYTHONPATH": "."}
        )
        deadline = time.monotonic() + 60
        while log.read_bytes().count(b"\n") < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        process.wait()
    told = [line.split()[1] for line in log.read_text().splitlines() if len(line.split()) == 2]
    assert len(told) >= 3
    found = SnapshotStore(store).latest("s")
    assert found is not None
    assert found.id == told[-1] or found.id not in told
    base = SnapshotStore(store).base()
    assert base is not None
    assert base.id == found.id
    json.loads((store / "latest.json").read_text())
