"""Which findings a night need not read: those of rules whose results are those of the night that settled them.

A rule is settled by a night that saw everything, judged it, and left exactly one live finding for each of its
violations. As long as its outcome follows from the same, its text is the same, and nobody touched its findings, another
such night would find each of them again and change nothing but the hour of its last sight. Findings of one cause speak
for each other across rules, so that rules with a cause in common are settled together or not at all. Rules whose
findings follow groups of rows, or all rows together, never are: they are few.

All of it is pure. `tests/property/test_settled_nights.py` proves that nights with it and without it are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from nightround.model.finding import AlikeFindings, Finding, FindingState, LedgerDelta
from nightround.model.finding_answer import AnswerCode
from nightround.model.outcome import Outcome, Status
from nightround.model.rule import Rule
from nightround.store.flood_rows import Flood
from nightround.store.settled_rows import NotRead, SettledRule
from nightround.validation.rule_inputs import Inputs

Cause = tuple[str, str]
"""The first field and the owner of a finding: what findings of one cause have in common besides their row."""


def no_floods(position: int, changes: LedgerDelta) -> Iterable[Flood]:
    """A night that holds nothing back."""
    del position, changes
    return ()


@dataclass(frozen=True)
class SettlingNight:
    """A night's ledger: what is known of its rules before a finding is read, and the decision on what is read."""

    rules: Mapping[str, Rule]
    outcomes: Mapping[str, Outcome]
    facts: Mapping[str, str]
    """By rule, the hash of all that its outcome and its findings follow from, where that is known."""
    names: Container[str]
    """Ids that rules had before."""
    now: datetime
    today: date
    sure: bool
    """Whether the night saw everything and is in doubt about nothing."""
    renamed: bool
    """Whether records were renamed since the night before."""
    decide: Callable[[tuple[Finding, ...], NotRead], LedgerDelta]
    """What changes in the findings of all rules that are not left alone."""
    floods: Callable[[int, LedgerDelta], Iterable[Flood]] = no_floods
    """Which rules flooded, by the changes since a position of the history."""

    def left_alone(self, settled: Iterable[SettledRule], stored: Sequence[AlikeFindings]) -> frozenset[str]:
        """The rules of which tonight changes no finding."""
        if not self.sure or self.renamed or any(map(self._may_move, stored)):
            return frozenset()
        same = {one.rule_id for one in settled if self._repeats(one)}
        read = set(self._causes_read(same, stored))
        return frozenset(rule_id for rule_id in same if cause_of(self.rules[rule_id]) not in read)

    def settled_by(self, delta: LedgerDelta, left: Container[str]) -> Iterator[SettledRule]:
        """The rules that are settled once the delta is written, besides those that were left alone."""
        if not self.sure:
            return
        live: dict[str, list[Finding]] = {}
        for one in delta.live:
            live.setdefault(one.rule_id, []).append(one)
        for rule_id, facts in self.facts.items():
            found = live.get(rule_id, [])
            if rule_id not in left and self._is_settled(self.outcomes[rule_id], found):
                yield SettledRule(rule_id, facts, min(filter(None, map(_until, found)), default=None))

    def _repeats(self, one: SettledRule) -> bool:
        """Whether a rule has the result it had, and no day has come that something was put off to."""
        return self.facts.get(one.rule_id) == one.facts and (one.until is None or self.today < one.until)

    def _may_move(self, stored: AlikeFindings) -> bool:
        """Whether findings may belong to a rule of another id, as those of a rule that is gone do."""
        gone = stored.rule_id not in self.rules
        return gone and (stored.state.live or stored.rule_id in self.names)

    def _causes_read(self, same: Container[str], stored: Iterable[AlikeFindings]) -> Iterator[Cause | None]:
        """The causes that findings have, or may get tonight, whose rules are not the same."""
        for one in stored:
            if one.rule_id not in same and one.state.live and one.fields:
                yield one.fields[0], one.owner
        for outcome in self.outcomes.values():
            if outcome.rule_id not in same and outcome.status is Status.FAILED:
                yield cause_of(self.rules[outcome.rule_id]) or None

    def _is_settled(self, outcome: Outcome, live: Sequence[Finding]) -> bool:
        """Whether each violation has its finding, each finding was seen, and the next night would see it the same."""
        if any(one.others or not one.row.record for one in outcome.violations):
            return False
        violations = len(outcome.violations) if outcome.status is Status.FAILED else 0
        return len(live) == violations and all(one.last_seen_at == self.now and not _waits(one) for one in live)


def cause_of(rule: Rule) -> Cause | tuple[()]:
    """The cause that findings of a rule have; () of one that shows no field, which has none in common."""
    return (rule.fields[0], rule.owner) if rule.fields else ()


def facts_of(rules: Iterable[Rule], inputs: Mapping[str, Inputs | None]) -> dict[str, str]:
    """By rule the hash of what its outcome and its findings follow from; none of two rules of one id."""
    rules = tuple(rules)
    often = Counter(rule.id for rule in rules)
    return {
        rule.id: _hash(rule, known)
        for rule in rules
        if often[rule.id] == 1 and not rule.of_cohort and (known := inputs.get(rule.id)) is not None
    }


def _hash(rule: Rule, inputs: Inputs) -> str:
    said = json.dumps([asdict(rule), asdict(inputs), code_hash()], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


@cache
def code_hash() -> str:
    """Hash of the code that follows findings: what another version settled is looked at again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _until(finding: Finding) -> date | None:
    """The day on which what was said of a finding is over."""
    said = finding.snooze if finding.state is FindingState.SNOOZED else finding.answer
    return said.until if said and finding.state.quiet else None


def _waits(finding: Finding) -> bool:
    """Whether the next night asks again about a finding though nothing changed: a correction was announced."""
    said = finding.answer
    return finding.state is FindingState.ANSWERED and said is not None and said.code is AnswerCode.TYPO_CORRECTED
