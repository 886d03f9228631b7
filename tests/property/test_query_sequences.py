"""Random sequences of calls to the Data Quality API module: no double thread, no wrong thread, no answer lost or twice.

A sequence mixes runs that write, runs that are killed or whose answers are lost, readings, what people do in REDCap's
pages, findings that change, records that are renamed and deleted, and clocks that are apart. The module is the
sandbox's, with its oddities. `NIGHTROUND_SOAK_QUERIES` names another number of sequences, `NIGHTROUND_SOAK_SEED` the
first of them.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from nightround.findings.finding_answers import Terms
from nightround.findings.workflow_plan import QueriedRecord, planned_queries, said_in_threads, seen_questions
from nightround.findings.write_back import QuestionWording, taken
from nightround.model.finding import Finding, FindingState, finding_id
from nightround.model.finding_answer import Author
from nightround.model.language import Words
from nightround.model.rule import Severity
from nightround.store.question_rows import Question
from redcap_sync.api.client import RedcapClient
from redcap_sync.project.query_threads import QueriedPlace, StoredResolution, StoredThread
from redcap_sync.project.rights import User, every_right
from redcap_sync.project.state import OWNER, StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.rows.tables import RowKey
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.parameters import parameters_from_pairs
from redcap_sync.sandbox.server import answer
from redcap_sync.write_back.query_module import QueryModule
from tests.query_desk import PREFIX
from tests.sandbox_examples import longitudinal_project

RUNS = int(os.environ.get("NIGHTROUND_SOAK_QUERIES", "80"))
FIRST_SEED = int(os.environ.get("NIGHTROUND_SOAK_SEED", "1"))
STEPS = 30
ROUNDS = 6
"""Undisturbed rounds until nothing is written any more: the findings of a field are asked about one after another."""
MARK = re.compile(r"\[([0-9a-f]{16})-(\d+)\]\Z")
AT = datetime(2025, 3, 1, 8, tzinfo=UTC)
WORDING = QuestionWording(
    lambda one: one.title, lambda _: date(2025, 3, 1), lambda _: date(2025, 3, 8), lambda one: Words("", one.value)
)
CODES = {
    "CONFIRMED_CORRECT": "confirmed_correct",
    "OTHER": "other",
    "DATA_MISSING": "data_missing",
    "TYPOGRAPHICAL_ERROR": "typo_corrected",
    "WRONG_SOURCE": "wrong_source",
}
PLACES = [
    (record, event, name)
    for record in "12"
    for event, name in (("screening_arm_1", "sex"), ("followup_arm_1", "height"))
]


class KilledRun(Exception):
    """The process is gone, or the connection."""


@dataclass
class CallsByHand:
    """A client whose calls of the module reach the sandbox without a network, and may be sent twice or lost."""

    installation: Installation
    token: str
    random: Random
    faults: bool = True

    def call_module(self, address: Mapping[str, str], form: Mapping[str, str]) -> Any:
        """One call, as the server answers it."""
        sent = parameters_from_pairs([("token", self.token), *form.items()])
        sent = replace(sent, query=dict(address))
        fate = self.random.random() if self.faults else 1.0
        if fate < 0.04:
            raise KilledRun
        found = answer(self.installation, sent)
        if fate < 0.08:
            raise KilledRun
        if fate < 0.2:
            found = answer(self.installation, sent)
        assert found.status == 200
        return json.loads(found.body)


@dataclass
class World:
    """A project with its module, what Nightround remembers, and what is true."""

    project: StoredProject
    module: QueryModule
    random: Random
    findings: dict[str, Finding]
    remembered: dict[str, tuple[Question, ...]] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)
    """How often an answer to each question was taken over."""
    names: dict[str, str] = field(default_factory=dict)
    """The new name of each record that was renamed."""
    apart: timedelta = timedelta()
    """How far the server's clock is ahead."""
    quiet: bool = False
    """Whether nobody acts between the calls of a run any more."""
    now: datetime = AT
    """By Nightround's clock."""

    def remember(self, questions: list[Question]) -> None:
        """What the store does."""
        for one in questions:
            others = [known for known in self.remembered.get(one.finding_id, ()) if known.id != one.id]
            self.remembered[one.finding_id] = (*others, one)

    def step(self) -> None:
        """Something happens."""
        acts: list[tuple[int, Callable[[], None]]] = [
            (6, self.write),
            (5, self.read),
            (6, self.person),
            (4, self.change),
            (1, self.rename),
            (1, self.delete),
            (2, self.wait),
        ]
        act = self.random.choices([one for _, one in acts], [weight for weight, _ in acts])[0]
        with suppress(KilledRun):
            act()

    def write(self) -> None:
        """A run that writes, which may be killed anywhere."""
        by_record: dict[str, list[Finding]] = {}
        for one in self.findings.values():
            by_record.setdefault(one.row.record, []).append(one)
        for record, findings in by_record.items():
            threads = self.module.threads([record])
            exists = record in self.project.values
            queried = QueriedRecord(record, exists, threads, self.project.dictionary, WORDING, self.wall())
            plan = planned_queries(queried, findings, self.remembered)
            self.remember(plan.adopted)
            if plan.asks:
                self.meanwhile(findings)
                receipt = self.module.write(record, [one.write for one in plan.asks])
                assert not receipt.refused
                assert not self.quiet or len(receipt.written) == len(plan.asks)
                self.remember([one.question for one in plan.asks if one.write in receipt.written])

    def meanwhile(self, findings: list[Finding]) -> None:
        """A person may act between the reading and the writing of a run."""
        if not self.quiet and self.random.random() < 0.1:
            one = self.random.choice(findings)
            self.act_at(self.place_of(one))

    def read(self) -> None:
        """A night takes over what people said."""
        threads, dictionary = self.module.threads(), self.project.dictionary
        said = said_in_threads(threads, self.findings.values(), dictionary)
        moves, answered = taken(said, self.findings.values(), self.remembered, Author("?", AT), Terms(False, AT.date()))
        assert {one.id: one.answer.code.value for one in moves if one.answer} == self.expected()
        seen = seen_questions(threads, self.findings.values(), self.remembered, dictionary)
        self.remember([*answered, *(one for one in seen if one.id not in {done.id for done in answered})])
        self.answered.update(one.id for one in answered)
        self.findings |= {one.id: one for one in moves}

    def expected(self) -> dict[str, str]:
        """The answers that stand, worked out anew: of each thread's last question, the response nobody sent back."""
        found: dict[str, str] = {}
        for thread in self.project.queries:
            query, code = "", ""
            for line in thread.resolutions:
                if line.username == OWNER and line.status == "OPEN" and not line.response:
                    query, code = MARK.search(line.comment)[0][1:-1], ""  # type: ignore[index]
                elif line.response or line.response_requested:
                    code = CODES.get(line.response, "")
            finding = self.findings.get(query[:16])
            if finding is None or not code or self.answered[query] or self.place_of(finding) != thread.place:
                continue
            if finding.state in (FindingState.OPEN, FindingState.SNOOZED):
                found[finding.id] = code
        return found

    def person(self) -> None:
        """Somebody acts in REDCap's pages."""
        self.act_at(self.place_of(self.random.choice(list(self.findings.values()))))

    def act_at(self, place: QueriedPlace) -> None:
        """A person adds a line to the thread of a field, or makes the thread."""
        mine = next((one for one in self.project.queries if one.place == place), None)
        if mine is None:
            if self.random.random() < 0.7 or place.record not in self.project.values:
                return
            mine = self.project.queries.open_thread(place)
        status, response, asks = self.random.choice(
            [
                *[("OPEN", response, False) for response in CODES],
                ("OPEN", "", True),
                ("CLOSED", "", False),
                ("VERIFIED", "", False),
                ("", "", False),
            ]
        )
        quoted = (
            mine.resolutions[-1].comment if mine.resolutions and self.random.random() < 0.1 and not asks else "seen"
        )
        self.say(
            mine, StoredResolution(0, self.server_now(), "anna", asks, response, quoted if response else "seen", status)
        )

    def say(self, thread: StoredThread, line: StoredResolution) -> None:
        """What REDCap's own pages do: the status is that of the line, whatever the clock says."""
        self.project.queries.add(thread, line)
        if line.status:
            self.project.queries.set_status(thread, line.status)

    def change(self) -> None:
        """A night, or the data manager, changes a finding."""
        one = self.random.choice(list(self.findings.values()))
        state = self.random.choice(list(FindingState))
        self.findings[one.id] = replace(one, state=state, answer=None, snooze=None)

    def rename(self) -> None:
        """A record gets another name; its findings may follow at once, or later."""
        old = self.random.choice(self.project.values.names())
        new = f"{old}0"
        ids = frozenset(self.project.event_names)
        self.project.values.rename(old, new, self.project.id_field, event_ids=ids)
        self.project.queries.rename_record(old, new, ids)
        self.names[old] = new
        if self.random.random() < 0.7:
            self.follow()

    def follow(self) -> None:
        """Let findings follow their renamed records, as a night does."""
        for one in list(self.findings.values()):
            self.findings[one.id] = replace(one, row=one.row._replace(record=self.name_now(one.row.record)))

    def name_now(self, record: str) -> str:
        """The name that a record has now."""
        while record in self.names:
            record = self.names[record]
        return record

    def delete(self) -> None:
        """A record is deleted, with its threads."""
        if len(self.project.values) > 1 and self.random.random() < 0.3:
            record = self.random.choice(self.project.values.names())
            self.project.values.delete(record)
            self.project.queries.forget_record(record)

    def wait(self) -> None:
        """Time goes on, and a night may follow renamed records."""
        self.follow()
        self.now += timedelta(seconds=self.random.choice([1, 60, 86_400]))

    def wall(self) -> datetime:
        """What Nightround takes for the server's time."""
        return self.now.replace(tzinfo=None)

    def server_now(self) -> str:
        """The server's time, which is hours apart from Nightround's."""
        return (self.wall() + self.apart).strftime("%Y-%m-%d %H:%M:%S")

    def place_of(self, finding: Finding) -> QueriedPlace:
        """Where a finding is in REDCap."""
        event = next(one.event_id for one in self.project.events if one.unique_name == finding.row.event)
        return QueriedPlace(finding.row.record, event, finding.fields[0])

    def settled_lines(self) -> int:
        """How many lines the threads have after a round in which nothing goes wrong."""
        for act in (self.read, self.write):
            act()
            self.check()
        return sum(len(one.resolutions) for one in self.project.queries)

    def check(self) -> None:
        """No double thread, no wrong thread, no question twice, and no answer taken twice."""
        places = Counter(one.place[:3] for one in self.project.queries)
        assert max(places.values(), default=1) == 1
        asked: Counter[tuple[str, str]] = Counter()
        for thread in self.project.queries:
            for line in thread.resolutions:
                if line.username != OWNER:
                    continue
                found = MARK.search(line.comment)
                assert found
                finding = self.findings[found[1]]
                assert thread.record == self.name_now(finding.row.record)
                assert (thread.field_name, thread.event_id) == self.place_of(finding)[2:0:-1]
                assert not thread.repeat_instrument
                asked[found[0], line.status] += 1
        assert max(asked.values(), default=1) == 1
        assert max(self.answered.values(), default=1) == 1


