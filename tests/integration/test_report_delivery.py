"""A released report and its readers: who gets which version, how, and what the register has of it afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der
from cryptography.x509.oid import NameOID

from nightround.digests.channels.channel_kinds import channels_of
from nightround.model.errors import StudyFilesWrong
from nightround.night.outbox_step import OutboxFacts, send_messages
from nightround.night.report_delivery import Released, write_report_messages
from nightround.report.register import Register, write_register
from nightround.store.database import Store, open_store
from nightround.study.settings import StudySettings
from redcap_sync.private_files import write_private
from tests.mail_server import MailServer, mail_server
from tests.small_study import FOLDER, STUDY, small_study

SNAPSHOT = "ab" * 32
FILES = {
    "s_2025-07-01_en.pdf": b"%PDF closed",
    "s_2025-07-01_zh.pdf": "%PDF 非公开版".encode(),
    "open/s_2025-07-01_open_en.pdf": b"%PDF open",
    "open/s_2025-07-01_open_zh.pdf": "%PDF 公开版".encode(),
    "s_2025-07-01_results.csv": b"row\n",
}
PEOPLE = {"committee": ("en", "closed"), "investigator": ("zh", "open"), "data_manager": ("en", None)}


@dataclass
class Reported:
    """A study whose report was released."""

    folder: Path
    store: Store
    mails: MailServer
    settings: dict[str, object]
    now: datetime = datetime(2025, 7, 2, 2, 30, tzinfo=UTC)

    @property
    def outgoing(self) -> OutboxFacts:
        """What sending needs, as study.toml is now."""
        settings = StudySettings.model_validate(self.settings)
        channels = channels_of(settings.channels, self.folder / "outbox", {}, lambda _: None)
        return OutboxFacts(STUDY, self.folder, settings, channels, lambda: self.now, lambda _: None)

    def release(self, *versions: str) -> None:
        """Tell the readers of the versions, in a run of its own."""
        run_id = self.store.start_run(STUDY, "nightly", self.now)
        write_report_messages(
            self.outgoing, self.store, run_id, Released(SNAPSHOT, versions or ("open", "closed")), now=self.now
        )
        send_messages(self.outgoing, self.store, run_id)

    @property
    def received(self) -> set[tuple[str, str]]:
        """Who has which version, as the register says."""
        entry = Register.read(self.folder / "reports").of(SNAPSHOT)
        assert entry is not None
        return {(one.role, one.version) for one in entry.received}

    def sent(self) -> dict[str, EmailMessage]:
        """The mails by address."""
        return {one.recipients[0]: one.mail for one in self.mails.taken}


@pytest.fixture
def reported(tmp_path: Path) -> Iterator[Reported]:
    """A report in both versions, and three people of whom two get one."""
    reports = tmp_path / "reports"
    for name, content in FILES.items():
        write_private(reports / name, content)
    cutoff = datetime(2025, 7, 1, 18, 30, tzinfo=UTC)
    write_register(Register.read(reports).with_report(SNAPSHOT, cutoff, FILES, looked_at=True))
    with mail_server() as mails, open_store(tmp_path / "state.sqlite3") as store:
        people = [
            {"role": role, "address": f"{role}@x.example", "language": language, "reports": version}
            for role, (language, version) in PEOPLE.items()
        ]
        mail = {
            "id": "mail",
            "kind": "smtp",
            "host": "127.0.0.1",
            "port": mails.port,
            "security": "none",
            "sender": "n@x.example",
        }
        study = {"id": STUDY, "title": {"zh": "研究", "en": "A study"}}
        yield Reported(tmp_path, store, mails, {"study": study, "people": people, "channels": [mail], "report": {}})


def attached(mail: EmailMessage) -> dict[str | None, bytes]:
    """The files of a mail."""
    return {part.get_filename(): part.get_content() for part in mail.iter_attachments()}


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_each_reader_is_told_where_their_version_is(reported: Reported) -> None:
    """Without a setting no file leaves the data folder; nobody is notified of a version they are not named for."""
    reported.release()
    sent = reported.sent()
    assert set(sent) == {"committee@x.example", "investigator@x.example"}
    assert "reports/s_2025-07-01_en.pdf" in text_of(sent["committee@x.example"])
    assert "reports/open/s_2025-07-01_open_zh.pdf" in text_of(sent["investigator@x.example"])
    assert not any(list(mail.iter_attachments()) for mail in sent.values())
    assert reported.received == {("committee", "closed"), ("investigator", "open")}


def test_a_report_is_attached_in_the_version_and_language_of_its_reader(reported: Reported) -> None:
    """The bytes are those that were released, and the register knows who has them."""
    reported.settings["report"] = {"delivery": "attached"}
    reported.release()
    sent = reported.sent()
    assert attached(sent["committee@x.example"]) == {"s_2025-07-01_en.pdf": FILES["s_2025-07-01_en.pdf"]}
    assert attached(sent["investigator@x.example"]) == {
        "s_2025-07-01_open_zh.pdf": FILES["open/s_2025-07-01_open_zh.pdf"]
    }
    assert reported.received == {("committee", "closed"), ("investigator", "open")}
    kept = (reported.folder / "state.sqlite3").read_bytes()
    assert not any(content in kept for name, content in FILES.items() if name.endswith(".pdf"))


def test_a_report_is_told_once(reported: Reported) -> None:
    """A second run with the same snapshot, and one of the open version alone, send nothing again."""
    reported.release("open")
    assert set(reported.sent()) == {"investigator@x.example"}
    reported.release()
    reported.release()
    assert len(reported.mails.taken) == 2


def test_what_was_not_delivered_is_not_given(reported: Reported) -> None:
    """The register waits until the server has taken the mail."""
    reported.mails.rcpt["committee@x.example"] = "451 4.7.1 later"
    reported.release()
    assert reported.received == {("investigator", "open")}
    reported.mails.rcpt.clear()
    reported.now += timedelta(hours=1)
    send_messages(reported.outgoing, reported.store, 1)
    assert reported.received == {("committee", "closed"), ("investigator", "open")}


def test_who_is_no_longer_named_gets_no_closed_version(reported: Reported) -> None:
    """A message that waits is not sent once study.toml names the reader for the open version alone."""
    reported.settings["report"] = {"delivery": "attached"}
    reported.mails.rcpt["committee@x.example"] = "451 4.7.1 later"
    reported.release()
    reported.mails.rcpt.clear()
    people = reported.settings["people"]
    assert isinstance(people, list)
    people[0]["reports"] = "open"
    reported.now += timedelta(hours=1)
    send_messages(reported.outgoing, reported.store, 1)
    assert set(reported.sent()) == {"investigator@x.example"}
    assert ("committee", "closed") not in reported.received


@pytest.mark.parametrize("fault", ["changed", "gone"])
def test_another_file_than_the_released_one_is_not_sent(reported: Reported, fault: str) -> None:
    """It is compared with the register each time it is sent."""
    reported.settings["report"] = {"delivery": "attached"}
    path = reported.folder / "reports" / "s_2025-07-01_en.pdf"
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(b"%PDF another")
    reported.release()
    assert set(reported.sent()) >= {"investigator@x.example"}
    assert "committee@x.example" not in reported.sent()
    assert reported.received == {("investigator", "open")}


def rsa_certificate(path: Path) -> rsa.RSAPrivateKey:
    """Write a certificate for mail; gives its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "committee")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key


