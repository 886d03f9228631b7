"""`nightround doctor`: every outside thing of a study is tried, and each fault is named by its own line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main
from nightround.night import machine_checks
from nightround.night.check_lines import Health
from nightround.night.machine_checks import FULL, TIGHT, disk_line
from nightround.night.server_checks import FieldReaders, clock_line, group_line, rights_line, server_lines
from nightround.snapshots.snapshot_store import SnapshotStore
from tests.commanded_study import editable_study
from tests.mail_server import PASSWORD, USER, mail_server
from tests.pull_examples import Served, served
from tests.small_study import SmallStudy
from tests.webhook_server import webhook_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
NOW = datetime(2025, 7, 1, 18, 30, tzinfo=UTC)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The small study in a folder that may be changed, with its sandbox in the environment."""
    with editable_study(tmp_path, monkeypatch) as opened:
        yield opened


def doctor(study: SmallStudy, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    """Exit code and stdout."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["doctor", str(study.source), "--data", str(study.data), *more])
    return int(ended.value.code or 0), capsys.readouterr().out


def examined(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Exit code, the whole document, and its lines by check."""
    code, out = doctor(study, capsys, "--json")
    document = json.loads(out)
    assert document["exit_code"] == code
    return code, document, {one["check"]: one for one in document["checks"]}


def add(study: SmallStudy, toml: str) -> None:
    """Add tables to the settings."""
    file = study.source / "study.toml"
    file.write_text(file.read_text(encoding="utf-8") + toml, encoding="utf-8")


def test_a_study_that_works_has_no_wrong_line_and_nothing_is_made(
    study: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before its first round: exit 0, each check has a line, no folder and no message appears."""
    code, document, lines = examined(study, capsys)
    assert (code, document["healthy"]) == (0, True)
    assert {"server", "clock", "log", "rights", "group", "records", "pdf", "disk", "time_zone"} <= set(lines)
    assert {one["state"] for one in document["checks"]} <= {"fine", "notice"}
    assert "nightly" in lines["next_round"]["said"]
    assert not study.folder.exists()
    assert [one["to"] for one in document["leaves_this_machine"]] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [("REDCAP_URL", "http://127.0.0.1:9/api/", 11), ("REDCAP_TOKEN", "F" * 32, 12), ("REDCAP_URL", "", 11)],
)
def test_a_server_that_does_not_answer_or_refuses_is_named_with_its_exit_code(
    study: SmallStudy,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    code: int,
) -> None:
    """The line of the server is wrong and says what to do; all others are still there."""
    monkeypatch.setenv(variable, value)
    ended, _, lines = examined(study, capsys)
    assert ended == code
    assert lines["server"]["state"] == "wrong"
    assert lines["server"]["remedy"]
    assert lines["pdf"]["state"] == "fine"
    assert "F" * 32 not in json.dumps(lines)


def test_study_files_that_are_wrong_end_with_10_and_the_machine_is_still_tried(
    study: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that nobody knows is named, and the server is not tried."""
    add(study, "\n[no_such_table]\n")
    code, _, lines = examined(study, capsys)
    assert (code, lines["settings"]["state"], lines["server"]["state"]) == (10, "wrong", "not_tried")
    assert lines["disk"]["state"] in {"fine", "notice"}


def test_mail_is_tried_by_logging_in_and_sends_nothing(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right password is fine, a wrong one is wrong, a server that is off is wrong; no mail in any case."""
    monkeypatch.setenv("MAIL_USER", USER)
    with mail_server(login=True) as mails:
        add(
            study,
            f'\n[[channels]]\nid = "mail"\nkind = "smtp"\nhost = "127.0.0.1"\nport = {mails.port}\nsecurity = "none"\n'
            'sender = "nightround@example.org"\nuser_env = "MAIL_USER"\npassword_env = "MAIL_PASSWORD"\n',
        )
        found = []
        for password in (PASSWORD, "another"):
            monkeypatch.setenv("MAIL_PASSWORD", password)
            code, _, lines = examined(study, capsys)
            found.append((code, lines["channel"]["state"]))
        assert mails.taken == []
    code, _, lines = examined(study, capsys)
    assert [*found, (code, lines["channel"]["state"])] == [(0, "fine"), (10, "wrong"), (10, "wrong")]


def test_a_webhook_is_reached_without_its_secret_and_without_a_message(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host answers, nothing is posted, and the secret is in no line; without the variable the line is wrong."""
    add(study, '\n[[channels]]\nid = "room"\nkind = "slack"\nurl_env = "ROOM_URL"\n')
    with webhook_server() as room:
        monkeypatch.setenv("ROOM_URL", f"{room.url}/services/a-secret-of-the-room")
        code, document, lines = examined(study, capsys)
        assert (code, lines["channel"]["state"], room.got) == (0, "fine", [])
        assert "a-secret-of-the-room" not in json.dumps(document)
    monkeypatch.delenv("ROOM_URL")
    assert examined(study, capsys)[2]["channel"]["state"] == "wrong"


def test_the_lines_for_people_say_the_same_in_both_languages(
    study: SmallStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check is one line, with a second one that says what to do where there is something to do."""
    _, document, _ = examined(study, capsys)
    remedies = sum(bool(one["remedy"]) for one in document["checks"])
    for language in ("en", "zh"):
        monkeypatch.setenv("NIGHTROUND_LANGUAGE", language)
        code, out = doctor(study, capsys)
        head, _, _ = out.partition("What leaves this machine" if language == "en" else "离开本机的内容")
        assert code == 0
        assert len(head.splitlines()) == 1 + len(document["checks"]) + remedies


def states(server: Served, folder: Path, now: datetime) -> dict[str, str]:
    """What became of each check of the server."""
    lines = server_lines(server.client, FieldReaders((), None), SnapshotStore(folder), study="any", now=now)
    return {one.check: one.health.value for one in lines}


def test_each_right_that_the_tokens_user_lacks_is_named(tmp_path: Path) -> None:
    """An instrument, the log, and with it who the user is: a notice each, and a night is made all the same."""
    with served(tmp_path / "project", records=2) as server:
        server.become()
        whole = states(server, tmp_path, NOW)
        assert (whole["log"], whole["rights"], whole["records"]) == ("fine", "fine", "fine")
        server.become(labs=0)
        assert states(server, tmp_path, NOW)["rights"] == "notice"
        server.become(without=("logging",))
        without_log = states(server, tmp_path, NOW)
        assert (without_log["log"], without_log["rights"], without_log["group"]) == ("notice", "notice", "notice")


def test_a_right_that_lacks_names_the_rules_it_hurts(study: SmallStudy) -> None:
    """An instrument of which only de-identified data may be exported names every rule that reads it."""
    with study.opened() as night:
        snapshot = night.pull()
        rules = night.facts.study.rules
    names = [one.name for one in snapshot.dictionary.instruments]
    full = {"forms_export": dict.fromkeys(names, 1)}
    assert rights_line(full, snapshot.dictionary, FieldReaders(rules, None)).health is Health.FINE
    line = rights_line({"forms_export": dict.fromkeys(names, 2)}, snapshot.dictionary, FieldReaders(rules, None))
    assert line.health is Health.NOTICE
    assert all(one.id in str(line.said) for one in rules[:3])


@pytest.mark.parametrize(("seconds", "health"), [(0, "fine"), (-90, "fine"), (150, "notice"), (-86_400, "notice")])
def test_clocks_that_are_apart_are_said(seconds: int, health: str) -> None:
    """Two minutes either way are the limit."""
    server_time = (NOW + timedelta(seconds=seconds)).replace(tzinfo=None)
    assert clock_line(server_time, NOW).health.value == health


@pytest.mark.parametrize(("own", "health"), [({}, "fine"), ({"data_access_group": "a"}, "notice"), (None, "notice")])
def test_a_user_of_one_group_is_said(own: dict[str, str] | None, health: str) -> None:
    """A token that sees the records of one group alone looks like a study that lost the others."""
    assert group_line(own).health.value == health


@pytest.mark.parametrize(("free", "health"), [(FULL - 1, "wrong"), (FULL, "notice"), (TIGHT, "fine")])
def test_a_disk_that_is_nearly_full_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, health: str
) -> None:
    """Also before the data folder is made."""

    class Usage:
        def __init__(self, _path: Path) -> None:
            self.free = free

    monkeypatch.setattr(machine_checks.shutil, "disk_usage", Usage)
    assert disk_line(tmp_path / "not" / "there").health.value == health
