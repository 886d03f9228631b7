"""Locks on files, between processes. The system gives a lock back when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redcap_sync.private_files import private_descriptor


@contextmanager
def lock_tried(path: Path) -> Iterator[bool]:
    """Try to get a lock for oneself alone; gives whether it was free. It is given back at the end."""
    with os.fdopen(private_descriptor(path), "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def lock_shared(path: Path) -> Iterator[None]:
    """Get a lock together with others; waits while somebody has it alone."""
    with os.fdopen(private_descriptor(path), "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
