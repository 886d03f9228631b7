"""The alert step: what changed since each person was last notified is written down, for every channel of theirs."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from nightround.digests.channels.channel import Channel, Channels, OutgoingMessage, ServerAnswer
from nightround.digests.compose import DigestFacts, digest, private_list, waiting_for
from nightround.digests.digest_writer import DATA_MANAGER, MONDAY
from nightround.digests.failed_round import FailedRound, failure_notice
from nightround.digests.floods import FloodSince
from nightround.digests.notice import Notice, RunSummary
from nightround.digests.post_office import Sleep, after, sent_with_pauses
from nightround.digests.reader_news import NOTHING_AGREED, Agreed
from nightround.digests.reader_worklist import Worklists, no_worklist
from nightround.digests.templates import DigestTemplates
from nightround.model.attached_file import AttachedFile
from nightround.model.finding import LedgerDelta
from nightround.model.language import Language, Words
from nightround.model.links import Places
from nightround.model.recipient import OUTBOX, Recipient
from nightround.model.rule import Rule
from nightround.store.database import Store
from nightround.store.flood_rows import Flood
from nightround.store.message_pen import MessagePen
from nightround.store.message_rows import MessageKind, Reader, StoredMessage
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private

WORKLIST = "worklist_{}.xlsx"
"""The name of a worklist in the folder of a run."""


@dataclass(frozen=True)
class Notifier:
    """Whom to notify, of what, and all that stays the same from one mail to the next."""

    study: str
    title: Words
    rules: Mapping[str, Rule]
    recipients: Sequence[Recipient]
    channels: Channels
    places: Places
    templates: DigestTemplates
    agreed: Agreed = NOTHING_AGREED
    lists: ListFolder | None = None
    """Where the lists with records are written, in a study whose mails name none."""
    group_trouble: Mapping[str, Message] = field(default_factory=dict)
    """Why the data access group of a reader is not known, by address."""
    floods: Sequence[Flood] = ()
    synthetic: bool = False
    overview: Mapping[Language, AttachedFile] = field(default_factory=dict)
    """What goes with the data manager's mail."""
    worklists: Worklists = no_worklist

    def write(self, store: Store, run_id: int, night: RunSummary, now: datetime) -> None:
        """Write what is new to each person, in one transaction with the place up to which it goes; nothing is sent."""
        with store.writing_messages(self.study) as pen:
            for recipient, channel in pairs(self.recipients, self.channels):
                reader = Reader(recipient.role, recipient.address, channel.name)
                since, last = pen.notified_upto(reader), pen.last_digest(reader)
                delta, upto = pen.changes_since(since)
                floods = tuple(self._floods(pen, recipient, since, last))
                known = replace(night, first_mail=not since, notified_at=last.written_at if last else None)
                notice = self._digest(delta, self._facts(recipient, known, now, floods), channel.name)
                if notice is not None:
                    notice = self._with_overview(notice)
                    letter = OutgoingMessage.of(notice, channel.name, channel.domain, now)
                    message = stored(letter, channel.name, study=self.study, run_id=run_id, kind=MessageKind.DIGEST)
                    pen.write(replace(message, since=since, upto=upto))

    def _with_overview(self, notice: Notice) -> Notice:
        """The data manager's mail with the overview in their language; any other as it is."""
        if notice.recipient.role != DATA_MANAGER or notice.recipient.language not in self.overview:
            return notice
        return replace(notice, attachments=(*notice.attachments, self.overview[notice.recipient.language]))

    def _floods(
        self, pen: MessagePen, recipient: Recipient, since: int, last: StoredMessage | None
    ) -> Iterator[FloodSince]:
        """The floods that hold something back from a reader, or did until the last digest."""
        if recipient.role == DATA_MANAGER:
            return
        notified_run = last.run_id if last else 0
        for one in self.floods:
            if one.ended_run is None or one.ended_run > notified_run:
                changes = pen.changes_since(min(since, one.position)).delta
                yield FloodSince(one.rule_id, one.ended_run is None, changes)

    def _facts(
        self, recipient: Recipient, night: RunSummary, now: datetime, floods: Sequence[FloodSince]
    ) -> DigestFacts:
        trouble = self.group_trouble
        shown = trouble.values() if recipient.role == DATA_MANAGER else filter(None, [trouble.get(recipient.address)])
        return {
            "night": replace(night, group_trouble=tuple(shown)),
            "rules": self.rules,
            "recipient": recipient,
            "places": self.places,
            "templates": self.templates,
            "now": now,
            "agreed": self.agreed,
            "floods": floods,
        }

    def _digest(self, delta: LedgerDelta, facts: DigestFacts, channel: str) -> Notice | None:
        """The digest of one person, with the lists beside it that name records where the mail does not."""
        recipient, agreed = facts["recipient"], self.agreed
        number = 1 + self.recipients.index(recipient)
        beside: dict[str, bytes] = {}
        attached: tuple[AttachedFile, ...] = ()
        if self.lists is not None and not self.places.record_id_allowed:
            name = list_name(number, recipient.role)
            beside[name] = private_list(delta, **facts).encode()
            agreed = replace(agreed, private_list=self.lists.shown(name))
        worklist = self.worklists(recipient, channel, waiting_for(delta, **facts)) if recipient.worklist else None
        if worklist is not None and worklist.attached:
            agreed, attached = replace(agreed, worklist=""), (worklist.file,)
        elif worklist is not None and self.lists is not None:
            name = list_name(number, recipient.role, WORKLIST)
            beside[name] = worklist.file.content
            agreed = replace(agreed, worklist=self.lists.shown(name))
        facts["agreed"] = agreed
        notice = digest(self.title, delta, **facts, synthetic=self.synthetic)
        if notice is None:
            return None
        if self.lists is not None:
            for name, content in beside.items():
                self.lists.write(name, content)
        return replace(notice, attachments=(*notice.attachments, *attached))


