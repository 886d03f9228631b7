"""Until when the certificate of a server is good, asked for in a connection of its own that sends nothing."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from redcap_sync.api.session import ApiSession

SECONDS = 10.0
PORT = 443


def certificate_end(url: str, session: ApiSession) -> datetime | None:
    """The last moment of the certificate that a server at an https address shows.

    None where it cannot be asked directly: behind a proxy, or where the connection does not come about.
    """
    parts = urlsplit(url)
    if session.proxies or not parts.hostname:
        return None
    trusted = session.verify if isinstance(session.verify, str) else ""
    file = trusted if trusted and Path(trusted).is_file() else None
    try:
        context = ssl.create_default_context(cafile=file, capath=(trusted or None) if file is None else None)
        with (
            socket.create_connection((parts.hostname, parts.port or PORT), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            shown = secure.getpeercert() or {}
            return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    except (OSError, ValueError, KeyError):
        return None
