"""Files that only their owner may read, whole or not there at all, and sealed with a key where one is given."""

from __future__ import annotations

import base64
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightround.model.errors import StudyFilesWrong
from redcap_sync.errors import ExportIncomplete, ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private
from redcap_sync.regular_files import read_text_file

KEY_BYTES, NONCE_BYTES = 32, 12
LARGEST_KEY_FILE = 10_000
MAGIC = b"NRS1"
"""First bytes of a sealed file: magic, nonce, then AES-256-GCM's text and tag."""


@dataclass(frozen=True)
class Vault:
    """Writes and reads private files. With a key their content is sealed by AES-256-GCM, their names are not.

    The name of a file is sealed with it, so that one file cannot be put in another's place.
    """

    key: bytes | None = field(default=None, repr=False)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file that is either whole or not there; raises StudyFilesWrong where the disk does not take it."""
        try:
            write_private(path, self._sealed(path.name, content))
        except OSError as error:
            raise _cannot_write(error) from None

    def read(self, path: Path) -> bytes:
        """Read a file; raises OSError where it is not there, ExportIncomplete where it cannot be opened."""
        content = path.read_bytes()
        if not content.startswith(MAGIC):
            return content
        if self.key is None:
            raise _cannot_open("snapshot.reason.no_key")
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, sealed = content[len(MAGIC) :][:NONCE_BYTES], content[len(MAGIC) + NONCE_BYTES :]
        try:
            return AESGCM(self.key).decrypt(nonce, sealed, path.name.encode())
        except InvalidTag:
            raise _cannot_open("snapshot.reason.wrong_key") from None

    def _sealed(self, name: str, content: bytes) -> bytes:
        if self.key is None:
            return content
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE_BYTES)
        return MAGIC + nonce + AESGCM(self.key).encrypt(nonce, content, name.encode())


def find_key(environ: Mapping[str, str], *, variable: str, file: Path | None) -> bytes | None:
    """Read the key from the environment, else from a file: 32 bytes in base64. None where neither is set."""
    written = environ.get(variable, "")
    if not written and file is not None:
        try:
            written = read_text_file(file, largest=LARGEST_KEY_FILE)
        except (OSError, ProjectFileWrong) as error:
            raise _wrong_key("snapshot.reason.key_file", error=type(error).__name__) from None
    if not written:
        return None
    try:
        key = base64.b64decode(written.strip(), validate=True)
    except ValueError:  # no base64, or a character that is no ASCII
        raise _wrong_key("snapshot.reason.not_base64") from None
    if len(key) != KEY_BYTES:
        raise _wrong_key("snapshot.reason.length", count=len(key), right=KEY_BYTES)
    return key


def _wrong_key(code: str, **facts: Any) -> StudyFilesWrong:
    return StudyFilesWrong("snapshot.key", reason=Message.of(code, **facts))


def _cannot_write(error: OSError) -> StudyFilesWrong:
    return StudyFilesWrong("snapshot.unwritable", error=errno.errorcode.get(error.errno or 0, "unknown"))


def _cannot_open(code: str) -> ExportIncomplete:
    return ExportIncomplete("snapshot.sealed", reason=Message.of(code))
