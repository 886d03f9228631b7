"""Files that only their owner may read, whole or not there at all, and sealed with a key where one is given."""

from __future__ import annotations

import base64
import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightround.model.errors import StudyFilesWrong
from nightround.model.sealing import KEY_BYTES, MAGIC, WrongKeyError, opened, sealed
from redcap_sync.clean_text import keep_secret
from redcap_sync.errors import ExportIncomplete, ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private
from redcap_sync.regular_files import read_text_file

LARGEST_KEY_FILE = 10_000


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
        try:
            return opened(self.key, path.name, content)
        except WrongKeyError:
            raise _cannot_open("snapshot.reason.wrong_key") from None

    def seal_plain(self, paths: Iterable[Path]) -> int:
        """Seal every file that is not sealed yet, where there is a key; returns how many there were."""
        plain = [path for path in paths if self.key is not None and not _is_sealed(path)]
        for path in plain:
            self.write(path, path.read_bytes())
        return len(plain)

    def _sealed(self, name: str, content: bytes) -> bytes:
        return content if self.key is None else sealed(self.key, name, content)


def _is_sealed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


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
    keep_secret(written.strip())
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