def finding_at(number: int, record: str, event: str, name: str) -> Finding:
    """An open finding about a field."""
    row = RowKey(record, event, "baseline" if name == "sex" else "labs", 0)
    rule, fields = f"R{number}", (name,)
    return Finding(
        finding_id("s", rule, row, fields),
        "s",
        rule,
        row,
        fields,
        Severity.MAJOR,
        "",
        FindingState.OPEN,
        AT,
        AT,
        title=Words("值", "value"),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a project."""
    made = tmp_path_factory.mktemp("project")
    longitudinal_project(made)
    return made


def world(folder: Path, seed: int) -> World:
    """A project with two records, and two findings at each of their fields."""
    random = Random(seed)
    project = longitudinal_project(folder, data_resolution_workflow=True, data_quality_module=PREFIX)
    project.structure.users["anna"] = User("anna", every_right())
    installation = Installation(random=random)
    installation.add(project)
    for record in "12":
        project.values.write(record, ValuePlace(project.events[0].event_id), {project.id_field: record})
    calls = CallsByHand(installation, installation.token(project), random)
    module = QueryModule(cast("RedcapClient", calls), PREFIX, project.project_id, OWNER)
    findings = [finding_at(number, *place) for number in range(2) for place in PLACES]
    apart = timedelta(hours=random.choice([-8, 0, 8]))
    return World(project, module, random, {one.id: one for one in findings}, apart=apart)


@pytest.mark.parametrize("part", range(4))
def test_random_sequences_double_and_mistake_no_thread(folder: Path, part: int) -> None:
    """After every step; and once nothing goes wrong any more, a few rounds leave nothing to be written."""
    written = 0
    for seed in range(FIRST_SEED + part, FIRST_SEED + RUNS, 4):
        one = world(folder, seed)
        for _ in range(STEPS):
            one.step()
            one.check()
        one.quiet = True
        cast("CallsByHand", one.module.client).faults = False
        one.follow()
        lines = [one.settled_lines() for _ in range(ROUNDS)]
        assert lines[-1] == lines[-2]
        written += lines[-1]
    assert written > RUNS
