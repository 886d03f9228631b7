"""A worklist: the open findings of somebody, line by line, and what comes back on these lines. Pure.

A line carries the version of its finding. What was answered, closed or changed since the list was made is another
version, and no answer of the list touches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from nightround.findings.finding_answers import Terms, answer
from nightround.model.errors import UsageWrong
from nightround.model.finding import Finding, FindingState
from nightround.model.finding_answer import AnswerCode, Author
from nightround.model.links import Places
from nightround.model.rule import Rule
from nightround.texts.catalogue import words
from redcap_sync.messages import Message
from redcap_sync.rows.row_order import natural_key

CODES = tuple(one for one in AnswerCode if one is not AnswerCode.ASSESSED)
"""REDCap's five answers, in their order."""
LONGEST_COMMENT = 4_000


@dataclass(frozen=True)
class WorklistLine:
    """An open finding as a line: where it is, what is wrong, until when, and the exact page. No value is in it."""

    finding: Finding
    version: str
    rule: Rule | None
    due: date


@dataclass(frozen=True)
class ReturnedLine:
    """A line that came back, as it was typed: `number` is its row in the sheet."""

    number: int
    finding_id: str
    version: str
    answer: str
    comment: str = field(default="", repr=False)
    formula: bool = False
    """Whether a cell that is read contains a formula."""


@dataclass(frozen=True)
class ReturnedList:
    """A list that came back."""

    whom: str
    """The role or data access group that it was made for; '' where it is of everybody, or of an earlier version."""
    lines: Sequence[ReturnedLine]


class LineFate(StrEnum):
    """What became of a line."""

    ANSWERED = "answered"
    BLANK = "blank"
    """Nothing was answered in it."""
    ALREADY = "already"
    """The same answer of the same person is there."""
    REFUSED = "refused"


@dataclass(frozen=True)
class LineReceipt:
    """What became of a line, and why where it was refused."""

    number: int
    finding_id: str
    fate: LineFate
    state: FindingState | None = None
    code: AnswerCode | None = None
    why: Message | None = None

    def document(self, say: Any) -> dict[str, Any]:
        """The receipt as JSON; `say` puts a message into words."""
        return {
            "line": self.number,
            "finding": self.finding_id or None,
            "result": self.fate.value,
            "code": self.code.value if self.code else None,
            "state": self.state.value if self.state else None,
            "why": say(self.why) if self.why else None,
        }


def lines_for(
    findings: Iterable[Finding],
    versions: Mapping[str, str],
    rules: Mapping[str, Rule],
    places: Places,
    due: Mapping[str, date],
) -> list[WorklistLine]:
    """The open findings that ask somebody, in the order of a chart: patient, visit, instrument, instance."""
    asking = (one for one in findings if one.state is FindingState.OPEN and not one.under and not one.deviation)
    made = (WorklistLine(one, versions[one.id], rules.get(one.rule_id), due[one.id]) for one in asking)
    instruments = list(places.instruments)

    def chart_order(line: WorklistLine) -> tuple[Any, ...]:
        row = places.place_of(line.finding, line.rule)
        known = instruments.index(row.instrument) if row.instrument in instruments else len(instruments)
        return (natural_key(row.record), places.event_order(row.event), known, row.instance, line.finding.order)

    return sorted(made, key=chart_order)


def code_of(text: str) -> AnswerCode | None:
    """The answer that a cell names: by REDCap's code, or by its label in either language; None for anything else."""
    typed = " ".join(text.split()).casefold()
    names = {name.casefold(): code for code in CODES for name in (code.value, *words(f"worklist.code.{code.value}"))}
    return names.get(typed)


@dataclass
class LineReader:
    """Reads lines one after another against the findings as they are now."""

    known: Mapping[str, Finding]
    versions: Mapping[str, str]
    author_name: str
    now: datetime
    terms: Terms
    moves: list[Finding] = field(default_factory=list)
    _answered: set[str] = field(default_factory=set)

    def read(self, lines: Sequence[ReturnedLine]) -> list[LineReceipt]:
        """What becomes of each line; the changes are in `moves`."""
        twice = _contradicted(lines)
        return [self._read(line, contradicted=line.finding_id in twice) for line in lines]

    def _read(self, line: ReturnedLine, *, contradicted: bool) -> LineReceipt:
        if not (line.answer.strip() or line.comment.strip() or line.formula):
            return LineReceipt(line.number, self._id(line), LineFate.BLANK)
        code = code_of(line.answer)
        if why := _unreadable(line, code, contradicted=contradicted):
            return self._refused(line, why)
        finding = self.known.get(line.finding_id)
        if finding is None or code is None:
            return self._refused(line, Message.of("worklist.unknown"))
        if finding.id in self._answered or self._has(finding, code):
            return LineReceipt(line.number, finding.id, LineFate.ALREADY, finding.state, code)
        if line.version != self.versions.get(finding.id):
            return self._refused(line, Message.of("worklist.newer"))
        return self._answer(line, finding, code)

    def _answer(self, line: ReturnedLine, finding: Finding, code: AnswerCode) -> LineReceipt:
        try:
            said = answer(finding, code, Author(self.author_name, self.now, line.comment.strip()), self.terms)
        except UsageWrong as wrong:
            return self._refused(line, wrong.part("what"))
        self.moves += said
        self._answered.add(finding.id)
        return LineReceipt(line.number, finding.id, LineFate.ANSWERED, said[-1].state, code)

    def _has(self, finding: Finding, code: AnswerCode) -> bool:
        said = finding.answer
        return finding.state.quiet and said is not None and (said.code, said.by) == (code, self.author_name)

    def _id(self, line: ReturnedLine) -> str:
        """The id, where it is one of a finding: anything else may have been typed over it."""
        return line.finding_id if line.finding_id in self.known else ""

    def _refused(self, line: ReturnedLine, why: Message) -> LineReceipt:
        known = self.known.get(line.finding_id)
        return LineReceipt(line.number, self._id(line), LineFate.REFUSED, known.state if known else None, why=why)


def _unreadable(line: ReturnedLine, code: AnswerCode | None, *, contradicted: bool) -> Message | None:
    """Why a line says nothing that can be taken, whatever its finding is now."""
    if line.formula:
        return Message.of("worklist.formula")
    if not line.answer.strip():
        return Message.of("worklist.no_answer")
    if code is None:
        return Message.of("worklist.no_code")
    if contradicted:
        return Message.of("worklist.twice")
    return Message.of("worklist.long_comment", most=LONGEST_COMMENT) if len(line.comment) > LONGEST_COMMENT else None


def _contradicted(lines: Iterable[ReturnedLine]) -> frozenset[str]:
    """The findings that several lines answer in different ways."""
    said: dict[str, set[tuple[str, str]]] = {}
    for line in lines:
        if line.answer.strip():
            said.setdefault(line.finding_id, set()).add((line.answer.strip(), line.comment.strip()))
    return frozenset(name for name, answers in said.items() if len(answers) > 1)


def counted(receipts: Iterable[LineReceipt]) -> dict[str, int]:
    """How many lines had each fate."""
    fates = [one.fate for one in receipts]
    return {fate.value: fates.count(fate) for fate in LineFate}


def labels(language_index: int) -> Iterator[str]:
    """What the five answers are called, in Chinese (0) or English (1)."""
    return (words(f"worklist.code.{code.value}")[language_index] for code in CODES)
