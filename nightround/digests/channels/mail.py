"""A letter as an RFC 5322 message, the same for the outbox folder and for any mail server."""

from __future__ import annotations

from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime

from nightround.digests.channels.channel import OutgoingMessage

ENCODED_LINE = 76
"""The longest line with an encoded word, by RFC 2047, section 2."""


class MailPolicy(EmailPolicy):
    """The library's policy for SMTP, with the subject as encoded words that have its blanks inside.

    The library itself encodes word by word, and a reader drops the blank between two encoded words (RFC 2047,
    section 6.2), so that a blank between a Chinese and another word would be lost.
    """

    def fold(self, name: str, value: str) -> str:
        """Fold a header as text."""
        if name.lower() == "subject" and not str(value).isascii():
            words = Header(str(value), "utf-8", maxlinelen=ENCODED_LINE, header_name=name)
            return f"{name}: {words.encode(linesep=self.linesep)}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: str) -> bytes:
        """Fold a header as bytes; all of them are ASCII."""
        return self.fold(name, value).encode("ascii")


POLICY = MailPolicy(linesep="\r\n")


def message_of(letter: OutgoingMessage, *, sender: str, reply_to: str = "") -> EmailMessage:
    """Build the mail: plain text with an HTML alternative, in UTF-8, and nothing in it that is random."""
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = letter.message_id
    message["Date"] = format_datetime(letter.written_at)
    message["From"] = sender
    message["To"] = letter.recipient.address
    if reply_to:
        message["Reply-To"] = reply_to
    message["Subject"] = letter.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply, please
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # After the bodies, because the library moves earlier Content headers into the first of them.
    message["Content-Language"] = "zh-CN" if letter.recipient.language == "zh" else "en"
    message.set_boundary(f"nightround-{letter.digits}")  # the library's own would be random
    return message
