"""The alert step: what changed since each person was last told is written down, for every channel of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nightround.digests.channels.channel import Channel, Channels, OutgoingMessage, ServerAnswer
from nightround.digests.compose import DATA_MANAGER, MONDAY, digest
from nightround.digests.failed_round import FailedRound, failure_notice
from nightround.digests.notice import Notice, RunSummary
from nightround.digests.post_office import Sleep, after, sent_with_pauses
from nightround.digests.templates import DigestTemplates
from nightround.model.finding import LedgerDelta
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import OUTBOX, Recipient
from nightround.model.rule import Rule
from nightround.store.database import Store
from nightround.store.message_rows import MessageKind, StoredMessage


@dataclass(frozen=True)
class Teller:
    """Whom to tell, on what, and all that stays the same from one mail to the next."""

    study: str
    title: Words
    rules: Mapping[str, Rule]
    recipients: Sequence[Recipient]
    channels: Channels
    places: Places
    templates: DigestTemplates
    synthetic: bool = False

    def write(self, store: Store, run_id: int, night: RunSummary, now: datetime) -> None:
        """Write what is new to each person, in one transaction with the place up to which it tells; nothing is sent."""
        with store.writing_messages(self.study) as pen:
            for recipient, channel in pairs(self.recipients, self.channels):
                since = pen.told(recipient.address, channel.name)
                delta, upto = pen.changes_since(since)
                notice = self._digest(delta, recipient, replace(night, first_mail=not since), now)
                if notice is not None:
                    letter = OutgoingMessage.of(notice, channel.name, channel.domain, now)
                    message = stored(letter, channel.name, study=self.study, run_id=run_id, kind=MessageKind.DIGEST)
                    pen.write(replace(message, since=since, upto=upto))

    def _digest(self, delta: LedgerDelta, recipient: Recipient, night: RunSummary, now: datetime) -> Notice | None:
        return digest(
            self.title,
            delta,
            night=night,
            rules=self.rules,
            recipient=recipient,
            places=self.places,
            templates=self.templates,
            now=now,
            synthetic=self.synthetic,
        )


def pairs(recipients: Iterable[Recipient], channels: Channels) -> Iterator[tuple[Recipient, Channel]]:
    """Each person with each of their channels."""
    return ((one, channels[name]) for one in recipients for name in one.channels if name in channels)


def stored(letter: OutgoingMessage, channel: str, *, study: str, run_id: int, kind: MessageKind) -> StoredMessage:
    """A letter as the store keeps it."""
    return StoredMessage(
        study=study,
        run_id=run_id,
        kind=kind,
        role=letter.recipient.role,
        recipient=letter.recipient.address,
        channel=channel,
        message_id=letter.message_id,
        written_at=letter.written_at,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
    )


@dataclass(frozen=True)
class DirectDelivery:
    """A letter that was sent without the store, and what came back."""

    channel: str
    letter: OutgoingMessage
    answer: ServerAnswer

    def message(self, *, study: str, run_id: int, kind: MessageKind, now: datetime) -> StoredMessage:
        """The letter as the store keeps it, with what came back."""
        return after(stored(self.letter, self.channel, study=study, run_id=run_id, kind=kind), self.answer, now)


def tell_of_failure(
    title: Words,
    failed: FailedRound,
    *,
    recipients: Iterable[Recipient],
    channels: Channels,
    now: datetime,
    sleep: Sleep,
    synthetic: bool = False,
) -> tuple[DirectDelivery, ...]:
    """Deliver that a round failed, and why. No finding is in it: the next digest has what changed meanwhile.

    The data manager gets it; everybody does on the day of the weekly sign of life, and where there is no data manager.
    It needs neither the store nor the outbox folder.
    """
    everybody = tuple(recipients)
    managers = tuple(one for one in everybody if one.role == DATA_MANAGER)
    told = everybody if not managers or now.isoweekday() == MONDAY else managers
    found: list[DirectDelivery] = []
    for recipient in told:
        notice = failure_notice(title, failed, recipient=recipient, now=now, synthetic=synthetic)
        found += tell_directly(notice, channels, now=now, sleep=sleep)
    return tuple(found)


def tell_directly(
    notice: Notice, channels: Channels, *, now: datetime, sleep: Sleep, not_by: str = ""
) -> tuple[DirectDelivery, ...]:
    """Send a notice by each channel of its reader, and where none of them works by the next one that does.

    `not_by` is a channel that is known not to work.
    """
    own = [name for name in notice.recipient.channels if name in channels and name != not_by]
    others = [name for name in channels if name not in (*own, OUTBOX, not_by)]
    rest = [*others, *({OUTBOX} - {*own, not_by})]
    found = [_sent(notice, channels[name], now, sleep) for name in own]
    for name in rest:
        if any(one.answer.state.arrived for one in found):
            break
        found.append(_sent(notice, channels[name], now, sleep))
    return tuple(found)


def _sent(notice: Notice, channel: Channel, now: datetime, sleep: Sleep) -> DirectDelivery:
    letter = OutgoingMessage.of(notice, channel.name, channel.domain, now)
    return DirectDelivery(channel.name, letter, sent_with_pauses(channel, letter, sleep))
