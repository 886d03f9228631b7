"""Questions on the records in REDCap: what people answered is taken over, and what is to be asked is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nightround.findings.finding_answers import Terms
from nightround.findings.write_back import (
    Ask,
    AskedRecord,
    NotAsked,
    QuestionWording,
    RecordPlan,
    SaidInRedcap,
    may_concern,
    planned,
    reason_against,
    said_in,
    taken,
)
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding, FindingState
from nightround.model.finding_answer import Author
from nightround.model.language import Words
from nightround.model.snapshot import Snapshot
from nightround.night.recorder import Recorder
from nightround.night.round import Round
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from nightround.store.question_rows import Question
from redcap_sync.api.client import RedcapClient
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import RedcapRefused, WriteRefused
from redcap_sync.messages import Message
from redcap_sync.write_back.query_instrument import INSTRUMENT, is_query_instrument, missing_fields
from redcap_sync.write_back.query_rows import NO_RIGHT, Receipt, read_records, write_record

READ_AT_ONCE = 20
"""Records in one reading before they are written to: few, so that little time passes in between."""
BY_REDCAP = "flags.by.redcap"


@dataclass
class FlagsDone:
    """What a run wrote, or would write, and what it did not."""

    applied: bool
    written: int = 0
    new: int = 0
    refused: int = 0
    unproven: int = 0
    waiting: int = 0
    """Records that were not looked at, because the limit of one run was reached."""
    not_asked: dict[str, NotAsked] = field(default_factory=dict)
    """Findings without a question, with the reason."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Each row that was, or would be, written: its finding, question, state and result."""

    @property
    def reasons(self) -> Mapping[NotAsked, int]:
        """How many findings have no question, by reason."""
        return Counter(self.not_asked.values())

    def note(self, asks: Sequence[Ask], result: str) -> None:
        """Remember what became of some rows."""
        self.rows += [
            {
                "finding": one.question.finding_id,
                "query": one.question.id,
                "status": one.question.status,
                "new": one.new,
            }
            | {"result": result}
            for one in asks
        ]

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        names = ("applied", "written", "new", "refused", "unproven", "waiting", "rows")
        return {name: getattr(self, name) for name in names} | {
            "not_asked": [{"finding": one, "reason": why.value} for one, why in sorted(self.not_asked.items())]
        }


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
    _take(facts, store, recorder, said)


def _take(facts: Round, store: Store, recorder: Recorder, said: Sequence[SaidInRedcap]) -> None:
    author = Author(str(Message.of(BY_REDCAP)), facts.started_at)
    terms = Terms(facts.study.settings.answers.second_person == "all", facts.hospital_time.date())
    with recorder.step("flag_answers") as note, facts.only_one(FINDINGS):
        moves = store.take_answers(
            facts.study.id,
            facts.run_id,
            lambda known, asked: taken(said, known, asked, author, terms),
            facts.started_at,
        )
        note(Message.of("step.flags_answers", count=len({one.id for one in moves})))


def write_flags(facts: Round, store: Store, recorder: Recorder, *, apply: bool = True) -> FlagsDone:
    """Write the questions to the records, or say what would be written.

    Raises StudyFilesWrong where the project does not have the instrument, WriteRefused where REDCap lets the token's
    user write nothing; that one record is locked is an ordinary result.
    """
    with recorder.step("flags") as note, facts.only_one(FINDINGS):
        dictionary = _project(facts)
        run = _Writing(facts, store, facts.connect(), dictionary, FlagsDone(applied=apply))
        run.write()
        note(Message.of("step.flags", written=run.done.written if apply else 0, refused=run.done.refused))
    return run.done


def _project(facts: Round) -> Dictionary:
    """The project as the last snapshot has it, with an instrument to write to."""
    manifest = facts.snapshots.latest_manifest()
    if manifest is None:
        raise StudyFilesWrong("night.no_snapshot", study=facts.study.id)
    dictionary = facts.snapshots.structure(manifest).dictionary
    if lacking := missing_fields(dictionary):
        raise StudyFilesWrong("flags.no_instrument", fields=", ".join(lacking))
    if not any(dictionary.repeats(event, INSTRUMENT) for event in dictionary.event_names):
        raise StudyFilesWrong("flags.not_repeating")
    return dictionary