def test_an_encrypted_report_is_read_with_the_key_of_its_reader(reported: Reported, tmp_path: Path) -> None:
    """Only headers are readable; the key gives text and file. Without a certificate that can be used nothing leaves."""
    certificate = tmp_path / "committee.pem"
    key = rsa_certificate(certificate)
    people = reported.settings["people"]
    assert isinstance(people, list)
    people[0]["certificate"], people[1]["certificate"] = str(certificate), str(tmp_path / "none.pem")
    reported.settings["report"] = {"delivery": "encrypted"}
    reported.release()
    (taken,) = reported.mails.taken
    assert taken.recipients == ["committee@x.example"]
    assert FILES["s_2025-07-01_en.pdf"] not in taken.content
    outer = taken.mail
    assert outer.get_content_type() == "application/pkcs7-mime"
    assert "interim report, closed version" in outer["Subject"]
    sealed = outer.get_payload(decode=True)
    assert isinstance(sealed, bytes)
    opened = pkcs7_decrypt_der(sealed, x509.load_pem_x509_certificate(certificate.read_bytes()), key, [])
    inner = message_from_bytes(opened, policy=default)
    assert isinstance(inner, EmailMessage)
    assert attached(inner) == {"s_2025-07-01_en.pdf": FILES["s_2025-07-01_en.pdf"]}
    waiting = [one for one in reported.store.messages(STUDY) if one.role == "investigator"]
    assert [(one.state, "certificate" in str(one.said)) for one in waiting] == [("waiting", True)]


def test_encrypted_reports_need_a_certificate_for_each_reader(reported: Reported) -> None:
    """A study file that would send one in plain is refused."""
    with pytest.raises(ValueError, match="report_certificate"):
        StudySettings.model_validate({**reported.settings, "report": {"delivery": "encrypted"}})


def test_a_report_that_is_not_released_is_late_for_its_readers(tmp_path: Path) -> None:
    """The data manager is informed why, the reader that it comes later; neither mail has the other's sentence."""
    folder = tmp_path / "study"
    shutil.copytree(FOLDER, folder)
    text = (folder / "study.toml").read_text(encoding="utf-8").replace("weekdays = []", 'weekdays = ["wed"]')
    reader = (
        '[[people]]\nrole = "pi"\naddress = "pi@x.example"\nlanguage = "en"\nreports = "open"\n\n[dictionary_rules]'
    )
    (folder / "study.toml").write_text(text.replace("[dictionary_rules]", reader), encoding="utf-8")
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "broken.toml").write_text("this is no rule", encoding="utf-8")
    with small_study(tmp_path / "data", folder) as study:
        with pytest.raises(StudyFilesWrong):
            study.round()
        with open_store(study.folder / "nightround.sqlite3") as store:
            assert [(one.kind, one.role) for one in store.messages(STUDY)] == [
                ("failure", "data_manager"),
                ("late_report", "pi"),
            ]
        mails = [path.read_text(encoding="utf-8") for path in (study.folder / "outbox").glob("*_pi_*.html")]
    assert len(mails) == 1
    assert "due on 2025-07-02" in mails[0]
    assert "broken.toml" not in mails[0]
