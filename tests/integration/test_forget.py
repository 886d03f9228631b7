"""A patient who withdrew is removed from everything that is kept, and the fact that it was done stays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from nightround.cli.store import store as store_commands
from nightround.model.errors import StudyFilesWrong, UsageWrong
from nightround.night.forget_step import Forgotten
from nightround.report.making import Press
from nightround.report.rebuilding import rebuild
from nightround.report.register import ENTRIES, RegisterEntry
from nightround.snapshots import vault
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import open_store
from nightround.store.history_chain import salted_digest
from redcap_sync.private_files import write_private
from tests.integration.test_rules_across_records import write_study as write_duplicates
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study

RECORD = "CANARY-77"
AGE = "193"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """Three nights: a patient comes with mistakes, one is fixed, and the record is deleted in REDCap."""
    with small_study(tmp_path) as opened:
        opened.type_in(RECORD, age=AGE, sex="2", systolic="61", diastolic="120")
        opened.round()
        opened.next_day()
        opened.type_in(RECORD, systolic="122", diastolic="80")
        opened.round()
        opened.next_day()
        opened.client.import_records([{"record_id": "4", "age": "50", "sex": "1"}], overwrite=True)
        yield opened


def deleted(study: SmallStudy) -> None:
    """Delete the record in REDCap and make the round that sees it."""
    study.delete(RECORD)
    study.round()
    study.next_day()


def forgotten(study: SmallStudy, record: str = RECORD, *, though_in_redcap: bool = False) -> Forgotten:
    """Run the command's step."""
    done: list[Forgotten] = []

    def step(night: Any) -> None:
        done.append(night.forget(record, by="dm", though_in_redcap=though_in_redcap))

    study.command("forget", step)
    return done[0]


