"""Mails as files, and telling everybody on every channel."""

import logging
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.mail import message_of
from nightround.digests.channels.outbox_folder import OutboxFolder
from nightround.digests.notice import NightState, Notice, RunSummary
from nightround.digests.notifying import Notifier
from nightround.digests.post_office import PostOffice
from nightround.digests.templates import load_digest_templates
from nightround.findings.reconcile import reconcile
from nightround.model.delivery import DeliveryState
from nightround.model.finding import LedgerDelta
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.store.database import Store, open_store
from nightround.store.message_rows import StoredMessage
from tests.made_findings import NIGHT, STUDY, made_outcome, made_row, made_rule, night

FOLDER = Path(__file__).parents[2] / "report_templates" / "digest"
BOTH = ("outbox", "broken")
MANAGER = Recipient("data_manager", "dm@hospital.example", "zh", ("coordinator",), BOTH)
COORDINATOR = Recipient("coordinator", "crc@hospital.example", "en", ("coordinator",), BOTH)
NOTICE = Notice(MANAGER, "新发现 1 项 – 研究", "正文 ≥ 1\n" * 3, "<p>正文 ≥ 1</p>\n", {"opened": 1})
CANARY = "CANARY-7Q"
DOWN, DONE, REFUSED = (
    ServerAnswer.down("delivery.no_address"),
    ServerAnswer.delivered("250 ok"),
    ServerAnswer.refused("550 no such user"),
)
WHOLE = RunSummary(NightState.WHOLE, known=1, judged=1)


def letter(notice: Notice = NOTICE) -> OutgoingMessage:
    """The notice as it is sent by the outbox folder."""
    return OutgoingMessage.of(notice, "outbox", "hospital.example", NIGHT)


def only_mail(folder: Path) -> EmailMessage:
    """The one mail in a folder, parsed."""
    (path,) = folder.glob("*.eml")
    parsed = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_mail_can_be_read_back_whole(tmp_path: Path) -> None:
    """Headers and both bodies survive as Chinese text, and the page lies next to the mail."""
    answer = OutboxFolder(tmp_path, sender="Nightround <nightround@hospital.example>").send(letter())
    mail = only_mail(tmp_path)
    assert answer.state is DeliveryState.WRITTEN
    assert str(answer.said) == f"written to {next(tmp_path.glob('*.eml'))}"
    assert (mail["Subject"], mail["To"]) == (NOTICE.subject, MANAGER.address)
    assert (mail["From"], mail["Message-ID"]) == ("Nightround <nightround@hospital.example>", letter().message_id)
    assert mail["Date"].datetime == NIGHT
    assert (mail["Content-Language"], mail["Auto-Submitted"]) == ("zh-CN", "auto-generated")
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    bodies = [part.get_content().replace("\r\n", "\n") for part in mail.iter_parts()]  # type: ignore[attr-defined]
    assert bodies == [NOTICE.text, NOTICE.html]
    (page,) = tmp_path.glob("*.html")
    assert page.read_text(encoding="utf-8") == NOTICE.html


@given(
    st.lists(
        st.one_of(st.text("ab[]–·:8", min_size=1, max_size=30), st.text("研究新发现项，≥", min_size=1, max_size=30)),
        min_size=1,
        max_size=12,
    )
)
def test_a_subject_survives_folding_with_every_blank(words: list[str]) -> None:
    """Chinese and English words of any length, each after a blank: what a mail program shows is what was written."""
    subject = " ".join(words)
    mail = message_of(letter(replace(NOTICE, subject=subject)), sender="nightround@hospital.example")
    raw = mail.as_bytes()
    assert raw.isascii()
    read = message_from_bytes(raw, policy=default)["Subject"]
    classic = str(make_header(decode_header(message_from_bytes(raw)["Subject"].replace("\r\n", ""))))
    assert (read, classic) == (subject, subject)
    assert all(len(line) <= 78 for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if b"=?" in line)


def test_a_mail_keeps_to_the_line_ends_and_lengths_of_mail(tmp_path: Path) -> None:
    """Every line ends in CRLF, is under 998 octets and plain ASCII, so that any mail server takes it."""
    OutboxFolder(tmp_path).send(letter(replace(NOTICE, html="<p>" + "长" * 2000 + "</p>")))
    (path,) = tmp_path.glob("*.eml")
    raw = path.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert raw.isascii()


