"""A notice as an RFC 5322 message, the same for the outbox and for any mail server."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from nightround.digests.notice import Notice


def fingerprint(notice: Notice) -> str:
    """Thirty-two digits that are the same for the same notice to the same person, and for no other."""
    parts = (notice.recipient.address, notice.subject, notice.text, notice.html)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def message_of(notice: Notice, *, sender: str, now: datetime) -> EmailMessage:
    """Build the mail: plain text with an HTML alternative, in UTF-8.

    The Message-ID comes from the content, so that a mail server drops a digest that is sent twice.
    """
    name = fingerprint(notice)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{name}@{domain}>"
    message["Date"] = format_datetime(now)
    message["From"] = sender
    message["To"] = notice.recipient.address
    message["Subject"] = notice.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply, please
    message.set_content(notice.text, cte="quoted-printable")
    message.add_alternative(notice.html, subtype="html", cte="quoted-printable")
    # After the bodies, because the library moves earlier Content headers into the first of them.
    message["Content-Language"] = "zh-CN" if notice.recipient.language == "zh" else "en"
    message.set_boundary(f"nightround-{name}")  # the library's own would be random
    return message
