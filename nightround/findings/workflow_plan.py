"""Which findings are asked about as queries of REDCap's Data Resolution Workflow, and what people said there. Pure.

A field of a record has one thread, and so one question at a time. A question is a line of it that ends with the id of
the question, such as `[0123456789abcdef-1]`; what people say in later lines is said of it. Lines have rising numbers,
which order them: the clocks of two machines do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from nightround.findings.write_back import (
    KEPT_OPEN,
    Ask,
    NotAsked,
    QuestionWording,
    RecordPlan,
    SaidInRedcap,
    by_number,
    latest_of,
    query_id,
    shows,
)
from nightround.model.finding import Finding, FindingState
from nightround.model.finding_answer import AnswerCode
from nightround.model.language import Words
from nightround.store.question_rows import LEFT_CLOSED, OPEN_THREAD, Question, Road
from redcap_sync.dictionary import Dictionary
from redcap_sync.write_back.query_module import (
    QueryResponse,
    QueryStatus,
    QueryThread,
    ThreadLine,
    ThreadPlace,
    ThreadWrite,
    next_stamp,
    threads_at,
)

MARK = re.compile(r"\[([0-9a-f]{16}-[1-9][0-9]{0,8})\]\s*\Z")
"""What a line of Nightround ends with."""
CODE_OF = {
    QueryResponse.DATA_MISSING: AnswerCode.DATA_MISSING,
    QueryResponse.TYPOGRAPHICAL_ERROR: AnswerCode.TYPO_CORRECTED,
    QueryResponse.CONFIRMED_CORRECT: AnswerCode.CONFIRMED_CORRECT,
    QueryResponse.WRONG_SOURCE: AnswerCode.WRONG_SOURCE,
    QueryResponse.OTHER: AnswerCode.OTHER,
}
FREE = frozenset({QueryStatus.NONE, QueryStatus.CLOSED})
"""The statuses of a thread that a question may open."""
VERIFYING = frozenset({QueryStatus.VERIFIED, QueryStatus.DEVERIFIED})
"""The statuses of a thread in which a person verifies the value."""


@dataclass(frozen=True)
class QueriedRecord:
    """A record that is to be asked about: whether REDCap has it, its threads now, and how questions are worded."""

    name: str
    exists: bool
    threads: Sequence[QueryThread]
    dictionary: Dictionary
    wording: QuestionWording
    now: datetime
    """On the server's clock, as far as it is known."""


@dataclass
class ThreadPlan(RecordPlan[ThreadWrite]):
    """What is to be written to the threads of one record."""

    elsewhere: dict[str, NotAsked] = field(default_factory=dict)
    """Findings that may be asked about on another road, with the reason against this one."""


def reason_against_query(finding: Finding, dictionary: Dictionary) -> NotAsked | None:
    """Why a finding can be no query, whatever its record holds: a query is about one field that does not repeat."""
    if len(finding.fields) != 1 or finding.others:
        return NotAsked.ONE_FIELD
    asked = dictionary.by_name.get(finding.fields[0])
    if asked is None or asked.type == "descriptive":
        return NotAsked.NO_FIELD
    event = finding.row.event
    if event not in dictionary.event_names or asked.instrument not in dictionary.instruments_at(event):
        return NotAsked.NO_EVENT
    if finding.row.instance or dictionary.first_instance(event, asked.instrument):
        return NotAsked.REPEATS
    return NotAsked.NO_EVENT if dictionary.longitudinal and not _event_id(event, dictionary) else None


def place_in_workflow(finding: Finding, dictionary: Dictionary) -> ThreadPlace:
    """The field that a finding is a query about."""
    return ThreadPlace(finding.row.record, _event_id(finding.row.event, dictionary), finding.fields[0])


def _event_id(event: str, dictionary: Dictionary) -> str:
    number = next((one.event_id for one in dictionary.events if one.unique_name == event), None)
    return "" if number is None else str(number)


