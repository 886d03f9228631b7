"""What came of the questions of a rule: asked, answered, changed, confirmed, ignored, and what that says of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nightround.findings.rule_yield import RuleYield, rule_yields
from nightround.model.finding import Finding, FindingState, Resolution
from nightround.model.finding_answer import Change
from nightround.store.finding_rows import HistoryEntry
from tests.made_findings import NIGHT, made_finding, made_row


def line(
    finding: Finding, day: int, change: Change, why: str = "", resolution: Resolution | None = None
) -> HistoryEntry:
    """A line of a finding's history."""
    return HistoryEntry(day, finding.id, 1, NIGHT + timedelta(days=day), change, resolution, {}, why=why)


def found(record: str, state: FindingState = FindingState.OPEN) -> Finding:
    """A finding of a record."""
    return made_finding(row=made_row(record), state=state)


def test_each_question_is_counted_by_what_came_of_it() -> None:
    """One is corrected and comes back, one is confirmed later, one is ignored, one is new, one is spoken for."""
    back, sure, old, new = (
        found("1"),
        found("2", FindingState.WAIVED),
        found("3"),
        found("4"),
    )
    under = made_finding(row=made_row("5"), under=new.id)
    history = [
        line(back, 0, Change.OPENED),
        line(back, 4, Change.RESOLVED, resolution=Resolution.FIXED),
        line(back, 39, Change.REOPENED),
        line(sure, 0, Change.OPENED),
        line(sure, 2, Change.ANSWERED, "confirmed_correct"),
        line(sure, 2, Change.WAIVED, "confirmed_correct"),
        line(old, 0, Change.OPENED),
        line(new, 39, Change.OPENED),
        line(under, 0, Change.OPENED),
    ]
    (one,) = rule_yields([back, sure, old, new, under], history, NIGHT + timedelta(days=40))
    assert (one.asked, one.answered, one.changed, one.confirmed, one.ignored) == (5, 1, 1, 1, 1)
    assert one.days_to_answer == 3.0


def test_a_value_that_was_changed_and_still_breaks_the_rule_is_a_change() -> None:
    """A lapse because of another value says that somebody edited it; one because of a date does not."""
    one = found("1")
    for why, changed in (("values_changed", 1), ("date_passed", 0)):
        history = [line(one, 0, Change.OPENED), line(one, 3, Change.LAPSED, why)]
        assert rule_yields([one], history, NIGHT + timedelta(days=4))[0].changed == changed


@pytest.mark.parametrize(
    ("changed", "confirmed", "ignored", "advice"),
    [(0, 9, 0, ""), (0, 6, 4, "retire"), (2, 8, 0, "soften"), (3, 7, 0, "keep"), (10, 0, 0, "keep")],
)
def test_what_the_counts_say_of_a_rule(changed: int, confirmed: int, ignored: int, advice: str) -> None:
    """A rule that never changed anything can go, one that seldom did can ask less; of few questions nothing is said."""
    asked = changed + confirmed + ignored
    made = RuleYield("A", asked, confirmed, changed, confirmed, ignored, None)
    assert made.advice == advice
    assert made.document()["advice"] == (advice or None)
