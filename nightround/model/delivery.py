"""What became of a message, and nothing that is not known of it."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """What is known of the way of a message to a reader."""

    WAITING = "waiting"
    """No server has it. It is sent again."""
    UNKNOWN = "unknown"
    """A server has it perhaps: the connection ended after the last byte, or the process did. It is sent again."""
    DELIVERED = "delivered"
    """A server said that it has it."""
    WRITTEN = "written"
    """It is a file in the outbox folder. No server was asked."""
    REFUSED = "refused"
    """A server said that it does not take it."""

    @property
    def arrived(self) -> bool:
        """Whether the message is where its channel leads, without a doubt."""
        return self in {DeliveryState.DELIVERED, DeliveryState.WRITTEN}
