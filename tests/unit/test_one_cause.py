"""Several rules on one field of a row: the most specific finding speaks, the others are kept under it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from nightround.findings.one_cause import speaking_for
from nightround.findings.reconcile import reconcile
from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.outcome import Outcome
from nightround.model.rule import Rule, Severity
from nightround.store.database import Store, open_store
from tests.made_findings import STUDY, history_of, made_finding, made_outcome, made_row, made_rule, night

GENERAL = made_rule("required:x", origin="dictionary", severity=Severity.CRITICAL)
SPECIFIC = made_rule("X-01", severity=Severity.MINOR)
RULES = {rule.id: rule for rule in (GENERAL, SPECIFIC)}


def of(rule: Rule, **other: Any) -> Finding:
    """An open finding of a rule."""
    return made_finding(rule.id, **other)


MORE_SPECIFIC: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the study's over the dictionary's": ({}, {"origin": "dictionary", "severity": Severity.CRITICAL}),
    "the study's over the project's": ({}, {"origin": "redcap"}),
    "the project's over the dictionary's": ({"origin": "redcap"}, {"origin": "dictionary"}),
    "some rows over all": ({"applies": "[sex] = '1'", "severity": Severity.MINOR}, {}),
    "some events over all": ({"events": ("month_6_arm_1",)}, {}),
    "the more severe": ({"severity": Severity.CRITICAL}, {}),
}


@pytest.mark.parametrize(("one", "other"), MORE_SPECIFIC.values(), ids=MORE_SPECIFIC.keys())
def test_the_more_specific_rule_speaks(one: dict[str, Any], other: dict[str, Any]) -> None:
    """By origin, then by how few rows it applies to, then by severity."""
    rules = {"Z": made_rule("Z", **one), "A": made_rule("A", **other)}
    speaking, kept = made_finding("Z"), made_finding("A")
    assert speaking_for([kept, speaking], rules) == {kept.id: speaking.id, speaking.id: ""}


def test_of_two_rules_that_are_equally_specific_both_speak() -> None:
    """Nothing says which of them names the cause."""
    rules = {name: made_rule(name) for name in ("A", "B")}
    found = [made_finding(name) for name in rules]
    assert set(speaking_for(found, rules).values()) == {""}


APART: list[dict[str, Any]] = [
    {"row": made_row("1002")},
    {"row": made_row(instance=2)},
    {"fields": ("other_field", "villalta_total")},
    {"fields": ()},
    {"owner": "data_manager"},
    {"others": (made_row("1002"),)},
]


@pytest.mark.parametrize("other", APART)
def test_what_has_another_row_field_or_owner_has_another_cause(other: dict[str, Any]) -> None:
    """Each speaks for itself: nobody is shown less because somebody else is notified."""
    assert set(speaking_for([of(GENERAL), of(SPECIFIC, **other)], RULES).values()) == {""}


def test_a_rule_that_is_switched_off_speaks_for_no_other() -> None:
    """Its finding is in no mail, so the other one must be."""
    assert speaking_for([of(GENERAL), of(SPECIFIC)], RULES, {SPECIFIC.id}) == {
        of(SPECIFIC).id: of(GENERAL).id,
        of(GENERAL).id: "",
    }


def broken(*rules: Rule) -> list[Outcome]:
    """Outcomes of both rules on one night, those given failed."""
    return [made_outcome(rule.id, [made_row()] if rule in rules else []) for rule in RULES.values()]


@pytest.fixture
def store(store_at: str) -> Iterator[Store]:
    """A store with one run for each night."""
    with open_store(store_at) as opened:
        yield opened


def make_night(store: Store, number: int, outcomes: list[Outcome]) -> tuple[int, LedgerDelta]:
    """Record a night; returns the end of the history before it, and what a reader gets who was notified until then."""
    upto = store.changes_since(STUDY, 0).position
    now: datetime = night(number)
    run = store.start_run(STUDY, "nightly", now)

    def decide(known: tuple[Finding, ...]) -> LedgerDelta:
        return reconcile(STUDY, known, outcomes, RULES, rows={made_row()}, complete=True, now=now)

    store.record_night(STUDY, run, outcomes, decide, now)
    return upto, store.changes_since(STUDY, upto).delta


def ids(delta: LedgerDelta) -> dict[str, list[str]]:
    """The rules of the findings in each part of a delta that has any."""
    parts = ("opened", "reopened", "persisting", "resolved")
    return {name: [one.rule_id for one in getattr(delta, name)] for name in parts if getattr(delta, name)}


def test_who_is_under_another_is_told_of_when_it_speaks(store: Store) -> None:
    """Both open: one is shown. The one that spoke is fixed: the other is new to the reader. It is fixed too: closed."""
    assert ids(make_night(store, 1, broken(GENERAL, SPECIFIC))[1]) == {"opened": ["X-01"]}
    assert ids(make_night(store, 2, broken(GENERAL, SPECIFIC))[1]) == {"persisting": ["X-01"]}
    assert ids(make_night(store, 3, broken(GENERAL))[1]) == {"opened": ["required:x"], "resolved": ["X-01"]}
    assert ids(make_night(store, 4, broken())[1]) == {"resolved": ["required:x"]}
    assert [line.change.value for line in history_of(store)] == ["opened", "opened", "speaks", "resolved", "resolved"]
    assert store.broken_lines(STUDY) == ()


def test_who_comes_under_another_is_told_of_no_more(store: Store) -> None:
    """A more specific finding opens: the reader gets it, and the one that was known closes by its own proof, unseen."""
    make_night(store, 1, broken(GENERAL))
    upto, told = make_night(store, 2, broken(GENERAL, SPECIFIC))
    assert ids(told) == {"opened": ["X-01"]}
    assert ids(make_night(store, 3, broken(SPECIFIC))[1]) == {"persisting": ["X-01"]}
    states = {one.rule_id: one.state for one in store.findings(STUDY)}
    assert states == {"required:x": FindingState.RESOLVED, "X-01": FindingState.OPEN}
    make_night(store, 4, broken())
    assert ids(store.changes_since(STUDY, upto).delta) == {}
    assert store.broken_lines(STUDY) == ()


def test_totals_leave_out_what_another_finding_speaks_for() -> None:
    """A delta can be had without them."""
    kept = replace(of(GENERAL), under=of(SPECIFIC).id)
    delta = LedgerDelta(opened=(of(SPECIFIC), kept), persisting=(kept,), resolved=(kept,))
    assert delta.speaking == LedgerDelta(opened=(of(SPECIFIC),))
