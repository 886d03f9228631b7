"""`nightround store`, and a whole study whose database is on a PostgreSQL server, through the command line."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from nightround.cli.main import main
from nightround.store.address import schema_of
from tests.commanded_study import editable_study
from tests.small_study import FOLDER, STUDY, SmallStudy
from tests.store_places import KINDS, behind_its_back

VARIABLE = "NIGHTROUND_STORE"
ON_SERVER = f'\n[store]\nurl_env = "{VARIABLE}"\n'
SETTINGS = (FOLDER / "study.toml").read_text("utf-8")


@pytest.fixture
def server(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a server on which the study has no schema yet, in the environment."""
    with behind_its_back(postgresql).begin() as connection:
        connection.execute(text(f'DROP SCHEMA IF EXISTS "{schema_of(STUDY)}" CASCADE'))
    monkeypatch.setenv(VARIABLE, postgresql)
    return postgresql


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The small study in a folder that may be changed, with its sandbox in the environment."""
    with editable_study(tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, study: SmallStudy) -> SmallStudy:
    """The study with its database in a file, and on a server."""
    if request.param == "postgresql":
        request.getfixturevalue("server")
        put_on_server(study)
    return study


def put_on_server(study: SmallStudy, *, on: bool = True) -> None:
    """Say in study.toml where the database is."""
    (study.source / "study.toml").write_text(SETTINGS + (ON_SERVER if on else ""), "utf-8")


def called(capsys: pytest.CaptureFixture[str], study: SmallStudy, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the study."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(
            [*words[:2], str(study.source), *words[2:], "--data", str(study.data)]
            if words[0] == "store"
            else [words[0], str(study.source), *words[1:], "--data", str(study.data)]
        )
    return int(ended.value.code or 0), *capsys.readouterr()


def document(capsys: pytest.CaptureFixture[str], study: SmallStudy, *words: str) -> dict[str, Any]:
    """What a command prints with --json."""
    _, out, _ = called(capsys, study, *words, "--json")
    return dict(json.loads(out))


def told_by_status(capsys: pytest.CaptureFixture[str], study: SmallStudy) -> Any:
    """What `status` says of the studies, without the free bytes of a disk that others write to as well."""
    found = document(capsys, study, "status")
    return [{name: one for name, one in each.items() if name != "disk_free_bytes"} for each in found["studies"]]


def open_ones(capsys: pytest.CaptureFixture[str], study: SmallStudy) -> list[str]:
    """The findings that are open, by id."""
    return sorted(one["id"] for one in document(capsys, study, "findings", "--open")["findings"])


def test_nights_answers_and_fixes_are_the_same_on_a_server(
    study: SmallStudy, server: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The same story in a file and on a server: findings, states and status agree, and no file is made."""
    told = []
    for place in ("file", "server"):
        put_on_server(study, on=place == "server")
        data = tmp_path / place
        here = SmallStudy(data, study.client, study.environ, study.now, study.source)
        codes = [called(capsys, here, "night")[0]]
        first = open_ones(capsys, here)
        codes.append(called(capsys, here, "answer", first[0], "--code", "confirmed_correct", "--by", "nurse")[0])
        codes.append(called(capsys, here, "night")[0])
        found = document(capsys, here, "findings")["findings"]
        states = {one["id"]: (one["state"], one["times_reopened"], one["fields"]) for one in found}
        status = document(capsys, here, "status")["studies"][0]
        told.append((codes, first, states, status["open_findings"], called(capsys, here, "store", "check")[:2]))
        assert (data / STUDY / "nightround.sqlite3").exists() is (place == "file")
    assert told[0] == told[1]
    assert told[0][1]
    assert told[0][0] in ([0, 0, 0], [3, 0, 3])
    with behind_its_back(server).connect() as connection:
        count = connection.execute(text(f"SELECT count(*) FROM {schema_of(STUDY)}.findings")).scalar()  # noqa: S608
    assert count == len(told[1][2])


