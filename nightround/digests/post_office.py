"""Sends the messages that the store has, and writes down what is known of each, and nothing that is not known.

Before a message is sent it is marked as unknown, and after it as what came back. A process that is killed between the
two leaves what is true: a server has it perhaps. It is sent again under the same Message-ID.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from nightround.digests.channels.channel import Channel, Channels, OutgoingMessage, ServerAnswer
from nightround.model.delivery import DeliveryState
from nightround.model.recipient import Recipient
from nightround.store.database import Store
from nightround.store.message_rows import StoredMessage
from redcap_sync.messages import Message

log = logging.getLogger(__name__)

TRIES = 3
"""So often a message is sent in a row where a pause of seconds may help."""
LONGEST_PAUSE = 10.0
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240))
"""After the first, the second ... attempt that came to nothing; then the last of them. A server that greylists lets a
message in after some minutes (RFC 6647, section 4.3: a delay of 5 minutes to an hour)."""
GIVEN_UP = timedelta(days=5)
"""RFC 5321, section 4.5.4.1: a sender gives up after 4 to 5 days."""
MOST_UNKNOWN = 3
"""So many attempts of which nobody knows the result: each may be a copy in the reader's mail box."""

Sleep = Callable[[float], None]
Clock = Callable[[], datetime]


def state_after(before: DeliveryState, answer: ServerAnswer) -> DeliveryState:
    """What is known of a message after another attempt; a doubt of before ends only when a server has the message."""
    if answer.state.arrived or before is not DeliveryState.UNKNOWN:
        return answer.state
    return DeliveryState.UNKNOWN


def after(message: StoredMessage, answer: ServerAnswer, now: datetime) -> StoredMessage:
    """A message with what came back: when it is sent again, or that nothing is to be sent any more."""
    state = state_after(message.state, answer)
    attempts = message.attempts + 1
    known = replace(message, state=state, attempts=attempts, tried_at=now, next_at=None, said=answer.said)
    if state.arrived or answer.state is DeliveryState.REFUSED:
        return replace(known, settled_at=now)
    if message.state is answer.state is DeliveryState.UNKNOWN and attempts >= MOST_UNKNOWN:
        return replace(known, settled_at=now, said=Message.of("delivery.too_often", count=attempts, said=answer.said))
    return replace(known, next_at=now + PAUSES[min(attempts, len(PAUSES)) - 1])


def given_up(message: StoredMessage, said: Message, now: datetime) -> StoredMessage:
    """A message that is not sent any more; its news are in the next digest."""
    state = DeliveryState.REFUSED if message.state is DeliveryState.WAITING else message.state
    return replace(message, state=state, settled_at=now, next_at=None, said=said)


def sent_with_pauses(channel: Channel, letter: OutgoingMessage, sleep: Sleep) -> ServerAnswer:
    """Send a letter, and again after some seconds where nothing was handed over and a pause may help."""
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(max=LONGEST_PAUSE),
        retry=retry_if_result(_again_soon),
        retry_error_callback=_last_answer,
        sleep=sleep,
    )
    return retrying(channel.send, letter)


def _again_soon(answer: ServerAnswer) -> bool:
    return answer.again_soon


def _last_answer(state: RetryCallState) -> ServerAnswer:
    assert state.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
    answer: ServerAnswer = state.outcome.result()
    return answer


Completed = Callable[[StoredMessage, OutgoingMessage], OutgoingMessage | None]
"""Gives a letter as it is sent, or None where that is no longer possible."""


def _as_stored(_message: StoredMessage, letter: OutgoingMessage) -> OutgoingMessage:
    return letter


@dataclass(frozen=True)
class SentMessage:
    """A message after an attempt to send it."""

    message: StoredMessage
    channel_down: bool = False

    @property
    def in_trouble(self) -> bool:
        """Whether a person should know of it: more is wrong than that a server asks for patience."""
        return self.channel_down or (not self.message.state.arrived and self.message.state is not DeliveryState.WAITING)


@dataclass(frozen=True)
class PostOffice:
    """The channels of a study, its people, and the store with their messages. One process at a time may send."""

    study: str
    store: Store
    channels: Channels
    people: Mapping[tuple[str, str], Recipient]
    """By role and address."""
    zone: tzinfo
    clock: Clock
    sleep: Sleep
    completed: Completed
    """Adds what a message is sent with and the store does not have."""

    @classmethod
    def of(
        cls,
        study: str,
        store: Store,
        channels: Channels,
        people: Iterable[Recipient],
        *,
        zone: tzinfo,
        clock: Clock,
        sleep: Sleep,
        completed: Completed = _as_stored,
    ) -> PostOffice:
        """Open it for the people of a study."""
        return cls(
            study, store, channels, {(one.role, one.address): one for one in people}, zone, clock, sleep, completed
        )

    def send_all(self) -> tuple[SentMessage, ...]:
        """Send every message that is still to be sent, as a round does; gives each with what became of it."""
        return tuple(self._sent(self.store.unsettled_messages(self.study)))

    def send_due(self) -> tuple[SentMessage, ...]:
        """Send those alone whose pause is over."""
        return tuple(self._sent(self.store.unsettled_messages(self.study, self.clock())))

    def _sent(self, waiting: Iterable[StoredMessage]) -> Iterator[SentMessage]:
        """Send messages. A channel that is down is not tried again for those after it, and stops no other channel."""
        down: set[str] = set()
        for message in waiting:
            sent = self._one(message, down)
            self.store.change_message(sent.message)
            log_sent(sent.message)
            yield sent

    def _one(self, message: StoredMessage, down: set[str]) -> SentMessage:
        channel, recipient, now = (
            self.channels.get(message.channel),
            self.people.get((message.role, message.recipient)),
            self.clock(),
        )
        if channel is None:
            said = Message.of("delivery.channel_gone", channel=message.channel)
            return SentMessage(given_up(message, said, now))
        if recipient is None:
            return SentMessage(given_up(message, Message.of("delivery.person_gone"), now))
        if now - message.written_at > GIVEN_UP:
            said = Message.of("delivery.given_up", days=GIVEN_UP.days, said=message.said)
            return SentMessage(given_up(message, said, now))
        if message.is_sealed or message.channel in down:
            said = Message.of("delivery.sealed" if message.is_sealed else "delivery.channel_down")
            return SentMessage(replace(message, next_at=now + PAUSES[0], said=said), channel_down=True)
        letter = self.completed(message, self._letter(message, recipient))
        if letter is None:
            return SentMessage(given_up(message, Message.of("delivery.file_gone"), now))
        begun = replace(message, state=DeliveryState.UNKNOWN, said=Message.of("delivery.attempt_open"))
        self.store.change_message(replace(begun, attempts=message.attempts + 1, tried_at=now))
        answer = sent_with_pauses(channel, letter, self.sleep)
        if answer.channel_down:
            down.add(message.channel)
        return SentMessage(after(message, answer, self.clock()), answer.channel_down)

    def _letter(self, message: StoredMessage, recipient: Recipient) -> OutgoingMessage:
        return OutgoingMessage(
            message_id=message.message_id,
            recipient=recipient,
            subject=message.subject,
            text=message.text,
            html=message.html,
            written_at=message.written_at.astimezone(self.zone),
            attachments=message.attachments,
        )


def log_sent(message: StoredMessage) -> None:
    """Say in the log what became of a message: delivered only where a server said so."""
    patience = logging.WARNING if message.state is DeliveryState.WAITING else logging.ERROR
    level = logging.INFO if message.state.arrived else patience
    log.log(level, "%s for %s by %s: %s (%s)", message.kind, message.role, message.channel, message.state, message.said)
