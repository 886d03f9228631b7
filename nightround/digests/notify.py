"""The alert step: everybody is told what changed since they were last told, on every channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nightround.digests.channels.channel import Channel, ChannelFailed
from nightround.digests.compose import DATA_MANAGER, MONDAY, digest
from nightround.digests.failed_round import FailedRound, failure_notice
from nightround.digests.notice import Notice, RunSummary
from nightround.digests.templates import DigestTemplates
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.model.rule import Rule
from nightround.store.database import Store
from nightround.store.digest_rows import SentDigest


@dataclass(frozen=True)
class Delivery:
    """One digest on one channel; `trouble` says why it was not delivered, '' when it was."""

    channel: str
    notice: Notice
    trouble: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class Teller:
    """Whom to tell, on what, and all that stays the same from one mail to the next."""

    study: str
    title: Words
    rules: Mapping[str, Rule]
    recipients: Sequence[Recipient]
    channels: Sequence[Channel]
    places: Places
    templates: DigestTemplates
    synthetic: bool = False

    def tell(self, store: Store, run_id: int, night: RunSummary, now: datetime) -> tuple[Delivery, ...]:
        """Deliver what is new to each person, and remember up to where they were told.

        A channel that fails stops nobody else; its next digest begins where its last delivered one ended.
        """
        return tuple(self._deliveries(store, run_id, night, now))

    def _deliveries(self, store: Store, run_id: int, night: RunSummary, now: datetime) -> Iterator[Delivery]:
        for recipient, channel in _pairs(self.recipients, self.channels):
            since = store.last_told(self.study, recipient.address, channel.name)
            delta, upto = store.changes_since(self.study, since)
            notice = digest(
                self.title,
                delta,
                night=replace(night, first_mail=not since),
                rules=self.rules,
                recipient=recipient,
                places=self.places,
                templates=self.templates,
                now=now,
                synthetic=self.synthetic,
            )
            if notice is None:
                continue
            message_id, trouble = _attempt(channel, notice, now)
            sent = SentDigest(
                study=self.study,
                run_id=run_id,
                recipient=recipient.address,
                channel=channel.name,
                since=since,
                upto=upto,
                at=now,
                delivered=not trouble,
                subject=notice.subject,
                message_id=message_id,
                trouble=trouble,
            )
            store.record_digest(sent)
            yield Delivery(channel.name, notice, trouble, message_id)


def tell_of_failure(
    title: Words,
    failed: FailedRound,
    *,
    recipients: Iterable[Recipient],
    channels: Sequence[Channel],
    now: datetime,
    synthetic: bool = False,
) -> tuple[Delivery, ...]:
    """Deliver that a round failed, and why. No finding is in it: the next digest has what changed meanwhile.

    The data manager gets it; everybody does on the day of the weekly sign of life, and where there is no data manager.
    """
    everybody = tuple(recipients)
    managers = tuple(one for one in everybody if one.role == DATA_MANAGER)
    told = everybody if not managers or now.isoweekday() == MONDAY else managers
    found: list[Delivery] = []
    for recipient, channel in _pairs(told, channels):
        notice = failure_notice(title, failed, recipient=recipient, now=now, synthetic=synthetic)
        message_id, trouble = _attempt(channel, notice, now)
        found.append(Delivery(channel.name, notice, trouble, message_id))
    return tuple(found)


def _attempt(channel: Channel, notice: Notice, now: datetime) -> tuple[str, str]:
    """The Message-ID of what was delivered, or '' and the reason why it was not."""
    try:
        return channel.deliver(notice, now), ""
    except ChannelFailed as error:
        return "", f"{error.what} {error.why}"


def _pairs(recipients: Iterable[Recipient], channels: Sequence[Channel]) -> Iterator[tuple[Recipient, Channel]]:
    return ((recipient, channel) for recipient in recipients for channel in channels)
