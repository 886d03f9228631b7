"""Sealing with a key by AES-256-GCM: nobody reads the content without it, and what was changed does not open."""

from __future__ import annotations

import os

KEY_BYTES, NONCE_BYTES = 32, 12
MAGIC = b"NRS1"
"""First bytes of what is sealed: magic, nonce, then AES-256-GCM's text and tag."""


class WrongKeyError(Exception):
    """What is sealed cannot be opened with this key, under this name."""


def sealed(key: bytes, name: str, content: bytes) -> bytes:
    """The content sealed together with a name, so that one thing cannot be put in another's place."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return MAGIC + nonce + AESGCM(key).encrypt(nonce, content, name.encode())


def opened(key: bytes, name: str, content: bytes) -> bytes:
    """The content that was sealed under a name; raises WrongKeyError."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, text = content[len(MAGIC) :][:NONCE_BYTES], content[len(MAGIC) + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, text, name.encode())
    except (InvalidTag, ValueError):
        raise WrongKeyError from None
