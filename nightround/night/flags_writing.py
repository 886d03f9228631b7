"""One run over the records that have something to be asked in REDCap: by which road, and what was then shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nightround.findings.saved_answers import SavedFate
from nightround.findings.workflow_plan import QueriedRecord, planned_queries, reason_against_query
from nightround.findings.write_back import (
    Ask,
    AskedRecord,
    NotAsked,
    QuestionWording,
    RecordPlan,
    latest_of,
    may_concern,
    planned,
    reason_against,
    usable,
)
from nightround.model.finding import Finding, FindingState
from nightround.model.language import Words
from nightround.night.round import Round
from nightround.store.database import Store
from nightround.store.question_rows import LEFT_CLOSED, Question, Road
from nightround.texts.catalogue import in_both
from redcap_sync.api.client import RedcapClient
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import RedcapRefused, WriteRefused
from redcap_sync.messages import Message
from redcap_sync.write_back.query_module import QueryModule, QueryThread
from redcap_sync.write_back.query_rows import (
    NO_RIGHT,
    Receipt,
    RecordNow,
    RowWrite,
    Write,
    read_records,
    write_record,
)

READ_AT_ONCE = 20
"""Records in one reading before they are written to: few, so that little time passes in between."""
Asked = Mapping[str, Sequence[Question]]


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
    detours: dict[str, NotAsked] = field(default_factory=dict)
    """Findings that are asked about by the instrument, with the reason why not as queries."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Each row or line that was, or would be, written: its finding, question, state, road and result."""
    saved: list[SavedFate] | None = None
    """What the queries of `queries.csv` are to the findings; None where that is not asked, or there is no file."""

    @property
    def reasons(self) -> Mapping[NotAsked, int]:
        """How many findings have no question, by reason."""
        return Counter(self.not_asked.values())

    @property
    def detour_reasons(self) -> Mapping[NotAsked, int]:
        """How many findings are asked about by the instrument instead, by reason."""
        return Counter(self.detours.values())

    def note(self, asks: Sequence[Ask[Any]], result: str) -> None:
        """Remember what became of some rows."""
        self.rows += [
            {
                "finding": one.question.finding_id,
                "query": one.question.id,
                "status": one.question.status,
                "new": one.new,
                "road": one.question.road.value,
                "result": result,
            }
            for one in asks
        ]

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        names = ("applied", "written", "new", "refused", "unproven", "waiting", "rows")
        return {name: getattr(self, name) for name in names} | {
            "not_asked": _listed(self.not_asked),
            "not_in_workflow": _listed(self.detours),
            **({} if self.saved is None else {"saved_queries": [one.document() for one in self.saved]}),
        }


def _listed(reasons: Mapping[str, NotAsked]) -> list[dict[str, str]]:
    return [{"finding": one, "reason": why.value} for one, why in sorted(reasons.items())]


