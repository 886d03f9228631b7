"""Nights that leave the findings of settled rules unread against nights that read all of them: nothing differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.findings.finding_answers import Terms, answer, approve, give_back, snooze
from nightround.findings.lineage import Rename
from nightround.model.errors import UsageWrong
from nightround.model.finding import Finding
from nightround.model.finding_answer import AnswerCode, Author
from nightround.model.rule import Severity
from nightround.night.recorder import Recorder
from nightround.store.database import Store, open_store
from nightround.store.settled_rows import Ledger, WholeLedger
from tests.made_findings import NIGHT, history_of, made_rule
from tests.made_ledger import PATIENTS, MadeLedger, World, made_limit

NAMES = ("A", "B", "C", "project:d", "project:e")
STUDIES = count()
CODES = tuple(one for one in AnswerCode if one is not AnswerCode.ASSESSED)


Step = Callable[["Pair"], None]
RULE_CHANGES = st.one_of(
    st.builds(dict, severity=st.sampled_from(Severity)),
    st.builds(dict, owner=st.sampled_from(["coordinator", "data_manager"])),
    st.builds(dict, discrepancy=st.sampled_from("123")),
    st.builds(dict, fields=st.sampled_from([("x",), ("y",), ("x", "y"), ()])),
    st.builds(dict, applies=st.sampled_from(["", "[a] = '1'"])),
    st.builds(dict, deviation=st.booleans()),
    st.builds(dict, problem=st.sampled_from([made_rule().title, made_rule().advice])),
)


class Pair:
    """One study in two databases: nights of the first leave settled findings unread."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores, self.study, self.number = stores, f"study_{next(STUDIES)}", 1.0
        self.world = World()

    def night(self) -> None:
        """Make a night in both, and compare them."""
        self.number += 1
        ledger = MadeLedger(self.world, self.number, self.study)
        both: list[Ledger] = [ledger.settling, WholeLedger(ledger.decide)]
        seen = [self.made(store, one) for store, one in zip(self.stores, both, strict=True)]
        assert seen[0] == seen[1]
        self.world = replace(self.world, complete=True, unjudged=frozenset(), renames=(), stale=False)

    def made(self, store: Store, ledger: Ledger) -> list[object]:
        """All that a night leaves and says."""
        now = NIGHT + timedelta(days=self.number)
        run = store.start_run(self.study, "nightly", now)
        delta = store.record_ledger(self.study, run, (), ledger, now)
        recorder = Recorder(store, run, lambda: now, Severity.MAJOR)
        recorder.reconciled(delta, (), self.world.off)
        findings = store.findings(self.study)
        history = [(one.finding_id, one.change, one.was, one.why) for one in history_of(store, self.study)]
        whole = delta.with_repeated(findings)
        return [findings, history, recorder.findings, recorder.severe, whole, store.changes_since(self.study, 0).delta]

    def act(self, patient: int, act: Callable[[Finding, Author], tuple[Finding, ...]], by: str) -> None:
        """Let a person do something to the first finding of a patient, where that may be done."""
        row, now = self.world.row(patient), NIGHT + timedelta(days=self.number, hours=6)

        def decide(known: tuple[Finding, ...]) -> tuple[Finding, ...]:
            return next((act(one, Author(by, now)) for one in known if one.row == row and one.state.live), ())

        for store in self.stores:
            run = store.start_run(self.study, "answer", now)
            try:
                store.record_moves(self.study, run, decide, now)
            except UsageWrong:
                continue

    def terms(self) -> Terms:
        """The day on which a person acts."""
        return Terms(second_person_for_all=False, today=(NIGHT + timedelta(days=self.number)).date())


def records_swapped(pair: Pair) -> None:
    """Two records take each other's name, by a third one."""
    first, second, *others = pair.world.records
    turns = (Rename(first, "0"), Rename(second, first), Rename("0", second))
    renames = (*pair.world.renames, *turns)
    pair.world = replace(pair.world, records=(second, first, *others), renames=renames)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Something that happens between two nights."""
    name, patient, by = draw(st.sampled_from(NAMES)), draw(st.integers(0, PATIENTS - 1)), draw(st.sampled_from("cd"))
    value, days, code = draw(st.integers(0, 4)), draw(st.integers(1, 3)), draw(st.sampled_from(CODES))
    change = draw(RULE_CHANGES)

    def in_days(pair: Pair) -> object:
        return pair.terms().today + timedelta(days=days)

    def world(**facts: object) -> Callable[[Pair], None]:
        return lambda pair: setattr(pair, "world", replace(pair.world, **facts))

    def edit(pair: Pair) -> None:
        values = list(pair.world.values)
        values[patient] = value
        world(values=tuple(values))(pair)

    def rule_changed(pair: Pair) -> None:
        world(rules=tuple(replace(one, **change) if one.id == name else one for one in pair.world.rules))(pair)

    def rule_goes_or_comes(pair: Pair) -> None:
        left = tuple(one for one in pair.world.rules if one.id != name)
        came = (made_limit(name, "1"),)
        world(rules=left if len(left) < len(pair.world.rules) else (*left, *came))(pair)

    def rule_renamed(pair: Pair) -> None:
        free = next(one for one in (*NAMES, "F") if one not in {rule.id for rule in pair.world.rules})
        renamed = (replace(one, id=free, was=(name,)) if one.id == name else one for one in pair.world.rules)
        world(rules=tuple(renamed))(pair)

    def record_renamed(pair: Pair) -> None:
        names, old = list(pair.world.records), pair.world.records[patient]
        names[patient] = f"{old}{value}"
        world(records=tuple(names), renames=(*pair.world.renames, Rename(old, names[patient])))(pair)

    def said(pair: Pair) -> None:
        until = in_days(pair) if value % 2 else None
        pair.act(patient, lambda one, who: answer(one, code, who, pair.terms(), until=until), by)  # type: ignore[arg-type]

    acts: list[Step] = [
        edit,
        rule_changed,
        rule_goes_or_comes,
        rule_renamed,
        record_renamed,
        records_swapped,
        said,
        lambda pair: pair.act(patient, lambda one, who: snooze(one, who, pair.terms(), in_days(pair)), by),  # type: ignore[arg-type]
        lambda pair: pair.act(patient, lambda one, who: approve(one, who, pair.terms()), by),
        lambda pair: pair.act(patient, give_back, by),
        world(complete=False),
        world(stale=True),
        world(unjudged=frozenset({name})),
        lambda pair: world(off=pair.world.off ^ {name})(pair),
        lambda pair: world(suspects=frozenset(pair.world.records[:1]) - pair.world.suspects)(pair),
    ]
    return draw(st.sampled_from(acts))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Store]]:
    """Two databases."""
    folder = tmp_path_factory.mktemp("settled")
    with open_store(folder / "left.sqlite3") as left, open_store(folder / "whole.sqlite3") as whole:
        yield left, whole


@settings(max_examples=40)
@given(story=st.lists(st.lists(steps(), max_size=2), min_size=2, max_size=6))
def test_nights_that_leave_findings_unread_are_as_if_all_were_read(
    stores: Sequence[Store], story: list[list[Step]]
) -> None:
    """Findings, history, numbers and what people are notified of are the same, whatever happens between the nights."""
    pair = Pair(stores)
    pair.night()
    for happened in story:
        for step in happened:
            step(pair)
        pair.night()
    pair.night()
