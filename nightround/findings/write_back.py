"""Which questions are written to the records in REDCap, and what people answered there. Pure.

A question has the id of its finding and the number of the asking, such as `0123456789abcdef-1`: a finding that is
asked about again has a new question, so that no old answer is under new values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Generic

from nightround.findings.finding_answers import Terms, answer
from nightround.model.finding import Finding, FindingState
from nightround.model.finding_answer import AnswerCode, Author
from nightround.model.language import Words
from nightround.store.question_rows import LEFT_CLOSED, OPEN_THREAD, Question, Road
from redcap_sync.dictionary import Dictionary
from redcap_sync.write_back.query_instrument import INSTRUMENT, QUERY_ID, STATUS
from redcap_sync.write_back.query_rows import QueryRow, RecordNow, RowWrite, Write

KEPT_OPEN = frozenset({FindingState.OPEN, FindingState.ANSWERED, FindingState.SNOOZED})
"""The states of a finding whose query stays open."""
CODES = frozenset(AnswerCode) - {AnswerCode.ASSESSED}


class NotAsked(StrEnum):
    """Why a finding has no question on its record."""

    COHORT = "cohort"
    """It is one of all records together."""
    DEVIATION = "deviation"
    """Nobody can correct it."""
    FLOOD = "flood"
    """Its rule is held until somebody releases it."""
    RECORD_GONE = "record_gone"
    """REDCap has its record no longer, or under another name."""
    NO_PLACE = "no_place"
    """The instrument repeats at no event that the record has."""
    REMOVED = "removed"
    """A person has removed the question."""
    EDITED = "edited"
    """A person has changed what Nightround wrote, or asks something behind it."""
    ONE_FIELD = "one_field"
    """It concerns several fields or rows, or none: a query of REDCap is about one field."""
    NO_FIELD = "no_field"
    """The project does not have its field."""
    REPEATS = "repeats"
    """Its instrument or event repeats, where the module mixes the threads of instances up."""
    NO_EVENT = "no_event"
    """Its field is not at its event, or the server does not show the number of the event."""
    TAKEN = "taken"
    """The field has another open query: a person's, or that of another finding."""
    VERIFIED = "verified"
    """A person verifies the value in REDCap, or has done so."""
    CLOSED = "closed"
    """A person has closed the query without a response, or removed it."""


@dataclass(frozen=True)
class QuestionWording:
    """What a question says of a finding that the finding does not have itself."""

    message: Callable[[Finding], Words]
    opened_on: Callable[[Finding], date]
    due_on: Callable[[Finding], date]
    over: Callable[[FindingState], Words]
    """Why nobody is asked any more."""


@dataclass(frozen=True)
class Ask(Generic[Write]):
    """A row or a line to write, and the question as it is remembered once REDCap shows it."""

    question: Question
    write: Write
    new: bool


@dataclass(frozen=True)
class AskedRecord:
    """A record that is to be asked about: as REDCap has it now, in which project, and how questions are worded."""

    name: str
    now: RecordNow
    dictionary: Dictionary
    wording: QuestionWording


@dataclass
class RecordPlan(Generic[Write]):
    """What is to be written to one record, what was found there already, and what is not asked, with the reason."""

    record: str
    asks: list[Ask[Write]] = field(default_factory=list)
    adopted: list[Question] = field(default_factory=list)
    """Questions that REDCap has, or shows so, and nobody remembers: a run was killed between writing and remembering,
    or a person did it."""
    not_asked: dict[str, NotAsked] = field(default_factory=dict)


def reason_against(finding: Finding, held: frozenset[str]) -> NotAsked | None:
    """Why a finding is asked about nowhere, whatever its record is; `held` are the rules of floods."""
    if finding.of_cohort:
        return NotAsked.COHORT
    if finding.deviation:
        return NotAsked.DEVIATION
    return NotAsked.FLOOD if finding.rule_id in held else None


def may_concern(finding: Finding, asked: Mapping[str, Sequence[Question]], held: frozenset[str]) -> bool:
    """Whether a finding may have something to be written: an open one, or one whose question says something else."""
    latest = latest_of(asked.get(finding.id, ()))
    if latest is not None and not shows(latest, finding.state):
        return True
    new = finding.state is FindingState.OPEN and not finding.under and (latest is None or latest.taken)
    return new and reason_against(finding, held) is None


def usable(asked: Mapping[str, Sequence[Question]], roads: frozenset[Road]) -> dict[str, tuple[Question, ...]]:
    """The questions as a run that writes by some roads sees them: those of another road are over, and count."""
    return {
        finding: tuple(one if one.road in roads else replace(one, road=Road.FILE, taken=True) for one in questions)
        for finding, questions in asked.items()
    }


def shows(question: Question, state: FindingState) -> bool:
    """Whether a question shows the state of its finding: a query is open or closed, a row names the state."""
    if question.road is Road.INSTRUMENT:
        return question.status == state.value
    return question.road is Road.FILE or state in KEPT_OPEN or question.status not in (OPEN_THREAD, LEFT_CLOSED)


def planned(
    record: AskedRecord, findings: Iterable[Finding], asked: Mapping[str, Sequence[Question]]
) -> RecordPlan[RowWrite]:
    """Work out what is to be written to a record as REDCap has it now."""
    plan = RecordPlan[RowWrite](record.name)
    there = {row.query_id: row for row in record.now.rows if row.query_id}
    for finding in sorted(findings, key=lambda one: one.order):
        if not record.now.exists:
            plan.not_asked[finding.id] = NotAsked.RECORD_GONE
            continue
        mine = _known(finding, asked.get(finding.id, ()), there, plan)
        latest = latest_of(mine)
        if finding.state is FindingState.OPEN and (latest is None or latest.over):
            _ask_new(finding, latest, record, plan)
        else:
            for question in (one for one in mine if one.road is Road.INSTRUMENT):
                _ask_state(finding, question, there, plan, is_latest=question is latest)
    return plan


