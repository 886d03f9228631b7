"""A stub of a chat service on this machine: it answers as the test says, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebhookServer:
    """What the service answers, and what it got."""

    status: int = 200
    body: str = "{}"
    hangs: float = 0.0
    """Seconds before the answer."""
    hangs_up: bool = False
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Path and document of each call."""
    url: str = ""


@contextmanager
def webhook_server() -> Iterator[WebhookServer]:
    """Run a stub on a free port of this machine."""
    stub = WebhookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            stub.got.append((self.path, json.loads(content)))
            time.sleep(stub.hangs)
            if stub.hangs_up:
                self.close_connection = True
                return
            body = stub.body.encode()
            self.send_response(stub.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