@dataclass
class FlagsWriting:
    """One run over the records that have something to be asked."""

    facts: Round
    store: Store
    client: RedcapClient
    dictionary: Dictionary
    done: FlagsDone
    instrument: bool
    """Whether the project has an instrument that questions can be written to."""
    module: QueryModule | None = None
    """The Data Quality API module, where the study asks by queries."""

    def write(self) -> None:
        """Go through the records, those of the worst findings first, until the limit is reached."""
        asked = usable(self.store.questions(self.facts.study.id), self._roads)
        by_record = self._concerned(asked)
        records, most = list(by_record), self.facts.study.settings.flags.most_a_night
        for start in range(0, len(records), READ_AT_ONCE):
            batch = records[start : start + READ_AT_ONCE]
            found = read_records(self.client, self.dictionary.record_id_field, batch, with_rows=self.instrument)
            by_road = {record: self._by_road(by_record[record], asked) for record in batch}
            threads = self._threads([record for record in batch if by_road[record][Road.WORKFLOW]])
            for position, record in enumerate(batch, start):
                if self._left(most) <= 0:
                    self.done.waiting += len(records) - position
                    return
                self._queries(record, found[record], threads, by_road[record], asked)
                self._rows(record, found[record], by_road[record][Road.INSTRUMENT], asked)

    @property
    def _roads(self) -> frozenset[Road]:
        return frozenset(
            [*([Road.INSTRUMENT] if self.instrument else []), *([Road.WORKFLOW] if self.module else []), Road.FILE]
        )

    def _left(self, most: int) -> int:
        return most - self.done.written - self.done.refused

    def _concerned(self, asked: Asked) -> dict[str, list[Finding]]:
        held = frozenset(one.rule_id for one in self.store.floods(self.facts.study.id) if one.ended_run is None)
        by_record: dict[str, list[Finding]] = {}
        for finding in sorted(self.store.findings(self.facts.study.id), key=lambda one: one.order):
            against = reason_against(finding, held) or _closed_there(finding, asked)
            if against and finding.state is FindingState.OPEN and not finding.under:
                self.done.not_asked[finding.id] = against
            if not finding.of_cohort and may_concern(finding, asked, held):
                by_record.setdefault(finding.row.record, []).append(finding)
        return by_record

    def _by_road(self, findings: Iterable[Finding], asked: Asked) -> dict[Road, list[Finding]]:
        """Which findings are asked about, or brought up to date, by which road."""
        by_road: dict[Road, list[Finding]] = {road: [] for road in Road}
        for finding in findings:
            questions = asked.get(finding.id, ())
            latest = latest_of(questions)
            if finding.state is not FindingState.OPEN:
                for road in {one.road for one in questions}:
                    by_road[road].append(finding)
            elif latest is not None and not latest.over:
                by_road[latest.road].append(finding)
            elif self.module is None:
                by_road[Road.INSTRUMENT].append(finding)
            elif against := reason_against_query(finding, self.dictionary):
                self._otherwise(finding, against, by_road)
            else:
                by_road[Road.WORKFLOW].append(finding)
        return by_road

    def _otherwise(self, finding: Finding, against: NotAsked, by_road: Mapping[Road, list[Finding]]) -> None:
        """Ask about a finding that can be no query by the instrument, where the project has one."""
        if self.instrument:
            self.done.detours[finding.id] = against
            by_road[Road.INSTRUMENT].append(finding)
        else:
            self.done.not_asked[finding.id] = against

    def _threads(self, records: Sequence[str]) -> Sequence[QueryThread]:
        return self.module.threads(records) if self.module and records else ()

    def _queries(
        self,
        record: str,
        now: RecordNow,
        threads: Sequence[QueryThread],
        by_road: Mapping[Road, list[Finding]],
        asked: Asked,
    ) -> None:
        findings = by_road[Road.WORKFLOW]
        if self.module is None or not findings:
            return
        known = {one.id: one for one in findings}
        queried = QueriedRecord(record, now.exists, threads, self.dictionary, self._wording, self.facts.wall_clock)
        plan = planned_queries(queried, findings, asked)
        for finding_id, against in plan.elsewhere.items():
            self._otherwise(known[finding_id], against, by_road)
        self._one(plan, self.module.write)

    def _rows(self, record: str, now: RecordNow, findings: Sequence[Finding], asked: Asked) -> None:
        if not self.instrument or not findings:
            return
        plan = planned(AskedRecord(record, now, self.dictionary, self._wording), findings, asked)
        self._one(plan, self._write_rows)

    def _one(self, plan: RecordPlan[Write], write: Callable[[str, Sequence[Write]], Receipt[Write]]) -> None:
        """Write what one road has for one record, and remember what REDCap shows of it."""
        self.done.not_asked |= plan.not_asked
        asks = plan.asks[: max(self._left(self.facts.study.settings.flags.most_a_night), 0)]
        if len(plan.asks) > len(asks):
            self.done.waiting += 1
        if not self.done.applied:
            self._count(asks, "planned")
            return
        self.store.remember_questions(self.facts.study.id, plan.adopted)
        if not asks:
            return
        receipt = write(plan.record, [one.write for one in asks])
        proven = [one for one in asks if one.write in receipt.written]
        self.store.remember_questions(self.facts.study.id, [one.question for one in proven])
        self._count(proven, "written")
        for result, writes in (("refused", receipt.refused), ("unproven", receipt.unproven)):
            self.done.note([one for one in asks if one.write in writes], result)
        self.done.refused += len(receipt.refused)
        self.done.unproven += len(receipt.unproven)

    def _write_rows(self, record: str, writes: Sequence[RowWrite]) -> Receipt[RowWrite]:
        try:
            return write_record(self.client, self.dictionary.record_id_field, record, writes)
        except RedcapRefused as error:
            if error.code != NO_RIGHT:
                raise
            raise WriteRefused("flags.no_right") from None

    def _count(self, asks: Sequence[Ask[Any]], result: str) -> None:
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
            lambda state: in_both(Message.of(f"answers.state.{state.value}")),
        )


def _closed_there(finding: Finding, asked: Asked) -> NotAsked | None:
    latest = latest_of(asked.get(finding.id, ()))
    closed = latest is not None and latest.road is Road.WORKFLOW and not latest.over and latest.status == LEFT_CLOSED
    return NotAsked.CLOSED if closed else None
