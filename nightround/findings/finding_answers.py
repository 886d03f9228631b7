"""What people do with a finding: answer, assess, approve, return, snooze. Pure; what may not be done is explained.

Each function gives the finding in every form that it goes through, in their order: each is a line of the history.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from nightround.findings.lifecycle import asked_again, changed, holds_for, left_as_it_is
from nightround.model.errors import UsageWrong
from nightround.model.finding import QUIET_STATES, Finding, FindingState
from nightround.model.finding_answer import AnswerCode, Author, Change, FindingAnswer, Snooze, Why
from nightround.model.rule import Rule, Severity
from nightround.study.rules.rule_logic import logic_hash
from redcap_sync.messages import Message

CLEAR = frozenset({AnswerCode.CONFIRMED_CORRECT, AnswerCode.ASSESSED})
"""Answers that say that nothing has to be done: they need no judgement of the data manager."""
SHOWN_ID, ID_DIGITS = 8, 16


@dataclass(frozen=True)
class Terms:
    """What an answer is given under: whether a second person is wanted for all findings, and which day it is."""

    second_person_for_all: bool
    today: date

    def wants_second(self, finding: Finding) -> bool:
        """Whether a second person has to agree before an answer counts."""
        return self.second_person_for_all or finding.severity is Severity.CRITICAL


def only_finding(known: Sequence[Finding], beginning: str) -> Finding:
    """The one finding whose id begins so; raises UsageWrong where none does, or several."""
    wanted = beginning.strip().lower()
    fitting = [one for one in known if one.id.startswith(wanted)] if wanted else []
    if len(fitting) != 1:
        raise UsageWrong(
            "answers.several" if fitting else "answers.unknown", beginning=_shown(wanted), count=len(fitting)
        )
    return fitting[0]


def _shown(beginning: str) -> str:
    """What was given for an id, where it has the form of one: anything else may be a record, or a value."""
    return beginning if len(beginning) <= ID_DIGITS and set(beginning) <= set("0123456789abcdef") else "?"


def role_of(who: str, people: Mapping[str, str]) -> str:
    """A person's name as it is kept: the role of whose role or address it is, else the name on one line.

    `people` has roles by address. Raises UsageWrong for a blank name.
    """
    name = " ".join(who.split())
    if not name:
        raise UsageWrong("answers.nobody")
    known = {_plain(one): role for address, role in people.items() for one in (address, role)}
    return known.get(_plain(name), name)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def answer(
    finding: Finding,
    code: AnswerCode,
    author: Author,
    terms: Terms,
    *,
    until: date | None = None,
    grade: Severity | None = None,
) -> tuple[Finding, ...]:
    """FindingAnswer an open finding, or one that was put off.

    What is confirmed to be correct is waived at once, where one person is enough. Until `until` alone it holds.
    """
    _require_kind(finding, code)
    _require_future(until, terms.today)
    woken = _woken(finding, author)
    before = woken[-1] if woken else finding
    _require_open(before)
    said = FindingAnswer(code, author.by, author.at, finding.logic, author.kept_comment, until, grade=grade)
    answered = changed(
        before, Change.ANSWERED, by=author.by, why=code.value, comment=author.comment, answer=said, snooze=None
    )
    done = code in CLEAR and not terms.wants_second(finding)
    return (*woken, answered, *([_waived(answered, author)] if done else []))


def approve(finding: Finding, author: Author, terms: Terms, *, until: date | None = None) -> tuple[Finding, ...]:
    """Accept the answer of another person: it is a waiver from now on."""
    _require_future(until, terms.today)
    said = _waiting_answer(finding)
    if said.code is AnswerCode.TYPO_CORRECTED:
        raise UsageWrong("answers.correction", id=finding.id[:SHOWN_ID])
    if _plain(said.by) == _plain(author.by):
        raise UsageWrong("answers.same_person", id=finding.id[:SHOWN_ID], by=author.by)
    return (_waived(finding, author, until=until),)


def give_back(finding: Finding, author: Author) -> tuple[Finding, ...]:
    """Return an answer, accepted or not: the finding is asked about again. The comment says what is missing."""
    if finding.state not in (FindingState.ANSWERED, FindingState.WAIVED):
        raise UsageWrong("answers.not_answered", **_facts(finding))
    return (asked_again(finding, Why.BY_PERSON, by=author.by, comment=author.comment),)


def snooze(finding: Finding, author: Author, terms: Terms, until: date) -> tuple[Finding, ...]:
    """Put an open finding off to a day, or one that was put off to another one."""
    _require_future(until, terms.today)
    woken = _woken(finding, author)
    before = woken[-1] if woken else finding
    _require_open(before)
    put_off = Snooze(author.by, author.at, until, finding.severity, finding.logic, author.kept_comment)
    why = until.isoformat()
    after = changed(before, Change.SNOOZED, by=author.by, why=why, comment=author.comment, snooze=put_off)
    return (*woken, after)


@dataclass(frozen=True)
class RuleAnswers:
    """The live findings of a rule, and which of them have an answer to a logic that it no longer has."""

    counts: Mapping[FindingState, int]
    affected: tuple[Finding, ...]

    @classmethod
    def of(cls, known: Sequence[Finding], rule: Rule) -> RuleAnswers:
        """Look for them under each id that the rule has or had."""
        mine = [one for one in known if one.rule_id in {rule.id, *rule.was} and one.state.live]
        counts = Counter(one.state for one in mine)
        logic = logic_hash(rule)
        affected = tuple(one for one in mine if one.state.quiet and not holds_for(one, logic))
        return cls({state: counts[state] for state in (FindingState.OPEN, *QUIET_STATES)}, affected)

    def settled(self, rule: Rule, choice: Why, author: Author) -> tuple[Finding, ...]:
        """What becomes of the answers: asked again, carried to the new logic, or left as they are for the old one."""
        if choice is Why.RULE_CHANGED:
            return tuple(asked_again(one, choice, by=author.by, comment=author.comment) for one in self.affected)
        return tuple(left_as_it_is(one, logic_hash(rule), choice, by=author.by) for one in self.affected)


def _woken(finding: Finding, author: Author) -> tuple[Finding, ...]:
    """A finding that was put off, open again because a person turns to it before its day."""
    if finding.state is not FindingState.SNOOZED:
        return ()
    return (asked_again(finding, Why.BY_PERSON, by=author.by),)


def _waived(finding: Finding, author: Author, *, until: date | None = None) -> Finding:
    said = _waiting_answer(finding)
    accepted = replace(said, accepted_by=author.by, accepted_at=author.at, until=until or said.until)
    return changed(finding, Change.WAIVED, by=author.by, why=said.code.value, comment=author.comment, answer=accepted)


def _waiting_answer(finding: Finding) -> FindingAnswer:
    if finding.state is not FindingState.ANSWERED or finding.answer is None:
        raise UsageWrong("answers.nothing_to_approve", **_facts(finding))
    return finding.answer


def _require_open(finding: Finding) -> None:
    if finding.state is not FindingState.OPEN:
        raise UsageWrong("answers.not_open", **_facts(finding))


def _facts(finding: Finding) -> dict[str, object]:
    """How a finding is named in an error: by the beginning of its id, with its state."""
    return {"id": finding.id[:SHOWN_ID], "state": Message.of(f"answers.state.{finding.state.value}")}


def _require_kind(finding: Finding, code: AnswerCode) -> None:
    """Raise UsageWrong where a deviation is answered like a question about data, or the other way round."""
    if finding.deviation is not (code is AnswerCode.ASSESSED):
        raise UsageWrong("answers.deviation" if finding.deviation else "answers.no_deviation", id=finding.id[:SHOWN_ID])


def _require_future(until: date | None, today: date) -> None:
    if until is not None and until <= today:
        raise UsageWrong("answers.past", day=until.isoformat(), today=today.isoformat())
