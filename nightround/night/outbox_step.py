"""Sends what the store has for people, tells the data manager of a channel that does not work, and tries a channel."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.digests.channel_trouble import trial_notice, trouble_notice
from nightround.digests.channels.channel import Channels, OutgoingMessage
from nightround.digests.channels.channel_kinds import channels_of
from nightround.digests.digest_writer import DATA_MANAGER
from nightround.digests.notifying import notify_directly
from nightround.digests.post_office import Clock, PostOffice, SentMessage, Sleep, log_sent
from nightround.model.delivery import DeliveryState
from nightround.model.errors import RoundAlreadyRunning, UsageWrong
from nightround.model.language import Language
from nightround.model.recipient import OUTBOX, Recipient
from nightround.night.report_delivery import note_receipts, with_files
from nightround.night.study_database import existing_store
from nightround.night.study_locks import Waiting, only_one
from nightround.night.study_place import StudyPlace, known_settings, place_of
from nightround.snapshots.vault import find_key
from nightround.store.database import Store
from nightround.store.flood_rows import Flood
from nightround.store.message_rows import MessageKind, StoredMessage
from nightround.study.folder import Content
from nightround.study.settings import StudySettings, read_settings
from nightround.texts.catalogue import in_language
from redcap_sync.messages import Message

log = logging.getLogger(__name__)

SENDING = ".outbox.lock"
"""One process at a time sends the messages of a study, so that none is sent twice."""
A_WHILE, AT_ONCE = Waiting(300, mailed=False), Waiting(0, mailed=False)
SHOWN = (
    DeliveryState.DELIVERED,
    DeliveryState.WRITTEN,
    DeliveryState.WAITING,
    DeliveryState.UNKNOWN,
    DeliveryState.REFUSED,
)
"""In this order the note of a step counts them."""


@dataclass(frozen=True)
class OutboxFacts:
    """What sending needs of a study: its settings and channels, and the hour."""

    study: str
    folder: Path
    """The data folder of the study."""
    settings: StudySettings
    channels: Channels
    clock: Clock
    sleep: Sleep

    @classmethod
    def of(
        cls, place: StudyPlace, settings: StudySettings, environ: Mapping[str, str], clock: Clock, sleep: Sleep
    ) -> OutboxFacts:
        """The channels as the settings describe them, with secrets of the environment."""
        channels = channels_of(settings.channels, place.data / OUTBOX, environ, sleep)
        return cls(place.id, place.data, settings, channels, clock, sleep)

    @property
    def zone(self) -> tzinfo:
        """The zone of the study's clock."""
        return ZoneInfo(self.settings.study.time_zone)

    def office(self, store: Store) -> PostOffice:
        """The post office of the study."""
        people = self.settings.recipients()
        return PostOffice.of(
            self.study,
            store,
            self.channels,
            people,
            zone=self.zone,
            clock=self.clock,
            sleep=self.sleep,
            completed=lambda message, letter: with_files(self, store, message, letter),
        )


@dataclass(frozen=True)
class Sending:
    """What became of the messages of a step."""

    sent: tuple[SentMessage, ...] = ()
    trouble_notified: bool = False
    """Whether somebody was notified of each channel that did not work."""

    @property
    def reached_nobody(self) -> bool:
        """Whether no message got through and nobody knows it."""
        return bool(self.sent) and all(one.in_trouble for one in self.sent) and not self.trouble_notified

    @property
    def roles(self) -> frozenset[str]:
        """Who has a message for sure."""
        return frozenset(one.message.role for one in self.sent if one.message.state.arrived)

    def note(self) -> Message:
        """How many messages came to what, for the note of a step."""
        return sent_note([one.message.state for one in self.sent])


def sent_note(states: Sequence[DeliveryState]) -> Message:
    """How many messages came to what."""
    counts = Counter(states)
    parts = tuple(Message.of(f"step.sent.{state.value}", count=counts[state]) for state in SHOWN if counts[state])
    return Message.of("step.alert", parts=parts or (Message.of("step.alert_nothing"),))


