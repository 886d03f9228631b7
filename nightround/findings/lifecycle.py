"""The life of a finding: one table of every change of state, and the one function that makes one.

Everything here is pure. A night asks `seen` and `unseen` whether what a person said is still true; a person's own words
go through `nightround.findings.finding_answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from nightround.model.finding import WITHDRAWALS, Finding, FindingState, Resolution
from nightround.model.finding_answer import AnswerCode, Change, Moved, Why
from nightround.model.outcome import OF_GROUP, SUGGESTED, Violation
from nightround.model.rule import Severity

OPEN, ANSWERED, WAIVED, SNOOZED, RESOLVED, WITHDRAWN = (
    FindingState.OPEN,
    FindingState.ANSWERED,
    FindingState.WAIVED,
    FindingState.SNOOZED,
    FindingState.RESOLVED,
    FindingState.WITHDRAWN,
)
TRANSITIONS: Mapping[tuple[FindingState, Change], FindingState] = {
    (OPEN, Change.ANSWERED): ANSWERED,
    (OPEN, Change.SNOOZED): SNOOZED,
    (OPEN, Change.RESOLVED): RESOLVED,
    (OPEN, Change.WITHDRAWN): WITHDRAWN,
    (ANSWERED, Change.WAIVED): WAIVED,
    (ANSWERED, Change.RETURNED): OPEN,
    (ANSWERED, Change.LAPSED): OPEN,
    (ANSWERED, Change.KEPT): ANSWERED,
    (ANSWERED, Change.RESOLVED): RESOLVED,
    (ANSWERED, Change.WITHDRAWN): WITHDRAWN,
    (WAIVED, Change.RETURNED): OPEN,
    (WAIVED, Change.LAPSED): OPEN,
    (WAIVED, Change.KEPT): WAIVED,
    (WAIVED, Change.RESOLVED): RESOLVED,
    (WAIVED, Change.WITHDRAWN): WITHDRAWN,
    (SNOOZED, Change.WOKEN): OPEN,
    (SNOOZED, Change.KEPT): SNOOZED,
    (SNOOZED, Change.RESOLVED): RESOLVED,
    (SNOOZED, Change.WITHDRAWN): WITHDRAWN,
    (RESOLVED, Change.REOPENED): OPEN,
    (WITHDRAWN, Change.REOPENED): OPEN,
}
"""Every change of a finding's state; a finding begins open. What is not in it does not happen."""
STATES = frozenset({OPEN, *TRANSITIONS.values()})


class ForbiddenChangeError(ValueError):
    """A change that the table does not have."""


@dataclass(frozen=True)
class Moment:
    """When a night judges: its hour, its day on the study's clock, and when its data were taken."""

    now: datetime
    today: date
    taken_at: datetime


@dataclass(frozen=True)
class AskedTonight:
    """What decides whether what was said of a finding holds: its rule as it is today."""

    logic: str
    severity: Severity


def changed(finding: Finding, change: Change, *, by: str = "", why: str = "", comment: str = "", **to: Any) -> Finding:
    """Change a finding's state: the only place where that is done. `to` are further facts of it that change.

    Raises ForbiddenChangeError for what is not in the table.
    """
    state = TRANSITIONS.get((finding.state, change))
    if state is None:
        raise ForbiddenChangeError(f"{finding.state} > {change}")
    return replace(finding, state=state, last=Moved(change, finding.state.value, by, why, comment), **to)


def closed(finding: Finding, proof: Resolution, now: datetime) -> Finding:
    """Close a live finding with what proves it."""
    change = Change.WITHDRAWN if proof in WITHDRAWALS else Change.RESOLVED
    return changed(finding, change, why=proof.value, resolved_at=now, resolution=proof)


def came_back(finding: Finding) -> Finding:
    """Open a closed finding again; what was said of it was said of other values."""
    times = finding.times_reopened + 1
    return changed(
        finding,
        Change.REOPENED,
        resolved_at=None,
        resolution=None,
        fix=None,
        answer=None,
        snooze=None,
        times_reopened=times,
    )


