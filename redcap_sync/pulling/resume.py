"""Keeps the finished batches of a full pull, so that one that was broken off need not begin again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from redcap_sync.private_files import private_folder
from redcap_sync.pulling.change_log import Mark
from redcap_sync.pulling.raw_structure import RawStructure

HEAD, BODY = "head.json", "batch-"

WriteFile = Callable[[Path, bytes], None]
ReadFile = Callable[[Path], bytes]


@dataclass(frozen=True)
class Broken:
    """A pull that was broken off: its finished batches, and where the log stood when it began."""

    mark: Mark | None
    bodies: Sequence[tuple[bytes, str]]


class Resume(Protocol):
    """Where finished batches are kept."""

    def load(self, structure: RawStructure) -> Broken | None:
        """Find the batches of a broken pull of the same structure."""

    def begin(self, structure: RawStructure, mark: Mark | None) -> None:
        """Forget what was kept and begin anew."""

    def keep(self, body: bytes, kind: str) -> None:
        """Keep one finished batch."""

    def clear(self) -> None:
        """Forget what was kept: the pull is complete."""


class NoResume:
    """Keeps nothing."""

    def load(self, structure: RawStructure) -> Broken | None:  # noqa: ARG002 - the protocol's name
        """Find nothing."""
        return None

    def begin(self, structure: RawStructure, mark: Mark | None) -> None:
        """Do nothing."""

    def keep(self, body: bytes, kind: str) -> None:
        """Do nothing."""

    def clear(self) -> None:
        """Do nothing."""


class ResumeFolder:
    """Keeps batches as files. `write` writes a file that only the owner may read, whole or not at all."""

    def __init__(self, folder: Path, *, write: WriteFile, read: ReadFile) -> None:
        self._folder = folder
        self._write = write
        self._read = read
        self._count = 0
        self._lock = Lock()

    def load(self, structure: RawStructure) -> Broken | None:
        """Find the batches of a broken pull of the same structure."""
        try:
            head = json.loads(self._read(self._folder / HEAD))
        except (OSError, ValueError):
            return None
        if head["structure"] != _digest(structure):
            return None
        bodies = list(self._bodies())
        self._count = len(bodies)
        mark = head["mark"]
        return Broken(Mark.read(mark) if mark else None, bodies)

    def begin(self, structure: RawStructure, mark: Mark | None) -> None:
        """Forget what was kept and begin anew."""
        self.clear()
        private_folder(self._folder)
        head = {"structure": _digest(structure), "mark": mark.document() if mark else None}
        self._write(self._folder / HEAD, json.dumps(head).encode())

    def keep(self, body: bytes, kind: str) -> None:
        """Keep one finished batch."""
        with self._lock:
            self._count += 1
            name = f"{BODY}{self._count:06d}.{kind}"
        self._write(self._folder / name, body)

    def clear(self) -> None:
        """Forget what was kept: the pull is complete."""
        for file in sorted(self._folder.glob("*")):
            file.unlink()
        self._count = 0

    def _bodies(self) -> Iterator[tuple[bytes, str]]:
        for file in sorted(self._folder.glob(f"{BODY}*")):
            yield self._read(file), file.suffix[1:]


def _digest(structure: RawStructure) -> str:
    return hashlib.sha256(structure.json()).hexdigest()
