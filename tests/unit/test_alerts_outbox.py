"""Mails as files, and telling everybody on every channel."""

import logging
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from nightround.digests.channels.channel import ChannelFailed
from nightround.digests.channels.outbox import Outbox
from nightround.digests.notice import NightState, Notice, RunSummary
from nightround.digests.notify import Teller
from nightround.digests.templates import load_digest_templates
from nightround.findings.reconcile import reconcile
from nightround.model.finding import LedgerDelta
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.store.database import Store, open_store
from tests.made_findings import NIGHT, STUDY, made_outcome, made_row, made_rule, night

FOLDER = Path(__file__).parents[2] / "report_templates" / "digest"
MANAGER = Recipient("data_manager", "dm@hospital.example", "zh", ("coordinator",))
COORDINATOR = Recipient("coordinator", "crc@hospital.example", "en", ("coordinator",))
NOTICE = Notice(MANAGER, "新发现 1 项 – 研究", "正文 ≥ 1\n" * 3, "<p>正文 ≥ 1</p>\n", {"opened": 1})
CANARY = "CANARY-7Q"
WHOLE = RunSummary(NightState.WHOLE, known=1, judged=1)


def only_mail(folder: Path) -> EmailMessage:
    """The one mail in a folder, parsed."""
    (path,) = folder.glob("*.eml")
    parsed = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_mail_can_be_read_back_whole(tmp_path: Path) -> None:
    """Headers and both bodies survive as Chinese text, and the page lies beside the mail."""
    message_id = Outbox(tmp_path, sender="Nightround <nightround@hospital.example>").deliver(NOTICE, NIGHT)
    mail = only_mail(tmp_path)
    assert (mail["Subject"], mail["To"]) == (NOTICE.subject, MANAGER.address)
    assert (mail["From"], mail["Message-ID"]) == ("Nightround <nightround@hospital.example>", message_id)
    assert mail["Date"].datetime == NIGHT
    assert (mail["Content-Language"], mail["Auto-Submitted"]) == ("zh-CN", "auto-generated")
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    bodies = [part.get_content().replace("\r\n", "\n") for part in mail.iter_parts()]  # type: ignore[attr-defined]
    assert bodies == [NOTICE.text, NOTICE.html]
    (page,) = tmp_path.glob("*.html")
    assert page.read_text(encoding="utf-8") == NOTICE.html


def test_a_mail_keeps_to_the_line_ends_and_lengths_of_mail(tmp_path: Path) -> None:
    """Every line ends in CRLF, is under 998 octets and plain ASCII, so that any mail server takes it."""
    Outbox(tmp_path).deliver(replace(NOTICE, html="<p>" + "长" * 2000 + "</p>"), NIGHT)
    (path,) = tmp_path.glob("*.eml")
    raw = path.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert raw.isascii()


def test_the_same_digest_is_one_file_and_one_message(tmp_path: Path) -> None:
    """A night that is run again writes the same mail; other words, or another person, are another mail."""
    outbox = Outbox(tmp_path)
    first, again = outbox.deliver(NOTICE, NIGHT), outbox.deliver(NOTICE, NIGHT)
    assert first == again
    assert len(list(tmp_path.iterdir())) == 2
    others = (replace(NOTICE, text="other"), replace(NOTICE, recipient=COORDINATOR))
    assert len({first, *(outbox.deliver(other, NIGHT) for other in others)}) == 3


def test_two_deliveries_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in a mail is random."""
    for name in ("a", "b"):
        Outbox(tmp_path / name).deliver(NOTICE, NIGHT)
    (one,), (other,) = (list((tmp_path / name).glob("*.eml")) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_mails_are_private_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    """A record id may stand in a mail: 0600 in a folder of 0700, and no temporary file."""
    folder = tmp_path / "outbox"
    Outbox(folder).deliver(NOTICE, NIGHT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.suffix for path in folder.iterdir()} == {".eml", ".html"}


def test_a_role_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    """A file name is made of the day, a harmless role and a hash."""
    Outbox(tmp_path / "outbox").deliver(replace(NOTICE, recipient=replace(MANAGER, role="../../x y")), NIGHT)
    assert {path.name[:16] for path in (tmp_path / "outbox").iterdir()} == {"2025-05-13_-x-y_"}
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]


def test_an_outbox_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """A file in the folder's place ends in ChannelFailed, not in a traceback."""
    (tmp_path / "outbox").write_text("in the way", encoding="utf-8")
    with pytest.raises(ChannelFailed, match="data_manager could not be written"):
        Outbox(tmp_path / "outbox").deliver(NOTICE, NIGHT)


