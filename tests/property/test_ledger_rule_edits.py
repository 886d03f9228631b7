"""Random edits of random rules over random nights, against a model: what the data did not correct is never fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from nightround.findings.reconcile import reconcile
from nightround.model.finding import Finding, FindingState, LedgerDelta, Resolution
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule
from redcap_sync.rows.tables import RowKey
from tests.made_findings import NIGHT, STUDY, made_outcome, made_row, made_rule

ROWS = tuple(made_row(record) for record in ("1", "2", "3"))
NAMES = ("A", "B", "C", "D")


class Written(NamedTuple):
    """A rule as it is written: broken where the value is above a limit, in rows whose value is above another one."""

    limit: int
    applies_above: int
    spaces: int
    title: str
    field: str


@dataclass(frozen=True)
class Night:
    """One night: the values of the rows that are there, the rules as they are written, and what they were called."""

    values: Mapping[RowKey, int]
    rules: Mapping[str, Written]
    was: Mapping[str, str]
    unreadable: frozenset[str]
    complete: bool
    order: int


written = st.builds(
    Written,
    limit=st.integers(0, 3),
    applies_above=st.integers(-1, 1),
    spaces=st.integers(1, 2),
    title=st.sampled_from(["one", "other"]),
    field=st.sampled_from(["x", "y"]),
)


@st.composite
def stories(draw: st.DrawFn, *, data_change: bool = True) -> list[Night]:
    """Nights between which rules are written, edited, renamed, deleted and restored, and values corrected."""
    values = draw(st.dictionaries(st.sampled_from(ROWS), st.integers(0, 4)))
    rules: dict[str, Written] = {}
    nights = []
    for _ in range(draw(st.integers(1, 7))):
        was: dict[str, str] = {}
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
            rules[name] = draw(written)
        gone = draw(st.sets(st.sampled_from(NAMES), max_size=1)) & rules.keys()
        for name in gone:
            moved, free = rules.pop(name), [one for one in NAMES if one not in rules and one != name]
            if free and draw(st.booleans()):
                rules[free[0]], was[free[0]] = moved, name
        if data_change:
            values = {**values, **draw(st.dictionaries(st.sampled_from(ROWS), st.integers(0, 4)))}
            values = {row: value for row, value in values.items() if not draw(st.booleans()) or value}
        unreadable = draw(st.frozensets(st.sampled_from(NAMES), max_size=1))
        nights.append(
            Night(values, dict(rules), was, unreadable, draw(st.booleans()) or draw(st.booleans()), draw(st.integers()))
        )
    return nights


def rule_of(name: str, text: Written, was: str) -> Rule:
    """The rule as the study has it."""
    pad = " " * text.spaces
    return made_rule(
        name,
        discrepancy=f"[x]{pad}>{pad}{text.limit}",
        applies=f"[x]{pad}>{pad}{text.applies_above}",
        fields=(text.field,),
        title=made_rule().title._replace(en=text.title),
        was=(was,) if was else (),
    )


def outcome_of(name: str, text: Written, night: Night) -> Outcome:
    """The result of a rule on the values of a night."""
    if name in night.unreadable:
        return made_outcome(name, status=Status.NOT_EVALUATED)
    scope = frozenset(row for row, value in night.values.items() if value > text.applies_above)
    broken = sorted(row for row in scope if night.values[row] > text.limit)
    status = Status.FAILED if broken else Status.PASSED if scope else Status.NOT_APPLICABLE
    return replace(made_outcome(name, broken, status=status, fields=(text.field,)), judged_rows=scope)


def on(night: Night, number: int, known: Mapping[str, Finding], order: int) -> LedgerDelta:
    """What a night changes, with rules and outcomes in some order."""
    names = Random(order).sample(sorted(night.rules), len(night.rules))
    return reconcile(
        STUDY,
        Random(order).sample(list(known.values()), len(known)),
        [outcome_of(name, night.rules[name], night) for name in names],
        {name: rule_of(name, night.rules[name], night.was.get(name, "")) for name in names},
        rows=frozenset(night.values),
        complete=night.complete,
        now=NIGHT + timedelta(days=number),
    )


def after(known: Mapping[str, Finding], delta: LedgerDelta) -> dict[str, Finding]:
    """All findings as the store has them after the night."""
    return {**known, **{one.id: one for one in (*delta.open_now, *delta.resolved, *delta.moved)}}


def test_the_order_of_rules_changes_nothing_of_a_night() -> None:
    """A ledger is the same whatever order rules, outcomes and findings come in."""

    @given(stories(), st.integers())
    def same(story: list[Night], order: int) -> None:
        known: dict[str, Finding] = {}
        for number, night in enumerate(story):
            delta = on(night, number, known, night.order)
            assert delta == on(night, number, known, order)
            known = after(known, delta)

    same()


@given(stories(data_change=False))
def test_edits_of_rules_alone_fix_nothing(story: list[Night]) -> None:
    """No value changes: whatever happens to the rules, no finding is ever resolved; it is withdrawn, or stays."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        delta = on(night, number, known, night.order)
        assert {one.state for one in delta.resolved} <= {FindingState.WITHDRAWN}
        assert {one.resolution for one in delta.resolved} <= {Resolution.RULE_CHANGED, Resolution.RULE_WITHDRAWN}
        known = after(known, delta)


@given(stories())
def test_fixed_is_what_the_same_rule_saw_and_sees_corrected(story: list[Night]) -> None:
    """A model with the whole truth: of each finding the rule's text and the value when a night last saw it broken."""
    known: dict[str, Finding] = {}
    saw: dict[str, tuple[int, int, int]] = {}
    for number, night in enumerate(story):
        delta = on(night, number, known, night.order)
        for one in delta.resolved:
            text = night.rules.get(one.rule_id)
            same = text is not None and saw[one.id][:2] == (text.limit, text.applies_above)
            if one.resolution is Resolution.FIXED:
                assert same
                assert night.values[one.row] < saw[one.id][2]
            # Two rules became one, and each had a finding on the row: one goes on, the other is withdrawn.
            doubled = any((one.rule_id, one.row) == (other.rule_id, other.row) for other in delta.open_now)
            changed = text is not None and (not same or doubled)
            assert (one.resolution is Resolution.RULE_CHANGED) == changed
            assert (one.resolution is Resolution.RULE_WITHDRAWN) == (text is None)
            assert night.complete
        for one in (*delta.opened, *delta.reopened, *delta.persisting):
            text = night.rules[one.rule_id]
            saw[one.id] = (text.limit, text.applies_above, night.values[one.row])
        known = after(known, delta)


@given(stories())
def test_nothing_stays_open_without_a_rule_and_no_row_has_two_findings_of_one(story: list[Night]) -> None:
    """After a complete night each open finding has its rule; at any time a rule has one open finding a row."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        known = after(known, on(night, number, known, night.order))
        still_open = [one for one in known.values() if one.state is FindingState.OPEN]
        assert len({(one.rule_id, one.row) for one in still_open}) == len(still_open)
        assert all(one.title.en for one in known.values())
        if night.complete:
            assert {one.rule_id for one in still_open} <= night.rules.keys()
