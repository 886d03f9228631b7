"""Random nights against the ledger: what must hold whatever happens to the data, the rules and the runs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightround.findings.reconcile import reconcile
from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.outcome import Outcome, Status
from redcap_sync.rows.tables import RowKey
from tests.made_findings import NIGHT, STUDY, made_outcome, made_row, made_rule

RULE_IDS = ("A", "B", "C")
ROWS = tuple(made_row(record) for record in ("1", "2", "3"))
row_sets = st.frozensets(st.sampled_from(ROWS))


@dataclass(frozen=True)
class Night:
    """One random night: which rules there are, their results, which rows the snapshot has."""

    outcomes: tuple[Outcome, ...]
    rule_ids: frozenset[str]
    rows: frozenset[RowKey]
    complete: bool


@st.composite
def nights(draw: st.DrawFn) -> Night:
    """A night in which rules may be unknown, unjudged, or fail on any of the rows that are there."""
    rule_ids = draw(st.frozensets(st.sampled_from(RULE_IDS)))
    rows = draw(row_sets)
    outcomes = []
    for rule_id in sorted(rule_ids):
        status = draw(st.sampled_from([*Status, None]))
        broken = draw(row_sets) & rows if status is Status.FAILED else frozenset()
        if status is not None:
            outcomes.append(made_outcome(rule_id, sorted(broken), status=status))
    return Night(tuple(outcomes), rule_ids, rows, draw(st.booleans()))


def on(night: Night, known: Iterable[Finding], now: datetime) -> LedgerDelta:
    """Reconcile one random night."""
    rules = {rule_id: made_rule(rule_id) for rule_id in night.rule_ids}
    return reconcile(STUDY, known, night.outcomes, rules, rows=night.rows, complete=night.complete, now=now)


def after(known: Iterable[Finding], delta: LedgerDelta) -> dict[str, Finding]:
    """All findings as the store would contain them after the night."""
    return {one.id: one for one in (*known, *delta.open_now, *delta.resolved)}


def kept(night: Night) -> frozenset[str]:
    """The rules that leave all their findings open tonight: those without a judgement."""
    judged = {one.rule_id for one in night.outcomes if one.status is not Status.NOT_EVALUATED}
    return night.rule_ids - judged if night.complete else frozenset(RULE_IDS)


stories = st.lists(nights(), min_size=1, max_size=8)


@given(stories)
def test_no_finding_stands_twice_and_all_are_accounted_for(story: list[Night]) -> None:
    """Every night each finding is in exactly one part of the delta, or was closed before and stays so."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        delta = on(night, known.values(), NIGHT + timedelta(days=number))
        ids = [one.id for one in (*delta.open_now, *delta.resolved)]
        assert len(ids) == len(set(ids))
        left = known.keys() - set(ids)
        assert all(known[one].state is not FindingState.OPEN for one in left)
        known = after(known.values(), delta)


@given(stories)
def test_open_is_what_judged_rules_violate_and_what_nothing_was_proven_of(story: list[Night]) -> None:
    """Open findings are tonight's violations plus what was open before under a rule that proved nothing."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        before = {(one.rule_id, one.row) for one in known.values() if one.state is FindingState.OPEN}
        known = after(known.values(), on(night, known.values(), NIGHT + timedelta(days=number)))
        violated = {(one.rule_id, broken.row) for one in night.outcomes for broken in one.violations}
        left = {(rule_id, row) for rule_id, row in before if rule_id in kept(night)}
        assert {(one.rule_id, one.row) for one in known.values() if one.state is FindingState.OPEN} == violated | left


@given(stories)
def test_an_incomplete_night_resolves_nothing(story: list[Night]) -> None:
    """Whatever random nights came before, an incomplete one closes no finding."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        now = NIGHT + timedelta(days=number)
        assert on(replace(night, complete=False), known.values(), now).resolved == ()
        known = after(known.values(), on(night, known.values(), now))


@given(stories)
def test_a_finding_counts_how_often_it_came_back(story: list[Night]) -> None:
    """The count is the number of nights on which it was listed as reopened, and it is closed at most once more."""
    known: dict[str, Finding] = {}
    reopened: list[str] = []
    resolved: list[str] = []
    for number, night in enumerate(story):
        delta = on(night, known.values(), NIGHT + timedelta(days=number))
        reopened += [one.id for one in delta.reopened]
        resolved += [one.id for one in delta.resolved]
        known = after(known.values(), delta)
    for one in known.values():
        assert one.times_reopened == reopened.count(one.id)
        assert resolved.count(one.id) - reopened.count(one.id) == (one.state is not FindingState.OPEN)


@given(stories)
def test_the_same_outcomes_again_change_nothing_but_the_last_sight(story: list[Night]) -> None:
    """A night that is run again an hour later opens, closes and reopens nothing."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        now = NIGHT + timedelta(days=number)
        known = after(known.values(), on(night, known.values(), now))
        again = on(night, known.values(), now + timedelta(hours=1))
        assert (again.opened, again.reopened, again.resolved) == ((), (), ())
        twice = after(known.values(), again)
        assert {key: replace(one, last_seen_at=known[key].last_seen_at) for key, one in twice.items()} == known


@given(stories)
def test_open_and_closed_findings_carry_what_their_state_needs(story: list[Night]) -> None:
    """A closed finding has its date and its proof, an open one has neither; nothing is seen before it opened."""
    known: dict[str, Finding] = {}
    for number, night in enumerate(story):
        known = after(known.values(), on(night, known.values(), NIGHT + timedelta(days=number)))
        for one in known.values():
            closed = one.state is not FindingState.OPEN
            assert (one.resolved_at is not None, one.resolution is not None) == (closed, closed)
            assert one.opened_at <= one.last_seen_at <= (one.resolved_at or one.last_seen_at)
