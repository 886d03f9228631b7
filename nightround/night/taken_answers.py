"""Takes over what people answered in REDCap, in the name of who REDCap says it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nightround.findings.lineage import final_names
from nightround.findings.question_answers import BY_QUERY, BY_ROW, LinesOfAnswers, is_unknown, said_in
from nightround.findings.workflow_plan import said_in_threads, seen_questions
from nightround.findings.write_back import taken
from nightround.model.finding import Finding
from nightround.model.finding_answer import Author
from nightround.model.snapshot import Snapshot
from nightround.night.answer_step import role_in, terms_of
from nightround.night.flags_step import WORKFLOW, query_module
from nightround.night.recorder import Recorder
from nightround.night.renamed_records import renamed_since_last
from nightround.night.round import Round
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from nightround.store.question_rows import Question
from redcap_sync.errors import ExportIncomplete
from redcap_sync.messages import Message

log = logging.getLogger(__name__)

Decided = tuple[Sequence[Finding], Sequence[Question]]
Decide = Callable[[tuple[Finding, ...], Mapping[str, Sequence[Question]]], Decided]


def take_answers(facts: Round, store: Store, recorder: Recorder, snapshot: Snapshot) -> None:
    """Take over what the records of a snapshot say in answer to questions.

    Before the night judges: an answer was given to the values that were known, and lapses where they are others now.
    """
    if snapshot.questions is None or not len(snapshot.questions):
        return
    said = said_in(snapshot.questions, _lines(facts, store, snapshot), lambda user: role_in(facts, user))
    author, terms = _author(facts, BY_ROW), terms_of(facts)
    _take(facts, store, recorder, "flag_answers", lambda known, asked: taken(said, known, asked, author, terms))


def take_query_answers(facts: Round, store: Store, recorder: Recorder, snapshot: Snapshot) -> None:
    """Take over what people responded to queries of the Data Resolution Workflow, where the study asks by them.

    What the threads show besides is remembered: a query that a person closed without a response asks nobody.
    """
    if facts.study.settings.flags.road != WORKFLOW:
        return
    author, terms, dictionary = _author(facts, BY_QUERY), terms_of(facts), snapshot.dictionary
    threads = query_module(facts, facts.connect(), dictionary).threads()

    def decide(known: tuple[Finding, ...], asked: Mapping[str, Sequence[Question]]) -> Decided:
        found = said_in_threads(threads, known, dictionary)
        said = [replace(one, by=role_in(facts, one.by) if one.by else "") for one in found]
        moves, answered = taken(said, known, asked, author, terms)
        gone = {one.id for one in answered}
        seen = seen_questions(threads, known, asked, dictionary)
        return moves, [*answered, *(one for one in seen if one.id not in gone)]

    _take(facts, store, recorder, "query_answers", decide)


def _author(facts: Round, code: str) -> Author:
    return Author(str(Message.of(code)), facts.started_at)


def _take(facts: Round, store: Store, recorder: Recorder, step: str, decide: Decide) -> None:
    with recorder.step(step) as note, facts.only_one(FINDINGS):
        moves = store.take_answers(facts.study.id, facts.run_id, decide, facts.started_at)
        unknown = len({one.id for one in moves if one.answer and is_unknown(one.answer.by)})
        if unknown:
            log.warning("%d answers in REDCap were given by a person whom REDCap does not name", unknown)
        note(Message.of("step.flags_answers", count=len({one.id for one in moves}), unknown=unknown))


def _lines(facts: Round, store: Store, snapshot: Snapshot) -> LinesOfAnswers:
    """What the log says of all pulls since findings were brought up to date last: a night may have failed after one."""
    since = store.reconciled_at(facts.study.id, facts.run_id)
    if since is None:
        return LinesOfAnswers()
    names = final_names(renamed_since_last(facts, store, snapshot))
    try:
        nights = [one for one in facts.snapshots.manifests() if since < one.taken_at <= snapshot.taken_at]
        edits = [edit for night in nights for edit in facts.snapshots.edits(night)]
    except ExportIncomplete as damaged:
        log.warning("nobody is known to have saved the answers on records: %s", damaged.what)
        return LinesOfAnswers(names=names)
    return LinesOfAnswers(
        edits,
        whole=bool(nights) and all(one.summary.log_whole for one in nights),
        own=frozenset(one.summary.account for one in nights) - {""},
        names=names,
    )
