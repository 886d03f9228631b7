"""A released report on its way to its readers: a message for each, its files, and what the register has of it.

No file of a report is kept in the database: a message says which version of which run it is about, and its files are
read from the reports folder, and compared with the register, each time it is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightround.digests.channels.channel import OutgoingMessage
from nightround.digests.channels.outbox_folder import OutboxFolder
from nightround.digests.channels.smtp import SmtpChannel
from nightround.digests.digest_writer import DATA_MANAGER
from nightround.digests.notifying import notify_directly, stored
from nightround.digests.report_letters import late_notice, released_notice
from nightround.model.attached_file import XLSX, AttachedFile
from nightround.model.delivery import DeliveryState
from nightround.model.recipient import Recipient
from nightround.store.database import Store
from nightround.store.message_rows import MessageKind, StoredMessage

if TYPE_CHECKING:
    from nightround.night.outbox_step import OutboxFacts
    from nightround.report.register import RegisterEntry

KINDS = {"open": MessageKind.OPEN_REPORT, "closed": MessageKind.CLOSED_REPORT}
FOLDER = "folder"
REPORTS = "reports"
"""The folder of reports, in the study's data folder."""
PDF = "application/pdf"


@dataclass(frozen=True)
class Released:
    """What was released of a snapshot; `whole` is the one report of a study that compares no groups."""

    snapshot: str
    versions: Collection[str]
    whole: bool = False


def write_report_messages(
    outgoing: OutboxFacts, store: Store, run_id: int, released: Released, *, now: datetime
) -> None:
    """Write a message to each reader of a version that was released; none to who has that of this snapshot already."""
    from nightround.report.register import Register

    snapshot = released.snapshot
    entry = Register.read(outgoing.folder / REPORTS).of(snapshot)
    readers = [one for one in outgoing.settings.recipients() if one.reports in released.versions]
    if entry is None or not readers:
        return
    store.note_snapshot(run_id, snapshot)
    snapshots = store.run_snapshots(outgoing.study)
    earlier = [one for one in store.messages(outgoing.study) if snapshots.get(one.run_id) == snapshot]
    notified = {(one.role, one.recipient, one.kind.report) for one in earlier if one.counts_as_notified}
    with store.writing_messages(outgoing.study) as pen:
        for reader in readers:
            if (reader.role, reader.address, reader.reports) not in notified:
                pen.write(_message(outgoing, entry, reader, run_id, now, whole=released.whole))


def _message(
    outgoing: OutboxFacts, entry: RegisterEntry, reader: Recipient, run_id: int, now: datetime, *, whole: bool
) -> StoredMessage:
    channel = outgoing.channels[channel_for_reports(outgoing, reader)]
    study = outgoing.settings.study
    names = files_of(entry, reader.reports, reader.language)
    attached = is_attached(outgoing, channel.name)
    notice = released_notice(
        study.short_name,
        snapshot=entry.snapshot,
        day=entry.cutoff.date(),
        files=[Path(one).name if attached else f"{REPORTS}/{one}" for one in names],
        attached=attached,
        whole=whole,
        recipient=reader,
        synthetic=study.synthetic,
    )
    letter = OutgoingMessage.of(notice, channel.name, channel.domain, now)
    return stored(letter, channel.name, study=outgoing.study, run_id=run_id, kind=KINDS[reader.reports])


def channel_for_reports(outgoing: OutboxFacts, reader: Recipient) -> str:
    """The channel by which a reader gets reports: the first of theirs that takes files, else their first one."""
    takes_files = (name for name in reader.channels if takes_attachments(outgoing, name))
    return next(takes_files, reader.channels[0])


def takes_attachments(outgoing: OutboxFacts, channel: str) -> bool:
    """Whether a channel is one of mails; a chat takes text alone."""
    return isinstance(outgoing.channels[channel], SmtpChannel | OutboxFolder)


def is_attached(outgoing: OutboxFacts, channel: str) -> bool:
    """Whether a report goes with its message, or the message says where it is."""
    return outgoing.settings.report.delivery != FOLDER and takes_attachments(outgoing, channel)