def test_a_study_moves_to_a_server_and_back(study: SmallStudy, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With a backup; until it is restored a round refuses, because every finding would open anew."""
    assert server
    called(capsys, study, "night")
    before, known = open_ones(capsys, study), told_by_status(capsys, study)
    made = document(capsys, study, "store", "backup")
    assert stat.S_IMODE(Path(made["file"]).stat().st_mode) == 0o600
    put_on_server(study)
    code, _, err = called(capsys, study, "night")
    assert code == 10
    assert "every finding would open anew" in err
    restored = document(capsys, study, "store", "restore", made["file"])
    assert restored == {
        "study": STUDY,
        "database": "127.0.0.1/postgres",
        "rows": sum(made["rows"].values()),
        "from_version": made["version"],
        "version": made["version"],
        "broken": [],
        "exit_code": 0,
    }
    assert (open_ones(capsys, study), told_by_status(capsys, study)) == (before, known)
    (study.folder / "nightround.sqlite3").rename(study.folder / "moved.sqlite3")
    assert called(capsys, study, "night")[0] in {0, 3}
    after = open_ones(capsys, study)
    assert after == before

    back = document(capsys, study, "store", "backup", "--out", str(study.folder / "back.jsonl"))
    put_on_server(study, on=False)
    code, _, err = called(capsys, study, "night")
    assert code == 10
    assert VARIABLE in err
    assert document(capsys, study, "store", "restore", back["file"])["exit_code"] == 0
    assert called(capsys, study, "night")[0] in {0, 3}
    assert open_ones(capsys, study) == before


def test_an_edited_byte_of_the_history_is_named(either: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """On either kind: the line, and exit code 15; also after the way through a backup, which keeps what it finds."""
    called(capsys, either, "night")
    with behind_its_back(database(either)).begin() as connection:
        connection.execute(text("UPDATE finding_history SET change = 'openec' WHERE position = 2"))
    code, out, _ = called(capsys, either, "store", "check")
    assert code == 15
    assert "2" in out
    found = document(capsys, either, "store", "check")
    assert found["history"]["broken"][0]["position"] == 2


def database(study: SmallStudy) -> str:
    """The path or the URL of the study's database."""
    file = study.folder / "nightround.sqlite3"
    return str(file) if file.exists() else f"{os.environ[VARIABLE]}?schema={schema_of(STUDY)}"


def test_a_variable_that_is_not_set_stops_and_begins_nothing(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No database is made in a file instead; each command says which variable is missing."""
    monkeypatch.delenv(VARIABLE, raising=False)
    put_on_server(study)
    for words in (("night",), ("status",), ("findings",), ("notify",), ("store", "check"), ("store", "backup")):
        code, _, err = called(capsys, study, *words)
        assert (code, VARIABLE in err, "Traceback" in err) == (10, True, False), words
    assert not (study.folder / "nightround.sqlite3").exists()


def test_a_round_whose_server_is_down_is_told(
    study: SmallStudy, server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail about it needs no database, and has no password."""
    assert server
    put_on_server(study)
    assert called(capsys, study, "night")[0] in {0, 3}
    before = set((study.folder / "outbox").glob("*.eml"))
    monkeypatch.setenv(VARIABLE, "postgresql://nightround:CANARY-7Q@127.0.0.1:1/study")
    code, out, err = called(capsys, study, "night")
    (mail,) = set((study.folder / "outbox").glob("*.eml")) - before
    assert code == 10
    assert "127.0.0.1/study" in err
    assert "CANARY-7Q" not in out + err + mail.read_text("utf-8")


def test_a_forgotten_patient_is_in_no_table_and_every_copy_is_named(
    either: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    """Backups that still have the record are named: only a person can decide on them."""
    called(capsys, either, "night")
    made = document(capsys, either, "store", "backup")
    done = document(capsys, either, "forget", "2", "--by", "dm", "--still-in-redcap")
    assert done["removed"]["findings"] > 0
    assert made["file"] in done["still_has"]
    assert document(capsys, either, "store", "check")["history"]["broken"] == []
    assert "2" not in {one["record"] for one in document(capsys, either, "findings")["findings"]}


def test_with_a_key_a_backup_has_no_value_in_plain(
    either: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values that an earlier run left in plain are sealed before they are written."""
    either.type_in("2", age="743174317")
    called(capsys, either, "night")
    plain = Path(document(capsys, either, "store", "backup", "--out", str(either.folder / "plain"))["file"])
    monkeypatch.setenv("NIGHTROUND_SNAPSHOT_KEY", base64.b64encode(bytes(range(32))).decode())
    sealed = Path(document(capsys, either, "store", "backup", "--out", str(either.folder / "sealed"))["file"])
    assert b"743174317" in plain.read_bytes()
    assert b"743174317" not in sealed.read_bytes()
    assert document(capsys, either, "store", "check")["history"]["broken"] == []


def test_nothing_is_overwritten_or_made_of_nothing(
    either: SmallStudy, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A backup of a study that never ran, one over a file, a restore over a database: usage errors."""
    assert called(capsys, either, "store", "backup")[0] == 2
    assert called(capsys, either, "store", "migrate")[0] == 2
    called(capsys, either, "night")
    file = str(tmp_path / "backup.jsonl")
    assert called(capsys, either, "store", "backup", "--out", file)[0] == 0
    for words in (("backup", "--out", file), ("restore", file)):
        code, _, err = called(capsys, either, "store", *words)
        assert (code, "Traceback" in err) == (2, False)
    (tmp_path / "backup.jsonl").write_bytes(Path(file).read_bytes().replace(b"nightly", b"nightlY", 1))
    assert called(capsys, either, "store", "restore", file)[0] == 15


def test_migrate_says_from_where_to_where(either: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """A database of the newest version stays as it is."""
    called(capsys, either, "night")
    told = document(capsys, either, "store", "migrate")
    assert told == {"study": STUDY, "from_version": told["version"], "version": told["version"], "exit_code": 0}
