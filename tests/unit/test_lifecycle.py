"""The table of a finding's changes of state: each of them is made, every other one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from nightround.cli.answer import CODES, GRADES
from nightround.cli.findings import STATES
from nightround.findings.finding_answers import Terms, answer, approve, give_back, only_finding, role_of, snooze
from nightround.findings.lifecycle import (
    TRANSITIONS,
    AskedTonight,
    ForbiddenChangeError,
    Moment,
    asked_again,
    came_back,
    changed,
    closed,
    left_as_it_is,
    same_values,
    seen,
    unseen,
)
from nightround.model.errors import UsageWrong
from nightround.model.finding import Finding, FindingState, Resolution
from nightround.model.finding_answer import AnswerCode, Author, Change, FindingAnswer, Snooze, Why
from nightround.model.outcome import OF_GROUP, SUGGESTED
from nightround.model.rule import Severity
from nightround.texts.catalogue import in_both
from tests.made_findings import NIGHT, made_finding, made_row, made_violation

ANSWERS = tuple(one for one in AnswerCode if one is not AnswerCode.ASSESSED)
TODAY = NIGHT.date()
TERMS = Terms(second_person_for_all=False, today=TODAY)
NEVER = frozenset({Change.OPENED, Change.UNDER, Change.SPEAKS})
"""Changes that are none of a state."""
COORDINATOR, MANAGER = Author("coordinator", NIGHT, "seen on paper"), Author("data_manager", NIGHT)


def in_state(state: FindingState, **other: object) -> Finding:
    """A finding as it is in a state: with what was said of it, or with what closed it."""
    said: dict[str, object] = {}
    logic = made_finding().logic
    if state in (FindingState.ANSWERED, FindingState.WAIVED):
        said["answer"] = FindingAnswer(AnswerCode.OTHER, "coordinator", NIGHT, logic)
    if state is FindingState.SNOOZED:
        said["snooze"] = Snooze("coordinator", NIGHT, TODAY + timedelta(days=9), Severity.MAJOR, logic)
    if not state.live:
        said |= {"resolved_at": NIGHT, "resolution": Resolution.FIXED}
    return made_finding(state=state, **(said | other))


def moment(days: float = 1) -> Moment:
    """A night so many days later."""
    now = NIGHT + timedelta(days=days)
    return Moment(now, now.date(), now)


def asked(severity: Severity = Severity.MAJOR, logic: str | None = None) -> AskedTonight:
    """What the rule asks tonight: the same as before, unless said."""
    return AskedTonight(made_finding().logic if logic is None else logic, severity)


@pytest.mark.parametrize(("before", "change"), list(product(FindingState, Change)))
def test_what_is_not_in_the_table_is_refused(before: FindingState, change: Change) -> None:
    """For each state and each change: what the table says happens, and keeps the state it came from; else an error."""
    finding = in_state(before)
    if (before, change) in TRANSITIONS:
        after = changed(finding, change, by="somebody", why="reason")
        assert after.state is TRANSITIONS[before, change]
        assert after.last is not None
        assert (after.last.was, after.last.by, after.last.why) == (before.value, "somebody", "reason")
    else:
        with pytest.raises(ForbiddenChangeError):
            changed(finding, change)


def test_the_table_has_every_state_and_every_change() -> None:
    """Each change but those that are none of a state occurs, each state can be reached, and each can be left."""
    assert {change for _, change in TRANSITIONS} == set(Change) - NEVER
    assert {*TRANSITIONS.values()} == set(FindingState) == {before for before, _ in TRANSITIONS}


MADE: dict[tuple[FindingState, Change], Callable[[Finding], Finding]] = {
    (FindingState.OPEN, Change.ANSWERED): lambda one: answer(one, AnswerCode.OTHER, COORDINATOR, TERMS)[-1],
    (FindingState.OPEN, Change.SNOOZED): lambda one: snooze(one, COORDINATOR, TERMS, TODAY + timedelta(days=1))[-1],
    (FindingState.ANSWERED, Change.WAIVED): lambda one: approve(one, MANAGER, TERMS)[-1],
    (FindingState.SNOOZED, Change.WOKEN): lambda one: unseen(one, moment(30)),
    **{
        (state, Change.RETURNED): lambda one: give_back(one, MANAGER)[-1]
        for state in (FindingState.ANSWERED, FindingState.WAIVED)
    },
    **{
        (state, Change.LAPSED): lambda one: asked_again(one, Why.VALUES_CHANGED)
        for state in (FindingState.ANSWERED, FindingState.WAIVED)
    },
    **{
        (state, Change.KEPT): lambda one: left_as_it_is(one, "new", Why.CARRY, by="data_manager")
        for state in FindingState
        if state.quiet
    },
    **{(state, Change.REOPENED): came_back for state in FindingState if not state.live},
    **{
        (state, change): lambda one, proof=proof: closed(one, proof, NIGHT)  # type: ignore[misc]
        for state in FindingState
        if state.live
        for change, proof in ((Change.RESOLVED, Resolution.FIXED), (Change.WITHDRAWN, Resolution.RULE_WITHDRAWN))
    },
}


@pytest.mark.parametrize(("before", "change"), list(TRANSITIONS))
def test_each_change_of_the_table_is_made_by_something(before: FindingState, change: Change) -> None:
    """A person or a night makes each change, and what was said is kept, or forgotten, as the new state needs it."""
    after = MADE[before, change](in_state(before))
    assert after.last is not None
    assert (after.last.change, after.last.was, after.state) == (change, before.value, TRANSITIONS[before, change])
    assert bool(after.snooze) == (
        after.state is FindingState.SNOOZED or (before is FindingState.SNOOZED and not after.state.live)
    )
    if after.state is FindingState.OPEN:
        assert (after.answer, after.snooze, after.resolution, after.resolved_at) == (None, None, None, None)


@pytest.mark.parametrize("code", ANSWERS)
def test_what_each_answer_does(code: AnswerCode) -> None:
    """Confirmed values are waived at once; every other answer waits, for the data manager or for the next night."""
    forms = answer(made_finding(), code, COORDINATOR, TERMS)
    expected = ["answered", "waived"] if code is AnswerCode.CONFIRMED_CORRECT else ["answered"]
    assert [one.state.value for one in forms] == expected
    assert forms[0].last is not None
    assert (forms[0].last.by, forms[0].last.why, forms[0].last.comment) == ("coordinator", code.value, "seen on paper")
    critical = answer(made_finding(severity=Severity.CRITICAL), code, COORDINATOR, TERMS)
    for_all = answer(made_finding(), code, COORDINATOR, replace(TERMS, second_person_for_all=True))
    assert [one.state.value for one in (*critical, *for_all)] == ["answered", "answered"]


@pytest.mark.parametrize("state", list(FindingState))
def test_a_person_does_only_what_the_state_allows(state: FindingState) -> None:
    """Every command in every state: done, or refused with an error that names the state in both languages."""
    finding, later = in_state(state), TODAY + timedelta(days=3)
    allowed = {
        answer: {FindingState.OPEN, FindingState.SNOOZED},
        snooze: {FindingState.OPEN, FindingState.SNOOZED},
        approve: {FindingState.ANSWERED},
        give_back: {FindingState.ANSWERED, FindingState.WAIVED},
    }
    calls = {
        answer: lambda: answer(finding, AnswerCode.OTHER, COORDINATOR, TERMS),
        snooze: lambda: snooze(finding, COORDINATOR, TERMS, later),
        approve: lambda: approve(finding, MANAGER, TERMS),
        give_back: lambda: give_back(finding, MANAGER),
    }
    for act, call in calls.items():
        if state in allowed[act]:
            assert call()[-1].state is not state or state is FindingState.SNOOZED
        else:
            with pytest.raises(UsageWrong) as refused:
                call()
            assert refused.value.exit_code == 2
            name = in_both(refused.value.facts["state"])
            assert name.en in refused.value.what


def test_an_approval_is_that_of_another_person() -> None:
    """The same name in other letters or widths is the same person; a correction is approved by nobody."""
    answered = in_state(FindingState.ANSWERED)
    for by in ("coordinator", "Coordinator", "ＣＯＯＲＤＩＮＡＴＯＲ"):
        with pytest.raises(UsageWrong, match="approve"):
            approve(answered, Author(by, NIGHT), TERMS)
    assert approve(answered, MANAGER, TERMS)[-1].answer.accepted_by == "data_manager"  # type: ignore[union-attr]
    typo = answer(made_finding(), AnswerCode.TYPO_CORRECTED, COORDINATOR, TERMS)[-1]
    with pytest.raises(UsageWrong, match="typo_corrected"):
        approve(typo, MANAGER, TERMS)


def test_a_day_that_is_over_is_refused() -> None:
    """Nothing is put off to today, nor confirmed until yesterday."""
    for days in (0, -1):
        with pytest.raises(UsageWrong):
            snooze(made_finding(), COORDINATOR, TERMS, TODAY + timedelta(days=days))
        with pytest.raises(UsageWrong):
            answer(made_finding(), AnswerCode.OTHER, COORDINATOR, TERMS, until=TODAY + timedelta(days=days))


def test_a_deviation_is_assessed_and_a_question_is_answered() -> None:
    """Neither can be done in place of the other; an assessment of a critical deviation wants a second person."""
    deviation = made_finding(deviation=True)
    with pytest.raises(UsageWrong, match="assess"):
        answer(deviation, AnswerCode.CONFIRMED_CORRECT, COORDINATOR, TERMS)
    with pytest.raises(UsageWrong, match="assess"):
        answer(made_finding(), AnswerCode.ASSESSED, COORDINATOR, TERMS, grade=Severity.MINOR)
    done = answer(deviation, AnswerCode.ASSESSED, COORDINATOR, TERMS, grade=Severity.MINOR)[-1]
    assert (done.state, done.answer.grade) == (FindingState.WAIVED, Severity.MINOR)  # type: ignore[union-attr]
    critical = replace(deviation, severity=Severity.CRITICAL)
    waiting = answer(critical, AnswerCode.ASSESSED, COORDINATOR, TERMS, grade=Severity.MINOR)[-1]
    assert waiting.state is FindingState.ANSWERED


def test_a_waiver_holds_for_its_values_its_logic_and_its_days() -> None:
    """The same values under the same logic are not asked about; a change of any of them asks again and says why."""
    waived = in_state(FindingState.WAIVED)
    assert seen(waived, made_violation(), asked(), moment()) is waived
    other = made_violation(observed={"villalta_total": "8"})
    reasons = {
        Why.VALUES_CHANGED: seen(waived, other, asked(), moment()),
        Why.RULE_CHANGED: seen(waived, made_violation(), asked(logic="other"), moment()),
        Why.DATE_PASSED: seen(
            replace(waived, answer=replace(waived.answer, until=TODAY + timedelta(days=1))),  # type: ignore[type-var]
            made_violation(),
            asked(),
            moment(1),
        ),
    }
    for why, after in reasons.items():
        assert (after.state, after.answer) == (FindingState.OPEN, None)
        assert after.last is not None
        assert (after.last.change, after.last.why) == (Change.LAPSED, why.value)


def test_what_only_one_night_read_proves_nothing() -> None:
    """Another shown field or another guess is no change; other rows of the group are, and so are no common cells."""
    waived = in_state(FindingState.WAIVED, observed={"a": "1", "b": "2", SUGGESTED: "70"})
    assert same_values(waived, made_violation(observed={"a": "1", "c": "3", SUGGESTED: "71"}))
    assert not same_values(waived, made_violation(observed={"a": "2", "b": "2"}))
    assert not same_values(waived, made_violation(observed={"c": "1"}))
    assert not same_values(waived, made_violation(observed={"a": "1"}, others=(made_row("2"),)))
    assert same_values(replace(waived, observed={}), made_violation(observed={}))
    of_group = {"a": "1", OF_GROUP: "all"}
    assert same_values(replace(waived, observed=of_group), made_violation(observed={"a": "2", OF_GROUP: "all"}))
    assert not same_values(replace(waived, observed=of_group), made_violation(observed={"a": "1", OF_GROUP: "other"}))


def test_a_correction_is_looked_for_in_data_that_are_later_than_the_answer() -> None:
    """A round on a snapshot from before the answer leaves it; one on a later one with the same values asks again."""
    typo = answer(made_finding(), AnswerCode.TYPO_CORRECTED, COORDINATOR, TERMS)[-1]
    before = Moment(NIGHT + timedelta(hours=1), TODAY, NIGHT - timedelta(hours=1))
    assert seen(typo, made_violation(), asked(), before) is typo
    assert seen(typo, made_violation(), asked(), replace(before, taken_at=NIGHT)) is typo
    after = seen(typo, made_violation(), asked(), moment())
    assert after.last is not None
    assert (after.state, after.last.why) == (FindingState.OPEN, Why.NOTHING_CHANGED.value)


def test_a_snoozed_finding_comes_back_once_when_due_or_worse() -> None:
    """It stays until its day; a more severe rule or another value brings it back before; a milder rule does not."""
    put_off = in_state(FindingState.SNOOZED)
    assert seen(put_off, made_violation(), asked(), moment()) is put_off
    assert seen(put_off, made_violation(), asked(Severity.MINOR), moment()) is put_off
    worse = seen(put_off, made_violation(), asked(Severity.CRITICAL), moment())
    due = seen(put_off, made_violation(), asked(), moment(9))
    for after, why in ((worse, Why.WORSE), (due, Why.DATE_PASSED)):
        assert after.last is not None
        assert (after.state, after.last.why) == (FindingState.OPEN, why.value)
    assert seen(due, made_violation(), asked(), moment(10)) is due


def test_answers_that_are_kept_hold_for_the_new_logic() -> None:
    """Carried, an answer is one to the new logic; left for the future, one to the old logic that the next edit ends."""
    waived = in_state(FindingState.WAIVED)
    for why in (Why.CARRY, Why.FUTURE):
        kept = left_as_it_is(waived, "new", why, by="data_manager")
        assert seen(kept, made_violation(), asked(logic="new"), moment()) is kept
        assert seen(kept, made_violation(), asked(logic="newer"), moment()).state is FindingState.OPEN
    carried = left_as_it_is(waived, "new", Why.CARRY, by="data_manager")
    assert seen(carried, made_violation(), asked(), moment()).state is FindingState.OPEN


def test_a_finding_is_named_by_the_beginning_of_its_id() -> None:
    """One that fits is found; none, several and nothing at all are explained without repeating what may be a record."""
    known = [made_finding(row=made_row(str(number))) for number in range(40)]
    assert only_finding(known, known[3].id.upper()) is known[3]
    first = next(one.id[0] for one in known if sum(other.id[0] == one.id[0] for other in known) > 1)
    for beginning in ("", first, "g", "0000000000000000"):
        with pytest.raises(UsageWrong):
            only_finding(known, beginning)
    with pytest.raises(UsageWrong) as refused:
        only_finding(known, "Zhang San")
    assert "zhang" not in str(refused.value)


def test_a_person_is_named_by_the_role_that_the_study_knows() -> None:
    """A role or an address gives the role; another name stays as it is; a blank one is refused."""
    people = {"kr@example.org": "coordinator"}
    assert role_of(" KR@example.org ", people) == role_of("Coordinator", people) == "coordinator"
    assert role_of("Dr.  A", people) == "Dr. A"
    with pytest.raises(UsageWrong):
        role_of("  ", people)


def test_the_command_line_offers_every_state_code_and_grade() -> None:
    """What `--help` names without importing the model is what the model has."""
    assert tuple(FindingState) == STATES
    assert tuple(ANSWERS) == CODES
    assert tuple(Severity) == GRADES
