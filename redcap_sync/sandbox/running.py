"""Running the sandbox: in a thread beside tests and the demo, or alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from redcap_sync.sandbox.installation import Installation
    from redcap_sync.sandbox.state import SandboxProject

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

    def token(self, project: SandboxProject, username: str | None = None) -> str:
        """Return the token of a user of a project; without a name, of the user who has every right."""
        from redcap_sync.sandbox.state import OWNER

        return self.installation.token(project, username or OWNER)


@contextmanager
def running(
    projects: Sequence[SandboxProject],
    *,
    port: int = 0,
    public_url: str | None = None,
    super_token: str | None = None,
    random: Random | None = None,
) -> Iterator[Running]:
    """Serve projects on 127.0.0.1 until the block ends; port 0 takes a free one.

    `random` makes the tokens; without it they are unpredictable.
    """
    from redcap_sync.sandbox.installation import Installation

    with listening(port) as listener:
        url = f"http://{LOCAL}:{listener.getsockname()[1]}"
        made_from = random or SystemRandom()
        installation = Installation(random=made_from, super_token=super_token, public_url=public_url or url)
        for project in projects:
            installation.add(project)
        with _served(installation, listener):
            yield Running(url, installation)


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Hold a listening socket, so that the port is known before the server starts."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOCAL, port))
        listener.listen(128)
        yield listener


def server_of(installation: Installation) -> uvicorn.Server:
    """Build the HTTP server of an installation."""
    import uvicorn

    from redcap_sync.sandbox.server import application

    # The sandbox dates its answers by its own clock, and it keeps quiet on stdout.
    config = uvicorn.Config(
        application(installation), log_level="critical", date_header=False, lifespan="off", timeout_graceful_shutdown=2
    )
    return uvicorn.Server(config)


@contextmanager
def _served(installation: Installation, listener: socket.socket) -> Iterator[None]:
    server = server_of(installation)
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
