"""The inbox of a study: worklists that people put into a folder are read, and each gets its receipt.

A file's answers, what became of it and the mail about it are one transaction; then it is moved. A process that is
killed before the move leaves a note in the store by which the next round moves the file and reads nothing again.
"""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from nightround.digests.channels.channel import OutgoingMessage
from nightround.digests.digest_writer import DATA_MANAGER
from nightround.digests.notifying import pairs, stored
from nightround.findings.worklist_lines import LineReceipt, ReturnedLine, ReturnedList
from nightround.findings.worklist_sheet import read_sheet
from nightround.model.errors import StudyFilesWrong, UsageWrong
from nightround.model.language import Language
from nightround.model.recipient import Recipient
from nightround.night.inbox_files import MOST_FILES, FoundFile, find_files, put_away, receipt_place, require_folder
from nightround.night.inbox_receipts import FileReceipt
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.night.study_locks import FINDINGS
from nightround.night.worklist_step import lines_read
from nightround.store.database import Store
from nightround.store.inbox_rows import InboxFate, InboxPen, InboxRow
from nightround.store.message_rows import MessageKind
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

log = logging.getLogger(__name__)

UNNAMED = "inbox"
"""Who answered, where a list does not say it."""
DAMAGED, GROWING = "worklist.damaged", "inbox.growing"


def read_inbox(facts: Round, store: Store, recorder: Recorder) -> None:
    """Read what people put into the inbox; one file's trouble stops no other, and is raised at the end."""
    folder = facts.study.settings.inbox.place(facts.folder)
    if folder is None:
        return
    with recorder.step("inbox") as note, facts.only_one(FINDINGS):
        reader = InboxReader(facts, store)
        require_folder(folder, facts.folder)
        reader.read(find_files(folder, reader.roles))
        note(Message.of("step.inbox", **reader.counts))
        reader.raise_trouble()