def files_of(entry: RegisterEntry, version: str, language: str) -> list[str]:
    """The printed report of one version in one language, by its place in the reports folder."""
    return [
        name
        for name in sorted(entry.files)
        if name.endswith(f"_{language}.pdf") and name.startswith("open/") is (version == "open")
    ]


def with_files(
    outgoing: OutboxFacts, store: Store, message: StoredMessage, letter: OutgoingMessage
) -> OutgoingMessage | None:
    """A letter as it is sent: one about a report with its files; None where these are not those that were released.

    Who is no longer named for a version does not get it, though a message to them was written.
    """
    version = message.kind.report
    if not version:
        return _with_worklist(outgoing, letter) if message.kind is MessageKind.DIGEST else letter
    if letter.recipient.reports != version:
        return None
    if not is_attached(outgoing, message.channel):
        return letter
    files = _released_files(outgoing, store, message, letter.recipient)
    encrypted = outgoing.settings.report.delivery == "encrypted"
    return replace(letter, attachments=files, encrypted=encrypted) if files else None


def _with_worklist(outgoing: OutboxFacts, letter: OutgoingMessage) -> OutgoingMessage:
    """A digest as it is sent: a worklist names records, and goes encrypted where mails of the study may not.

    Without a certificate any more it does not go at all.
    """
    others = tuple(one for one in letter.attachments if one.media_type != XLSX)
    if len(others) == len(letter.attachments) or outgoing.settings.study.record_id_in_messages:
        return letter
    return replace(letter, encrypted=True) if letter.recipient.certificate else replace(letter, attachments=others)


def _released_files(
    outgoing: OutboxFacts, store: Store, message: StoredMessage, reader: Recipient
) -> tuple[AttachedFile, ...]:
    from nightround.report.edition import digest
    from nightround.report.register import Register

    snapshot = store.run_snapshots(outgoing.study).get(message.run_id)
    folder = outgoing.folder / REPORTS
    entry = Register.read(folder).of(snapshot or "")
    if entry is None:
        return ()
    found = []
    for name in files_of(entry, message.kind.report, reader.language):
        try:
            content = (folder / name).read_bytes()
        except OSError:
            return ()
        if digest(content) != entry.files[name]:
            return ()
        found.append(AttachedFile(Path(name).name, PDF, content))
    return tuple(found)


def note_receipts(outgoing: OutboxFacts, store: Store) -> None:
    """Write into the register who was given which version: each reader to whom a server delivered it."""
    delivered = [
        one for one in store.messages(outgoing.study) if one.kind.report and one.state is DeliveryState.DELIVERED
    ]
    if not delivered:
        return
    from nightround.report.register import Received, Register, write_register

    register = before = Register.read(outgoing.folder / REPORTS)
    snapshots: Mapping[int, str] = store.run_snapshots(outgoing.study)
    for one in delivered:
        entry = register.of(snapshots.get(one.run_id, ""))
        known = {(given.role, given.version) for given in entry.received} if entry else set()
        if entry and one.settled_at and (one.role, one.kind.report) not in known:
            register = register.with_receipt(entry.snapshot, Received(one.role, one.kind.report, one.settled_at))
    if register != before:
        write_register(register)


def tell_report_is_late(outgoing: OutboxFacts, now: datetime) -> list[StoredMessage]:
    """Notify the readers of a report that was due and not released; another mail tells the data manager why."""
    readers = [one for one in outgoing.settings.recipients() if one.reports and one.role != DATA_MANAGER]
    short, today = outgoing.settings.study.short_name, now.astimezone(outgoing.zone)
    return [
        sent.message(study=outgoing.study, run_id=0, kind=MessageKind.LATE_REPORT, now=now)
        for reader in readers
        for sent in notify_directly(
            late_notice(short, day=today.date(), recipient=reader), outgoing.channels, now=today, sleep=outgoing.sleep
        )
    ]
