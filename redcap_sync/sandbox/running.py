"""Running the sandbox: in a thread next to tests and the demo, or alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from redcap_sync.project.state import Clock, StoredProject
    from redcap_sync.sandbox.faults import Faults
    from redcap_sync.sandbox.installation import Installation
    from redcap_sync.sandbox.storage import Storage

LOCAL = "127.0.0.1"
START_SECONDS = 20


@dataclass(frozen=True)
class Running:
    """A sandbox that listens."""

    url: str
    installation: Installation

    @property
    def api_url(self) -> str:
        """Where clients post to."""
        return f"{self.url}/api/"

    def token(self, project: StoredProject, username: str | None = None) -> str:
        """Return the token of a user of a project; without a name, of the user who has every right."""
        from redcap_sync.project.state import OWNER

        return self.installation.token(project, username or OWNER)


@contextmanager
def running(
    projects: Sequence[StoredProject],
    *,
    port: int = 0,
    public_url: str | None = None,
    super_token: str | None = None,
    faults: Faults | None = None,
    random: Random | None = None,
    clock: Clock | None = None,
    state: Path | None = None,
) -> Iterator[Running]:
    """Serve projects on 127.0.0.1 until the block ends; port 0 takes a free one.

    `random` makes the tokens (without it they are unpredictable), `clock` tells the time of projects that
    are created by a call, `faults` scripts what goes wrong, `state` is a file the state is kept in.
    """
    from redcap_sync.sandbox.installation import Installation, server_time
    from redcap_sync.sandbox.storage import Storage

    with listening(port) as listener:
        url = f"http://{LOCAL}:{listener.getsockname()[1]}"
        installation = Installation(
            random=random or SystemRandom(),
            clock=clock or server_time,
            super_token=super_token,
            public_url=public_url or url,
        )
        for project in projects:
            installation.add(project)
        storage = Storage(state) if state else None
        if storage is not None:
            storage.restore(installation)
        installation.prepare()
        with _served(server_of(installation, faults, storage), listener):
            yield Running(url, installation)


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Hold a listening socket, so that the port is known before the server starts."""
    # The protocol is named, because asyncio sends small answers at once (TCP_NODELAY) only where it is: else each waits
    # some 40 ms for the client's acknowledgement of the one before.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOCAL, port))
        listener.listen(128)
        yield listener


def server_of(
    installation: Installation, faults: Faults | None = None, storage: Storage | None = None
) -> uvicorn.Server:
    """Build the HTTP server of an installation."""
    import uvicorn

    from redcap_sync.sandbox.server import Server

    # The sandbox dates its answers by its own clock. It keeps quiet, also about connections it drops on purpose.
    config = uvicorn.Config(
        Server(installation, faults, storage).application(),
        log_level="error" if faults is None else "critical",
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


@contextmanager
def _served(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    _wait_until_started(server)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


def _wait_until_started(server: uvicorn.Server) -> None:
    pause = threading.Event()
    for _ in range(START_SECONDS * 100):
        if server.started:
            return
        pause.wait(0.01)
    raise TimeoutError("the sandbox did not start")
