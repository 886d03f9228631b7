"""Mail by a real server on this machine: what it takes, refuses, puts off, and what is not known of it."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.smtp import Login, SmtpChannel
from nightround.digests.notice import Notice
from nightround.model.delivery import DeliveryState
from nightround.model.recipient import Recipient
from tests.made_findings import NIGHT
from tests.mail_server import HANGS, HANGS_UP, PASSWORD, USER, MailServer, made_certificate, mail_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
MANAGER = Recipient("data_manager", "dm@hospital.example", "zh", (), ("mail",))
NOTICE = Notice(MANAGER, "[Nightround] 新发现 1 项 – A study", "正文\n.\n..两点\n", "<p>正文</p>\n", {})
LETTER = OutgoingMessage.of(NOTICE, "mail", "hospital.example", NIGHT)
SENDER = "Nightround <nightround@hospital.example>"


def channel(server: MailServer, security: str = "none", login: Login = ("", ""), **other: object) -> SmtpChannel:
    """The channel of a study that uses the server."""
    made = SmtpChannel(
        "mail",
        "127.0.0.1",
        server.port,
        security,
        SENDER,
        login=lambda: login,
        seconds=10.0,  # type: ignore[arg-type]
    )
    return replace(made, **other)  # type: ignore[arg-type]


def test_a_mail_arrives_whole_with_its_envelope() -> None:
    """Every byte of the text, lines of dots included; returned mail goes to the bounce address, answers to another."""
    with mail_server() as server:
        other = {"bounce": "bounces@hospital.example", "reply_to": "help@hospital.example"}
        answer = channel(server, **other).send(LETTER)
        (taken,) = server.taken
    assert answer.state is DeliveryState.DELIVERED
    assert str(answer.said) == "the server accepted it: 250 2.0.0 queued"
    assert (taken.sender, taken.recipients) == ("bounces@hospital.example", [MANAGER.address])
    mail = taken.mail
    assert (mail["From"], mail["To"], mail["Reply-To"]) == (SENDER, MANAGER.address, "help@hospital.example")
    assert (mail["Subject"], mail["Message-ID"]) == (NOTICE.subject, LETTER.message_id)
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == NOTICE.text


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_is_checked(security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the authority known a mail arrives, with login; without it nothing is sent, not even the password."""
    certificate = made_certificate(tmp_path)
    with mail_server(security, certificate, login=True) as server:
        refused = channel(server, security, (USER, PASSWORD)).send(LETTER)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        answer = channel(server, security, (USER, PASSWORD)).send(LETTER)
        taken = list(server.taken)
    assert (refused.state, refused.channel_down, refused.again_soon) == (DeliveryState.WAITING, True, False)
    assert "certificate" in str(refused.said)
    assert answer.state is DeliveryState.DELIVERED
    assert len(taken) == 1


def test_a_certificate_of_another_name_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host of study.toml is the one that the certificate must have."""
    certificate = made_certificate(tmp_path, "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server("tls", certificate) as server:
        answer = channel(server, "tls", host="localhost").send(LETTER)
        assert server.taken == []
    assert (answer.state, answer.channel_down) == (DeliveryState.WAITING, True)


def test_a_server_without_tls_gets_nothing_in_plain_text() -> None:
    """STARTTLS that is not offered is said, and the mail waits."""
    with mail_server() as server:
        answer = channel(server, "starttls", (USER, PASSWORD)).send(LETTER)
        assert server.taken == []
    assert (answer.state, answer.channel_down) == (DeliveryState.WAITING, True)
    assert "STARTTLS" in str(answer.said)


def test_a_wrong_password_is_no_refusal_of_the_mail() -> None:
    """It waits for the right one, is not tried again at once, and no answer names the password."""
    with mail_server(login=True) as server:
        answer = channel(server, login=(USER, "wrong-password")).send(LETTER)
        assert server.taken == []
    assert (answer.state, answer.channel_down, answer.again_soon) == (DeliveryState.WAITING, True, False)
    assert "535" in str(answer.said)
    assert "wrong-password" not in repr(answer)


def sent(server: MailServer, **other: object) -> ServerAnswer:
    """Send the mail once."""
    return channel(server, **other).send(LETTER)


@pytest.mark.parametrize(
    ("reply", "state", "down"),
    [
        ("550 5.1.1 no such user", DeliveryState.REFUSED, False),
        ("553 5.1.3 bad address", DeliveryState.REFUSED, False),
        ("450 4.2.1 mailbox busy", DeliveryState.WAITING, False),
        ("451 4.7.1 greylisted, try again later", DeliveryState.WAITING, False),
        ("452 4.5.3 too many recipients", DeliveryState.WAITING, False),
        ("421 4.3.2 closing", DeliveryState.WAITING, True),
        (HANGS_UP, DeliveryState.WAITING, True),
    ],
)
def test_an_address_that_is_not_taken(reply: str, state: DeliveryState, *, down: bool) -> None:
    """5xx refuses, 4xx waits, and a connection that ends before the last byte waits; nobody has the mail."""
    with mail_server() as server:
        server.rcpt[MANAGER.address] = reply
        answer = sent(server)
        assert server.taken == []
    assert (answer.state, answer.channel_down) == (state, down)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("554 5.7.1 looks like spam", DeliveryState.REFUSED),
        ("552 5.3.4 too big", DeliveryState.REFUSED),
        ("451 4.3.0 disk full", DeliveryState.WAITING),
        (HANGS_UP, DeliveryState.UNKNOWN),
        (HANGS, DeliveryState.UNKNOWN),
    ],
)
@pytest.mark.parametrize("keeps", [True, False])
def test_what_is_known_after_the_last_byte(reply: str, state: DeliveryState, *, keeps: bool) -> None:
    """A reply says what became of the mail; without one it is unknown, whether the server kept it or not."""
    with mail_server() as server:
        server.data, server.keeps = reply, keeps
        answer = sent(server, seconds=0.5)
    assert answer.state is state
    assert not answer.again_soon


def test_one_refused_reader_keeps_no_other_from_the_mail() -> None:
    """Each reader has a mail of their own."""
    other = replace(NOTICE, recipient=replace(MANAGER, address="crc@hospital.example"))
    with mail_server() as server:
        server.rcpt[MANAGER.address] = "550 5.1.1 no such user"
        answers = [channel(server).send(OutgoingMessage.of(one, "mail", "x.example", NIGHT)) for one in (NOTICE, other)]
        assert [one.recipients for one in server.taken] == [["crc@hospital.example"]]
    assert [one.state for one in answers] == ["refused", "delivered"]


def test_a_port_where_nobody_listens() -> None:
    """The mail waits, and a pause of seconds may help."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = channel(MailServer(port=port)).send(LETTER)
    assert (answer.state, answer.channel_down, answer.again_soon) == (DeliveryState.WAITING, True, True)
