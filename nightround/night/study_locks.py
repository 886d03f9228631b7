"""The locks of a study, and how long a run waits for one that another run has.

A round (the run of a job file) has `.round.lock` to itself, a pull `snapshots/.pull.lock`, and what changes findings
or what they are judged by `.lock`. Commands that only read need none of them. Where the database is on a server, each
of them is also a lock of that database: machines with other data folders wait for each other in the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from nightround.model.errors import RoundAlreadyRunning
from redcap_sync.file_locks import lock_tried

log = logging.getLogger(__name__)

ROUND, PULL, FINDINGS = ".round.lock", "snapshots/.pull.lock", ".lock"
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Waiting:
    """How long a run waits for another one, and whether it is mailed that it gave up."""

    seconds: float
    mailed: bool


BY_CLOCK = Waiting(30 * 60, mailed=True)
"""A scheduled round: nobody looks at it, and half an hour later the night is still young."""
BY_HAND = Waiting(60, mailed=False)
"""A command: whoever gave it sees why it ended."""


Shared = Callable[[str], AbstractContextManager[bool]]
"""Tries to get a lock that holds beyond the data folder, and gives whether it was free."""


def nowhere_else(lock: str) -> AbstractContextManager[bool]:
    """The lock of a study without a database: its data folder alone has one."""
    del lock
    return nullcontext(enter_result=True)


@contextmanager
def only_one(
    folder: Path, lock: str, waiting: Waiting, sleep: Callable[[float], None], shared: Shared = nowhere_else
) -> Iterator[None]:
    """Have a lock of a study, in its data folder and in what is `shared` with other folders.

    Raises RoundAlreadyRunning where another run keeps it for longer than one waits.
    """
    waited = 0.0
    while True:
        with lock_tried(folder / lock) as here, (shared if here else nowhere_else)(lock) as there:
            if here and there:
                yield
                return
        if waited >= waiting.seconds:
            raise RoundAlreadyRunning("night.locked" if there else "night.locked_elsewhere", folder=str(folder))
        if not waited:
            log.warning("another run of this study is in progress; waiting for it, up to %d s", waiting.seconds)
        sleep(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
