"""Messages to people: written with what they tell, sent afterwards, and kept with what became of each.

A digest tells of the history after `since` up to `upto`. What arrived, or may still arrive, counts as
notified; what was refused or given up is in the next digest again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, insert, or_, select, update

from nightround.model.attached_file import AttachedFile
from nightround.model.delivery import DeliveryState
from nightround.store.observed_values import sealer_of
from nightround.store.schema import messages
from nightround.store.stored_files import is_sealed, read_files, stored_files
from redcap_sync.messages import Message

NOT_TRIED = Message.of("delivery.not_tried")


class MessageKind(StrEnum):
    """What a message is about."""

    DIGEST = "digest"
    FAILURE = "failure"
    """A round that failed."""
    TROUBLE = "trouble"
    """A channel that does not work."""
    OPEN_REPORT = "open_report"
    CLOSED_REPORT = "closed_report"
    LATE_REPORT = "late_report"
    """A report that was planned and not released."""
    RECEIPT = "receipt"
    """What became of a worklist in the inbox."""

    @property
    def report(self) -> str:
        """The version of the report that a message is about: open, closed, or '' for a message about none."""
        return {MessageKind.OPEN_REPORT: "open", MessageKind.CLOSED_REPORT: "closed"}.get(self, "")


class Reader(NamedTuple):
    """Who is notified, and how: two roles may share an address, and each is notified of what is its own."""

    role: str
    address: str
    channel: str


@dataclass(frozen=True)
class StoredMessage:
    """One message to one person on one channel, and what became of it."""

    study: str
    run_id: int
    kind: MessageKind
    role: str
    recipient: str
    """The address in study.toml when it was written."""
    channel: str
    message_id: str
    written_at: datetime
    subject: str
    text: str = ""
    html: str = ""
    since: int = 0
    upto: int = 0
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    tried_at: datetime | None = None
    next_at: datetime | None = None
    """Before this hour it is not sent again but by a round."""
    settled_at: datetime | None = None
    """When it was known that nothing is to be sent any more; None while there is."""
    said: Message = NOT_TRIED
    """What came back when it was sent the last time."""
    attachments: tuple[AttachedFile, ...] = ()
    id: int = 0
    """0 before it is in the store."""

    @property
    def all_texts(self) -> tuple[str, ...]:
        """Everything that a reader can read of it."""
        files = (text for one in self.attachments for text in one.texts)
        return (self.subject, self.text, self.html, *files)

    @property
    def is_sealed(self) -> bool:
        """Whether its files are sealed with a key that is not given."""
        return is_sealed(self.attachments)

    @property
    def reader(self) -> Reader:
        """To whom it is."""
        return Reader(self.role, self.recipient, self.channel)

    @property
    def counts_as_notified(self) -> bool:
        """Whether the reader has it, or may still get it."""
        return self.settled_at is None or self.state.arrived


def insert_message(connection: Connection, message: StoredMessage) -> int:
    """Write a message; gives its number."""
    values = _values(connection, message)
    number: int = connection.execute(insert(messages).values(**values).returning(messages.c.id)).scalar_one()
    return number


def update_message(connection: Connection, message: StoredMessage) -> None:
    """Write what became of a message. Its texts go once nothing is to be sent any more."""
    kept = replace(message, text="", html="", attachments=()) if message.settled_at else message
    connection.execute(update(messages).where(messages.c.id == message.id).values(**_values(connection, kept)))


def read_notified_upto(connection: Connection, study: str, reader: Reader) -> int:
    """The position of the history up to which a reader was notified without a gap; 0 before the first digest."""
    found = _found(connection, select(messages).where(*_to(study, reader)))
    return notified_without_gap((one.since, one.upto) for one in found if one.counts_as_notified)


def read_last_digest(connection: Connection, study: str, reader: Reader) -> StoredMessage | None:
    """The last digest that a reader has, or may still get; None before the first."""
    query = select(messages).where(*_to(study, reader), messages.c.kind == MessageKind.DIGEST)
    found = _found(connection, query)
    return max((one for one in found if one.counts_as_notified), key=lambda one: one.run_id, default=None)


def _to(study: str, reader: Reader) -> tuple[ColumnElement[bool], ...]:
    """The messages to a reader; one of an earlier version, which has no role, was to each at its address."""
    return (
        messages.c.study == study,
        messages.c.recipient == reader.address,
        messages.c.channel == reader.channel,
        messages.c.role.in_((reader.role, "")),
    )


def notified_without_gap(spans: Iterable[tuple[int, int]]) -> int:
    """How far spans of a history reach from its beginning without a gap."""
    reached = 0
    for since, upto in sorted(spans):
        if since <= reached:
            reached = max(reached, upto)
    return reached


def read_messages(connection: Connection, study: str) -> tuple[StoredMessage, ...]:
    """Every message of a study, oldest first."""
    query = select(messages).where(messages.c.study == study).order_by(messages.c.id)
    return tuple(_found(connection, query))


def read_unsettled(connection: Connection, study: str, due: datetime | None = None) -> tuple[StoredMessage, ...]:
    """The messages that are still to be sent, oldest first; with `due` those alone whose hour has come."""
    query = select(messages).where(messages.c.study == study, messages.c.settled_at.is_(None))
    if due is not None:
        query = query.where(or_(messages.c.next_at.is_(None), messages.c.next_at <= due))
    return tuple(_found(connection, query.order_by(messages.c.id)))


def forget_in_messages(connection: Connection, study: str, names: Callable[[str], bool], now: datetime) -> int:
    """Remove the texts of messages that name a record; what was still to be sent is written anew without it.

    So it is done with those whose files cannot be read because the key is not given.
    """
    waiting = read_unsettled(connection, study)
    found = [one for one in waiting if one.is_sealed or any(map(names, one.all_texts))]
    for one in found:
        said = Message.of("delivery.forgotten")
        update_message(connection, replace(one, state=_given_up(one.state), settled_at=now, said=said))
    return len(found)


def _given_up(state: DeliveryState) -> DeliveryState:
    return DeliveryState.REFUSED if state is DeliveryState.WAITING else state


def _values(connection: Connection, message: StoredMessage) -> dict[str, Any]:
    names = (column.name for column in messages.columns if column.name != "id")
    files = stored_files(sealer_of(connection), message.message_id, message.attachments)
    return {name: getattr(message, name) for name in names} | {"attachments": files}


def _found(connection: Connection, query: Select[Any]) -> Iterator[StoredMessage]:
    """The messages that a query of whole rows finds."""
    sealer = sealer_of(connection)
    for row in connection.execute(query).mappings():
        kind, state = MessageKind(row["kind"]), DeliveryState(row["state"])
        files = read_files(sealer, row["message_id"], row["attachments"])
        yield StoredMessage(**{**row, "kind": kind, "state": state, "attachments": files})
