"""Rules whose findings a night need not read, in the store of either kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy import event

from nightround.findings.finding_answers import Terms, answer
from nightround.findings.lineage import Rename
from nightround.findings.settled_rules import facts_of
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.finding_answer import AnswerCode, Author
from nightround.model.rule import Rule, RuleKind, Severity
from nightround.store.database import Store, open_store
from nightround.store.engine import reading
from nightround.store.settled_rows import NotRead, read_settled
from nightround.validation.rule_inputs import Inputs
from tests.made_findings import STUDY, made_rule, night
from tests.made_ledger import MadeLedger, World, made_limit, made_night

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
INPUTS = Inputs("rule", "code", {"villalta": "hash"}, "2025-05-13")


@pytest.fixture
def store(store_at: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(store_at) as opened:
        yield opened


def settled(store: Store) -> set[str]:
    """The settled rules."""
    with reading(store.engine) as connection:
        return {one.rule_id for one in read_settled(connection, STUDY)}


def say(store: Store, rule_id: str, code: AnswerCode = AnswerCode.CONFIRMED_CORRECT) -> None:
    """Answer the first finding of a rule."""
    run = store.start_run(STUDY, "answer", night(3))
    terms = Terms(second_person_for_all=False, today=night(3).date())
    author = Author("coordinator", night(3))
    store.record_moves(
        STUDY,
        run,
        lambda known: answer(next(one for one in known if one.rule_id == rule_id), code, author, terms),
        night(3),
    )


def test_a_night_without_change_reads_no_finding_and_counts_and_dates_all(store: Store) -> None:
    """The nine findings of three rules are numbers of the second night, and were seen in it."""
    first = made_night(store, World(), 1)
    assert (len(first.opened), first.repeated, settled(store)) == (9, (), {"A", "B", "C"})
    ledger = MadeLedger(World(), 2)
    read: list[int] = []

    def decide(known: tuple[Finding, ...], not_read: NotRead) -> LedgerDelta:
        read.append(len(known))
        return ledger.decide(known, not_read)

    watched = replace(ledger.settling, decide=decide)
    second = store.record_ledger(STUDY, store.start_run(STUDY, "nightly", watched.now), (), watched, watched.now)
    assert (read, second.live, sum(one.count for one in second.repeated)) == ([0], (), 9)
    assert {one.last_seen_at for one in store.findings(STUDY)} == {watched.now}
    assert len(second.with_repeated(store.findings(STUDY)).persisting) == 9


def test_the_hour_of_unread_findings_is_one_statement(store: Store) -> None:
    """Of a night without change no row of a finding is written by itself."""
    made_night(store, World(), 1)
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        written.extend([statement] if statement.startswith("UPDATE findings") else [])

    event.listen(store.engine, "before_cursor_execute", note)
    made_night(store, World(), 2)
    assert len(written) == 1


def test_findings_with_a_cause_in_common_are_read_together(store: Store) -> None:
    """A changed rule has its field in common with one other rule, whose findings may speak for its own."""
    made_night(store, World(), 1)
    harder = (replace(made_limit("A"), severity=Severity.CRITICAL), *World().rules[1:])
    delta = made_night(store, World(rules=harder), 2)
    assert {one.rule_id for one in delta.repeated} == {"C"}
    assert {one.rule_id for one in delta.persisting} == {"A", "B"}


def test_whoever_touches_a_finding_unsettles_its_rule(store: Store) -> None:
    """An answer is read by the next night, and findings of other causes are not."""
    made_night(store, World(), 1)
    say(store, "C")
    assert settled(store) == {"A", "B"}
    delta = made_night(store, World(), 3)
    assert [one.state for one in delta.quiet] == [FindingState.WAIVED]
    assert settled(store) == {"A", "B", "C"}


def test_who_is_forgotten_unsettles_every_rule(store: Store) -> None:
    """What is left is read again, so that nothing rests on what is gone."""
    made_night(store, World(), 1)
    number, _ = store.begin_forgetting(STUDY, "1", by="data_manager", now=night(3))
    store.forget(STUDY, "1", number=number, counts={})
    assert settled(store) == set()


def test_a_decision_on_all_findings_unsettles_every_rule(store: Store) -> None:
    """Whoever withdraws findings need not know of settled rules."""
    made_night(store, World(), 1)
    run = store.start_run(STUDY, "accept", night(3))
    store.record_night(STUDY, run, (), lambda known: LedgerDelta(untouched=known), night(3))
    assert settled(store) == set()


def test_what_was_settled_with_a_key_is_read_without_it(store: Store) -> None:
    """A night that cannot read the values says so, as it always did, and does not pass over them."""
    sealed = store.with_key(KEY)
    made_night(sealed, World(), 1)
    assert (settled(sealed), settled(store)) == ({"A", "B", "C"}, set())


def test_a_new_finding_never_gets_the_id_of_one_that_is_not_read(store: Store) -> None:
    """A rule was renamed and is settled under its new name; another rule takes its old name and breaks the same row."""
    old = World(rules=(made_limit("A"),))
    renamed = replace(made_limit("B"), was=("A",))
    made_night(store, old, 1)
    made_night(store, World(rules=(renamed,)), 2)
    newcomer = replace(made_limit("A"), owner="data_manager")
    delta = made_night(store, World(rules=(renamed, newcomer)), 3)
    assert {one.rule_id for one in delta.repeated} == {"B"}
    assert len({one.id for one in store.findings(STUDY)}) == 6


def test_a_night_that_follows_renames_reads_every_finding(store: Store) -> None:
    """Two records with the same values changed their names: the data look the same, and the findings go along."""
    world = World(rules=(made_limit("A"),))
    made_night(store, world, 1)
    before = {one.id: one.row.record for one in store.findings(STUDY)}
    turns = (Rename("1", "0"), Rename("2", "1"), Rename("0", "2"))
    delta = made_night(store, replace(world, renames=turns), 2)
    assert delta.repeated == ()
    swapped = {"1": "2", "2": "1", "3": "3"}
    assert {one.id: one.row.record for one in store.findings(STUDY)} == {
        identity: swapped[record] for identity, record in before.items()
    }


def test_findings_of_a_project_rule_that_is_gone_go_to_no_rule_that_was_there(store: Store) -> None:
    """Of two rules of one name one is gone: it was not edited into the other one, whose findings must be known."""
    left, gone = made_limit("project:l"), made_limit("project:g", field="y")
    made_night(store, World(rules=(left, gone)), 1)
    delta = made_night(store, World(rules=(left,)), 2)
    assert {(one.rule_id, one.resolution) for one in delta.resolved} == {(gone.id, Resolution.RULE_WITHDRAWN)}


def test_an_announced_correction_is_waited_for(store: Store) -> None:
    """Data of before the answer prove nothing against it; a night on newer data asks again, though nothing changed."""
    world = World(rules=(made_limit("A"),))
    made_night(store, world, 1)
    say(store, "A", AnswerCode.TYPO_CORRECTED)
    assert len(made_night(store, replace(world, stale=True), 3).quiet) == 1
    assert len(made_night(store, world, 4).reopened) == 1


CHANGED: dict[str, Any] = {
    "severity": Severity.MINOR,
    "check": None,
    "kind": RuleKind.BLANK,
    "origin": "redcap",
    "deviation": True,
    "identifiers_by_name": True,
    "examples": (),
    "shown_at": None,
}


@pytest.mark.parametrize(
    "name", [one.name for one in fields(Rule) if one.name not in {"check", "examples", "shown_at"}]
)
def test_every_word_of_a_rule_counts(name: str) -> None:
    """Whatever of a rule is edited, its findings are read again."""
    rule = made_rule()
    kind = type(getattr(rule, name))
    other = CHANGED.get(name, ("x",) if kind is tuple else made_rule().advice if kind.__name__ == "Words" else "x")
    other = made_rule().title if other == getattr(rule, name) else other
    edited = replace(rule, **{name: other})
    before, after = (set(facts_of([one], {one.id: INPUTS}).values()) for one in (rule, edited))
    assert before != after


@pytest.mark.parametrize(
    "changed", [{"rule": "x"}, {"code": "x"}, {"parts": {}}, {"parts": {"villalta": "x"}}, {"moment": ""}]
)
def test_everything_an_outcome_follows_from_counts(changed: dict[str, Any]) -> None:
    """Other data, another version or another day, and the findings are read again."""
    rule = made_rule()
    assert facts_of([rule], {rule.id: INPUTS}) != facts_of([rule], {rule.id: replace(INPUTS, **changed)})


def test_nothing_is_known_of_two_rules_of_one_id_or_of_one_that_was_not_judged() -> None:
    """Then nobody could say what the findings follow from."""
    rule = made_rule()
    assert facts_of([rule, rule], {rule.id: INPUTS}) == facts_of([rule], {}) == facts_of([rule], {rule.id: None}) == {}
