"""The channel that needs nothing installed: mails as files in a folder, each beside its HTML page."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nightround.digests.channels.channel import ChannelFailed
from nightround.digests.channels.mail import fingerprint, message_of
from nightround.digests.notice import Notice
from redcap_sync.private_files import private_folder


@dataclass(frozen=True)
class Outbox:
    """A folder of `.eml` files and `.html` copies, named by day, role and content: the same digest is one file."""

    folder: Path
    sender: str = "Nightround <nightround@localhost>"
    name: str = "outbox"

    def deliver(self, notice: Notice, now: datetime) -> str:
        """Write both files, whole or not at all, readable by their owner only."""
        message = message_of(notice, sender=self.sender, now=now)
        stem = self.folder / file_stem(notice, now)
        try:
            private_folder(self.folder)
            _write(stem.with_name(f"{stem.name}.html"), notice.html.encode())
            _write(stem.with_name(f"{stem.name}.eml"), message.as_bytes())
        except OSError as error:
            raise ChannelFailed(
                f"The digest for {notice.recipient.role} could not be written to {self.folder}.",
                why=error.strerror or "the folder cannot be written to",
                remedy="make room or give the right to write; the next digest will tell the same news",
            ) from None
        return str(message["Message-ID"])


def file_stem(notice: Notice, now: datetime) -> str:
    """`2025-05-13_data_manager_3f2a91c0`: no address, no study, no patient."""
    role = re.sub(r"[^A-Za-z0-9_-]+", "-", notice.recipient.role)
    return f"{now:%Y-%m-%d}_{role}_{fingerprint(notice)[:8]}"


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
