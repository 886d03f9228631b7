"""A letter as an RFC 5322 message, the same for the outbox folder and for any mail server."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime

from nightround.digests.channels.channel import OutgoingMessage
from nightround.digests.channels.smime import encrypted
from nightround.digests.channels.subject_line import folded
from nightround.model.attached_file import XLSX, AttachedFile


def message_of(letter: OutgoingMessage, *, sender: str, reply_to: str = "") -> EmailMessage:
    """Build the mail: plain text with an HTML alternative, in UTF-8, its attachments, and nothing that is random."""
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = letter.message_id
    message["Date"] = format_datetime(letter.written_at)
    message["From"] = sender
    message["To"] = letter.recipient.address
    if reply_to:
        message["Reply-To"] = reply_to
    message.set_raw("Subject", folded(letter.subject))  # which the library does not fold again
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply, please
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for one in letter.attachments:
        main, _, sub = one.media_type.partition("/")
        message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
    # After the bodies, because the library moves earlier Content headers into the first of them.
    message["Content-Language"] = "zh-CN" if letter.recipient.language == "zh" else "en"
    for number, part in enumerate(one for one in message.walk() if one.is_multipart()):
        part.set_boundary(f"nightround-{letter.digits}{number * '-in'}")  # the library's own would be random
    return message


def attached_texts(mail: bytes) -> tuple[str, ...]:
    """The texts that are attached to a mail, such as a list of findings."""
    parsed = message_from_bytes(mail, policy=default)
    files = (one for one in parsed.walk() if one.get_content_disposition() == "attachment")
    contents = ((one.get_content_type(), one.get_payload(decode=True)) for one in files)
    return tuple(
        text
        for kind, content in contents
        if isinstance(content, bytes) and (kind == XLSX or kind.startswith("text/"))
        for text in AttachedFile("", kind, content).texts
    )


def is_encrypted(mail: bytes) -> bool:
    """Whether only the key of its reader shows what a mail says."""
    return message_from_bytes(mail, policy=default).get_content_type() == "application/pkcs7-mime"


def mail_bytes(letter: OutgoingMessage, *, sender: str, reply_to: str = "") -> bytes:
    """The mail as it is sent; one that is to be encrypted never leaves in plain.

    Raises ChannelUnusable where the certificate of its reader cannot be used.
    """
    message = message_of(letter, sender=sender, reply_to=reply_to)
    return encrypted(message, letter.recipient.certificate) if letter.encrypted else message.as_bytes()