def naming(study: SmallStudy, *texts: str) -> list[str]:
    """The files that have one of some texts in any of their bytes, Parquet unpacked."""
    import pandas as pd

    found = []
    for path in sorted(study.folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += pd.read_parquet(path).to_csv().encode()
            if any(text.encode() in content for text in texts):
                found.append(str(path.relative_to(study.folder)))
    return found


def test_no_file_names_the_record_or_its_values_afterwards(study: SmallStudy) -> None:
    """Database and its log, snapshots, lists, judged rules and mails: no byte of the record's id or its value stays."""
    deleted(study)
    with open_store(study.folder / "nightround.sqlite3") as store:
        ids = store.finding_ids(STUDY, RECORD)
    assert len(ids) > 1
    before = naming(study, RECORD, AGE, *ids)
    assert {path.split("/")[0] for path in before} >= {"nightround.sqlite3", "snapshots", "runs"}
    done = forgotten(study)
    assert naming(study, RECORD, f'"{AGE}"', *ids) == []
    assert (done.counts["findings"], done.counts["snapshots"]) == (len(ids), 2)
    assert done.counts["history"] > len(ids)


def test_the_fact_stays_and_the_chain_is_whole(study: SmallStudy) -> None:
    """Who, when and how much stay; the record only as a digest with its salt; no line of the history is broken."""
    deleted(study)
    with open_store(study.folder / "nightround.sqlite3") as store:
        lines = store.count_lines(STUDY)
    done = forgotten(study)
    with open_store(study.folder / "nightround.sqlite3") as store:
        assert store.broken_lines(STUDY) == ()
        assert store.count_lines(STUDY) == lines
        [fact] = store.forgotten(STUDY)
        assert (fact["by"], fact["at"], fact["counts"]) == ("dm", study.now[0], done.counts)
    with sqlite3.connect(study.folder / "nightround.sqlite3") as connection:
        [(salt, digest)] = connection.execute("SELECT salt, digest FROM forgotten").fetchall()
    connection.close()
    assert digest == salted_digest(salt, [RECORD])
    checked = CliRunner().invoke(store_commands, ["check", str(FOLDER), "--data", str(study.data), "--json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["snapshots"] == {"checked": 3, "damaged": []}


def test_what_was_forgotten_and_is_put_back_breaks_the_chain(study: SmallStudy) -> None:
    """A line that was forgotten has no values any more."""
    deleted(study)
    forgotten(study)
    with sqlite3.connect(study.folder / "nightround.sqlite3") as connection:
        connection.execute("""UPDATE finding_history SET observed = '{"age": "1"}' WHERE salt IS NULL""")
    connection.close()
    checked = CliRunner().invoke(store_commands, ["check", str(FOLDER), "--data", str(study.data)])
    assert checked.exit_code == 15
    assert "was forgotten and still has values" in checked.stdout


def test_others_keep_everything(study: SmallStudy) -> None:
    """Findings, rows and edits of the other records are what they were."""
    deleted(study)
    snapshots = SnapshotStore(study.folder / "snapshots")
    before = [snapshots.load_night(one, STUDY) for one in snapshots.manifests()]
    with open_store(study.folder / "nightround.sqlite3") as store:
        others = [one for one in store.findings(STUDY) if one.row.record != RECORD]
    forgotten(study)
    after = [snapshots.load_night(one, STUDY) for one in snapshots.manifests()]
    assert [one.taken_at for one in after] == [one.taken_at for one in before]
    for old, new in zip(before, after, strict=True):
        for name, table in new.tables.items():
            kept = old.tables[name].text[old.tables[name].keys["record"] != RECORD].reset_index(drop=True)
            assert kept.equals(table.text)
    with open_store(study.folder / "nightround.sqlite3") as store:
        assert list(store.findings(STUDY)) == others


def test_a_record_that_redcap_still_has_is_refused(study: SmallStudy) -> None:
    """The next pull would bring it back; with the option it is done all the same, and REDCap's record comes back."""
    study.round()
    study.next_day()
    with pytest.raises(UsageWrong) as refused:
        forgotten(study)
    assert (refused.value.code, refused.value.exit_code) == ("forget.still_in_redcap", 2)
    assert RECORD not in str(refused.value)
    assert forgotten(study, though_in_redcap=True).still_in_redcap
    assert naming(study, RECORD) == []
    assert study.round().complete
    with open_store(study.folder / "nightround.sqlite3") as store:
        assert store.finding_ids(STUDY, RECORD)
        assert store.broken_lines(STUDY) == ()


def test_the_next_night_brings_nothing_back(study: SmallStudy) -> None:
    """REDCap does not have it any more, so the next rounds are complete and know nothing of it."""
    deleted(study)
    forgotten(study)
    for _ in range(2):
        study.next_day()
        assert study.round().complete
    assert naming(study, RECORD) == []


def test_what_is_deleted_before_the_next_round_is_explained_by_the_log(study: SmallStudy) -> None:
    """The pull after forgetting goes on from the same place in the log, so that each deletion has its line."""
    for number in range(10, 16):
        study.type_in(str(number), age="50", sex="1")
    deleted(study)
    forgotten(study)
    study.next_day()
    study.delete("4")
    assert study.round().complete


@pytest.mark.parametrize("times", [0, 1])
def test_an_unknown_record_is_said_to_be_unknown(study: SmallStudy, times: int) -> None:
    """A misspelt id removes nothing; one that was forgotten before is known by its digest."""
    deleted(study)
    for _ in range(times):
        forgotten(study)
        study.next_day()
    with pytest.raises(UsageWrong) as refused:
        forgotten(study, RECORD if times else "CANARY-78")
    assert refused.value.code == ("forget.already" if times else "forget.unknown")


def test_the_register_still_finds_the_snapshot_and_the_report_is_not_made_again(study: SmallStudy) -> None:
    """A report of a snapshot that was rewritten is named, and to make it again says why that cannot be."""
    deleted(study)
    snapshots = SnapshotStore(study.folder / "snapshots")
    first, *_, last = snapshots.manifests()
    entries = tuple(RegisterEntry(one.id, one.taken_at, looked_at=False, files={}) for one in (first, last))
    register = json.dumps(ENTRIES.dump_python(entries, mode="json")).encode()
    write_private(study.folder / "reports" / "register.json", register)
    findings = [{"row": [RECORD, "", "vitals", 0]}, {"row": ["1", "", "vitals", 0]}]
    edition = {"record_ids": True, "findings": findings, "news": {"causes": [{"records": ["1", RECORD]}]}}
    kept = study.folder / "reports" / "editions" / first.id / "edition.json"
    write_private(kept, json.dumps(edition).encode())
    done = forgotten(study)
    assert [one[:10] for one in done.past_reports] == [f"{first.taken_at:%Y-%m-%d}"]
    now = snapshots.manifest_of(first.id[:20])
    assert now.id != first.id
    assert first.taken_at in {one.taken_at for one in snapshots.manifests() if one.id == now.id}
    assert snapshots.renamed_ids.read()[first.id] == now.id
    assert json.loads(kept.read_bytes()) == {
        "record_ids": True,
        "findings": [findings[1]],
        "news": {"causes": [{"records": ["1"]}]},
    }
    with pytest.raises(StudyFilesWrong) as refused:
        rebuild(Press(Path(), snapshots, study.folder / "reports"), now.id)
    assert refused.value.code == "report.forgotten"


def test_copies_from_before_a_migration_are_named(study: SmallStudy) -> None:
    """What was not changed and may have the record is named by its path."""
    deleted(study)
    copy = study.folder / "nightround.sqlite3.version-0003"
    copy.write_bytes((study.folder / "nightround.sqlite3").read_bytes())
    assert forgotten(study).still_has == (str(copy),)


@pytest.mark.parametrize("cut", range(14))
def test_a_record_that_was_renamed_is_forgotten_under_each_name(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """The patient's rows of before are found, also by a second call; whoever has the old name now keeps everything."""
    study.round()
    rename(study, RECORD, "CANARY-99")
    study.next_day()
    study.round()
    study.next_day()
    study.type_in(RECORD, age="44", sex="1")
    study.round()
    study.next_day()
    study.delete("CANARY-99")
    study.round()
    study.next_day()
    broken_off(study, "CANARY-99", monkeypatch, cut)
    assert naming(study, "CANARY-99", f'"{AGE}"') == []
    snapshots = SnapshotStore(study.folder / "snapshots")
    tables = [snapshots.load_night(one, STUDY).tables["baseline"] for one in snapshots.manifests()]
    rows = [table.text[table.keys["record"] == RECORD]["age"].tolist() for table in tables]
    assert rows == [[], [], [], [], ["44"], ["44"]]


@pytest.mark.parametrize("cut", range(14))
def test_a_call_that_was_broken_off_is_done_by_the_next(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """Whichever write is the last before a crash, the same call again leaves nothing of the record."""
    deleted(study)
    broken_off(study, RECORD, monkeypatch, cut)
    assert naming(study, RECORD) == []
    with open_store(study.folder / "nightround.sqlite3") as store:
        assert store.broken_lines(STUDY) == ()
        assert len(store.forgotten(STUDY)) == 1


def broken_off(study: SmallStudy, record: str, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    """Forget a record, stopped at some write, and call again."""
    written = vault.write_private
    left = [cut]

    def crash(path: Path, content: bytes) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return written(path, content)

    monkeypatch.setattr(vault, "write_private", crash)
    try:
        forgotten(study, record)
    except KeyboardInterrupt:
        monkeypatch.setattr(vault, "write_private", written)
        forgotten(study, record)


def rename(study: SmallStudy, old: str, new: str) -> None:
    """Rename a record through the API."""
    call = {"content": "record", "action": "rename", "record": old, "new_record_name": new}
    form = {"token": study.environ["REDCAP_TOKEN"], **call}
    requests.post(study.environ["REDCAP_URL"], data=form, timeout=30).raise_for_status()


def test_a_record_that_stands_only_in_the_finding_of_another_is_forgotten(tmp_path: Path) -> None:
    """A duplicate of another record: neither database nor lists name it afterwards, and the other keeps its finding."""
    files = tmp_path / "files" / "small_study"
    write_duplicates(files, DUP='unique = ["hospital_no"]')
    pair = [{"record_id": name, "hospital_no": "A17"} for name in ("1", RECORD)]
    pair += [{"record_id": str(number), "hospital_no": f"B{number}"} for number in range(2, 22)]
    with small_study(tmp_path / "data", files, files / "project", pair) as opened:
        opened.round()
        (before,) = opened.findings()
        assert [row.record for row in before.rows] == ["1", RECORD]
        opened.next_day()
        deleted(opened)
        done = forgotten(opened)
        assert (done.counts["findings"], done.counts["named"]) == (0, 1)
        assert naming(opened, RECORD) == []
        (after,) = opened.findings()
        assert (after.id, after.others) == (before.id, ())
