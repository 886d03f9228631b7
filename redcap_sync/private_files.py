"""The one writer of files with patients' data: only their owner may open them, and they are whole or not there."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o700
PRIVATE_FILE = 0o600
WRITING = ".writing-"
"""How the name of a file begins that is not whole yet; what a crash leaves of them may be removed."""
UNFINISHED = re.compile(r"\.writing-.+|\..+\.(?:part|new)")
"""Names of files that are not whole yet; the second form is that of earlier versions."""
ASIDE, NAMES, LOCK = ".aside", "names.json", ".lock"
"""Where files that change together are laid first, what they will be called, and who does it."""
LEFT_SECONDS = 3600.0
"""An unfinished file that nobody wrote to for so long is of a run that was broken off."""


def private_folder(path: Path) -> Path:
    """Make a folder, and every missing one above it, readable by its owner alone; returns it.

    `Path.mkdir(parents=True, mode=...)` gives the mode to the last folder only; those above it get the default.
    """
    if not path.is_dir():
        private_folder(path.parent)
        try:
            path.mkdir(mode=PRIVATE, exist_ok=True)
        except FileNotFoundError:  # the folder above is there: /proc and the like say so of what nobody may make
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from None
    return path


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that is either whole or not there, under another name first; returns its path."""
    with private_file(path) as file:
        file.write(content)
    return path


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write in parts that is either whole or not there: under another name until the block ends."""
    private_folder(path.parent)
    part = path.with_name(f"{WRITING}{path.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        with os.fdopen(private_descriptor(part, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back by the system, however this process ends
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_private_set(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files of a folder, by their paths in it, that change together; returns their paths.

    All are laid aside first. A process that ends before the last one is there leaves the files of before; one that
    ends later leaves what `finish_private_set` completes.
    """
    with _set_alone(folder) as aside:
        _complete_set(folder, aside)
        for number, content in enumerate(files.values()):
            write_private(aside / str(number), content)
        write_private(aside / NAMES, json.dumps(list(files)).encode())
        _complete_set(folder, aside)
    return [folder / name for name in files]


def finish_private_set(folder: Path) -> None:
    """Put in place what a process that ended had laid aside as a whole, and remove what it had not."""
    if (folder / ASIDE).is_dir():
        with _set_alone(folder) as aside:
            _complete_set(folder, aside)


@contextmanager
def _set_alone(folder: Path) -> Iterator[Path]:
    """Where the files of a set are laid aside, for one process at a time."""
    aside = private_folder(folder / ASIDE)
    with os.fdopen(private_descriptor(aside / LOCK), "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield aside


def _complete_set(folder: Path, aside: Path) -> None:
    listed = aside / NAMES
    if listed.exists():
        paths = [folder / name for name in json.loads(listed.read_bytes())]
        for number, path in enumerate(paths):
            laid = aside / str(number)
            if laid.exists():  # not put in place already, before the process ended
                private_folder(path.parent)
                laid.replace(path)
        for parent in {path.parent for path in paths}:
            _sync_folder(parent)
        listed.unlink()
    for left in aside.iterdir():
        if left.name != LOCK:
            left.unlink()


def remove_unfinished(folders: Iterable[Path], now: float) -> list[Path]:
    """Remove what broken runs left half written in folders and below: ours, old, and written by nobody now."""
    found = [path for folder in folders for path in sorted(folder.rglob(".*")) if UNFINISHED.fullmatch(path.name)]
    return [path for path in found if path.is_file() and not path.is_symlink() and _removed(path, now)]


def _removed(path: Path, now: float) -> bool:
    """Remove an unfinished file unless it is young or somebody has it locked."""
    try:
        if now - path.stat().st_mtime < LEFT_SECONDS:
            return False
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:  # locked, gone already, or not ours to remove
        return False
    return True


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
