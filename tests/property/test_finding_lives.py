"""Lives of findings against a simple model: nights, edits, what people say, renames, kills and runs made twice.

Nothing is lost, doubled, resolved unseen, asked again while it is confirmed, or silent after its values changed.
`NIGHTROUND_SOAK_LIVES` names another number of runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from nightround.findings.finding_answers import RuleAnswers, Terms, answer, approve, give_back, snooze
from nightround.findings.lineage import Rename
from nightround.findings.reconcile import reconcile
from nightround.model.errors import UsageWrong
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.finding_answer import AnswerCode, Author, Why
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule, Severity
from nightround.store.database import Store, open_store
from nightround.study.rules.rule_logic import logic_hash
from redcap_sync.rows.tables import RowKey
from tests.made_findings import NIGHT, made_outcome, made_row, made_rule, made_violation

ANSWERS = tuple(one for one in AnswerCode if one is not AnswerCode.ASSESSED)
PATIENTS = range(3)
VALUES = st.integers(0, 4)
CODES = st.sampled_from([*ANSWERS, *[AnswerCode.TYPO_CORRECTED, AnswerCode.CONFIRMED_CORRECT] * 3])
WHO = st.sampled_from(["coordinator", "data_manager"])
DAYS = st.integers(1, 3)
QUIET = {"answered", "waived", "snoozed"}
ANSWERED = {FindingState.ANSWERED, FindingState.WAIVED}
STUDIES = count()
RUNS = int(os.environ.get("NIGHTROUND_SOAK_LIVES", "100"))
"""Random runs of the machine, of 50 moves each."""
Act = Callable[[Finding, Author], tuple[Finding, ...]]


class KilledNight(Exception):
    """The process ended in the middle of a transaction."""


def killed_before_it_is_written(*_: object) -> tuple[Finding, ...]:
    """What a person says while the process ends."""
    raise KilledNight


@dataclass
class Life:
    """What the model knows of one patient's finding."""

    value: int
    state: str = "none"
    seen_logic: str = ""
    said_value: int = 0
    said_logic: frozenset[str] = frozenset()
    said_at: datetime = NIGHT
    code: str = ""
    by: str = ""
    until: date | None = None
    severity: Severity = Severity.MAJOR
    put_off_as: Severity = Severity.MAJOR

    def open_again(self) -> None:
        """Nothing that was said counts any more."""
        self.state, self.until, self.code = "open", None, ""


