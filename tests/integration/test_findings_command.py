"""`nightround findings` and `finding`: the record of a finding, for who may read the data folder."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import logging
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main
from tests.small_study import FOLDER, PERSON, SmallStudy, small_study

RECORD = "CANARY-R-0042"


def studied(folder: Path, *, named: bool) -> Path:
    """A copy of the study that lets its mails name records, or not."""
    copy = Path(shutil.copytree(FOLDER, folder / FOLDER.name))
    settings = copy / "study.toml"
    said = settings.read_text(encoding="utf-8")
    assert "record_id_in_messages = true" in said
    settings.write_text(said.replace("messages = true", f"messages = {str(named).lower()}"), encoding="utf-8")
    return copy


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after two nights: a mistake in a record, one of them corrected."""
    with small_study(tmp_path / "data", studied(tmp_path, named=False)) as one:
        monkeypatch.setenv("REDCAP_URL", one.environ["REDCAP_URL"])
        one.type_in(RECORD, age="97", sex="2", systolic="80", diastolic="120")
        one.round()
        one.next_day()
        one.corrected(RECORD, age="47")
        one.round()
        yield one


def called(capsys: pytest.CaptureFixture[str], study: SmallStudy, command: str, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the study."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([command, str(study.source), *options, "--data", str(study.data)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def listed(capsys: pytest.CaptureFixture[str], study: SmallStudy, *options: str) -> list[dict[str, Any]]:
    """What `findings --json` lists."""
    code, out, _ = called(capsys, study, "findings", "--json", *options)
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)["findings"]
    return found


def test_the_list_names_records_and_can_be_narrowed(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option leaves out what it says; the keys are those that other tools rely on."""
    everything = listed(capsys, study)
    keys = {"id", "rule_id", "record", "event", "instrument", "instance", "fields", "severity", "state", "resolution"}
    assert keys | {"proof", "opened_at", "owner", "link"} <= everything[0].keys()
    mine = listed(capsys, study, "--record", RECORD)
    assert mine == [one for one in everything if one["record"] == RECORD]
    closed = [one for one in mine if one["state"] == "resolved"]
    assert [(one["resolution"], one["proof"], one["changed_by"]) for one in closed] == [("fixed", "full", PERSON)]
    assert listed(capsys, study, "--open") == [one for one in everything if one["state"] == "open"]
    rule, owner = everything[0]["rule_id"], everything[0]["owner"]
    assert listed(capsys, study, "--rule", rule) == [one for one in everything if one["rule_id"] == rule]
    assert listed(capsys, study, "--owner", owner) == [one for one in everything if one["owner"] == owner]
    assert listed(capsys, study, "--owner", "nobody") == []
    assert all(f"id={one['record']}" in one["link"] for one in everything)
    _, out, _ = called(capsys, study, "findings", "--record", RECORD)
    assert RECORD in out
    assert f"{len(mine)} findings" in out


def test_a_finding_is_found_by_the_id_that_a_mail_shows(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight digits, or all, give record, place, fields, rule, state, history and link; no value."""
    (closed,) = (one for one in listed(capsys, study, "--record", RECORD) if one["state"] == "resolved")
    for identity in (closed["id"][:8], closed["id"], closed["id"].upper()):
        code, out, _ = called(capsys, study, "finding", identity, "--json")
        found = json.loads(out)["finding"]
        assert (code, found["record"], found["fields"], found["link"]) == (0, RECORD, closed["fields"], closed["link"])
        assert [one["change"] for one in found["history"]] == ["opened", "resolved"]
        assert found["title"]["zh"]
    _, out, _ = called(capsys, study, "finding", closed["id"][:8])
    assert all(one in out for one in (RECORD, closed["rule_id"], closed["link"], "resolved", "fixed"))
    assert "97" not in out.replace(closed["link"], "").replace(closed["id"], "").replace("2025", "")


@pytest.mark.parametrize("identity", ["", "zzzz", "%", "0"])
def test_an_id_that_names_no_single_finding_is_a_usage_error(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], identity: str
) -> None:
    """None or several begin so: exit 2, and no finding is shown."""
    many = sum(one["id"].startswith(identity) for one in listed(capsys, study))
    code, out, err = called(capsys, study, "finding", identity)
    assert code == (0 if identity and many == 1 else 2)
    assert code == 0 or (out == "" and "findings" in err)


def test_findings_are_shown_without_a_snapshot_or_an_address(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no link then, and the rest is as before."""
    before = listed(capsys, study)
    monkeypatch.delenv("REDCAP_URL")
    assert listed(capsys, study) == [{**one, "link": None, "involved": []} for one in before]
    (study.folder / "snapshots" / "latest.json").unlink()
    assert listed(capsys, study) == [{**one, "link": None, "involved": []} for one in before]


def test_mails_hide_the_record_that_the_private_list_names(study: SmallStudy) -> None:
    """`findings.csv` has record and exact link and is its owner's alone; no mail has either."""
    lists = sorted((study.folder / "runs").rglob("findings.csv"))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in lists)
    rows = list(csv.DictReader(lists[-1].read_text(encoding="utf-8-sig").splitlines()))
    mine = [row for row in rows if row["record"] == RECORD]
    assert mine
    assert all(f"id={RECORD}" in row["link"] for row in mine)
    mails = list((study.folder / "outbox").iterdir())
    assert mails
    assert not [path for path in mails if RECORD.encode() in path.read_bytes()]


@pytest.mark.parametrize("named", [False, True])
def test_the_first_round_says_whether_mails_name_records(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, named: bool
) -> None:
    """The log of the first round and the first mail of each reader say it, and none after them."""
    caplog.set_level(logging.INFO)
    setting = f"record_id_in_messages = {str(named).lower()}"
    with small_study(tmp_path / "data", studied(tmp_path, named=named)) as one:
        one.round()
        assert caplog.text.count(setting) == 1
        first = set((one.folder / "outbox").glob("*.eml"))
        one.next_day()
        one.type_in("9", age="97", sex="2", systolic="80", diastolic="120")
        one.round()
        later = set((one.folder / "outbox").glob("*.eml")) - first
    assert caplog.text.count(setting) == 1
    assert first
    assert later

    def says(path: Path) -> bool:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        parts = (part for part in message.walk() if not (part.is_multipart() or part.is_attachment()))
        return all(setting in part.get_content() for part in parts)

    assert all(says(path) for path in first)
    assert not any(says(path) for path in later)