@dataclass
class Broken:
    """A channel whose server is down until it is mended."""

    name: str = "broken"
    down: bool = True
    delivered: list[Notice] = field(default_factory=list)

    def deliver(self, notice: Notice, now: datetime) -> str:
        """Fail, or keep the notice."""
        if self.down:
            raise ChannelFailed("digest.not_written", role="data_manager", folder=f"{now:%H:%M}", reason="it is full")
        self.delivered.append(notice)
        return "<made-up>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with open_store(tmp_path / "state" / "nightround.db") as opened:
        yield opened


def teller(*channels: Outbox | Broken, allowed: bool = True, recipients: tuple[Recipient, ...] = (MANAGER,)) -> Teller:
    """Everything that is known before the night."""
    return Teller(
        study=STUDY,
        title=Words("研究", "A study"),
        rules={"VIL-01": made_rule()},
        recipients=recipients,
        channels=channels,
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


def test_everybody_is_told_on_every_channel_and_it_is_remembered(store: Store, tmp_path: Path) -> None:
    """Two people and two channels are four deliveries; the second time there is nothing to say."""
    channels = (Outbox(tmp_path / "outbox"), Broken(down=False))
    tell = teller(*channels, recipients=(MANAGER, COORDINATOR)).tell
    run_id = a_night(store, 1, "1001")
    told = tell(store, run_id, WHOLE, night(1))
    assert [(one.notice.recipient.role, one.channel, one.trouble) for one in told] == [
        ("data_manager", "outbox", ""),
        ("data_manager", "broken", ""),
        ("coordinator", "outbox", ""),
        ("coordinator", "broken", ""),
    ]
    assert [(sent.recipient, sent.since, sent.upto, sent.delivered) for sent in store.digests(STUDY)] == [
        (address, 0, 1, True) for address in (MANAGER.address,) * 2 + (COORDINATOR.address,) * 2
    ]
    assert tell(store, run_id, WHOLE, night(1)) == ()


def test_a_channel_that_fails_tells_its_news_in_the_next_digest(store: Store, tmp_path: Path) -> None:
    """The other channel goes on; once mended, the broken one tells both nights, the other only the new one."""
    outbox, broken = Outbox(tmp_path / "outbox"), Broken()
    tell = teller(outbox, broken).tell
    first = tell(store, a_night(store, 1, "1001"), WHOLE, night(1))
    assert [(one.channel, one.trouble) for one in first] == [
        ("outbox", ""),
        ("broken", "The digest for data_manager could not be written to 02:30. it is full"),
    ]
    broken.down = False
    second = tell(store, a_night(store, 2, "1001", "1002"), WHOLE, night(2))
    assert {one.channel: one.notice.counts["opened"] for one in second} == {"outbox": 1, "broken": 2}


def test_no_patient_value_and_no_hidden_record_id_leaves_with_an_alert(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A string planted in values, an identifier field and a record id is in no mail, subject, name, repr or log."""
    caplog.set_level(logging.DEBUG)
    outbox = Outbox(tmp_path / "outbox")
    tell = teller(outbox, Broken(), allowed=False, recipients=(MANAGER, COORDINATOR)).tell
    told = tell(store, a_night(store, 1, CANARY, "1001"), WHOLE, night(1))
    told += tell(store, a_night(store, 2, "1001"), WHOLE, night(2))
    told += tell(store, a_night(store, 3, CANARY), WHOLE, night(3))
    assert len(told) == 12
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in outbox.folder.glob("*.eml")]
    parts = [part.get_content() for mail in mails for part in mail.iter_parts()]  # type: ignore[attr-defined]
    headers = [str(mail.items()) for mail in mails]
    files = [path.name + path.read_text(encoding="utf-8") for path in outbox.folder.iterdir()]
    said = "".join((*parts, *headers, *files, repr(told), repr(store.digests(STUDY)), caplog.text, *capfd.readouterr()))
    assert len(mails) == 6
    assert CANARY not in said
    assert CANARY in "".join(str(one.observed) for one in store.findings(STUDY))