class Lives(RuleBasedStateMachine):
    """The store with the real ledger, next to the model."""

    store: Store

    @initialize(values=st.tuples(VALUES, VALUES, VALUES), severity=st.sampled_from([Severity.MAJOR, Severity.CRITICAL]))
    def begin(self, values: tuple[int, ...], severity: Severity) -> None:
        """Patients with values, and a rule on them."""
        self.study = f"study-{next(STUDIES)}"
        self.now = self.taken_at = NIGHT
        self.limit, self.severity = 2, severity
        self.lives = [Life(value) for value in values]
        self.names = [str(number) for number in PATIENTS]
        self.renames: list[Rename] = []
        self.pulled = [(life.value, name) for life, name in zip(self.lives, self.names, strict=True)]
        self.pulled_renames: list[Rename] = []

    @property
    def made_rule(self) -> Rule:
        """The rule as it is written now."""
        return made_rule("A", discrepancy=f"[x] > {self.limit}", severity=self.severity)

    @property
    def logic(self) -> str:
        """The hash of its logic."""
        return logic_hash(self.made_rule)

    @property
    def terms(self) -> Terms:
        """One person is enough, but for a critical rule."""
        return Terms(second_person_for_all=False, today=self.now.date())

    def row(self, patient: int) -> RowKey:
        """The row of a patient as the last pull named it."""
        return made_row(self.pulled[patient][1])

    @rule(patient=st.sampled_from(PATIENTS), value=VALUES)
    def edit(self, patient: int, value: int) -> None:
        """A value is changed in REDCap, or typed again as it was."""
        self.lives[patient].value = value

    @rule(patient=st.sampled_from(PATIENTS))
    def rename(self, patient: int) -> None:
        """A record gets a name that no other had."""
        old, new = self.names[patient], f"{self.names[patient]}x"
        self.names[patient] = new
        self.renames.append(Rename(old, new))

    @rule(limit=st.integers(1, 3))
    def edit_rule(self, limit: int) -> None:
        """The data manager writes another limit."""
        self.limit = limit

    @rule(severity=st.sampled_from(list(Severity)))
    def grade_rule(self, severity: Severity) -> None:
        """The data manager makes the rule more, or less, severe."""
        self.severity = severity

    @rule(choice=st.sampled_from([Why.FUTURE, Why.CARRY, Why.RULE_CHANGED]))
    def keep_answers(self, choice: Why) -> None:
        """The data manager decides what becomes of what was said, though the rule was edited."""

        def decide(known: tuple[Finding, ...]) -> tuple[Finding, ...]:
            return RuleAnswers.of(known, self.made_rule).settled(
                self.made_rule, choice, Author("data_manager", self.now)
            )

        moves = self.store.record_moves(self.study, self.run(), decide, self.now)
        for patient in (self.patient_of(one) for one in moves):
            life = self.lives[patient]
            if choice is Why.RULE_CHANGED:
                life.open_again()
                continue
            given = life.said_logic if choice is Why.FUTURE else frozenset[str]()
            life.said_logic = frozenset({*sorted(given)[:1], self.logic})

    @rule(patient=st.sampled_from(PATIENTS), code=CODES, by=WHO, days=st.none() | DAYS)
    def say(self, patient: int, code: AnswerCode, by: str, days: int | None) -> None:
        """Somebody answers."""
        until = self.now.date() + timedelta(days=days) if days else None
        life = self.lives[patient]
        allowed = life.state in {"open", "snoozed"}
        if self.act(patient, allowed, lambda one, author: answer(one, code, author, self.terms, until=until), by):
            self.said(patient, code.value, by, until)
            one_is_enough = code is AnswerCode.CONFIRMED_CORRECT and life.severity is not Severity.CRITICAL
            life.state = "waived" if one_is_enough else "answered"

    @rule(patient=st.sampled_from(PATIENTS), by=WHO)
    def accept(self, patient: int, by: str) -> None:
        """Somebody approves."""
        life = self.lives[patient]
        allowed = life.state == "answered" and life.by != by and life.code != "typo_corrected"
        if self.act(patient, allowed, lambda one, author: approve(one, author, self.terms), by):
            life.state = "waived"

    @rule(patient=st.sampled_from(PATIENTS), by=WHO)
    def send_back(self, patient: int, by: str) -> None:
        """Somebody returns an answer."""
        life = self.lives[patient]
        if self.act(patient, life.state in {"answered", "waived"}, give_back, by):
            life.open_again()

    @rule(patient=st.sampled_from(PATIENTS), by=WHO, days=DAYS)
    def put_off(self, patient: int, by: str, days: int) -> None:
        """Somebody snoozes."""
        until = self.now.date() + timedelta(days=days)
        allowed = self.lives[patient].state in {"open", "snoozed"}
        if self.act(patient, allowed, lambda one, author: snooze(one, author, self.terms, until), by):
            self.said(patient, "", by, until)
            self.lives[patient].state = "snoozed"
            self.lives[patient].put_off_as = self.lives[patient].severity

    @rule(patient=st.sampled_from(PATIENTS), by=WHO)
    def say_while_it_is_killed(self, patient: int, by: str) -> None:
        """Somebody says something, and the process ends before it is written down: nothing was said."""
        with suppress(KilledNight):
            self.act(patient, allowed=True, act=killed_before_it_is_written, by=by)

    @rule(evaluated=st.booleans() | st.just(True), complete=st.booleans() | st.just(True), killed=st.booleans())
    def night(self, *, evaluated: bool, complete: bool, killed: bool) -> None:
        """A pull and a round a day later; it may end in the middle, and be made again."""
        self.now += timedelta(days=1)
        self.taken_at = self.now
        self.pulled = [(life.value, name) for life, name in zip(self.lives, self.names, strict=True)]
        self.pulled_renames, self.renames = self.renames, []
        if killed:
            with pytest.raises(KilledNight):
                self.round(evaluated=evaluated, complete=complete, killed=True)
        self.judged(self.round(evaluated=evaluated, complete=complete), evaluated=evaluated, complete=complete)
        self.pulled_renames = []

    @rule(evaluated=st.booleans())
    def again(self, *, evaluated: bool) -> None:
        """A round an hour later on the same snapshot: an answer that was given since is later than its data."""
        self.now += timedelta(hours=1)
        self.judged(self.round(evaluated=evaluated, complete=True), evaluated=evaluated, complete=True)

    @precondition(lambda self: hasattr(self, "study"))
    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        """Each patient has the finding that the model says, and no other; its history is whole and ends in it."""
        found = self.store.findings(self.study)
        assert len({one.row for one in found}) == len(found)
        states = {one.row: one.state for one in found}
        expected = {self.row(patient): life.state for patient, life in enumerate(self.lives) if life.state != "none"}
        live = {row: state.value if state.live else "closed" for row, state in states.items()}
        assert live == expected
        assert all(bool(one.answer) == (one.state in ANSWERED) for one in found if one.state.live)
        assert self.store.broken_lines(self.study) == ()

    def run(self) -> int:
        """A run of the study."""
        return self.store.start_run(self.study, "nightly", self.now)

    def patient_of(self, finding: Finding) -> int:
        """Whose finding it is."""
        return next(patient for patient in PATIENTS if self.row(patient) == finding.row)

    def act(self, patient: int, allowed: bool, act: Act, by: str) -> bool:  # noqa: FBT001
        """Do something to a patient's finding, or be refused; whether it was done."""
        known = [one for one in self.store.findings(self.study) if one.row == self.row(patient)]
        if not known:
            return False
        author = Author(by, self.now)

        def decide(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
            return act(next(one for one in found if one.id == known[0].id), author)

        if not allowed:
            with pytest.raises(UsageWrong):
                self.store.record_moves(self.study, self.run(), decide, self.now)
            return False
        self.store.record_moves(self.study, self.run(), decide, self.now)
        return True

    def said(self, patient: int, code: str, by: str, until: date | None) -> None:
        """Note in the model what was said, of which values and logic."""
        life = self.lives[patient]
        life.code, life.by, life.until, life.said_at = code, by, until, self.now
        life.said_logic = frozenset({life.seen_logic})

    def outcome(self, *, evaluated: bool) -> Outcome:
        """The results of the rules on the values of the last pull."""
        if not evaluated:
            return made_outcome("A", status=Status.NOT_EVALUATED)
        broken = tuple(
            made_violation("A", self.row(patient), observed={"x": str(value)})
            for patient, (value, _) in enumerate(self.pulled)
            if value > self.limit
        )
        return replace(made_outcome("A"), status=Status.FAILED if broken else Status.PASSED, violations=broken)

    def round(self, *, evaluated: bool, complete: bool, killed: bool = False) -> LedgerDelta:
        """Bring the findings up to date with the last pull."""

        def decide(known: tuple[Finding, ...]) -> LedgerDelta:
            delta = reconcile(
                self.study,
                known,
                [self.outcome(evaluated=evaluated)],
                {"A": self.made_rule},
                rows={self.row(patient) for patient in PATIENTS},
                complete=complete,
                now=self.now,
                renames=self.pulled_renames,
                taken_at=self.taken_at,
            )
            if killed:
                raise KilledNight
            return delta

        return self.store.record_night(self.study, self.run(), (), decide, self.now)

    def judged(self, delta: LedgerDelta, *, evaluated: bool, complete: bool) -> None:
        """What the model says of a round, and of what it asks."""
        for patient, (value, _) in enumerate(self.pulled):
            life, quiet_before = self.lives[patient], self.lives[patient].state in QUIET
            broken = evaluated and value > self.limit
            if broken:
                self.seen(life, value)
            elif life.state in {"open", *QUIET}:
                self.not_seen(life, sure=evaluated and complete)
            asked = {one.row for one in delta.open_now}
            assert (self.row(patient) in asked) == (life.state == "open")
            if quiet_before and life.state == "open":
                assert self.row(patient) in {one.row for one in delta.reopened}
        for one in delta.resolved:
            assert one.resolution in {Resolution.FIXED, Resolution.RULE_CHANGED}

    def seen(self, life: Life, value: int) -> None:
        """A night saw the row broken."""
        changed = value != life.said_value
        logic = self.logic not in life.said_logic
        over = life.until is not None and self.now.date() >= life.until
        worse = life.state == "snoozed" and self.severity.rank < life.put_off_as.rank
        late = life.state == "answered" and life.code == "typo_corrected" and life.said_at < self.taken_at
        if life.state not in QUIET or changed or logic or over or worse or late:
            life.open_again()
        life.said_value, life.seen_logic, life.severity = value, self.logic, self.severity

    def not_seen(self, life: Life, *, sure: bool) -> None:
        """A night did not see the row broken: it is closed where the night could know, or its day comes."""
        if sure:
            life.state, life.until = "closed", None
        elif life.state in QUIET and life.until is not None and self.now.date() >= life.until:
            life.open_again()


@contextmanager
def opened_store() -> Iterator[Store]:
    """A new database."""
    with TemporaryDirectory() as folder, open_store(Path(folder) / "lives.sqlite3") as store:
        yield store


def test_the_lives_of_findings_are_those_of_the_model() -> None:
    """Whatever happens in whatever order, each finding is in the state that a simple model says."""
    with opened_store() as store:
        machine = type("LivesInStore", (Lives,), {"store": store})
        run_state_machine_as_test(machine, settings=settings(max_examples=RUNS))
