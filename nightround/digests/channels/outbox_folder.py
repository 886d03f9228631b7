"""The channel that needs nothing installed: mails as files in a folder, each with its HTML page."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nightround.digests.channels.channel import LOCALHOST, OutgoingMessage, Probe, ServerAnswer
from nightround.digests.channels.mail import mail_bytes
from nightround.model.delivery import DeliveryState
from nightround.model.errors import ChannelUnusable
from nightround.model.recipient import OUTBOX
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private


@dataclass(frozen=True)
class OutboxFolder:
    """A folder of `.eml` files and `.html` copies, named by day, role and Message-ID: the same letter is one file."""

    folder: Path
    sender: str = f"Nightround <nightround@{LOCALHOST}>"
    name: str = OUTBOX
    domain: str = LOCALHOST

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Write both files, whole or not at all, readable by their owner only."""
        try:
            page = self.write(letter)
        except ChannelUnusable as error:
            return ServerAnswer.unreadable(error)
        except OSError as error:
            return self._closed(error)
        return ServerAnswer(DeliveryState.WRITTEN, Message.of("delivery.written", file=str(page.with_suffix(".eml"))))

    def probe(self) -> Probe:
        """Write a file and remove it, where the folder, or one above it, is there."""
        there = next(one for one in (self.folder, *self.folder.absolute().parents) if one.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                return Probe.fine("folder", folder=str(self.folder))
        except OSError as error:
            return Probe.of(self._closed(error))

    def _closed(self, error: OSError) -> ServerAnswer:
        reason = error.strerror or type(error).__name__
        return ServerAnswer.down("delivery.not_written", folder=str(self.folder), reason=reason)

    def write(self, letter: OutgoingMessage) -> Path:
        """Write both files; gives the page. Raises OSError, and ChannelUnusable where it cannot be encrypted."""
        stem, content = self.folder / file_stem(letter), mail_bytes(letter, sender=self.sender)
        page = write_private(stem.with_name(f"{stem.name}.html"), letter.html.encode())
        write_private(stem.with_name(f"{stem.name}.eml"), content)
        return page


def file_stem(letter: OutgoingMessage) -> str:
    """`2025-05-13_data_manager_3f2a91c0`: no address, no study, no patient."""
    role = re.sub(r"[^A-Za-z0-9_-]+", "-", letter.recipient.role)
    return f"{letter.written_at:%Y-%m-%d}_{role}_{letter.digits[:8]}"
