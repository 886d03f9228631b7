"""The worklist that comes with a digest: attached where records may be mailed, encrypted, or in the data folder."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import openpyxl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der

from nightround.model.attached_file import XLSX
from tests.commanded_study import call_of, editable_study
from tests.integration.test_report_delivery import rsa_certificate
from tests.small_study import SmallStudy

ROLE = 'role = "data_manager"\n'
NAMED = "record_id_in_messages = true"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study before its first night, in a folder that may be changed."""
    with editable_study(tmp_path, monkeypatch) as one:
        yield one


def asked_for(study: SmallStudy, *, named: bool = True, certificate: Path | None = None) -> None:
    """Ask for a worklist in study.toml."""
    file = study.source / "study.toml"
    sealed = f'certificate = "{certificate}"' if certificate else ""
    wanted = f"{ROLE}worklist = true\n{sealed}\n"
    text = file.read_text(encoding="utf-8").replace(ROLE, wanted)
    file.write_text(text if named else text.replace(NAMED, "record_id_in_messages = false"), encoding="utf-8")


def mails(study: SmallStudy) -> list[EmailMessage]:
    """The mails in the outbox, in the order of their days."""
    found = [
        message_from_bytes(one.read_bytes(), policy=default) for one in sorted((study.folder / "outbox").glob("*.eml"))
    ]
    assert all(isinstance(one, EmailMessage) for one in found)
    return [one for one in found if isinstance(one, EmailMessage)]


def lists_in(mail: EmailMessage) -> list[bytes]:
    """The worklists that are attached."""
    return [part.get_content() for part in mail.iter_attachments() if part.get_content_type() == XLSX]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def records_in(content: bytes) -> set[str]:
    """The records that a worklist names; each line has a drop-down and a link to its page."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    lines = range(3, sheet.max_row + 1)
    (choice,) = sheet.data_validations.dataValidation
    assert all(f"{openpyxl.utils.get_column_letter(heads.index('answer') + 1)}{line}" in choice.sqref for line in lines)
    links = [sheet.cell(line, heads.index("page") + 1).hyperlink for line in lines]
    assert all(link is not None and "DataEntry/index.php" in link.target for link in links)
    return {str(sheet.cell(line, heads.index("record") + 1).value) for line in lines}


def filled(content: bytes, code: str) -> bytes:
    """The list with one answer on every line."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    column = [cell.value for cell in sheet[1]].index("answer") + 1
    for line in range(3, sheet.max_row + 1):
        sheet.cell(line, column).value = code
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_where_records_may_be_mailed_it_is_attached_and_comes_back(
    study: SmallStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is answered in it is read; a mail of which nothing waits has none; what is forgotten leaves the outbox."""
    asked_for(study)
    study.round()
    (mail,) = mails(study)
    (content,) = lists_in(mail)
    assert records_in(content) == {"2", "3"}
    assert "Your worklist is attached" in text_of(mail)
    (tmp_path / "back.xlsx").write_bytes(filled(content, "other"))
    call = call_of(study, capsys)
    code, read = call("worklist", "--read", str(tmp_path / "back.xlsx"), "--by", "coordinator")
    assert (code, read["counts"]["answered"]) == (0, len(read["lines"]))
    study.now[0] = study.now[0].replace(day=6)
    study.round()
    later = mails(study)[1:]
    assert later
    assert not any(map(lists_in, later))
    assert call("forget", "2", "--by", "data_manager", "--still-in-redcap")[0] == 0
    assert not any(map(lists_in, mails(study)))


def test_where_mails_name_no_record_it_stays_in_the_data_folder(study: SmallStudy) -> None:
    """The mail says where, and only the owner of the folder reads it."""
    asked_for(study, named=False)
    study.round()
    (mail,) = mails(study)
    (file,) = (study.folder / "runs").glob("*/worklist_1_data_manager.xlsx")
    assert not lists_in(mail)
    assert file.relative_to(study.folder).as_posix() in text_of(mail)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert records_in(file.read_bytes()) == {"2", "3"}


def test_with_a_certificate_it_goes_encrypted(study: SmallStudy, tmp_path: Path) -> None:
    """In a study whose mails name no record: only the reader's key shows the mail and the list."""
    certificate = tmp_path / "reader.pem"
    key = rsa_certificate(certificate)
    asked_for(study, named=False, certificate=certificate)
    study.round()
    (outer,) = mails(study)
    assert outer.get_content_type() == "application/pkcs7-mime"
    sealed = outer.get_payload(decode=True)
    assert isinstance(sealed, bytes)
    opened = pkcs7_decrypt_der(sealed, x509.load_pem_x509_certificate(certificate.read_bytes()), key, [])
    inner = message_from_bytes(opened, policy=default)
    assert isinstance(inner, EmailMessage)
    (content,) = lists_in(inner)
    assert records_in(content) == {"2", "3"}
    assert not list((study.folder / "runs").glob("*/worklist_*"))


def test_who_asks_for_none_gets_none(study: SmallStudy) -> None:
    """A worklist is made for those alone who want it."""
    study.round()
    assert not any(map(lists_in, mails(study)))
