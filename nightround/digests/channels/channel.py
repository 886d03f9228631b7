"""What every way of delivering a digest has in common. A new channel is one file that fulfils `Channel`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from nightround.digests.notice import Notice
from redcap_sync.errors import ExplainedError


class ChannelFailed(ExplainedError):
    """A channel could not deliver. The other channels go on, and what it held is told in its next digest."""

    exit_code = 0


class Channel(Protocol):
    """A way to deliver digests."""

    @property
    def name(self) -> str:
        """The name under which the store remembers what was told on this channel."""

    def deliver(self, notice: Notice, now: datetime) -> str:
        """Deliver a notice and return its Message-ID. Raises ChannelFailed."""
