"""What every way of sending a message has in common. A new channel is one file that fulfils `Channel`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from nightround.digests.notice import Notice
from nightround.model.attached_file import AttachedFile
from nightround.model.delivery import DeliveryState
from nightround.model.errors import ChannelUnusable
from nightround.model.recipient import Recipient
from redcap_sync.clean_text import one_line
from redcap_sync.messages import Message

ID_DIGITS = 40
"""Hexadecimal digits of a Message-ID. Not 32, which is the form of an API token and would be masked."""
SHOWN_REPLY = 200
"""So many characters of a server's reply are kept."""
LOCALHOST = "localhost"


@dataclass(frozen=True)
class OutgoingMessage:
    """A message to one person, as it is sent each time it is tried: nothing in it changes between two attempts."""

    message_id: str
    """With its angle brackets, as in the header of a mail."""
    recipient: Recipient
    subject: str
    text: str
    html: str
    written_at: datetime
    """On the clock of the study."""
    attachments: tuple[AttachedFile, ...] = ()
    encrypted: bool = False
    """Whether a mail is encrypted for the reader's key."""

    @classmethod
    def of(cls, notice: Notice, channel: str, domain: str, written_at: datetime) -> Self:
        """Write a notice down for one channel; the same notice at the same moment is the same letter."""
        parts = (
            channel,
            notice.recipient.address,
            notice.subject,
            notice.text,
            notice.html,
            str(written_at.timestamp()),
        )
        digits = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:ID_DIGITS]
        return cls(
            message_id=f"<{digits}@{domain}>",
            recipient=notice.recipient,
            subject=notice.subject,
            text=notice.text,
            html=notice.html,
            written_at=written_at,
            attachments=notice.attachments,
        )

    @property
    def digits(self) -> str:
        """The part of the Message-ID that no other letter has."""
        return self.message_id.strip("<>").partition("@")[0]


@dataclass(frozen=True)
class ServerAnswer:
    """What came back when a letter was sent."""

    state: DeliveryState
    said: Message
    again_soon: bool = False
    """Whether a pause of seconds may help; only where no server has the letter."""
    channel_down: bool = False
    """Whether nothing else would get through now."""

    @classmethod
    def waiting(cls, code: str, /, *, again_soon: bool = False, channel_down: bool = False, **facts: object) -> Self:
        """No server has the letter."""
        return cls(DeliveryState.WAITING, Message.of(code, **facts), again_soon, channel_down)

    @classmethod
    def down(cls, code: str, /, *, again_soon: bool = False, **facts: object) -> Self:
        """The channel itself does not work now."""
        return cls.waiting(code, again_soon=again_soon, channel_down=True, **facts)

    @classmethod
    def unusable(cls, error: ChannelUnusable) -> Self:
        """The channel cannot be used as study.toml and the environment describe it."""
        return cls(DeliveryState.WAITING, error.part("what"), channel_down=True)

    @classmethod
    def unreadable(cls, error: ChannelUnusable) -> Self:
        """This one letter cannot be put into a mail."""
        return cls(DeliveryState.WAITING, error.part("what"))

    @classmethod
    def unknown(cls, code: str, /, **facts: object) -> Self:
        """A server has the letter perhaps."""
        return cls(DeliveryState.UNKNOWN, Message.of(code, **facts))

    @classmethod
    def delivered(cls, reply: object) -> Self:
        """A server said that it has the letter."""
        return cls(DeliveryState.DELIVERED, Message.of("delivery.delivered", reply=shown_reply(reply)))

    @classmethod
    def refused(cls, reply: object) -> Self:
        """A server said that it does not take the letter."""
        return cls(DeliveryState.REFUSED, Message.of("delivery.refused", reply=shown_reply(reply)))

    @classmethod
    def busy(cls, reply: object, *, again_soon: bool = False) -> Self:
        """A server said that it takes the letter later, perhaps."""
        return cls.waiting("delivery.busy", reply=shown_reply(reply), again_soon=again_soon)


def shown_reply(reply: object) -> str:
    """What a server said, on one line and not longer than a line, without a secret."""
    text = one_line(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply))
    return text if len(text) <= SHOWN_REPLY else f"{text[:SHOWN_REPLY]}…"


@dataclass(frozen=True)
class Probe:
    """What came of trying a channel without sending anything."""

    works: bool
    said: Message

    @classmethod
    def fine(cls, code: str, /, **facts: object) -> Self:
        """The channel works as far as that can be known without a letter."""
        return cls(works=True, said=Message.of(f"delivery.probe.{code}", **facts))

    @classmethod
    def of(cls, answer: ServerAnswer) -> Self:
        """The channel does not work: what a letter would have come back with."""
        return cls(works=False, said=answer.said)


class Channel(Protocol):
    """A way to send letters."""

    @property
    def name(self) -> str:
        """The id of the channel in study.toml, under which the store remembers what was sent on it."""

    @property
    def domain(self) -> str:
        """The domain of the Message-IDs of this channel."""

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Send a letter once, and say what came back. It raises nothing that a server or the network can cause."""

    def probe(self) -> Probe:
        """Try whether the channel can be used, and send nothing. It raises nothing, as `send` does not."""


Channels = Mapping[str, Channel]
"""The channels of a study by id; the outbox folder is always among them."""
