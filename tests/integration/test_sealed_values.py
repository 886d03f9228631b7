"""With a key no value of a patient is in plain on the disk: snapshots, findings, their history, failing rows."""

from __future__ import annotations

import base64
import io
import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from nightround.cli.main import main
from nightround.findings.finding_answers import answer
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.finding_answer import AnswerCode
from nightround.night.answer_step import act_on
from nightround.night.run_job import snapshot_vault
from nightround.snapshots.vault import Vault
from nightround.store.database import open_store
from nightround.store.observed_values import UnreadableValues, ValueSealer
from nightround.study.folder import load_study
from redcap_sync.errors import ExplainedError, ExportIncomplete
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study

KEY, OTHER_KEY = bytes(range(32)), bytes(reversed(range(32)))
VALUE = "743174317"
"""An age that nobody has, and that nothing else on the disk is spelt as."""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The study, with a mistake whose value is known."""
    with small_study(tmp_path) as one:
        one.type_in("2", age=VALUE)
        yield one


def environ(study: SmallStudy, key: bytes | None) -> dict[str, str]:
    """The study's environment with a key, or without."""
    given = {load_study(FOLDER).settings.snapshots.key_env: base64.b64encode(key).decode()} if key else {}
    return {**study.environ, **given}


def night(study: SmallStudy, key: bytes | None) -> None:
    """One round with a key, or without; then the next day."""
    study.round(environ=environ(study, key))
    study.next_day()


def in_plain(folder: Path) -> list[str]:
    """The files in which the value is in plain, compressed columns of tables read as well."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            text = pd.read_parquet(io.BytesIO(content)).to_string().encode() if content[:4] == b"PAR1" else b""
            found += [path.name] if VALUE.encode() in content + text else []
    return found


def observed(study: SmallStudy, key: bytes | None) -> list[dict[str, str]]:
    """The values of the findings on record 2, and of their history."""
    with open_store(study.folder / "nightround.sqlite3", key) as store:
        found = [one for one in store.findings(STUDY) if one.row.record == "2" and "age" in one.fields]
        return [dict(one.observed) for one in found] + [
            dict(line.observed) for one in found for line in store.history(STUDY, one.id)
        ]


def broken(study: SmallStudy, key: bytes | None) -> int:
    """How many lines of the history are not what was written."""
    with open_store(study.folder / "nightround.sqlite3", key) as store:
        return len(store.broken_lines(STUDY))


def test_with_a_key_no_value_is_in_plain(study: SmallStudy) -> None:
    """After the first night and after one on which the finding changed, the value is in no file; with the key it is."""
    night(study, KEY)
    assert in_plain(study.folder) == []
    study.type_in("2", age=f"{VALUE}0")
    night(study, KEY)
    study.type_in("2", age="47")
    night(study, KEY)
    assert in_plain(study.folder) == []
    values = observed(study, KEY)
    assert any(VALUE in one.values() for one in values)
    assert broken(study, KEY) == broken(study, None) == 0


def test_what_was_in_plain_is_sealed_by_the_first_night_with_a_key(study: SmallStudy) -> None:
    """Nights without a key leave values in plain; the next one with it leaves none, and loses none."""
    night(study, None)
    study.type_in("3", age="98")
    night(study, None)
    before = observed(study, None)
    assert any(VALUE in one.values() for one in before)
    assert {"nightround.sqlite3", "failures.parquet"} <= set(in_plain(study.folder))
    night(study, KEY)
    assert in_plain(study.folder) == []
    assert observed(study, KEY) == before
    assert broken(study, KEY) == 0


def test_a_copy_from_before_a_migration_is_sealed_and_can_be_unsealed(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a database with values in plain is sealed by the next round with a key; `unseal` gives it back."""
    night(study, None)
    copy = study.folder / "nightround.sqlite3.version-0001"
    with sqlite3.connect(study.folder / "nightround.sqlite3") as there, sqlite3.connect(copy) as target:
        there.backup(target)
    there.close()
    target.close()
    before = copy.read_bytes()
    night(study, KEY)
    assert in_plain(study.folder) == []
    for name, value in environ(study, KEY).items():
        monkeypatch.setenv(name, value)
    out = study.folder.parent / "again.sqlite3"
    for code in (0, 2):
        with pytest.raises(SystemExit) as ended:
            main(["store", "unseal", str(FOLDER), str(copy), "--out", str(out)])
        assert ended.value.code == code
    assert out.read_bytes() == before
    assert out.stat().st_mode & 0o777 == 0o600
    assert "The file again.sqlite3 exists already." in capsys.readouterr().err


def test_opening_with_a_key_seals_the_database(study: SmallStudy) -> None:
    """A command that only reads leaves no value in the file or the log next to it either."""
    night(study, None)
    before = observed(study, None)
    with open_store(study.folder / "nightround.sqlite3", KEY) as store:
        files = [path for path in study.folder.glob("nightround.sqlite3*") if path.is_file()]
        assert not [path for path in files if VALUE.encode() in path.read_bytes()]
        assert store.findings(STUDY)
    assert observed(study, KEY) == before


