"""Mail by a server, step by step as RFC 5321 has them, so that it is known on which side of the last byte it failed."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal, TypeVar

from nightround.digests.channels.channel import LOCALHOST, OutgoingMessage, Probe, ServerAnswer, shown_reply
from nightround.digests.channels.mail import mail_bytes
from nightround.model.errors import ChannelUnusable

Security = Literal["none", "starttls", "tls"]
PORTS: dict[Security, int] = {"none": 25, "starttls": 587, "tls": 465}
"""Of SMTP (RFC 5321), of submission (RFC 6409), and of submission under TLS (RFC 8314)."""
SECONDS = 60.0
"""How long one reply of a server may take. RFC 5321 allows more after the last byte; what it means is *unknown*."""
READY_FOR_DATA = 354
"""The reply to DATA, RFC 5321, section 4.2.3."""
CONNECT_SECONDS = 30.0
"""How long connecting and the greeting may take."""
DONE, NOT_NOW, NEVER = 2, 400, 500
"""How a reply begins that says yes; from which number on it says not now, and never."""
CLOSING = 421
"""The server closes the connection, whatever was asked."""
CRLF = b"\r\n"
DOT_FIRST = re.compile(rb"^\.", re.MULTILINE)

A = TypeVar("A")
Login = tuple[str, str]
"""User and password; two blanks for a server that asks for none."""


@dataclass(frozen=True)
class SmtpChannel:
    """A mail server, its certificate checked, and what it is given as sender and place of return."""

    name: str
    host: str
    port: int
    security: Security
    sender: str
    login: Callable[[], Login]
    """Reads user and password, each time anew: a new password needs no restart. Raises ChannelUnusable."""
    reply_to: str = ""
    bounce: str = ""
    """Where a server sends back what it cannot deliver: the envelope's sender. Blank for the sender's own address."""
    seconds: float = SECONDS

    @property
    def domain(self) -> str:
        """That of the sender."""
        return parseaddr(self.sender)[1].rpartition("@")[2] or LOCALHOST

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Send a letter once."""
        try:
            login = self.login()
        except ChannelUnusable as error:
            return ServerAnswer.unusable(error)
        try:
            content = mail_bytes(letter, sender=self.sender, reply_to=self.reply_to)
        except ChannelUnusable as error:
            return ServerAnswer.unreadable(error)
        return self._sent(login, content, letter.recipient.address)

    def probe(self) -> Probe:
        """Connect and log in, and leave again before any letter."""
        try:
            login = self.login()
        except ChannelUnusable as error:
            return Probe.of(ServerAnswer.unusable(error))
        kept_out = self._let_in(login, lambda _server: None)
        if kept_out:
            return Probe.of(kept_out)
        how = "mail_plain" if self.security == "none" else "mail"
        return Probe.fine(how, host=self.host, port=self.port)

    def _sent(self, login: Login, content: bytes, address: str) -> ServerAnswer:
        def handed_over(server: smtplib.SMTP) -> ServerAnswer:
            return self._handed_over(server, content, address)

        return self._let_in(login, handed_over)

    def _let_in(self, login: Login, then: Callable[[smtplib.SMTP], A]) -> ServerAnswer | A:
        """Connect, log in, and do something with the server; gives an answer where the server does not let us in."""
        try:
            server = self._connected()
        except ssl.SSLCertVerificationError as error:
            return ServerAnswer.down("delivery.certificate", host=self.host, said=shown_reply(error.verify_message))
        except smtplib.SMTPNotSupportedError:
            return ServerAnswer.down("delivery.no_starttls", host=self.host)
        except (OSError, smtplib.SMTPException) as error:
            return ServerAnswer.down(
                "delivery.no_connection", again_soon=True, host=self.host, error=type(error).__name__
            )
        try:
            return self._kept_out(server, login) or then(server)
        except (OSError, smtplib.SMTPException) as error:  # before the last byte: the server has nothing
            return ServerAnswer.down("delivery.dropped", again_soon=True, host=self.host, error=type(error).__name__)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _connected(self) -> smtplib.SMTP:
        """Connect, by TLS where the study says so. Never in plain text in place of it."""
        context, seconds = ssl.create_default_context(), min(self.seconds, CONNECT_SECONDS)
        server = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=seconds, context=context)
            if self.security == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=seconds)
        )
        try:
            server.ehlo_or_helo_if_needed()
            if self.security == "starttls":
                server.starttls(context=context)
                server.ehlo()
            if server.sock:
                server.sock.settimeout(self.seconds)
        except BaseException:
            server.close()
            raise
        return server

    def _kept_out(self, server: smtplib.SMTP, login: Login) -> ServerAnswer | None:
        """Log in where the study names a user; gives an answer where the server does not let us in."""
        if not login[0]:
            return None
        try:
            server.login(*login)
        except smtplib.SMTPAuthenticationError as error:
            return ServerAnswer.down("delivery.login", reply=_reply(error.smtp_code, error.smtp_error))
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            return ServerAnswer.down("delivery.no_login", host=self.host)
        return None

    def _handed_over(self, server: smtplib.SMTP, content: bytes, address: str) -> ServerAnswer:
        """Give a server one mail. Raises OSError or SMTPException for what fails before the last byte."""
        server.ehlo_or_helo_if_needed()
        size = [f"size={len(content)}"] if server.has_extn("size") else []
        bounce = self.bounce or parseaddr(self.sender)[1]
        code, said = 0, b""
        steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
            lambda: server.mail(bounce, size),
            lambda: server.rcpt(address),
            lambda: server.docmd("DATA"),
        )
        for step in steps:
            code, said = step()
            if code >= NOT_NOW:
                return _not_taken(code, said)
        if code != READY_FOR_DATA:
            raise smtplib.SMTPResponseException(code, said)
        server.send(DOT_FIRST.sub(b"..", content) + (b"" if content.endswith(CRLF) else CRLF))
        try:
            code, said = server.docmd(".")  # the last byte: from here on the server has it perhaps
        except (OSError, smtplib.SMTPException) as error:
            return ServerAnswer.unknown("delivery.no_reply", error=type(error).__name__)
        if code >= NOT_NOW:
            return _not_taken(code, said)
        return ServerAnswer.delivered(_reply(code, said)) if code // 100 == DONE else _odd(code, said)


def _not_taken(code: int, said: bytes) -> ServerAnswer:
    """What a reply of 400 or more means: try later, or never (RFC 5321, section 4.2.1)."""
    reply = _reply(code, said)
    if code >= NEVER:
        return ServerAnswer.refused(reply)
    if code == CLOSING:
        return ServerAnswer.down("delivery.busy", again_soon=True, reply=reply)
    return ServerAnswer.busy(reply)


def _odd(code: int, said: bytes) -> ServerAnswer:
    return ServerAnswer.unknown("delivery.odd_reply", reply=_reply(code, said))


def _reply(code: int, said: bytes | str) -> str:
    return shown_reply(f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}")