@dataclass
class _Writing:
    """One run over the records that have something to be asked."""

    facts: Round
    store: Store
    client: RedcapClient
    dictionary: Dictionary
    done: FlagsDone

    def write(self) -> None:
        """Go through the records, those of the worst findings first, until the limit is reached."""
        asked = self.store.questions(self.facts.study.id)
        by_record = self._concerned(asked)
        records = list(by_record)
        most, wording = self.facts.study.settings.flags.most_a_night, self._wording
        for start in range(0, len(records), READ_AT_ONCE):
            batch = records[start : start + READ_AT_ONCE]
            found = read_records(self.client, self.dictionary.record_id_field, batch)
            for position, record in enumerate(batch, start):
                if self.done.written + self.done.refused >= most:
                    self.done.waiting = len(records) - position
                    return
                plan = planned(AskedRecord(record, found[record], self.dictionary, wording), by_record[record], asked)
                self._one(plan, most - self.done.written - self.done.refused)

    def _concerned(self, asked: Mapping[str, Sequence[Question]]) -> dict[str, list[Finding]]:
        held = frozenset(one.rule_id for one in self.store.floods(self.facts.study.id) if one.ended_run is None)
        by_record: dict[str, list[Finding]] = {}
        for finding in sorted(self.store.findings(self.facts.study.id), key=lambda one: one.order):
            against = reason_against(finding, held)
            if against and finding.state is FindingState.OPEN and not finding.under:
                self.done.not_asked[finding.id] = against
            if not finding.of_cohort and may_concern(finding, asked, held):
                by_record.setdefault(finding.row.record, []).append(finding)
        return by_record

    def _one(self, plan: RecordPlan, most: int) -> None:
        """Write one record, and remember what REDCap shows of it."""
        self.done.not_asked |= plan.not_asked
        asks = plan.asks[:most]
        if len(plan.asks) > most:
            self.done.waiting += 1
        if not self.done.applied:
            self._count(asks, "planned")
            return
        self.store.remember_questions(self.facts.study.id, plan.adopted)
        if not asks:
            return
        receipt = self._receipt(plan.record, asks)
        proven = [one for one in asks if one.write in receipt.written]
        self.store.remember_questions(self.facts.study.id, [one.question for one in proven])
        self._count(proven, "written")
        for result, writes in (("refused", receipt.refused), ("unproven", receipt.unproven)):
            self.done.note([one for one in asks if one.write in writes], result)
        self.done.refused += len(receipt.refused)
        self.done.unproven += len(receipt.unproven)

    def _receipt(self, record: str, asks: Sequence[Ask]) -> Receipt:
        try:
            return write_record(self.client, self.dictionary.record_id_field, record, [one.write for one in asks])
        except RedcapRefused as error:
            if error.code != NO_RIGHT:
                raise
            raise WriteRefused("flags.no_right") from None

    def _count(self, asks: Sequence[Ask], result: str) -> None:
        self.done.written += len(asks)
        self.done.new += sum(one.new for one in asks)
        self.done.note(asks, result)

    @property
    def _wording(self) -> QuestionWording:
        facts, due = self.facts, self.facts.study.settings.due
        rules = {rule.id: rule for rule in facts.rules(self.dictionary)}
        zone = facts.hospital_time.tzinfo

        def message(finding: Finding) -> Words:
            return finding.shown_as(rules.get(finding.rule_id))

        return QuestionWording(
            message,
            lambda one: one.opened_at.astimezone(zone).date(),
            lambda one: due.working_days.after(one.opened_at.astimezone(zone).date(), due.step(one.severity).days),
        )


def shown_lines(done: FlagsDone) -> Iterator[Message]:
    """What a run did, as lines for a person."""
    yield Message.of(f"flags.said.{'written' if done.applied else 'planned'}", count=done.written, new=done.new)
    for name in ("refused", "unproven", "waiting"):
        if count := getattr(done, name):
            yield Message.of(f"flags.said.{name}", count=count)
    for reason, count in sorted(done.reasons.items()):
        yield Message.of("flags.said.not_asked", count=count, reason=Message.of(f"flags.reason.{reason.value}"))
