"""Backups restore into either kind of database, whole and proven, and overwrite nothing."""

from __future__ import annotations

import json
import shutil
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from nightround.model.errors import DatabaseVersionWrong, UsageWrong
from nightround.model.finding import LedgerDelta
from nightround.store.address import address_of
from nightround.store.backup import back_up, restore
from nightround.store.database import Store, open_store
from nightround.store.dump import DumpHead
from nightround.store.engine import stored_version
from nightround.store.run_rows import Ended
from nightround.store.versions import newest_version
from redcap_sync.messages import Message
from redcap_sync.rows.tables import RowKey
from tests.made_findings import STUDY, history_of, made_finding, made_outcome, night
from tests.store_places import KINDS, behind_its_back, new_file, new_schema

KEPT = Path(__file__).parents[1] / "kept" / "data_ab75676" / "nightround.sqlite3"
"""A database of version 0001."""
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@pytest.fixture
def filled(store_at: str) -> str:
    """A database with runs, findings, a history, outcomes and a forgotten record."""
    with open_store(store_at) as store:
        fill(store, {"villalta_total": "12", "痛": "是 ≥ 3"})
    return store_at


@pytest.fixture(params=KINDS)
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Another database of either kind, that is not there yet."""
    if request.param == "sqlite":
        return new_file(tmp_path / "elsewhere", "restored")
    return new_schema(request.getfixturevalue("postgresql"), "restored")


def fill(store: Store, observed: dict[str, str]) -> None:
    """Two nights, of which the second closes nothing, and a patient who withdrew."""
    for number, record in ((1, "记录 7"), (2, "记录 8")):
        run_id = store.start_run(STUDY, "nightly", night(number))
        trouble = Message.of("night.bug", error=f"KeyError of {record}")
        one = made_finding(row=RowKey(record, "", "随访", 3), observed=observed)
        delta = LedgerDelta(opened=(one,))
        store.record_night(STUDY, run_id, [made_outcome()], lambda _, delta=delta: delta, night(number))
        store.finish_step(
            run_id, "pull", started_at=night(1), now=night(2), ended=Ended.DONE, note=Message.of("step.report", rows=7)
        )
        store.finish_run(run_id, Ended.DONE, exit_code=3, now=night(2), complete=True, trouble=trouble)
    note, _ = store.begin_forgetting(STUDY, "记录 8", by="dm", now=night(3))
    store.forget(STUDY, "记录 8", number=note, counts={})
    note, _ = store.begin_forgetting(STUDY, "9", by="dm", now=night(3))
    store.take_back_forgetting(note)


def backed_up(where: str, path: Path) -> DumpHead:
    """A backup of a database."""
    with open_store(where) as store:
        return back_up(store.engine, path)


def remembered(where: str) -> tuple[object, ...]:
    """Everything of a study that the store gives."""
    with open_store(where) as store:
        return (
            store.findings(STUDY),
            history_of(store, STUDY),
            store.runs(STUDY),
            store.outcomes(1),
            store.forgotten(STUDY),
            store.broken_lines(STUDY),
        )


def test_a_backup_restores_into_either_kind(filled: str, elsewhere: str, tmp_path: Path) -> None:
    """What the store says afterwards is the same, the chain is whole, and the file is for its owner alone."""
    backup = tmp_path / "backup.jsonl"
    head = backed_up(filled, backup)
    restored = restore(backup, address_of(elsewhere), STUDY)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert (restored.rows, restored.version, restored.now) == (head.count, newest_version(), newest_version())
    assert remembered(elsewhere) == remembered(filled)
    assert remembered(elsewhere)[-1] == ()


def test_a_restored_database_goes_on_behind_every_number(filled: str, elsewhere: str, tmp_path: Path) -> None:
    """No number is given out a second time, also not that of a row which is gone."""
    backed_up(filled, tmp_path / "backup.jsonl")
    restore(tmp_path / "backup.jsonl", address_of(elsewhere), STUDY)
    for where in (filled, elsewhere):
        with open_store(where) as store:
            assert store.start_run(STUDY, "nightly", night(4)) == 3
            assert store.begin_forgetting(STUDY, "10", by="dm", now=night(4)) == (3, False)


def test_a_backup_of_a_restored_database_is_the_same_file(filled: str, elsewhere: str, tmp_path: Path) -> None:
    """There and back: each row is as it was, to the byte."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    backed_up(filled, first)
    restore(first, address_of(elsewhere), STUDY)
    backed_up(elsewhere, second)
    assert sorted(second.read_bytes().splitlines()[1:-1]) == sorted(first.read_bytes().splitlines()[1:-1])


def test_nothing_is_overwritten(filled: str, tmp_path: Path) -> None:
    """Neither a file by a backup, nor a database by what is restored."""
    backup = tmp_path / "backup.jsonl"
    backed_up(filled, backup)
    before, known = backup.read_bytes(), remembered(filled)
    with pytest.raises(UsageWrong, match="exists already"):
        backed_up(filled, backup)
    with pytest.raises(UsageWrong, match="There is a database"):
        restore(backup, address_of(filled), STUDY)
    assert (backup.read_bytes(), remembered(filled)) == (before, known)


