"""A scheduled round in a process of its own, and how many of them one REDCap server gets at a time.

What a round needs of memory goes with it, and a round that is killed takes no other with it. What it leaves unsaid the
next one says.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Semaphore
from urllib.parse import urlsplit

from nightround.night.study_place import place_of
from nightround.study.folder import Content
from nightround.study.settings import read_settings, redcap_address
from redcap_sync.errors import ExplainedError

log = logging.getLogger(__name__)


def in_own_process(make: Callable[[str, str], None], job: str, study: str) -> None:
    """Call `make` with job and study in a new process, and wait for its end; `make` can be pickled."""
    process = multiprocessing.get_context("spawn").Process(target=_undisturbed, args=(make, job, study))
    process.start()
    process.join()
    if process.exitcode:
        log.error("the process that made %s of %s ended with %s", job, study, process.exitcode)


def _undisturbed(make: Callable[[str, str], None], job: str, study: str) -> None:
    """Let a round come to its end: whoever stops the service waits for it."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    make(job, study)


def server_of(study: str, *, data: Path, content: Content, environ: Mapping[str, str]) -> str:
    """The host of a study's REDCap server; '' where its settings cannot be read or name none."""
    try:
        settings = read_settings(place_of(study, data, content).folder)
        return urlsplit(redcap_address(settings.redcap, environ)).netloc.lower()
    except (ExplainedError, OSError, ValueError):
        return ""


@dataclass
class ServerLimits:
    """How many rounds ask one server at the same time; a study whose server is not known waits for nobody."""

    most: int
    server_of: Callable[[str], str]
    places: dict[str, Semaphore] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def place(self, study: str) -> Iterator[None]:
        """Have a place at the study's server, waiting for one."""
        server = self.server_of(study)
        if not server:
            yield
            return
        with self.lock:
            places = self.places.setdefault(server, Semaphore(self.most))
        with places:
            yield
