"""All that a report says and its snapshot does not hold, kept next to it so that it can be made again.

An edition contains no patient's value: findings and outcomes are stripped of what they observed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.outcome import Coverage, Outcome, Status
from nightround.model.rule import Rule
from nightround.report.numbers.facts import Look, News
from nightround.report.numbers.inputs import RunFacts
from nightround.study.plan import Plan
from redcap_sync.messages import Message


@dataclass(frozen=True)
class OutcomeKept:
    """The result of a rule, without the rows."""

    rule_id: str
    status: Status
    in_scope: int
    checked: int
    failed: int
    reason: Message | None

    @classmethod
    def of(cls, outcome: Outcome) -> OutcomeKept:
        """Strip an outcome."""
        return cls(**{name: getattr(outcome, name) for name in cls.__dataclass_fields__})

    def outcome(self) -> Outcome:
        """The outcome without its rows."""
        return Outcome(**{name: getattr(self, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Edition:
    """One report: `delta` is the night's change, `findings` every finding that stands or was closed.

    `rules` hold what is printed of them, `rules_hash` names them as they are written.
    """

    study: str
    title: Words
    synthetic: bool
    record_ids: bool
    run: RunFacts
    plan: Plan
    rules: tuple[Rule, ...]
    rules_hash: str
    outcomes: tuple[OutcomeKept, ...]
    coverage: Coverage
    delta: LedgerDelta
    findings: tuple[Finding, ...]
    versions: Mapping[str, str]
    templates: str
    """Hash of every template, text and font that the pages are made from."""
    look: Look = Look()
    news: News | None = None
    languages: tuple[Language, ...] = LANGUAGES

    def says_as_much_as(self, other: Edition) -> bool:
        """Whether two editions differ in nothing but the run that made them."""
        run = replace(self.run, run_id=other.run.run_id, night=other.run.night)
        return replace(self, run=run, delta=other.delta, look=other.look, news=other.news) == other

    def json(self) -> bytes:
        """The edition as a file."""
        return EDITION.dump_json(self, indent=1)


EDITION: TypeAdapter[Edition] = TypeAdapter(Edition)
RULES: TypeAdapter[tuple[Rule, ...]] = TypeAdapter(tuple[Rule, ...])


def read_edition(content: bytes) -> Edition:
    """Read an edition back; raises StudyFilesWrong for one that another version wrote."""
    try:
        return EDITION.validate_json(content)
    except ValueError as error:
        raise StudyFilesWrong("report.edition", error=type(error).__name__) from error


def stripped(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings without what they observed, and without comments, which may say it."""
    return tuple(
        replace(
            one,
            observed={},
            last=None,
            answer=replace(one.answer, kept_comment={}) if one.answer else None,
            snooze=replace(one.snooze, kept_comment={}) if one.snooze else None,
        )
        for one in findings
    )


def stripped_delta(delta: LedgerDelta) -> LedgerDelta:
    """A night's changes without what they observed."""
    return replace(
        delta,
        opened=stripped(delta.opened),
        persisting=stripped(delta.persisting),
        resolved=stripped(delta.resolved),
        reopened=stripped(delta.reopened),
        untouched=stripped(delta.untouched),
        quiet=stripped(delta.quiet),
        moved=(),
    )


def printed_of(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """What a report prints of rules: name, title, severity, and what they look at."""
    return tuple(_printed(one) for one in rules)


def _printed(rule: Rule) -> Rule:
    kept = Rule(rule.id, rule.title, rule.instrument, "", rule.severity, rule.fields)
    return replace(kept, events=rule.events, problem=rule.problem)


def hash_of_rules(rules: tuple[Rule, ...]) -> str:
    """Names rules as they are written; their kind and place follow from that."""
    return digest(RULES.dump_json(rules, exclude={"__all__": {"kind", "shown_at"}}))


def digest(content: bytes) -> str:
    """A SHA-256 as text."""
    return hashlib.sha256(content).hexdigest()