def planned_queries(
    record: QueriedRecord, findings: Iterable[Finding], asked: Mapping[str, Sequence[Question]]
) -> ThreadPlan:
    """Work out what is to be written to the threads of a record as REDCap has them now.

    What is over is closed first; a thread gets one line at most.
    """
    plan = ThreadPlan(record.name)
    for finding in sorted(findings, key=lambda one: (one.state in KEPT_OPEN, one.order)):
        if not record.exists:
            plan.not_asked[finding.id] = NotAsked.RECORD_GONE
            continue
        place = place_in_workflow(finding, record.dictionary)
        there = threads_at(record.threads, place)
        known = _known(finding, asked.get(finding.id, ()), there, plan)
        if len(there) > 1 or any(one.repeats for one in there):
            plan.elsewhere[finding.id] = NotAsked.TAKEN
            continue
        one = _QueryOfField(finding, place, next(iter(there), None), known, record, plan)
        one.ask() if finding.state is FindingState.OPEN else one.close()
    return plan


def _known(
    finding: Finding, asked: Sequence[Question], there: Sequence[QueryThread], plan: ThreadPlan
) -> list[Question]:
    """The questions of a finding, those among them that REDCap has and nobody remembers."""
    known = {one.number: one for one in asked}
    for thread in there:
        for line in thread.lines:
            finding_id, number = _asked_in(line)
            if finding_id == finding.id and number > max(known, default=0):
                known[number] = _question(finding, number, thread)
                plan.adopted.append(known[number])
    return by_number(known.values())


def _question(finding: Finding, number: int, thread: QueryThread | None) -> Question:
    identity, place = query_id(finding, number), thread.number if thread else 0
    return Question(identity, finding.id, number, OPEN_THREAD, road=Road.WORKFLOW, thread=place)


@dataclass(frozen=True)
class _QueryOfField:
    """A finding, the thread of its field, and what was asked about it so far."""

    finding: Finding
    place: ThreadPlace
    thread: QueryThread | None
    known: Sequence[Question]
    record: QueriedRecord
    plan: ThreadPlan

    def ask(self) -> None:
        """Ask in the thread, unless that was done, or somebody else asks there."""
        finding, latest = self.finding, self.known[-1] if self.known else None
        if latest is not None and latest.road is Road.WORKFLOW and not latest.over:
            if not self._is_in(latest):
                self.plan.not_asked[finding.id] = NotAsked.CLOSED
        elif tonight := next((one for one in self.plan.asks if one.write.place == self.place), None):
            (self.plan.elsewhere if tonight.new else self.plan.not_asked)[finding.id] = NotAsked.TAKEN
        elif against := _reason_against_thread(self.thread, finding.id):
            self.plan.elsewhere[finding.id] = against
        else:
            question = _question(finding, latest.number + 1 if latest else 1, self.thread)
            self._write(question, QueryStatus.OPEN, self.record.wording.message(finding), new=True)

    def close(self) -> None:
        """Close the query of a finding that is over, unless a person has done so, or asks something there.

        One that is gone with its record or its field asks nobody, and is remembered as closed. One that was closed
        once and is open again was opened by a person.
        """
        latest = next((one for one in reversed(self.known) if one.road is Road.WORKFLOW), None)
        if latest is None or shows(latest, self.finding.state):
            return
        after, asked = replace(latest, status=self.finding.state.value), _last_question(self.thread)
        current = self._is_in(latest) and asked is not None and _query_of(asked) == latest.id
        if self.thread is None or not current or self._is_closed(latest):
            self.plan.adopted.append(after)
        elif _sent_back(self.thread, asked):
            self.plan.not_asked[self.finding.id] = NotAsked.EDITED
        else:
            self._write(after, QueryStatus.CLOSED, self.record.wording.over(self.finding.state), new=False)

    def _is_closed(self, question: Question) -> bool:
        """Whether the query is closed, or was by Nightround."""
        lines = self.thread.lines if self.thread else ()
        by_us = any(one.status is QueryStatus.CLOSED and _query_of(one) == question.id for one in lines)
        return by_us or self.thread is None or self.thread.status is not QueryStatus.OPEN

    def _is_in(self, question: Question) -> bool:
        return self.thread is not None and question.thread in (0, self.thread.number)

    def _write(self, question: Question, status: QueryStatus, words: Words, *, new: bool) -> None:
        said = dict.fromkeys(one for one in (words.zh, words.en) if one)
        comment, stamp = "\n".join([*said, f"[{question.id}]"]), next_stamp(self.thread, self.record.now)
        write = ThreadWrite(self.place, self.thread, status, comment, stamp, asks=new)
        self.plan.asks.append(Ask(question, write, new=new))


