"""A transaction in which messages are written, with what they tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from nightround.store import finding_rows as findings
from nightround.store import message_rows as messages
from nightround.store.finding_rows import Changes
from nightround.store.message_rows import Reader, StoredMessage


@dataclass(frozen=True)
class MessagePen:
    """One transaction in which messages are written, from what the store has at this moment."""

    connection: Connection
    study: str
    _changes: dict[int, Changes] = field(default_factory=dict, repr=False)
    """By position; most readers were notified up to the same one, and no finding changes meanwhile."""

    def notified_upto(self, reader: Reader) -> int:
        """The position up to which a reader was notified; 0 before the first digest."""
        return messages.read_notified_upto(self.connection, self.study, reader)

    def last_digest(self, reader: Reader) -> StoredMessage | None:
        """The last digest that a reader has, or may still get; None before the first."""
        return messages.read_last_digest(self.connection, self.study, reader)

    def changes_since(self, position: int) -> Changes:
        """What is different now from the findings at a position, as one delta, with the position of now."""
        if position not in self._changes:
            self._changes[position] = findings.read_changes(self.connection, self.study, position)
        return self._changes[position]

    def write(self, message: StoredMessage) -> None:
        """Write a message."""
        messages.insert_message(self.connection, message)
