"""Messages of a study by mail and chat, from study.toml to the reader: what arrives, what waits, who is notified."""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main
from nightround.digests.channels import outbox_folder
from nightround.model.delivery import DeliveryState
from nightround.night import attempt
from nightround.night.run_job import send_between_rounds
from nightround.store.database import open_store
from nightround.store.message_rows import StoredMessage
from nightround.study.folder import find_content
from redcap_sync.errors import RedcapUnreachable
from tests.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study
from tests.webhook_server import WebhookServer, webhook_server

TOKEN = "a-made-up-token-of-a-robot"
ADDRESS = "data.manager@example.org"
CHANNELS = """
[[channels]]
id = "mail"
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
sender = "Nightround <nightround@hospital.example>"
user_env = "MAIL_USER"
password_env = "MAIL_PASSWORD"

[[channels]]
id = "group"
kind = "wecom"
url_env = "WECOM_URL"
"""

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


@pytest.fixture
def mails() -> Iterator[MailServer]:
    """A mail server that asks for a login."""
    with mail_server(login=True) as server:
        yield server


@pytest.fixture
def chat() -> Iterator[WebhookServer]:
    """A robot of WeCom."""
    with webhook_server() as stub:
        stub.body = '{"errcode":0,"errmsg":"ok"}'
        yield stub


@pytest.fixture
def study(
    tmp_path: Path, mails: MailServer, chat: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SmallStudy]:
    """The small study with both channels, and its data manager on the first."""
    folder = tmp_path / "study"
    shutil.copytree(FOLDER, folder)
    write_people(folder, mails, '["mail"]')
    with small_study(tmp_path / "data", folder) as opened:
        secrets = {"MAIL_USER": USER, "MAIL_PASSWORD": PASSWORD, "WECOM_URL": f"{chat.url}/send?key={TOKEN}"}
        opened.environ = {**opened.environ, **secrets}
        for name, value in opened.environ.items():
            monkeypatch.setenv(name, value)
        yield opened


def write_people(folder: Path, mails: MailServer, channels: str) -> None:
    """Write study.toml with channels, and those of the data manager."""
    text = (FOLDER / "study.toml").read_text(encoding="utf-8")
    owns = 'owns = ["data_manager", "coordinator"]'
    text = text.replace(owns, f"{owns}\nchannels = {channels}")
    (folder / "study.toml").write_text(text + CHANNELS.format(port=mails.port), encoding="utf-8")


def messages(study: SmallStudy) -> tuple[StoredMessage, ...]:
    """Every message of the study."""
    with open_store(study.folder / "nightround.sqlite3") as store:
        return store.messages(STUDY)


def called(capsys: pytest.CaptureFixture[str], study: SmallStudy, command: str, *more: str) -> tuple[int, Any, str]:
    """Exit code, JSON and stderr of a command on the study."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([command, str(study.source), "--data", str(study.data), *more, "--json"])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(out), err


def test_a_digest_is_delivered_and_the_log_says_so_because_the_server_did(
    study: SmallStudy, mails: MailServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The mail is there, `notify` lists it with the server's reply, and the run counts it."""
    caplog.set_level(logging.INFO)
    study.round()
    (taken,) = mails.taken
    assert taken.recipients == [ADDRESS]
    code, document, _ = called(capsys, study, "notify")
    (one,) = document["messages"]
    assert (code, document["study"]) == (0, STUDY)
    assert (one["role"], one["channel"], one["state"], one["attempts"]) == ("data_manager", "mail", "delivered", 1)
    assert one["message_id"] == taken.mail["Message-ID"]
    assert one["said"] == "the server accepted it: 250 2.0.0 queued"
    assert "delivered (the server accepted it: 250 2.0.0 queued)" in caplog.text
    (alert,) = [step for step in study.last_run().steps if step.name == "alert"]
    assert str(alert.note) == "1 message delivered"
    assert not (study.folder / "outbox").exists()
    assert PASSWORD not in caplog.text