def test_the_same_letter_is_one_file_and_one_message(tmp_path: Path) -> None:
    """A letter that is sent again is the same mail; other words, another person or hour are another mail."""
    outbox = OutboxFolder(tmp_path)
    outbox.send(letter())
    outbox.send(letter())
    assert len(list(tmp_path.iterdir())) == 2
    later = OutgoingMessage.of(NOTICE, "outbox", "hospital.example", night(2))
    others = (letter(replace(NOTICE, text="other")), letter(replace(NOTICE, recipient=COORDINATOR)), later)
    assert len({letter().message_id, *(other.message_id for other in others)}) == 4


def test_two_deliveries_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in a mail is random."""
    for name in ("a", "b"):
        OutboxFolder(tmp_path / name).send(letter())
    (one,), (other,) = (list((tmp_path / name).glob("*.eml")) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_mails_are_private_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    """A record id may be in a mail: 0600 in a folder of 0700, and no temporary file."""
    folder = tmp_path / "outbox"
    OutboxFolder(folder).send(letter())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.suffix for path in folder.iterdir()} == {".eml", ".html"}


def test_a_role_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    """A file name is made of the day, a harmless role and a hash."""
    other = replace(NOTICE, recipient=replace(MANAGER, role="../../x y"))
    OutboxFolder(tmp_path / "outbox").send(letter(other))
    assert {path.name[:16] for path in (tmp_path / "outbox").iterdir()} == {"2025-05-13_-x-y_"}
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]


def test_an_outbox_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """A file in the folder's place is said, and the letter waits."""
    (tmp_path / "outbox").write_text("in the way", encoding="utf-8")
    answer = OutboxFolder(tmp_path / "outbox").send(letter())
    assert (answer.state, answer.channel_down) == (DeliveryState.WAITING, True)
    assert "cannot be written" in str(answer.said)


@dataclass
class Broken:
    """A channel whose server is down, or refuses, until it is fixed."""

    name: str = "broken"
    domain: str = "hospital.example"
    answer: ServerAnswer = DOWN
    delivered: list[OutgoingMessage] = field(default_factory=list)

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Fail, or keep the letter."""
        if self.answer.state is DeliveryState.DELIVERED:
            self.delivered.append(letter)
        return self.answer


@pytest.fixture
def store(store_at: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(store_at) as opened:
        yield opened


def teller(
    *channels: OutboxFolder | Broken, allowed: bool = True, recipients: tuple[Recipient, ...] = (MANAGER,)
) -> Notifier:
    """Everything that is known before the night."""
    return Notifier(
        study=STUDY,
        title=Words("研究", "A study"),
        rules={"VIL-01": made_rule()},
        recipients=recipients,
        channels={one.name: one for one in channels},
        places=Places("https://redcap.hospital.example", "15.0.5", 128, record_id_allowed=allowed),
        templates=load_digest_templates(FOLDER),
        synthetic=True,
    )


def a_night(store: Store, number: int, *records: str) -> int:
    """Run one night on which the rule fails on these records, and return the run's id."""
    outcome = made_outcome(
        rows=[made_row(record) for record in records], observed={"villalta_total": CANARY, "name": CANARY}
    )
    rows = {made_row(record) for record in ("1001", "1002", CANARY)}
    run_id = store.start_run(STUDY, "nightly", night(number))

    def decide(known: tuple[object, ...]) -> LedgerDelta:
        rules = {"VIL-01": made_rule()}
        return reconcile(STUDY, known, [outcome], rules, rows=rows, complete=True, now=night(number))  # type: ignore[arg-type]

    store.record_night(STUDY, run_id, [outcome], decide, night(number))
    return run_id


def told(
    store: Store, run_id: int, now: datetime, *channels: OutboxFolder | Broken, allowed: bool = True
) -> list[StoredMessage]:
    """Write what is new and send it."""
    people = (MANAGER, COORDINATOR)
    by_name = {one.name: one for one in channels}
    teller(*channels, recipients=people, allowed=allowed).write(store, run_id, WHOLE, now)
    office = PostOffice.of(STUDY, store, by_name, people, zone=UTC, clock=lambda: now, sleep=lambda _: None)
    return [one.message for one in office.send_all()]


