"""What is said of a file of the inbox: its receipt line by line, and the mail to who it is from. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nightround.digests.channel_trouble import plain_notice
from nightround.digests.failed_round import hour_of
from nightround.digests.notice import Notice
from nightround.findings.worklist_lines import LineFate, LineReceipt, counted
from nightround.model.attached_file import AttachedFile
from nightround.model.language import Language, Words
from nightround.model.recipient import Recipient
from nightround.texts.catalogue import in_language, wording
from nightround.texts.csv_text import csv_text
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

COLUMNS = ("line", "finding", "result", "why")
SHOWN_LINES = 30
SHOWN_ID = 8


@dataclass(frozen=True)
class FileReceipt:
    """What became of one file: of each of its lines, or why it was not read."""

    saved_at: datetime
    """On the clock of the study."""
    lines: Sequence[LineReceipt] = ()
    problem: ExplainedError | None = None
    named: bool = True
    """Whether the file says who filled it in."""
    place: str = ""
    """Where the receipt is, from the inbox on; '' for a file that stays where it is."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many lines had each fate."""
        return counted(self.lines)

    @property
    def answered(self) -> int:
        """How many lines were taken."""
        return self.counts[LineFate.ANSWERED.value]

    def table(self, language: Language) -> str:
        """The receipt as CSV: a line for each line of the list; one alone of a file that was not read."""
        say = wording(language)
        heads = {name: say(f"receipt.column.{name}") for name in COLUMNS}
        rows = [_cells(one, language) for one in self.lines]
        if self.problem:
            why = " ".join(in_language(self.problem.shown(), language).split())
            rows = [{"line": "", "finding": "", "result": say("worklist.result.refused"), "why": why}]
        return csv_text(tuple(heads.values()), ({heads[name]: row[name] for name in COLUMNS} for row in rows))

    def notice(self, short: Words, recipient: Recipient) -> Notice:
        """The mail to one person, with the receipt."""
        say = wording(recipient.language)
        code = "receipt.subject_problem" if self.problem else "receipt.subject"
        subject = say(code, short=short.in_(recipient.language), **self.counts)
        lines = list(self._said(recipient.language))
        notice = plain_notice(subject, lines, recipient, alarm=self.problem is not None)
        if not self.place:
            return notice
        file = AttachedFile(self.place.rpartition("/")[2], "text/csv", self.table(recipient.language).encode())
        return replace(notice, attachments=(file,))

    def _said(self, language: Language) -> Iterator[str]:
        say = wording(language)
        yield say("receipt.saved", when=hour_of(self.saved_at))
        if self.problem:
            yield in_language(self.problem.part("what"), language)
            yield say("notice.reason", what=in_language(self.problem.part("why"), language))
            yield say("notice.remedy", remedy=in_language(self.problem.part("remedy"), language))
        else:
            yield say("receipt.read", counts=tuple(self._counted()))
            yield from self._refused(language)
            if self.answered and not self.named:
                yield say("receipt.unnamed")
        if self.place:
            yield say("receipt.place", file=self.place)
        yield say("notice.no_values")

    def _counted(self) -> Iterator[Message]:
        for fate, count in self.counts.items():
            if count:
                yield Message.of(f"receipt.count.{fate}", count=count)
        if not self.lines:
            yield Message.of("receipt.count.none")

    def _refused(self, language: Language) -> Iterator[str]:
        say = wording(language)
        refused = [one for one in self.lines if one.fate is LineFate.REFUSED]
        for one in refused[:SHOWN_LINES]:
            why = in_language(one.why, language) if one.why else ""
            code = "receipt.line" if one.finding_id else "receipt.line_unknown"
            yield say(code, line=one.number, finding=one.finding_id[:SHOWN_ID], why=why)
        if len(refused) > SHOWN_LINES:
            yield say("receipt.more", count=len(refused) - SHOWN_LINES)


def _cells(one: LineReceipt, language: Language) -> dict[str, object]:
    return {
        "line": one.number,
        "finding": one.finding_id,
        "result": in_language(Message.of(f"worklist.result.{one.fate.value}"), language),
        "why": in_language(one.why, language) if one.why else "",
    }
