"""Data queries that a person saved from REDCap into the study's folder: their responses are taken over as answers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from nightround.findings.finding_answers import Terms
from nightround.findings.saved_answers import Given, QueryFate, SavedAnswers, SavedFate
from nightround.model.finding import Finding
from nightround.model.finding_answer import Author
from nightround.model.snapshot import Snapshot
from nightround.night.fix_evidence import FixEvidence
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.night.server_checks import shortened
from nightround.night.study_locks import FINDINGS
from nightround.snapshots.manifest import Manifest
from nightround.store.database import Store
from nightround.store.question_rows import Question
from nightround.study.folder import is_there
from redcap_sync.errors import ExportIncomplete, ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.write_back.query_module import QueryResponse
from redcap_sync.write_back.saved_queries import SavedQuery, read_saved_queries

log = logging.getLogger(__name__)

SAVED_QUERIES = "queries.csv"
"""The project's queries, as REDCap's page Resolve Issues saves them."""
BY_FILE = "flags.by.file"


def take_saved_queries(facts: Round, store: Store, recorder: Recorder, snapshot: Snapshot) -> None:
    """Take over the responses of the file, where the study has it; raises ProjectFileWrong for one that is none."""
    if not _has_file(facts):
        return
    with recorder.step("saved_queries") as note, facts.only_one(FINDINGS):
        queries, fates = read_saved_queries(facts.study.folder / SAVED_QUERIES), list[SavedFate]()
        reading = _Reading(facts, store, snapshot)

        def decide(
            known: tuple[Finding, ...], asked: Mapping[str, Sequence[Question]]
        ) -> tuple[Sequence[Finding], Sequence[Question]]:
            answers = reading.answers(asked)
            fates[:] = answers.read(queries, known)
            return answers.moves, answers.questions

        store.take_answers(facts.study.id, facts.run_id, decide, facts.started_at)
        note(said_of(fates))


def saved_fates(facts: Round, store: Store) -> list[SavedFate] | None:
    """What the queries of the file are to the findings now, nothing taken over; None without a file or a snapshot."""
    snapshot = facts.snapshots.latest(facts.study.id) if _has_file(facts) else None
    if snapshot is None:
        return None
    queries = read_saved_queries(facts.study.folder / SAVED_QUERIES)
    answers = _Reading(facts, store, snapshot).answers(store.questions(facts.study.id))
    return answers.read(queries, store.findings(facts.study.id))


def said_of(fates: Sequence[SavedFate]) -> Message:
    """How many queries were what, and in which rows of the file those are that are about no finding."""
    counts = Counter(one.fate for one in fates)
    rows = shortened([str(one.query.line) for one in fates if one.fate is QueryFate.UNMATCHED])
    return Message.of(
        "step.saved_queries", count=len(fates), rows=rows, **{one.value: counts[one] for one in QueryFate}
    )


def _has_file(facts: Round) -> bool:
    return is_there(facts.study.folder / SAVED_QUERIES)


def file_naming(facts: Round, records: Collection[str]) -> tuple[Path, ...]:
    """The file, where it names one of some records, or cannot be read and may name it."""
    file = facts.study.folder / SAVED_QUERIES
    if not _has_file(facts):
        return ()
    try:
        named = any(one.record in records for one in read_saved_queries(file))
    except ProjectFileWrong:
        return (file,)
    return (file,) if named else ()


@dataclass(frozen=True)
class _Reading:
    """What decides whether a response is an answer: when findings were asked about, and what values were then."""

    facts: Round
    store: Store
    snapshot: Snapshot

    def answers(self, asked: Mapping[str, Sequence[Question]]) -> SavedAnswers:
        """A reader of queries."""
        settings = self.facts.study.settings
        roles = {one.redcap_user: one.role for one in settings.people if one.redcap_user}
        return SavedAnswers(
            self.snapshot.dictionary,
            asked,
            Author(str(Message.of(BY_FILE)), self.facts.started_at),
            Terms(settings.answers.second_person == "all", self.facts.hospital_time.date()),
            self._moments,
            self._holds,
            lambda user: roles.get(user, user),
        )

    def _moments(self, query: SavedQuery) -> tuple[datetime, ...]:
        """The times that a query may mean, on the hospital's clock: the file names no zone."""
        zone = self.facts.hospital_time.tzinfo
        return tuple(one.replace(tzinfo=zone) for one in query.times(self.facts.wall_clock))

    def _holds(self, given: Given) -> bool:
        """Whether a response is to this finding, and of the values that it has.

        Of a correction the night's data say the rest. A time that can be two is taken for the earlier one.
        """
        earliest = min(given.moments, default=None)
        if earliest is None or earliest < self._asked_since(given.finding):
            return False
        return given.query.response is QueryResponse.TYPOGRAPHICAL_ERROR or self._unchanged(given.finding, earliest)

    def _asked_since(self, finding: Finding) -> datetime:
        since = self._back_since.get(finding.id, finding.opened_at)
        return since.replace(second=0, microsecond=0)  # the file has minutes

    def _unchanged(self, finding: Finding, since: datetime) -> bool:
        """Whether the last snapshot before a time has the values of tonight; without one nothing is known."""
        before = [one for one in self._nights if one.taken_at <= since][-1:]
        try:
            with self.facts.snapshots.reading():
                return any(not any(self._evidence.differing(one, [finding])) for one in before)
        except (ExportIncomplete, OSError) as damaged:
            log.warning("an earlier snapshot proves nothing: %s", type(damaged).__name__)
            return False

    @cached_property
    def _nights(self) -> list[Manifest]:
        return sorted(self.facts.snapshots.readable_manifests()[0], key=lambda one: one.taken_at)

    @cached_property
    def _back_since(self) -> Mapping[str, datetime]:
        return self.store.back_since(self.facts.study.id)

    @cached_property
    def _evidence(self) -> FixEvidence:
        rules = {rule.id: rule for rule in self.facts.rules(self.snapshot.dictionary)}
        return FixEvidence(self.facts.snapshots, self.snapshot, rules, ())