def asked_again(finding: Finding, why: Why, *, by: str = "", comment: str = "") -> Finding:
    """Ask again about a finding that nobody was asked about: what was said of it is no longer valid."""
    if finding.state is SNOOZED:
        return changed(finding, Change.WOKEN, by=by, why=why.value, comment=comment, snooze=None)
    change = Change.RETURNED if why is Why.BY_PERSON else Change.LAPSED
    return changed(finding, change, by=by, why=why.value, comment=comment, answer=None)


def seen(finding: Finding, violation: Violation, asked: AskedTonight, moment: Moment) -> Finding:
    """A known finding whose row breaks its rule tonight."""
    if finding.state is OPEN:
        return finding
    if not finding.state.quiet:
        return came_back(finding)
    why = _lapsed(finding, violation, asked, moment)
    return asked_again(finding, why) if why else finding


def unseen(finding: Finding, moment: Moment) -> Finding:
    """A live finding of which the night proved nothing: only its day can have come."""
    over = finding.state.quiet and _is_over(finding, moment.today)
    return asked_again(finding, Why.DATE_PASSED) if over else finding


def _lapsed(finding: Finding, violation: Violation, asked: AskedTonight, moment: Moment) -> Why | None:
    """Why what was said of a finding is no longer valid; None while it is."""
    if not same_values(finding, violation):
        return Why.VALUES_CHANGED
    if not holds_for(finding, asked.logic):
        return Why.RULE_CHANGED
    if _is_over(finding, moment.today):
        return Why.DATE_PASSED
    if finding.snooze and asked.severity.rank < finding.snooze.severity.rank:
        return Why.WORSE
    return Why.NOTHING_CHANGED if _is_uncorrected(finding, moment) else None


def _is_uncorrected(finding: Finding, moment: Moment) -> bool:
    """Whether a correction was announced before tonight's data were taken; a row that breaks its rule shows none."""
    said = finding.answer
    announced = finding.state is ANSWERED and said is not None and said.code is AnswerCode.TYPO_CORRECTED
    return announced and said is not None and said.at < moment.taken_at


def _is_over(finding: Finding, today: date) -> bool:
    said = finding.snooze if finding.state is SNOOZED else finding.answer
    return said is not None and said.until is not None and today >= said.until


def holds_for(finding: Finding, logic: str) -> bool:
    """Whether what was said of a finding was said of this logic, or left as it is for it.

    An earlier version kept no logic; the values alone then decide.
    """
    said = finding.snooze if finding.state is SNOOZED else finding.answer
    return said is None or not said.logic or logic in {said.logic, said.also}


def same_values(finding: Finding, violation: Violation) -> bool:
    """Whether a violation has the values, and the rows, that the finding was seen with.

    Cells that only one of the two nights read say nothing; of a rule that reads none of the old cells nothing is known.
    """
    if set(finding.others) != set(violation.others):
        return False
    before, now = finding.observed, violation.observed
    if OF_GROUP in before and OF_GROUP in now:
        return before[OF_GROUP] == now[OF_GROUP]
    common = (before.keys() & now.keys()) - {SUGGESTED}
    if not common:
        return not before and not now
    return all(before[name] == now[name] for name in common)


def left_as_it_is(finding: Finding, logic: str, why: Why, *, by: str) -> Finding:
    """Keep what was said of a finding though its rule has another logic now.

    `CARRY` makes it an answer to the new logic; `FUTURE` leaves it one to the old logic, until the next edit.
    """
    said: dict[str, Any] = {"logic": logic, "also": ""} if why is Why.CARRY else {"also": logic}
    answer = replace(finding.answer, **said) if finding.answer else None
    snooze = replace(finding.snooze, **said) if finding.snooze else None
    return changed(finding, Change.KEPT, by=by, why=why.value, answer=answer, snooze=snooze)
