"""What was sent to whom, and up to which position of the history: a digest says what changed since the last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from nightround.store.schema import digests


@dataclass(frozen=True)
class SentDigest:
    """One attempt to deliver one digest on one channel.

    It told of the history after `since` up to `upto`. When it was not `delivered`, the next digest
    on that channel begins at `since` again, and nothing is lost.
    """

    study: str
    run_id: int
    recipient: str
    channel: str
    since: int
    upto: int
    at: datetime
    delivered: bool
    subject: str
    message_id: str = ""
    trouble: str = ""


def insert_digest(connection: Connection, sent: SentDigest) -> None:
    """Remember an attempt."""
    connection.execute(insert(digests).values(**asdict(sent)))


def read_last_told(connection: Connection, study: str, recipient: str, channel: str) -> int:
    """The position of the history up to which a recipient was told on a channel; 0 before the first digest."""
    query = select(func.max(digests.c.upto)).where(
        digests.c.study == study,
        digests.c.recipient == recipient,
        digests.c.channel == channel,
        digests.c.delivered,
    )
    return connection.execute(query).scalar() or 0


def read_digests(connection: Connection, study: str) -> tuple[SentDigest, ...]:
    """Every attempt of a study, oldest first."""
    query = select(digests).where(digests.c.study == study).order_by(digests.c.id)
    rows = connection.execute(query).mappings()
    return tuple(SentDigest(**{name: value for name, value in row.items() if name != "id"}) for row in rows)
