"""What a person says of findings, written down: under the study's lock, as one change of the store."""

from __future__ import annotations

from collections.abc import Callable

from nightround.findings.finding_answers import Terms, only_finding, role_of
from nightround.model.finding import Finding
from nightround.model.finding_answer import Author
from nightround.night.round import Round
from nightround.night.steps import Night
from nightround.night.study_locks import FINDINGS
from redcap_sync.messages import Message

Act = Callable[[Finding, Author, Terms], tuple[Finding, ...]]
"""What is done to a finding: it in every form that it goes through."""


def act_on(night: Night, beginning: str, act: Act, *, by: str, comment: str = "") -> Finding:
    """Do something to the finding whose id begins so; gives it as it is then. What may not be done is UsageWrong."""
    facts = night.facts
    author = author_of(facts, by, comment)
    with night.recorder.step("answer") as note, facts.only_one(FINDINGS):
        moves = night.store.record_moves(
            facts.study.id,
            facts.run_id,
            lambda known: act(only_finding(known, beginning), author, terms_of(facts)),
            facts.started_at,
        )
        note(Message.of("step.answers", count=1))
    return moves[-1]


def author_of(facts: Round, by: str, comment: str = "") -> Author:
    """Who says something in this run: the role where the study knows the person."""
    people = {person.address: person.role for person in facts.study.settings.people}
    return Author(role_of(by, people), facts.started_at, comment.strip())


def terms_of(facts: Round) -> Terms:
    """What an answer is given under in this run."""
    everything = facts.study.settings.answers.second_person == "all"
    return Terms(everything, facts.hospital_time.date())
