"""The one writer of files with patients' data: only their owner may open them, and they are whole or not there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

PRIVATE = 0o700
PRIVATE_FILE = 0o600
WRITING = ".writing-"
"""How the name of a file begins that is not whole yet; what a crash leaves of them may be removed."""


def private_folder(path: Path) -> Path:
    """Make a folder, and every missing one above it, readable by its owner alone; returns it.

    `Path.mkdir(parents=True, mode=...)` gives the mode to the last folder only; those above it get the default.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=PRIVATE, exist_ok=True)
    return path


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that is either whole or not there, under another name first; returns its path."""
    private_folder(path.parent)
    part = path.with_name(f"{WRITING}{path.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        with os.fdopen(private_descriptor(part, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return path


def private_descriptor(path: Path, flags: int = os.O_RDWR) -> int:
    """Open a file, for its owner alone where it is new, for what another program fills or locks."""
    private_folder(path.parent)
    return os.open(path, flags | os.O_CREAT, PRIVATE_FILE)


def _sync_folder(folder: Path) -> None:
    """Wait until the folder itself is on the disk, and with it the new name of a file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