def test_any_changed_byte_of_a_backup_is_found(tmp_path: Path) -> None:
    """A byte that is another one, a line that is missing, an end that was cut: nothing of it is restored."""
    source, backup = new_file(tmp_path, "source"), tmp_path / "backup.jsonl"
    with open_store(source) as store:
        fill(store, {"a": "1"})
    backed_up(source, backup)
    content = backup.read_bytes()
    target = new_file(tmp_path, "target")

    @settings(max_examples=30)
    @given(st.integers(0, len(content) - 1), st.integers(1, 255), st.booleans())
    def refused(place: int, other: int, cut: bool) -> None:  # noqa: FBT001
        changed = content[:place] + (b"" if cut else bytes([content[place] ^ other]) + content[place + 1 :])
        backup.write_bytes(changed)
        with pytest.raises(DatabaseVersionWrong):
            restore(backup, address_of(target), STUDY)
        assert not Path(target).exists()

    refused()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]\n", b"\xff\xfe\n", b'{"form": "other"}\n', b"null\n", b"1\n"])
def test_another_file_is_no_backup(content: bytes, tmp_path: Path) -> None:
    """It is explained, whatever it is."""
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(DatabaseVersionWrong):
        restore(tmp_path / "other", address_of(new_file(tmp_path, "target")), STUDY)


def test_a_backup_of_a_newer_version_is_refused(filled: str, elsewhere: str, tmp_path: Path) -> None:
    """Nothing is made of it: exit code 15."""
    backup = tmp_path / "backup.jsonl"
    backed_up(filled, backup)
    own = f'"version":"{newest_version()}"'.encode()
    lines = backup.read_bytes().replace(own, b'"version":"9999"').splitlines(keepends=True)[:-1]
    end = json.dumps({"sha256": sha256(b"".join(lines)).hexdigest()}, separators=(",", ":"))
    backup.write_bytes(b"".join(lines) + end.encode() + b"\n")
    with pytest.raises(DatabaseVersionWrong, match="version 9999"):
        restore(backup, address_of(elsewhere), STUDY)
    assert stored_version(address_of(elsewhere)) is None


def test_a_backup_of_another_study_is_refused(filled: str, elsewhere: str, tmp_path: Path) -> None:
    """A study whose findings are in it under another name would begin anew."""
    backed_up(filled, tmp_path / "backup.jsonl")
    with pytest.raises(UsageWrong, match="not of the study other"):
        restore(tmp_path / "backup.jsonl", address_of(elsewhere), "other")
    assert stored_version(address_of(elsewhere)) is None


def test_a_backup_of_an_earlier_version_restores_into_either_kind(elsewhere: str, tmp_path: Path) -> None:
    """A dump of version 0001 is restored as that, and then brought to the newest: all its lines are there, chained."""
    old = str(tmp_path / "old.sqlite3")
    shutil.copy(KEPT, old)
    back_up(behind_its_back(old), tmp_path / "backup.jsonl")
    restored = restore(tmp_path / "backup.jsonl", address_of(elsewhere), "small_study")
    assert (restored.version, restored.now) == ("0001", newest_version())
    with open_store(old) as migrated, open_store(elsewhere) as store:
        assert store.findings("small_study") == migrated.findings("small_study")
        assert store.runs("small_study") == migrated.runs("small_study")
        assert store.broken_lines("small_study") == ()
        assert len(store.findings("small_study")) > 0
        runs = [one.start_run("small_study", "nightly", night(1)) for one in (migrated, store)]
        assert runs[0] == runs[1]


def test_any_value_survives_the_way_to_a_server_and_back(postgresql: str, tmp_path: Path) -> None:
    """Whatever a finding's values are, they come back from the other kind of database as they were."""

    @settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.dictionaries(VALUES, VALUES, max_size=4), st.integers(0, 10**9))
    def same(observed: dict[str, str], number: int) -> None:
        source = new_file(tmp_path / str(number), "source")
        shutil.rmtree(tmp_path / str(number), ignore_errors=True)
        server = new_schema(postgresql, "way")
        with open_store(source) as store:
            fill(store, observed)
        for place, (here, there) in enumerate([(source, server), (server, source + ".again")]):
            backup = tmp_path / str(number) / f"{place}.jsonl"
            backed_up(here, backup)
            restore(backup, address_of(there), STUDY)
            assert remembered(there) == remembered(source)

    same()


def test_a_row_that_a_database_changes_is_noticed(tmp_path: Path, postgresql: str) -> None:
    """Where the new database does not give back what was written, all of it is taken back."""
    source, backup = new_file(tmp_path, "source"), tmp_path / "backup.jsonl"
    with open_store(source) as store:
        fill(store, {"a": "1"})
    backed_up(source, backup)
    server = new_schema(postgresql, "changed")
    from nightround.store import backup as module

    real = module.upgrade

    def with_a_trigger(connection: object, *version: str) -> None:
        real(connection, *version)  # type: ignore[arg-type]
        if version:
            connection.execute(  # type: ignore[attr-defined]
                text("CREATE RULE lost AS ON INSERT TO steps DO INSTEAD NOTHING")
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "upgrade", with_a_trigger)
        with pytest.raises(DatabaseVersionWrong, match="differs from the backup"):
            restore(backup, address_of(server), STUDY)
    assert stored_version(address_of(server)) is None


def test_a_backup_is_lines_of_json(filled: str, tmp_path: Path) -> None:
    """It can be read without Nightround: a head, one line a row, and the checksum."""
    backed_up(filled, tmp_path / "backup.jsonl")
    head, *rows, end = map(json.loads, (tmp_path / "backup.jsonl").read_text("utf-8").splitlines())
    assert head["form"] == "nightround-store 1"
    assert head["rows"]["findings"] == sum(name == "findings" for name, _ in rows) == 1
    assert list(end) == ["sha256"]
