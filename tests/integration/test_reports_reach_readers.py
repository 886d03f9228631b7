"""One night from the pull to the mail box: the report is printed, released, encrypted, sent, and known as given."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from random import Random

from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der
from cryptography.x509 import load_pem_x509_certificate

from nightround.cli.main import cli
from nightround.night.run_job import open_night, run_job
from nightround.report.register import Register
from nightround.study.folder import find_content
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.integration.test_report_delivery import attached, rsa_certificate
from tests.mail_server import mail_server

STUDY = "walking_test"
SOURCE = Path(__file__).parents[1] / "studies" / STUDY
HOUR = datetime(2025, 7, 5, 18, 30, tzinfo=UTC)
SETTINGS = """
[[people]]
role = "committee"
address = "committee@x.example"
language = "en"
reports = "closed"
certificate = "CERTIFICATES/committee.pem"

[[people]]
role = "investigator"
address = "investigator@x.example"
language = "en"
reports = "open"
certificate = "CERTIFICATES/investigator.pem"

[[channels]]
id = "mail"
kind = "smtp"
host = "127.0.0.1"
port = PORT
security = "none"
sender = "nightround@x.example"

[report]
delivery = "encrypted"
"""


def source_in(folder: Path, port: int) -> Path:
    """The study in one language, with two readers of reports and a mail server."""
    source = folder / "source"
    shutil.copytree(SOURCE, source)
    path = source / "study.toml"
    text = path.read_text("utf-8").replace("synthetic = true", 'synthetic = true\nlanguage = "en"')
    added = SETTINGS.replace("CERTIFICATES", str(folder)).replace("PORT", str(port))
    path.write_text(text.replace("[report]\n", added), "utf-8")
    return source


def opened_with(mail: EmailMessage, certificate: Path, key: rsa.RSAPrivateKey) -> EmailMessage:
    """What only the reader's key shows of a mail."""
    sealed = mail.get_payload(decode=True)
    assert isinstance(sealed, bytes)
    plain = pkcs7_decrypt_der(sealed, load_pem_x509_certificate(certificate.read_bytes()), key, [])
    inner = message_from_bytes(plain, policy=default)
    assert isinstance(inner, EmailMessage)
    return inner


def test_a_printed_report_is_in_the_mail_boxes_of_its_readers(tmp_path: Path) -> None:
    """Each reader's key opens the PDF of the version they are named for, byte for byte; nobody else gets a report."""
    twin = tmp_path / "twin"
    made = ["twin", str(SOURCE), "--records", "25", "--seed", "2", "--day", "2025-07-01", "--out", str(twin)]
    assert CliRunner().invoke(cli, made).exit_code == 0
    project = project_from_folder(twin, clock=lambda: HOUR.replace(tzinfo=None))
    keys = {role: rsa_certificate(tmp_path / f"{role}.pem") for role in ("committee", "investigator")}
    with running([project], random=Random(1)) as server, mail_server() as mails:
        with open_night(
            str(source_in(tmp_path, mails.port)),
            data=tmp_path / "data",
            job="nightly",
            content=find_content({}),
            environ={"REDCAP_URL": server.api_url, "REDCAP_TOKEN": server.token(project)},
            clock=lambda: HOUR,
            sleep=lambda _: None,
        ) as night:
            assert run_job(night, "nightly").complete
        snapshot = night.recorder.snapshot_id
    reports = tmp_path / "data" / STUDY / "reports"
    sealed = [one.mail for one in mails.taken if one.mail.get_content_type() == "application/pkcs7-mime"]
    assert {str(mail["To"]) for mail in sealed} == {f"{role}@x.example" for role in keys}
    for mail in sealed:
        role = str(mail["To"]).partition("@")[0]
        ((name, content),) = attached(opened_with(mail, tmp_path / f"{role}.pem", keys[role])).items()
        place = reports / str(name) if role == "committee" else reports / "open" / str(name)
        assert content == place.read_bytes()
        assert content.startswith(b"%PDF-")
    assert not any(b"%PDF" in one.content for one in mails.taken)
    entry = Register.read(reports).of(snapshot or "")
    assert entry is not None
    assert {(one.role, one.version) for one in entry.received} == {("committee", "closed"), ("investigator", "open")}
