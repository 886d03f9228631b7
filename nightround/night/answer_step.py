"""What a person says of findings, written down: under the study's lock, as one change of the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nightround.findings.finding_answers import RuleAnswers, Terms, only_finding, role_of
from nightround.model.errors import StudyFilesWrong, UsageWrong
from nightround.model.finding import Finding
from nightround.model.finding_answer import Author, Why
from nightround.model.rule import Rule
from nightround.night.round import Round
from nightround.night.study_locks import FINDINGS
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from nightround.night.steps import Night

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


def settle_answers(night: Night, rule_id: str, choice: Why, *, by: str) -> RuleAnswers:
    """Decide what becomes of the answers to a rule whose logic was edited; gives what there was before."""
    facts = night.facts
    author, rule = author_of(facts, by), _rule_of(facts, rule_id)
    before: list[RuleAnswers] = []

    def decide(known: tuple[Finding, ...]) -> tuple[Finding, ...]:
        before.append(RuleAnswers.of(known, rule))
        return before[0].settled(rule, choice, author)

    with night.recorder.step("answers") as note, facts.only_one(FINDINGS):
        moves = night.store.record_moves(facts.study.id, facts.run_id, decide, facts.started_at)
        note(Message.of("step.answers", count=len(moves)))
    return before[0]


def _rule_of(facts: Round, rule_id: str) -> Rule:
    """A rule of the study, of the project or of the dictionary that was seen last."""
    latest = facts.snapshots.latest_manifest()
    if latest is None:
        raise StudyFilesWrong("night.no_snapshot", study=facts.study.id)
    rules = facts.rules(facts.snapshots.dictionary(latest))
    found = next((rule for rule in rules if rule.id == rule_id), None)
    if found is None:
        raise UsageWrong("answers.no_rule", rule=rule_id)
    return found


def author_of(facts: Round, by: str, comment: str = "") -> Author:
    """Who says something in this run: the role where the study knows the person."""
    return Author(role_in(facts, by), facts.started_at, comment.strip())


def role_in(facts: Round, name: str) -> str:
    """The role of a person of the study by address or user name in REDCap; the name of anybody else."""
    people = facts.study.settings.people
    return role_of(name, {known: one.role for one in people for known in (one.address, one.redcap_user) if known})


def terms_of(facts: Round) -> Terms:
    """What an answer is given under in this run."""
    everything = facts.study.settings.answers.second_person == "all"
    return Terms(everything, facts.hospital_time.date())