def send_messages(outgoing: OutboxFacts, store: Store, run_id: int, *, due_only: bool = False) -> Sending:
    """Send everything that waits, as a round does, and tell the data manager of each channel that does not work.

    With `due_only` what was tried a moment ago is left alone.
    """
    with _alone(outgoing, store) as free:
        office = outgoing.office(store)
        sent = (office.send_due() if due_only else office.send_all()) if free else ()
        note_receipts(outgoing, store)
    down = frozenset(one.message.channel for one in sent if one.channel_down)
    notified = [_notify_of_trouble(outgoing, store, run_id, *of_channel, down=down) for of_channel in _in_trouble(sent)]
    return Sending(sent, trouble_notified=all(notified))


def send_due_messages(
    name: str, *, data: Path, content: Content, environ: Mapping[str, str], clock: Clock, sleep: Sleep
) -> None:
    """Send what is due of a study between two rounds, and tell the data manager what is given up.

    A study that never ran, or whose settings nobody could ever read, is left alone.
    """
    place = place_of(name, data, content)
    settings = known_settings(place)
    if settings is None:
        return
    outgoing = OutboxFacts.of(place, settings, environ, clock, sleep)
    key = find_key(environ, variable=settings.snapshots.key_env, file=settings.snapshots.key_file)
    with existing_store(place, settings, environ, key) as store:
        if store is None:
            return
        with _alone(outgoing, store, AT_ONCE) as free:
            sent = outgoing.office(store).send_due() if free else ()
            note_receipts(outgoing, store)
        for channel, messages in _in_trouble([one for one in sent if one.message.settled_at]):
            _notify_of_trouble(outgoing, store, messages[0].run_id, channel, messages, down=frozenset({channel}))


@contextmanager
def _alone(outgoing: OutboxFacts, store: Store, waiting: Waiting = A_WHILE) -> Iterator[bool]:
    """Be the only one that sends messages of the study; False where another process does for too long."""
    with ExitStack() as opened:
        try:
            shared = partial(store.lock_tried, outgoing.study)
            opened.enter_context(only_one(outgoing.folder, SENDING, waiting, outgoing.sleep, shared))
        except RoundAlreadyRunning:
            log.warning("another process sends the messages of this study; what it leaves waits for the next round")
            yield False
            return
        yield True


def _in_trouble(sent: Sequence[SentMessage]) -> Iterator[tuple[str, list[StoredMessage]]]:
    """The messages that did not get through, by channel."""
    found = sorted((one.message for one in sent if one.in_trouble), key=lambda one: (one.channel, one.id))
    for channel, messages in groupby(found, key=lambda one: one.channel):
        yield channel, list(messages)


def _notify_of_trouble(
    outgoing: OutboxFacts,
    store: Store,
    run_id: int,
    channel: str,
    messages: Sequence[StoredMessage],
    *,
    down: Container[str],
) -> bool:
    """Tell the data manager, or whom the study names first, by the next channel that works; whether that is so."""
    everybody = outgoing.settings.recipients()
    managers = [one for one in everybody if one.role == DATA_MANAGER] or everybody[:1]
    short, now = outgoing.settings.study.short_name, outgoing.clock().astimezone(outgoing.zone)
    notified = False
    for manager in managers:
        notice = trouble_notice(short, outgoing.study, channel, messages, recipient=manager)
        sent = notify_directly(notice, outgoing.channels, now=now, sleep=outgoing.sleep, not_by=channel, down=down)
        for one in sent:
            message = one.message(study=outgoing.study, run_id=run_id, kind=MessageKind.TROUBLE, now=now)
            log_sent(message)
            if message.state.arrived:
                keep(store, message)
                notified = True
    if not notified:
        log.error("nobody could be notified that the channel %s does not work", channel)
    return notified