def test_the_outbox_folder_is_written_to_and_nothing_is_called_delivered(
    study: SmallStudy, mails: MailServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Log, step and list say where the file is."""
    caplog.set_level(logging.INFO)
    write_people(study.source, mails, '["outbox"]')
    study.round()
    (one,) = called(capsys, study, "notify")[1]["messages"]
    (file,) = (study.folder / "outbox").glob("*.eml")
    assert (one["state"], one["said"]) == ("written", f"written to {file}")
    assert f"written to {file}" in caplog.text
    assert "deliver" not in caplog.text
    assert mails.taken == []


def test_a_dead_channel_stops_neither_the_night_nor_another_channel(
    study: SmallStudy, mails: MailServer, chat: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mail is down: the chat has the digest and word of the mail, which goes out the next night as it was written."""
    write_people(study.source, mails, '["mail", "group"]')
    study.environ = {**study.environ, "MAIL_PASSWORD": "wrong"}
    summary = study.round()
    assert summary.failure is None
    states = [(one.kind, one.channel, one.state) for one in messages(study)]
    assert states == [
        ("digest", "mail", "waiting"),
        ("digest", "group", "delivered"),
        ("trouble", "group", "delivered"),
    ]
    told = chat.got[1][1]["text"]["content"]
    assert "Messages not delivered by mail" in told
    assert "the server does not accept user and password: 535" in told
    _, document, _ = called(capsys, study, "status")
    (waiting,) = document["studies"][0]["undelivered_messages"]
    assert (waiting["channel"], waiting["state"]) == ("mail", "waiting")
    first = waiting["message_id"]
    study.environ = {**study.environ, "MAIL_PASSWORD": PASSWORD}
    study.next_day()
    study.round()
    assert first in [one.mail["Message-ID"] for one in mails.taken]
    assert called(capsys, study, "status")[1]["studies"][0]["undelivered_messages"] == []


def test_with_one_channel_that_is_dead_the_outbox_folder_says_so(study: SmallStudy) -> None:
    """The night ends all the same, and a person who looks finds the sentence."""
    study.environ = {**study.environ, "MAIL_PASSWORD": "wrong", "WECOM_URL": ""}
    assert study.round().failure is None
    assert [(one.kind, one.channel, one.state) for one in messages(study)] == [
        ("digest", "mail", "waiting"),
        ("trouble", "outbox", "written"),
    ]


def test_a_greylisted_mail_arrives_between_two_rounds(study: SmallStudy, mails: MailServer) -> None:
    """The server asks for patience: no trouble is reported, and it is sent after its pause."""
    mails.rcpt[ADDRESS] = "451 4.7.1 greylisted, come back in 5 minutes"
    study.round()
    (waiting,) = messages(study)
    assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, 1)
    mails.rcpt.clear()
    send_between(study)
    assert mails.taken == []
    study.now[0] += timedelta(minutes=6)
    send_between(study)
    (one,) = messages(study)
    assert (one.state, one.attempts, one.message_id) == (DeliveryState.DELIVERED, 2, waiting.message_id)
    assert [taken.mail["Message-ID"] for taken in mails.taken] == [waiting.message_id]
    send_between(study)
    assert len(mails.taken) == 1


def send_between(study: SmallStudy) -> None:
    """What `serve` does every few minutes."""
    send_between_rounds(
        str(study.source),
        data=study.data,
        content=find_content({}),
        environ=study.environ,
        clock=lambda: study.now[0],
        sleep=lambda _: None,
    )


def test_a_refused_mail_is_told_and_its_news_come_again(study: SmallStudy, mails: MailServer) -> None:
    """The address is wrong for a night: the outbox folder says so, and the next digest has the news of both nights."""
    mails.rcpt[ADDRESS] = "550 5.1.1 no such user"
    study.round()
    first, *trouble = messages(study)
    assert first.state is DeliveryState.REFUSED
    assert [(one.kind, one.channel) for one in trouble] == [("trouble", "group")]
    mails.rcpt.clear()
    study.type_in("3", systolic="20")
    study.next_day()
    study.round()
    last = messages(study)[-1]
    assert (last.since, last.state) == (0, DeliveryState.DELIVERED)
    assert last.message_id != first.message_id


def test_a_mail_of_which_nobody_knows_is_not_called_delivered(study: SmallStudy, mails: MailServer) -> None:
    """The server hangs up after the last byte: unknown, and the second copy has the same Message-ID."""
    mails.data = "hangs up"
    study.round()
    assert messages(study)[0].state is DeliveryState.UNKNOWN
    mails.data = ""
    study.next_day()
    study.round()
    assert messages(study)[0].state is DeliveryState.DELIVERED
    ids = [one.mail["Message-ID"] for one in mails.taken]
    assert ids.count(messages(study)[0].message_id) == 2