@dataclass
class InboxReader:
    """Reads the files of an inbox one after another."""

    facts: Round
    store: Store
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("lists", "answered", "refused", "waiting"), 0)
    )
    stuck: list[OSError] = field(default_factory=list)
    """Why files could not be moved away."""
    errors: list[Exception] = field(default_factory=list)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Everybody who may have filled in a list."""
        people = [person.role for person in self.facts.study.settings.people]
        return tuple(dict.fromkeys([*people, *(one.owner for one in self.store.findings(self.facts.study.id))]))

    def read(self, files: Sequence[FoundFile]) -> None:
        """Read so many files as one round does."""
        self.counts["waiting"] += len(files[MOST_FILES:])
        for one in files[:MOST_FILES]:
            try:
                self._read(one)
            except Exception as error:  # noqa: BLE001 - raised again once all other files were read
                self.errors.append(error)

    def raise_trouble(self) -> None:
        """Raise what kept files where they are."""
        for error in self.errors:
            raise error
        if self.stuck:
            said = errno.errorcode.get(self.stuck[0].errno or 0, "unknown")
            raise StudyFilesWrong("inbox.not_moved", count=len(self.stuck), error=said)

    def _read(self, found: FoundFile) -> None:
        earlier = self.store.inbox_rows(self.facts.study.id, found.identity)
        left = next((row for row in earlier if row.settled_at is None), None)
        if left is not None:  # read by a run that was killed before it moved the file
            self._put_away(found, left)
            return
        sheet, problem = self._opened(found, earlier)
        if problem is not None and problem.code == GROWING:
            self._leave(found, problem)
            return
        role = found.role or _named_in(found, sheet, self.roles) or next((row.role for row in earlier), "")
        known = problem is not None and any(row.reason == problem.code for row in earlier)
        self._put_away(found, self._written_down(found, role, sheet, problem, known=known))

    def _opened(
        self, found: FoundFile, earlier: Sequence[InboxRow]
    ) -> tuple[ReturnedList | None, ExplainedError | None]:
        """The list, or why it is none."""
        if found.growing:
            return None, UsageWrong(GROWING)
        if found.problem is not None:
            return None, found.problem
        if read := next((row for row in earlier if row.fate is InboxFate.DONE), None):
            when = read.at.astimezone(self.facts.hospital_time.tzinfo)
            return None, UsageWrong("inbox.read_before", when=f"{when:%Y-%m-%d %H:%M}")
        try:
            return read_sheet(found.content, self.facts.study.id), None
        except UsageWrong as error:
            growing = error.code == DAMAGED and found.may_be_on_its_way(self.facts.clock())
            return None, UsageWrong(GROWING) if growing else error

    def _written_down(
        self, found: FoundFile, role: str, sheet: ReturnedList | None, problem: ExplainedError | None, *, known: bool
    ) -> InboxRow:
        """Write the answers of a file, what became of it, and the mail about it: all of it, or nothing."""
        facts = self.facts
        readers = self._readers(role)
        fate = InboxFate.REFUSED if sheet is None else InboxFate.DONE
        with self.store.writing_inbox(facts.study.id) as pen:
            lines = self._answered(pen, sheet.lines, role or UNNAMED) if sheet else ()
            receipt = FileReceipt(self._saved_at(found), lines, problem, named=bool(role))
            row = InboxRow(
                study=facts.study.id,
                identity=found.identity,
                run_id=facts.run_id,
                at=facts.started_at,
                role=role,
                fate=fate,
                reason=problem.code if problem else "",
                receipt=receipt.table(self._language(readers)),
                settled_at=None if found.movable else facts.started_at,
            )
            row = replace(row, id=pen.note(row))
            if found.movable:
                receipt = replace(receipt, place=receipt_place(found, fate, self._label(row)))
            if not known:
                self._tell(pen, receipt, readers)
        self.counts["lists"] += sheet is not None
        self.counts["answered"] += receipt.answered
        self.counts["refused"] += sheet is None
        if problem:
            log.warning("a file of the inbox was refused: %s", problem.code)
        return row

    def _answered(self, pen: InboxPen, lines: Sequence[ReturnedLine], by: str) -> list[LineReceipt]:
        receipts, moves = lines_read(self.facts, pen.findings(), pen.versions(), lines, by=by)
        pen.answer(self.facts.run_id, moves, self.facts.started_at)
        return receipts

    def _leave(self, found: FoundFile, problem: ExplainedError) -> None:
        """Leave a file for the next round, and say so."""
        self.counts["waiting"] += 1
        log.warning("a file of the inbox is left for the next round: %s", problem.code)
        with self.store.writing_inbox(self.facts.study.id) as pen:
            self._tell(pen, FileReceipt(self._saved_at(found), problem=problem), self._readers(found.role))

    def _put_away(self, found: FoundFile, row: InboxRow) -> None:
        if not found.movable:
            return
        try:
            put_away(found, row.fate, self._label(row), row.receipt)
        except FileNotFoundError:
            log.warning("a file of the inbox was taken back while it was read")
        except OSError as error:
            self.stuck.append(error)
            return
        self.store.settle_inbox_row(row.id, self.facts.started_at)

    def _tell(self, pen: InboxPen, receipt: FileReceipt, readers: Sequence[Recipient]) -> None:
        facts = self.facts
        for reader, channel in pairs(readers, facts.outgoing.channels):
            notice = receipt.notice(facts.study.settings.study.short_name, reader)
            letter = OutgoingMessage.of(notice, channel.name, channel.domain, facts.hospital_time)
            kind = MessageKind.RECEIPT
            pen.write(stored(letter, channel.name, study=facts.study.id, run_id=facts.run_id, kind=kind))

    def _readers(self, role: str) -> tuple[Recipient, ...]:
        """Who gets the receipt: who a list is from, else the data manager, else whom the study names first."""
        people = self.facts.study.settings.recipients()
        for wanted in (role, DATA_MANAGER):
            if found := tuple(one for one in people if one.role == wanted):
                return found
        return people[:1]

    def _language(self, readers: Sequence[Recipient]) -> Language:
        return readers[0].language if readers else self.facts.study.settings.study.languages[0]

    def _label(self, row: InboxRow) -> str:
        """How the names of a file and of its receipt begin, which no other file of the study has."""
        return f"{row.study}_{row.id:05d}"

    def _saved_at(self, found: FoundFile) -> datetime:
        return found.saved_at.astimezone(self.facts.hospital_time.tzinfo)


def _named_in(found: FoundFile, sheet: ReturnedList | None, roles: Iterable[str]) -> str:
    """The role for which a list was made, or that is in the name of its file; '' where neither says one."""
    roles = tuple(roles)
    if sheet is not None and sheet.whom in roles:
        return sheet.whom
    name = found.path.name.casefold()
    in_name = [role for role in roles if re.search(rf"(?<![^\W_]){re.escape(role.casefold())}(?![^\W_])", name)]
    longest = max(in_name, key=len, default="")
    return longest if all(role.casefold() in longest.casefold() for role in in_name) else ""