def keep(store: Store, message: StoredMessage) -> None:
    """Keep a message that was sent without the store. It tells of no finding: the next digest goes on as before."""
    position = store.notified_upto(message.study, message.reader)
    store.keep_message(replace(message, since=position, upto=position))


@dataclass(frozen=True)
class Trial:
    """What came back when a channel was tried."""

    channel: str
    state: DeliveryState
    said: Message


def try_channels(
    name: str, role: str, *, data: Path, content: Content, environ: Mapping[str, str], clock: Clock, sleep: Sleep
) -> tuple[Trial, ...]:
    """Send one harmless message by each channel of a role, once; raises UsageWrong for a role that nobody has."""
    place = place_of(name, data, content)
    outgoing = OutboxFacts.of(place, read_settings(place.folder), environ, clock, sleep)
    people = [one for one in outgoing.settings.recipients() if one.role == role]
    if not people:
        roles = ", ".join(one.role for one in outgoing.settings.people)
        raise UsageWrong("channel.no_role", role=role, known=roles or "-")
    return tuple(_tried(outgoing, person, channel) for person in people for channel in person.channels)


def _tried(outgoing: OutboxFacts, person: Recipient, name: str) -> Trial:
    channel, now = outgoing.channels[name], outgoing.clock().astimezone(outgoing.zone)
    notice = trial_notice(outgoing.settings.study.short_name, name, recipient=person, now=now)
    answer = channel.send(OutgoingMessage.of(notice, name, channel.domain, now))
    return Trial(name, answer.state, answer.said)


def messages_document(
    name: str, *, data: Path, content: Content, environ: Mapping[str, str], language: Language = "en"
) -> dict[str, Any]:
    """Every message of a study with its state, oldest first, and every flood, in times of its own clock, as JSON."""
    place = place_of(name, data, content)
    settings = known_settings(place)
    zone = ZoneInfo(settings.study.time_zone if settings else "UTC")
    with existing_store(place, settings, environ) as store:
        found, floods = (store.messages(place.id), store.floods(place.id)) if store else ((), ())
    return {
        "study": place.id,
        "messages": [message_document(one, zone, language) for one in found],
        "floods": [_flood_document(one, zone) for one in floods],
    }


def _flood_document(flood: Flood, zone: tzinfo) -> dict[str, Any]:
    """A flood as JSON: what is held back, or was, and who released it ('' where nothing of it was open any more)."""
    return {
        "rule_id": flood.rule_id,
        "run": flood.run_id,
        "at": _hour(flood.at, zone),
        "opened": flood.opened,
        "checked": flood.checked,
        "held": flood.ended_run is None,
        "ended_at": _hour(flood.ended_at, zone),
        "released_by": flood.ended_by,
    }


def _hour(moment: datetime | None, zone: tzinfo) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None


def message_document(message: StoredMessage, zone: tzinfo, language: Language = "en") -> dict[str, Any]:
    """A message as JSON; its texts are not in it."""
    return {
        "id": message.id,
        "message_id": message.message_id,
        "kind": message.kind.value,
        "run": message.run_id,
        "role": message.role,
        "channel": message.channel,
        "subject": message.subject,
        "state": message.state.value,
        "said": in_language(message.said, language),
        "attempts": message.attempts,
        "written_at": _hour(message.written_at, zone),
        "tried_at": _hour(message.tried_at, zone),
        "next_at": _hour(message.next_at, zone),
        "settled_at": _hour(message.settled_at, zone),
    }


def undelivered(messages: Sequence[StoredMessage]) -> list[StoredMessage]:
    """The messages that did not arrive, without those whose news a later one brought on the same channel."""
    return [
        one
        for place, one in enumerate(messages)
        if not one.state.arrived and not any(_brings_news_of(later, one) for later in messages[place + 1 :])
    ]


def _brings_news_of(later: StoredMessage, earlier: StoredMessage) -> bool:
    return (
        later.reader == earlier.reader
        and later.state.arrived
        and later.since <= earlier.since
        and earlier.settled_at is not None
    )