def _reason_against_thread(thread: QueryThread | None, finding_id: str) -> NotAsked | None:
    """Why a question cannot be asked in a thread: a person has a query of their own there, or another finding has."""
    if thread is None or thread.status in FREE:
        return None
    if thread.status in VERIFYING:
        return NotAsked.VERIFIED
    asked = _last_question(thread)
    mine = thread.status is QueryStatus.OPEN and asked is not None and _asked_in(asked)[0] == finding_id
    return None if mine and not _sent_back(thread, asked) else NotAsked.TAKEN


def said_in_threads(
    threads: Iterable[QueryThread], known: Iterable[Finding], dictionary: Dictionary
) -> list[SaidInRedcap]:
    """What people responded to the last question of each thread; a question copied to another field is none of ours."""
    by_id = {one.id: one for one in known}
    said: list[SaidInRedcap] = []
    for thread, asked, finding in _questions(threads, by_id, dictionary):
        line = _response(thread, asked)
        if line is not None:
            code = CODE_OF[line.response].value
            number = thread.number
            query, record = _query_of(asked), finding.row.record
            said.append(SaidInRedcap(query, record, code, line.comment, line.username, Road.WORKFLOW, number))
    return said


def seen_questions(
    threads: Iterable[QueryThread],
    known: Iterable[Finding],
    asked: Mapping[str, Sequence[Question]],
    dictionary: Dictionary,
) -> list[Question]:
    """The open questions that every thread of the project shows as something else than what is remembered.

    A person closed the query without a response, verified the value, or removed it; or opened it again.
    """
    current = {
        _query_of(line): thread.number
        for thread, line, _ in _questions(threads, {one.id: one for one in known}, dictionary)
        if thread.status is QueryStatus.OPEN or _response(thread, line)
    }
    changed: list[Question] = []
    for latest in filter(None, map(latest_of, asked.values())):
        if latest.road is Road.WORKFLOW and not latest.over:
            shown = OPEN_THREAD if latest.id in current else LEFT_CLOSED
            now = replace(latest, status=shown, thread=current.get(latest.id, latest.thread))
            changed += [now] if now != latest else []
    return changed


def _questions(
    threads: Iterable[QueryThread], by_id: Mapping[str, Finding], dictionary: Dictionary
) -> Iterable[tuple[QueryThread, ThreadLine, Finding]]:
    """Each thread whose last question is about a finding of that very field, with the question and the finding."""
    for thread in threads:
        line = None if thread.repeats else _last_question(thread)
        finding = by_id.get(_asked_in(line)[0]) if line else None
        if line is None or finding is None or reason_against_query(finding, dictionary):
            continue
        if threads_at([thread], place_in_workflow(finding, dictionary)):
            yield thread, line, finding


def _last_question(thread: QueryThread | None) -> ThreadLine | None:
    """The line that asked the last question: the first one with its id, because people quote."""
    lines = thread.lines if thread else ()
    last = next((_query_of(one) for one in reversed(lines) if _asked_in(one)[0]), "")
    return next((one for one in lines if last and _query_of(one) == last and _asked_in(one)[0]), None)


def _asked_in(line: ThreadLine) -> tuple[str, int]:
    """The finding and the number of the question that a line asks; ('', 0) where it asks none."""
    if line.status is not QueryStatus.OPEN or line.response:
        return "", 0
    finding_id, _, number = _query_of(line).partition("-")
    return finding_id, int(number or 0)


def _query_of(line: ThreadLine) -> str:
    """The id of the question that a line of ours ends with; ''."""
    found = MARK.search(line.comment)
    return found[1] if found else ""


def _later(thread: QueryThread, asked: ThreadLine) -> list[ThreadLine]:
    return [one for one in thread.lines if one.number > asked.number]


def _response(thread: QueryThread, asked: ThreadLine) -> ThreadLine | None:
    """The response that counts: the last one, unless a person sent it back for further attention."""
    found: ThreadLine | None = None
    for line in _later(thread, asked):
        if line.response:
            found = line
        elif line.response_requested:
            found = None
    return found


def _sent_back(thread: QueryThread, asked: ThreadLine | None) -> bool:
    """Whether a person asks something in a thread behind our question that nobody has responded to."""
    later = _later(thread, asked) if asked else []
    asking = [one.number for one in later if one.response_requested and not one.response]
    return bool(asking) and not any(one.response and one.number > asking[-1] for one in later)
