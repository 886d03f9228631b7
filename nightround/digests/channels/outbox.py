"""The channel that needs nothing installed: mails as files in a folder, each beside its HTML page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nightround.digests.channels.channel import ChannelFailed
from nightround.digests.channels.mail import fingerprint, message_of
from nightround.digests.notice import Notice
from redcap_sync.private_files import write_private


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
            write_private(stem.with_name(f"{stem.name}.html"), notice.html.encode())
            write_private(stem.with_name(f"{stem.name}.eml"), message.as_bytes())
        except OSError as error:
            raise ChannelFailed(
                "digest.not_written",
                role=notice.recipient.role,
                folder=str(self.folder),
                reason=error.strerror or type(error).__name__,
            ) from None
        return str(message["Message-ID"])


def file_stem(notice: Notice, now: datetime) -> str:
    """`2025-05-13_data_manager_3f2a91c0`: no address, no study, no patient."""
    role = re.sub(r"[^A-Za-z0-9_-]+", "-", notice.recipient.role)
    return f"{now:%Y-%m-%d}_{role}_{fingerprint(notice)[:8]}"