@pytest.mark.parametrize("key", [None, OTHER_KEY])
def test_without_the_key_everything_but_the_values_is_shown(
    study: SmallStudy, key: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Findings, states and history are there, a line of the log says what is not; nothing is lost by it."""
    night(study, KEY)
    right = observed(study, KEY)
    with open_store(study.folder / "nightround.sqlite3", key) as store:
        shown = store.findings(STUDY)
    with open_store(study.folder / "nightround.sqlite3", KEY) as store:
        assert [one.id for one in shown] == [one.id for one in store.findings(STUDY)]
    assert all(isinstance(one.observed, UnreadableValues) for one in shown if one.row.record == "2")
    assert "sealed with a key that is not given" in caplog.text
    assert broken(study, key) == 0
    assert "history lines are sealed with a key that is not given; not checked" in caplog.text
    assert VALUE not in caplog.text
    assert observed(study, KEY) == right


def test_closing_a_finding_without_the_key_keeps_what_is_sealed(study: SmallStudy) -> None:
    """Whoever has the key reads its values as before, and the chain of the history stays whole."""
    night(study, KEY)
    now = study.now[0]
    with open_store(study.folder / "nightround.sqlite3") as store:
        run = store.start_run(STUDY, "nightly", now)

        def close(known: tuple[Finding, ...]) -> LedgerDelta:
            closed = {"state": FindingState.RESOLVED, "resolution": Resolution.FIXED, "resolved_at": now}
            return LedgerDelta(resolved=tuple(replace(one, **closed) for one in known))

        store.record_night(STUDY, run, (), close, now)
    with open_store(study.folder / "nightround.sqlite3", KEY) as store:
        found = [one for one in store.findings(STUDY) if one.row.record == "2" and "age" in one.fields]
    assert [one.state for one in found] == [FindingState.RESOLVED]
    assert VALUE in found[0].observed.values()
    assert broken(study, KEY) == 0


def test_the_failing_rows_are_sealed_and_can_be_opened(study: SmallStudy) -> None:
    """The key of the snapshots opens them."""
    night(study, KEY)
    (path,) = study.folder.rglob("failures.parquet")
    content = snapshot_vault(load_study(FOLDER), environ(study, KEY)).read(path)
    assert VALUE in pd.read_parquet(io.BytesIO(content)).to_string()


def test_values_are_sealed_for_their_finding(study: SmallStudy) -> None:
    """What is sealed for one finding does not open for another, and a changed byte does not open at all."""
    del study
    sealer = ValueSealer(KEY)
    kept = sealer.stored("a" * 16, {"age": VALUE})
    assert isinstance(kept, str)
    assert sealer.read("a" * 16, kept) == {"age": VALUE}
    for identity, changed in (("b" * 16, kept), ("a" * 16, kept[:-8] + "AAAAAAA="), ("a" * 16, "NRS1:%%%")):
        assert isinstance(sealer.read(identity, changed), UnreadableValues)
    assert sealer.stored("a" * 16, {}) == {}
    assert sealer.read("a" * 16, None) == {}


def test_the_key_is_masked_wherever_it_turns_up(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that is named like the key is named by the mask."""
    for name, value in environ(study, KEY).items():
        monkeypatch.setenv(name, value)
    night(study, KEY)
    with pytest.raises(SystemExit):
        main(["findings", str(FOLDER), "--data", str(study.data), "--json"])
    assert json.loads(capsys.readouterr().out)["findings"]
    logging.getLogger("x").warning("the key is %s", base64.b64encode(KEY).decode())
    with pytest.raises(SystemExit):
        main(["findings", base64.b64encode(KEY).decode()])
    out, err = capsys.readouterr()
    assert base64.b64encode(KEY).decode() not in out + err


def test_files_are_sealed_once(tmp_path: Path) -> None:
    """A sealed file is not sealed again, and nothing is without a key."""
    path = tmp_path / "a"
    path.write_bytes(b"plain")
    assert Vault().seal_plain([path]) == 0
    assert [Vault(KEY).seal_plain([path]) for _ in range(2)] == [1, 0]
    assert Vault(KEY).read(path) == b"plain"


def test_forgetting_a_record_leaves_sealed_what_was_and_readable_what_was_not(study: SmallStudy) -> None:
    """The failing rows of the others stay sealed, and the list of findings stays a list that a person can read."""
    study.type_in("3", age="98")
    study.round(environ=environ(study, KEY))
    with study.opened("forget", environ=environ(study, KEY)) as opened:
        opened.forget("2", by="somebody", though_in_redcap=True)
    lists = list(study.folder.rglob("findings*.csv"))
    assert [path.read_text(encoding="utf-8-sig").startswith("finding,") for path in lists] == [True] * len(lists)
    assert in_plain(study.folder) == []
    assert broken(study, KEY) == 0
    vault = snapshot_vault(load_study(FOLDER), environ(study, KEY))
    for path in study.folder.rglob("failures*.parquet"):
        assert path.read_bytes().startswith(b"NRS1")
        assert set(pd.read_parquet(io.BytesIO(vault.read(path)))["record"]) == {"3"}


def test_a_night_without_the_key_lets_no_answer_lapse(study: SmallStudy) -> None:
    """It is refused whether or not its snapshots are there, and what was said stays; with the key it goes on."""
    night(study, KEY)
    name = next(one.id for one in study.findings() if one.row.record == "2" and "age" in one.fields)
    with study.opened("answer", environ=environ(study, KEY)) as opened:
        act_on(opened, name, lambda *said: answer(said[0], AnswerCode.CONFIRMED_CORRECT, *said[1:]), by="coordinator")
    for _ in range(2):
        with pytest.raises(ExplainedError) as refused:
            night(study, None)
        assert refused.value.exit_code in (StudyFilesWrong.exit_code, ExportIncomplete.exit_code)
        (state,) = (one.state for one in study.findings() if one.id == name)
        assert state is FindingState.WAIVED
        shutil.rmtree(study.folder / "snapshots", ignore_errors=True)
    night(study, KEY)
    with open_store(study.folder / "nightround.sqlite3", KEY) as store:
        (kept,) = (one for one in store.findings(STUDY) if one.id == name)
    assert (kept.state, kept.observed["age"]) == (FindingState.WAIVED, VALUE)