@dataclass(frozen=True)
class ListFolder:
    """The folder of a run, for the lists that go with its mails."""

    folder: Path
    data: Path

    def shown(self, name: str) -> str:
        """Where a list is, from the data folder of the study on."""
        return (self.folder / name).relative_to(self.data).as_posix()

    def write(self, name: str, content: bytes) -> None:
        """Write a reader's list, readable by its owner only."""
        write_private(self.folder / name, content)


def list_name(number: int, role: str, form: str = "list_{}.csv") -> str:
    """`list_2_coordinator.csv`: the place of a reader in study.toml and the role, no address."""
    return form.format(f"{number}_{re.sub(r'[^A-Za-z0-9_-]+', '-', role)}")


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
        attachments=letter.attachments,
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


def notify_of_failure(
    title: Words,
    failed: FailedRound,
    *,
    recipients: Iterable[Recipient],
    channels: Channels,
    now: datetime,
    sleep: Sleep,
    synthetic: bool = False,
    short: Words | None = None,
) -> tuple[DirectDelivery, ...]:
    """Deliver that a round failed, and why. No finding is in it: the next digest has what changed meanwhile.

    The data manager gets it; everybody does on the day of the weekly sign of life, and where there is no data manager.
    It needs neither the store nor the outbox folder.
    """
    everybody = tuple(recipients)
    managers = tuple(one for one in everybody if one.role == DATA_MANAGER)
    notified = everybody if not managers or now.isoweekday() == MONDAY else managers
    found: list[DirectDelivery] = []
    down: set[str] = set()
    for recipient in notified:
        notice = failure_notice(title, failed, recipient=recipient, now=now, synthetic=synthetic, short=short)
        found += notify_directly(notice, channels, now=now, sleep=sleep, down=down)
        down |= {one.channel for one in found if one.answer.channel_down}
    return tuple(found)


def notify_directly(
    notice: Notice, channels: Channels, *, now: datetime, sleep: Sleep, not_by: str = "", down: Container[str] = ()
) -> tuple[DirectDelivery, ...]:
    """Send a notice by each channel of its reader, and where none of them works by the next one that does.

    `not_by` is a channel that the notice is about. Those that are `down` did not work a moment ago: what would go by
    them waits.
    """
    own = [name for name in notice.recipient.channels if name in channels and name != not_by]
    others = [name for name in channels if name not in (*own, OUTBOX, not_by) and name not in down]
    rest = [*others, *({OUTBOX} - {*own, not_by})]
    found = [_sent(notice, channels[name], now, sleep, down) for name in own]
    for name in rest:
        if any(one.answer.state.arrived for one in found):
            break
        found.append(_sent(notice, channels[name], now, sleep, down))
    return tuple(found)


def _sent(notice: Notice, channel: Channel, now: datetime, sleep: Sleep, down: Container[str]) -> DirectDelivery:
    letter = OutgoingMessage.of(notice, channel.name, channel.domain, now)
    known = ServerAnswer.down("delivery.channel_down") if channel.name in down else None
    return DirectDelivery(channel.name, letter, known or sent_with_pauses(channel, letter, sleep))
