"""What came of the questions that each rule asked: which rules find mistakes, and which ask for nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from nightround.model.finding import Finding, FindingState, Resolution
from nightround.model.finding_answer import AnswerCode, Change, Why
from nightround.store.finding_rows import HistoryEntry

IGNORED_AFTER = timedelta(days=30)
"""A question without an answer or a correction for longer was ignored."""
ENOUGH = 10
"""Settled or ignored questions from which a rule is judged by them."""
USUAL_SHARE = 0.3
"""71.9 % of the queries of a published clinical trial changed nothing (Pronker et al.); a rule below it asks more than
most do."""
BEGINS = frozenset({Change.OPENED, Change.REOPENED})
CORRECTED = frozenset({Resolution.FIXED, Resolution.EMPTIED, Resolution.ROW_REMOVED})


@dataclass(frozen=True)
class RuleYield:
    """The questions of one rule. One that came back after it was closed is a question of its own."""

    rule_id: str
    asked: int
    answered: int
    """Questions with an answer of a person."""
    changed: int
    """Questions after which the data were changed."""
    confirmed: int
    """Questions whose values somebody confirmed."""
    ignored: int
    """Questions without answer or correction for longer than 30 days."""
    days_to_answer: float | None
    """The median from a question to its first answer or its correction; None without either."""
    unchanged: int = 0
    """Questions that were closed though no cell that the rule reads was changed."""

    @property
    def advice(self) -> str:
        """`retire` where no question changed anything, `soften` where few did, `keep`, or '' where it is too early."""
        known = self.changed + self.confirmed + self.ignored
        if known < ENOUGH:
            return ""
        if not self.changed:
            return "retire"
        return "soften" if self.changed < USUAL_SHARE * known else "keep"

    def document(self) -> dict[str, Any]:
        """The yield as JSON."""
        return {
            "rule_id": self.rule_id,
            "asked": self.asked,
            "answered": self.answered,
            "changed": self.changed,
            "confirmed": self.confirmed,
            "ignored": self.ignored,
            "closed_without_change": self.unchanged,
            "days_to_answer": self.days_to_answer,
            "advice": self.advice or None,
        }


def rule_yields(findings: Iterable[Finding], history: Iterable[HistoryEntry], now: datetime) -> tuple[RuleYield, ...]:
    """The yield of each rule that asked anything, by its id. A finding that another one spoke for asked nobody."""
    lines: dict[str, list[HistoryEntry]] = {}
    for entry in history:
        lines.setdefault(entry.finding_id, []).append(entry)
    questions: dict[str, list[_AskedOnce]] = {}
    for one in findings:
        if not one.under:
            questions.setdefault(one.rule_id, []).extend(_questions(one, lines.get(one.id, ()), now))
    return tuple(_yield(rule_id, questions[rule_id]) for rule_id in sorted(questions) if questions[rule_id])


@dataclass(frozen=True)
class _AskedOnce:
    """What came of one question."""

    answered: bool
    changed: bool
    unchanged: bool
    confirmed: bool
    ignored: bool
    days: float | None


def _questions(finding: Finding, lines: Sequence[HistoryEntry], now: datetime) -> Iterator[_AskedOnce]:
    """The questions of a finding: its history, cut where it opened and where it came back."""
    starts = [place for place, line in enumerate(lines) if line.change in BEGINS]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield _question(finding, lines[start], lines[start + 1 : end], now, is_last=end == len(lines))


def _question(
    finding: Finding, began: HistoryEntry, later: Sequence[HistoryEntry], now: datetime, *, is_last: bool
) -> _AskedOnce:
    answers = [line for line in later if line.change is Change.ANSWERED]
    changes = [line for line in later if _changed(line)]
    ends = [line.at for line in (*answers[:1], *changes[:1])]
    waiting = is_last and finding.state is FindingState.OPEN and not ends
    return _AskedOnce(
        answered=bool(answers),
        changed=bool(changes),
        unchanged=any(_closed_without_change(line) for line in later),
        confirmed=any(_confirmed(line) for line in later),
        ignored=waiting and now - began.at > IGNORED_AFTER,
        days=(min(ends) - began.at) / timedelta(days=1) if ends else None,
    )


def _changed(line: HistoryEntry) -> bool:
    """Whether a line says that the data were changed."""
    lapsed = line.change in (Change.LAPSED, Change.WOKEN) and line.why == Why.VALUES_CHANGED
    return lapsed or (line.resolution in CORRECTED and not _closed_without_change(line))


def _closed_without_change(line: HistoryEntry) -> bool:
    return line.proof is not None and line.proof.changed is False


def _confirmed(line: HistoryEntry) -> bool:
    return line.change is Change.WAIVED and line.why == AnswerCode.CONFIRMED_CORRECT


def _yield(rule_id: str, questions: Sequence[_AskedOnce]) -> RuleYield:
    days = [one.days for one in questions if one.days is not None]
    return RuleYield(
        rule_id=rule_id,
        asked=len(questions),
        answered=sum(one.answered for one in questions),
        changed=sum(one.changed for one in questions),
        confirmed=sum(one.confirmed for one in questions),
        ignored=sum(one.ignored for one in questions),
        days_to_answer=round(median(days), 1) if days else None,
        unchanged=sum(one.unchanged for one in questions),
    )
