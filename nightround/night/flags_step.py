"""Questions about findings in REDCap: what people answered is taken over, and what is to be asked is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from nightround.findings.finding_answers import Terms
from nightround.findings.workflow_plan import said_in_threads, seen_questions
from nightround.findings.write_back import SaidInRedcap, said_in, taken
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding
from nightround.model.finding_answer import Author
from nightround.model.snapshot import Snapshot
from nightround.night.flags_writing import FlagsDone, FlagsWriting
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.night.saved_queries_step import said_of, saved_fates
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from nightround.store.question_rows import Question
from redcap_sync.api.client import RedcapClient
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message
from redcap_sync.write_back.query_instrument import INSTRUMENT, is_query_instrument, missing_fields
from redcap_sync.write_back.query_module import QueryModule

BY_ROW, BY_QUERY = "flags.by.redcap", "flags.by.workflow"
WORKFLOW = "workflow"
Decided = tuple[Sequence[Finding], Sequence[Question]]
Decide = Callable[[tuple[Finding, ...], Mapping[str, Sequence[Question]]], Decided]


def take_answers(facts: Round, store: Store, recorder: Recorder, snapshot: Snapshot) -> None:
    """Take over what the records of a snapshot say in answer to questions.

    Before the night judges: an answer was given to the values that were known, and lapses where they are others now.
    """
    table = snapshot.tables.get(INSTRUMENT)
    if table is None or not len(table) or not is_query_instrument(snapshot.dictionary):
        return
    rows = table.text.to_dict("records")
    said = [
        one
        for position, row in enumerate(rows)
        for one in said_in(table.row_key(position).record, [{str(name): str(cell) for name, cell in row.items()}])
    ]
    author, terms = _author(facts, BY_ROW), _terms(facts)
    _take(facts, store, recorder, "flag_answers", lambda known, asked: taken(said, known, asked, author, terms))


def take_query_answers(facts: Round, store: Store, recorder: Recorder, snapshot: Snapshot) -> None:
    """Take over what people responded to queries of the Data Resolution Workflow, where the study asks by them.

    What the threads show besides is remembered: a query that a person closed without a response asks nobody.
    """
    if facts.study.settings.flags.road != WORKFLOW:
        return
    author, terms, dictionary = _author(facts, BY_QUERY), _terms(facts), snapshot.dictionary
    threads = query_module(facts, facts.connect(), dictionary).threads()

    def decide(known: tuple[Finding, ...], asked: Mapping[str, Sequence[Question]]) -> Decided:
        said = [_named(facts, one) for one in said_in_threads(threads, known, dictionary)]
        moves, answered = taken(said, known, asked, author, terms)
        gone = {one.id for one in answered}
        seen = seen_questions(threads, known, asked, dictionary)
        return moves, [*answered, *(one for one in seen if one.id not in gone)]

    _take(facts, store, recorder, "query_answers", decide)


def _take(facts: Round, store: Store, recorder: Recorder, step: str, decide: Decide) -> None:
    with recorder.step(step) as note, facts.only_one(FINDINGS):
        moves = store.take_answers(facts.study.id, facts.run_id, decide, facts.started_at)
        note(Message.of("step.flags_answers", count=len({one.id for one in moves})))


def _author(facts: Round, code: str) -> Author:
    return Author(str(Message.of(code)), facts.started_at)


def _terms(facts: Round) -> Terms:
    return Terms(facts.study.settings.answers.second_person == "all", facts.hospital_time.date())


def _named(facts: Round, said: SaidInRedcap) -> SaidInRedcap:
    """What a user of REDCap said, by the role of the person who has that user name."""
    roles = {one.redcap_user: one.role for one in facts.study.settings.people if one.redcap_user}
    return replace(said, by=roles.get(said.by, said.by))


def write_flags(facts: Round, store: Store, recorder: Recorder, *, apply: bool = True) -> FlagsDone:
    """Write the questions into REDCap, or say what would be written.

    Raises StudyFilesWrong where the project does not have the instrument that the study asks by, RedcapRefused where
    the module does not answer, WriteRefused where REDCap lets the token's user write nothing; that one record is
    locked is an ordinary result.
    """
    with recorder.step("flags") as note, facts.only_one(FINDINGS):
        by_query = facts.study.settings.flags.road == WORKFLOW
        dictionary = _project(facts)
        if not by_query:
            _require_instrument(dictionary)
        client = facts.connect()
        run = FlagsWriting(
            facts,
            store,
            client,
            dictionary,
            FlagsDone(applied=apply),
            instrument=not missing_fields(dictionary) and _repeats(dictionary),
            module=query_module(facts, client, dictionary) if by_query else None,
        )
        run.write()
        run.done.saved = None if apply else saved_fates(facts, store)
        note(Message.of("step.flags", written=run.done.written if apply else 0, refused=run.done.refused))
    return run.done


def query_module(facts: Round, client: RedcapClient, dictionary: Dictionary) -> QueryModule:
    """The module of the project, in the name of the token's user as the log of the last pull has it.

    Raises StudyFilesWrong where the server does not show the number of the project.
    """
    manifest = facts.snapshots.latest_manifest()
    if dictionary.project_id is None:
        raise StudyFilesWrong("flags.no_project_id")
    username = manifest.summary.account if manifest else ""
    return QueryModule(client, facts.study.settings.flags.module_prefix, dictionary.project_id, username)


def _project(facts: Round) -> Dictionary:
    """The project as the last snapshot has it."""
    manifest = facts.snapshots.latest_manifest()
    if manifest is None:
        raise StudyFilesWrong("night.no_snapshot", study=facts.study.id)
    return facts.snapshots.structure(manifest).dictionary


def _require_instrument(dictionary: Dictionary) -> None:
    """Raise StudyFilesWrong where there is no instrument to write to."""
    if lacking := missing_fields(dictionary):
        raise StudyFilesWrong("flags.no_instrument", fields=", ".join(lacking))
    if not _repeats(dictionary):
        raise StudyFilesWrong("flags.not_repeating")


def _repeats(dictionary: Dictionary) -> bool:
    return any(dictionary.repeats(event, INSTRUMENT) for event in dictionary.event_names)


def shown_lines(done: FlagsDone) -> Iterator[Message]:
    """What a run did, as lines for a person."""
    yield Message.of(f"flags.said.{'written' if done.applied else 'planned'}", count=done.written, new=done.new)
    for name in ("refused", "unproven", "waiting"):
        if count := getattr(done, name):
            yield Message.of(f"flags.said.{name}", count=count)
    for name, reasons in (("detour", done.detour_reasons), ("not_asked", done.reasons)):
        for reason, count in sorted(reasons.items()):
            yield Message.of(f"flags.said.{name}", count=count, reason=Message.of(f"flags.reason.{reason.value}"))
    if done.saved is not None:
        yield said_of(done.saved)