def _known(
    finding: Finding, asked: Sequence[Question], there: Mapping[str, QueryRow], plan: RecordPlan[RowWrite]
) -> list[Question]:
    """The questions of a finding, those among them that REDCap has and nobody remembers."""
    known = {one.number: one for one in asked}
    number = max(known, default=0) + 1
    while (row := there.get(query_id(finding, number))) is not None:
        known[number] = Question(query_id(finding, number), finding.id, number, row.cells.get(STATUS, ""))
        plan.adopted.append(known[number])
        number += 1
    return by_number(known.values())


def by_number(questions: Iterable[Question]) -> list[Question]:
    """Questions about a finding, the last one last."""
    return sorted(questions, key=lambda one: one.number)


def _ask_new(finding: Finding, latest: Question | None, record: AskedRecord, plan: RecordPlan[RowWrite]) -> None:
    event = place_of(finding, record.dictionary, record.now)
    if event is None:
        plan.not_asked[finding.id] = NotAsked.NO_PLACE
        return
    number = latest.number + 1 if latest else 1
    question = Question(query_id(finding, number), finding.id, number, finding.state.value)
    before = sum(one.new and one.write.event == event for one in plan.asks)
    instance = record.now.first_free(event) + before
    plan.asks.append(Ask(question, RowWrite(event, instance, _cells(finding, question, record.wording)), new=True))


def _ask_state(
    finding: Finding, question: Question, there: Mapping[str, QueryRow], plan: RecordPlan[RowWrite], *, is_latest: bool
) -> None:
    """Bring the state that a question shows up to date, unless a person has changed or removed it."""
    if question.status == finding.state.value or (finding.state.live and not is_latest):
        return
    row = there.get(question.id)
    if row is None:
        plan.not_asked[finding.id] = NotAsked.REMOVED
    elif row.cells.get(STATUS) != question.status:
        plan.not_asked[finding.id] = NotAsked.EDITED
    else:
        after = replace(question, status=finding.state.value)
        write = RowWrite(row.event, row.instance, {STATUS: after.status})
        plan.asks.append(Ask(after, write, new=False))


def query_id(finding: Finding, number: int) -> str:
    """The id of the n-th question about a finding."""
    return f"{finding.id}-{number}"


def place_of(finding: Finding, dictionary: Dictionary, now: RecordNow) -> str | None:
    """The event whose instances of the instrument hold the question.

    The finding's own; where the instrument does not repeat there, or the record has nothing there yet, the first one
    that the record has where it does: a question must not begin a visit.
    """
    events = (event for event in dictionary.event_names if event in now.events)
    possible = [event for event in events if dictionary.repeats(event, INSTRUMENT)]
    return finding.row.event if finding.row.event in possible else next(iter(possible), None)


def _cells(finding: Finding, question: Question, wording: QuestionWording) -> dict[str, str]:
    message = wording.message(finding)
    return {
        QUERY_ID: question.id,
        "dq_rule": finding.rule_id,
        "dq_message_zh": message.zh,
        "dq_message_en": message.en,
        "dq_field": ", ".join(finding.fields),
        "dq_severity": finding.severity.value,
        "dq_opened": wording.opened_on(finding).isoformat(),
        "dq_due": wording.due_on(finding).isoformat(),
        STATUS: question.status,
    }


@dataclass(frozen=True)
class SaidInRedcap:
    """What stands as the answer to a question in REDCap."""

    query_id: str
    record: str
    code: str
    comment: str = field(repr=False)
    by: str = ""
    """Who said it; '' where REDCap does not say."""
    road: Road = Road.INSTRUMENT
    thread: int = 0


def taken(
    said: Iterable[SaidInRedcap],
    known: Iterable[Finding],
    asked: Mapping[str, Sequence[Question]],
    author: Author,
    terms: Terms,
) -> tuple[list[Finding], list[Question]]:
    """What answers in REDCap make of the findings, and the questions that are answered with it.

    Each question is taken once, and only the last one of a finding: what was said of earlier values is no answer. A
    question that was copied to another record, or that names no finding, is none of ours.
    """
    by_id = {one.id: one for one in known}
    moves: list[Finding] = []
    questions: list[Question] = []
    for one in said:
        identity, _, number = one.query_id.partition("-")
        finding = by_id.get(identity)
        if finding is None or finding.row.record != one.record or one.code not in CODES or not number.isdecimal():
            continue
        mine = {question.number: question for question in asked.get(identity, ())}
        new = Question(one.query_id, identity, int(number), FindingState.OPEN.value, road=one.road, thread=one.thread)
        question = mine.get(int(number), new)
        if question.taken or question.id != one.query_id or question.number < max(mine, default=0):
            continue
        questions.append(replace(question, taken=True))
        if finding.state in (FindingState.OPEN, FindingState.SNOOZED) and not finding.deviation:
            by = author._replace(by=one.by or author.by, comment=one.comment)
            moves += answer(finding, AnswerCode(one.code), by, terms)
            by_id[identity] = moves[-1]
    return moves, questions


def latest_of(asked: Sequence[Question]) -> Question | None:
    """The last question about a finding."""
    return max(asked, key=lambda one: one.number, default=None)
