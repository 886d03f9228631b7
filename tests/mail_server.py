"""A real mail server on this machine that does as a test says: take, refuse, greylist, hang, hang up."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "nightround", "a-made-up-password"
HANGS, HANGS_UP = "hangs", "hangs up"


@dataclass
class Taken:
    """A mail that the server took."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        """The mail, parsed."""
        parsed = message_from_bytes(self.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """What the server does with each step of a mail, and what it took.

    An answer is a reply such as `451 4.7.1 later`, HANGS_UP, or '' for yes; `data` may be HANGS too. What is in
    `answers` is used up first, one at each mail; an address may have an answer of its own.
    """

    rcpt: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    data: str = ""
    keeps: bool = True
    """Whether a mail is kept at which the server hangs, or hangs up, after its last byte."""
    taken: list[Taken] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take an address, or not."""
        answer = self.rcpt.get(address) or (self.answers.pop(0) if self.answers else "")
        if answer == HANGS_UP:
            server.transport.close()  # type: ignore[union-attr]
        elif answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail, or not; hang, or hang up, after its last byte."""
        if self.data in {"", HANGS, HANGS_UP} and (self.keeps or not self.data):
            content = envelope.original_content or b""
            self.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        if self.data == HANGS:
            await asyncio.sleep(3)
        if self.data == HANGS_UP:
            server.transport.close()  # type: ignore[union-attr]
        return self.data if self.data[:1].isdigit() else "250 2.0.0 queued"


def _authenticated(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    return AuthResult(success=(given.login.decode(), given.password.decode()) == (USER, PASSWORD), handled=False)


@contextmanager
def mail_server(
    security: str = "none", certificate: Path | None = None, *, login: bool = False
) -> Iterator[MailServer]:
    """Run a server on a free port of this machine. `certificate` is a file with key and certificate."""
    server = MailServer()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    options: dict[str, Any] = {"authenticator": _authenticated, "auth_required": True} if login else {}
    # The library knows of TLS by STARTTLS alone.
    options |= {"auth_require_tls": False} if login and security != "starttls" else {}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    elif security == "tls":
        options |= {"ssl_context": context}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server.port = free.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def made_certificate(folder: Path, name: str = "localhost") -> Path:
    """Make a certificate for a name and 127.0.0.1, signed by itself; a file with its key and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