def test_everybody_is_told_on_every_channel_and_it_is_remembered(store: Store, tmp_path: Path) -> None:
    """Two people and two channels are four messages; the second time there is nothing to say."""
    channels = (OutboxFolder(tmp_path / "outbox"), Broken(answer=DONE))
    run_id = a_night(store, 1, "1001")
    sent = told(store, run_id, night(1), *channels)
    assert [(one.role, one.channel, one.state) for one in sent] == [
        ("data_manager", "outbox", "written"),
        ("data_manager", "broken", "delivered"),
        ("coordinator", "outbox", "written"),
        ("coordinator", "broken", "delivered"),
    ]
    assert [(one.recipient, one.since, one.upto, one.text) for one in store.messages(STUDY)] == [
        (address, 0, 1, "") for address in (MANAGER.address,) * 2 + (COORDINATOR.address,) * 2
    ]
    assert told(store, run_id, night(1), *channels) == []


def test_what_waits_is_sent_later_as_it_was_written(store: Store, tmp_path: Path) -> None:
    """The other channel goes on; once the server is back the first message arrives, then that of the new night."""
    outbox, broken = OutboxFolder(tmp_path / "outbox"), Broken()
    first = told(store, a_night(store, 1, "1001"), night(1), outbox, broken)
    assert {(one.channel, one.state) for one in first} == {("outbox", "written"), ("broken", "waiting")}
    broken.answer = DONE
    second = told(store, a_night(store, 2, "1001", "1002"), night(2), outbox, broken)
    assert [one.state for one in second if one.channel == "broken"] == ["delivered"] * 4
    mine = [one for one in broken.delivered if one.recipient.address == MANAGER.address]
    assert [one.message_id for one in mine] == [
        one.message_id for one in store.messages(STUDY) if (one.recipient, one.channel) == (MANAGER.address, "broken")
    ]
    assert [one.written_at for one in mine] == [night(1), night(2)]


def test_what_was_refused_is_told_anew(store: Store, tmp_path: Path) -> None:
    """A refused message is not sent again; the next one has its news, under another Message-ID."""
    outbox, broken = OutboxFolder(tmp_path / "outbox"), Broken(answer=REFUSED)
    told(store, a_night(store, 1, "1001"), night(1), outbox, broken)
    broken.answer = DONE
    told(store, a_night(store, 2, "1001", "1002"), night(2), outbox, broken)
    mine = [one for one in store.messages(STUDY) if (one.role, one.channel) == ("data_manager", "broken")]
    assert [(one.since, one.upto, one.state) for one in mine] == [(0, 1, "refused"), (0, 2, "delivered")]
    assert len({one.message_id for one in mine}) == 2


def test_no_patient_value_and_no_hidden_record_id_leaves_with_an_alert(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A string planted in values, an identifier field and a record id is in no mail, subject, name, repr or log."""
    caplog.set_level(logging.DEBUG)
    outbox, broken = OutboxFolder(tmp_path / "outbox"), Broken()
    sent = told(store, a_night(store, 1, CANARY, "1001"), night(1), outbox, broken, allowed=False)
    sent += told(store, a_night(store, 2, "1001"), night(2), outbox, broken, allowed=False)
    sent += told(store, a_night(store, 3, CANARY), night(3), outbox, broken, allowed=False)
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in outbox.folder.glob("*.eml")]
    parts = [part.get_content() for mail in mails for part in mail.walk() if not part.is_multipart()]
    headers = [str(mail.items()) for mail in mails]
    files = [path.name + path.read_text(encoding="utf-8") for path in outbox.folder.iterdir()]
    kept = repr(store.messages(STUDY))
    said = "".join((*parts, *headers, *files, repr(sent), kept, caplog.text, *capfd.readouterr()))
    assert len(mails) == 6
    assert CANARY not in said
    assert CANARY in "".join(str(one.observed) for one in store.findings(STUDY))


def test_a_person_with_two_roles_gets_both_digests(store: Store, tmp_path: Path) -> None:
    """One address, two entries of [[people]]: each is notified, in its own language."""
    second = replace(COORDINATOR, address=MANAGER.address, channels=("outbox",))
    people = (replace(MANAGER, channels=("outbox",)), second)
    channels = {"outbox": OutboxFolder(tmp_path / "outbox")}
    run_id = a_night(store, 1, "1001")
    teller(channels["outbox"], recipients=people).write(store, run_id, WHOLE, night(1))
    office = PostOffice.of(STUDY, store, channels, people, zone=UTC, clock=lambda: night(1), sleep=lambda _: None)
    assert [(one.message.role, one.message.state) for one in office.send_all()] == [
        ("data_manager", "written"),
        ("coordinator", "written"),
    ]
    languages = {path.name[11:22]: b"zh-CN" in path.read_bytes() for path in (tmp_path / "outbox").glob("*.eml")}
    assert languages == {"data_manage": True, "coordinator": False}