def test_with_a_full_disk_the_failure_is_mailed(
    study: SmallStudy, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither database nor outbox folder can be written: the mail server still takes the notice."""
    study.round()
    study.next_day()
    taken = len(mails.taken)

    def full(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(attempt, "store_to_write", full)
    monkeypatch.setattr(outbox_folder, "write_private", full)
    with pytest.raises(Exception, match="disk is full"):
        study.round()
    (mail,) = mails.taken[taken:]
    text = mail.mail.get_body(("plain",))
    assert text is not None
    assert "The disk is full" in text.get_content()


def test_a_failed_round_goes_by_the_next_channel_and_sends_what_waits(
    study: SmallStudy, mails: MailServer, chat: WebhookServer
) -> None:
    """Mail is down while REDCap is: the chat has the notice, which is in the list; later the mail has it too."""
    mails.rcpt[ADDRESS] = "421 4.3.2 closing"
    url = study.environ["REDCAP_URL"]
    study.environ = {**study.environ, "REDCAP_URL": ""}
    with pytest.raises(RedcapUnreachable):
        study.round()
    assert [(one.kind, one.channel, one.state) for one in messages(study)][:2] == [
        ("failure", "mail", "waiting"),
        ("failure", "group", "delivered"),
    ]
    assert "There is no address of a REDCap API" in chat.got[0][1]["text"]["content"]
    mails.rcpt.clear()
    study.environ = {**study.environ, "REDCAP_URL": url}
    study.next_day()
    study.round()
    assert {one.state for one in messages(study) if one.channel == "mail"} == {DeliveryState.DELIVERED}


def test_a_test_message_says_what_came_back(
    study: SmallStudy, mails: MailServer, chat: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """By each channel of the role, also before the first night; 12 where one did not arrive, 2 for a role of nobody."""
    write_people(study.source, mails, '["mail", "group", "outbox"]')
    code, document, _ = called(capsys, study, "notify", "--test", "data_manager")
    assert code == 0
    assert [(one["channel"], one["state"]) for one in document["channels"]] == [
        ("mail", "delivered"),
        ("group", "delivered"),
        ("outbox", "written"),
    ]
    assert "Test message" in mails.taken[0].mail["Subject"]
    chat.body = '{"errcode":45009,"errmsg":"api freq out of limit"}'
    code, document, _ = called(capsys, study, "notify", "--test", "data_manager")
    assert (code, document["channels"][1]["state"]) == (12, "waiting")
    assert "45009" in document["channels"][1]["said"]
    code, document, _ = called(capsys, study, "notify", "--test", "nobody")
    assert code == 2
    assert "data_manager" in document["error"]["why"]


def test_a_person_who_left_gets_nothing_that_waited(study: SmallStudy, mails: MailServer) -> None:
    """Their address is no longer in study.toml: the message is given up."""
    mails.rcpt[ADDRESS] = "451 4.7.1 later"
    study.round()
    text = (study.source / "study.toml").read_text(encoding="utf-8")
    (study.source / "study.toml").write_text(text.replace(ADDRESS, "new@example.org"), encoding="utf-8")
    mails.rcpt.clear()
    study.next_day()
    study.round()
    first = messages(study)[0]
    assert (first.state, first.text) == (DeliveryState.REFUSED, "")
    assert {address for one in mails.taken for address in one.recipients} == {"new@example.org"}


def test_a_message_that_waits_forgets_a_patient_too(
    study: SmallStudy, mails: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its text goes, it is not sent any more, and the news of other patients are in the next one."""
    mails.rcpt[ADDRESS] = "451 4.7.1 later"
    study.round()
    assert "Record 2" in messages(study)[0].text
    with (study.source / "study.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[redcap]\nlargest_loss_percent = 100\n")
    study.delete("2")
    study.next_day()
    study.round()
    code, _, _ = called(capsys, study, "forget", "2", "--by", "me")
    assert code == 0
    kept = messages(study)
    assert not any("Record 2" in one.text + one.html for one in kept)
    mails.rcpt.clear()
    study.next_day()
    study.type_in("3", systolic="20")
    study.round()
    assert messages(study)[-1].since == 0
    bodies = [one.mail.get_body(("plain",)) for one in mails.taken]
    assert bodies
    assert not any("Record 2" in body.get_content() for body in bodies if body)


def test_addresses_and_passwords_are_nowhere(
    study: SmallStudy,
    mails: MailServer,
    chat: WebhookServer,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in the log, the list or the data folder, also where the service repeats its address."""
    caplog.set_level(logging.DEBUG)
    write_people(study.source, mails, '["mail", "group"]')
    chat.body = json.dumps({"errcode": 93000, "errmsg": f"invalid webhook {study.environ['WECOM_URL']}"})
    study.round()
    shown = json.dumps(called(capsys, study, "notify")[1])
    files = b"".join(path.read_bytes() for path in study.folder.rglob("*") if path.is_file())
    for secret in (TOKEN, PASSWORD):
        assert secret not in shown
        assert secret.encode() not in files
        assert secret not in "".join(one.getMessage() for one in caplog.records if one.name.startswith("nightround"))
