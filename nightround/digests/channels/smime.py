"""A mail encrypted for the key of its reader, as Outlook, Apple Mail and Thunderbird read it (S/MIME, RFC 8551)."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from pathlib import Path

from nightround.model.errors import ChannelUnusable
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.regular_files import read_text_file

LARGEST = 100_000
"""Bytes of a file with a certificate."""
OUTER = ("message-id", "date", "from", "to", "reply-to", "subject", "auto-submitted", "content-language")
"""The headers that stay readable; everything else is inside."""


def encrypted(message: EmailMessage, certificate: Path | None) -> bytes:
    """The mail with all its bodies and files inside of an envelope that only the certificate's key opens.

    Raises ChannelUnusable where the certificate cannot be read or is not one of an RSA key.
    """
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
    from cryptography.x509 import load_pem_x509_certificate

    try:
        pem = read_text_file(certificate or Path(), largest=LARGEST)
        loaded = load_pem_x509_certificate(pem.encode())
        envelope = PKCS7EnvelopeBuilder().add_recipient(loaded).set_content_encryption_algorithm(AES256)
    except (OSError, ProjectFileWrong, ValueError, TypeError) as error:
        raise ChannelUnusable("channel.certificate", file=str(certificate), error=type(error).__name__) from None
    outer = [(name, value) for name, value in message.raw_items() if name.lower() in OUTER]
    for name, _ in outer:
        del message[name]
    sealed = envelope.set_data(message.as_bytes()).encrypt(Encoding.DER, [PKCS7Options.Binary])
    outside = EmailMessage(policy=message.policy)
    for name, value in outer:
        outside.set_raw(name, value)
    outside["MIME-Version"] = "1.0"
    outside["Content-Type"] = 'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"'
    outside["Content-Transfer-Encoding"] = "base64"
    outside["Content-Disposition"] = 'attachment; filename="smime.p7m"'
    outside.set_payload(base64.encodebytes(sealed).decode())
    return outside.as_bytes()
