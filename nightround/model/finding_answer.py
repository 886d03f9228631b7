"""What a person says of a finding: an answer with one of REDCap's codes, or that it is put off to a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from nightround.model.rule import Severity


class AnswerCode(StrEnum):
    """The five answers that REDCap's Data Resolution Workflow offers, and one of ours."""

    DATA_MISSING = "data_missing"
    TYPO_CORRECTED = "typo_corrected"
    CONFIRMED_CORRECT = "confirmed_correct"
    WRONG_SOURCE = "wrong_source"
    OTHER = "other"

    ASSESSED = "assessed"
    """Not REDCap's: a protocol deviation was graded, and nobody has to correct anything."""


JUDGED_BY_MANAGER = frozenset({AnswerCode.DATA_MISSING, AnswerCode.WRONG_SOURCE, AnswerCode.OTHER})
"""Answers that the data manager accepts or returns."""
COMMENT = "comment"
"""The name of a comment in what is sealed."""


class Author(NamedTuple):
    """Who says something, and when."""

    by: str
    at: datetime
    comment: str = ""
    """It may contain a patient's value, and so is for who may read the data folder alone."""

    @property
    def kept_comment(self) -> dict[str, str]:
        """The comment as the store keeps it: under its name, so that it can be sealed."""
        return {COMMENT: self.comment} if self.comment else {}


@dataclass(frozen=True)
class FindingAnswer:
    """What was said of a finding. It is valid for the values that the finding has, see `Finding.observed`."""

    code: AnswerCode
    by: str
    at: datetime
    logic: str
    """Hash of the logic that it was given for."""
    kept_comment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The comment under its name, as the store keeps it. It may contain a patient's value."""
    until: date | None = None
    """The first day on which it is no longer valid; None where it has no such day."""
    also: str = ""
    """Hash of a later logic for which the data manager has left it as it is, see `nightround rules change`."""
    accepted_by: str = ""
    """Who made it a waiver: the same person where one is enough."""
    accepted_at: datetime | None = None
    grade: Severity | None = None
    """How grave a protocol deviation was found to be."""

    @property
    def comment(self) -> str:
        """What was said besides the code; '' where it is sealed and the key is not at hand."""
        return self.kept_comment.get(COMMENT, "")

    def document(self) -> dict[str, Any]:
        """The answer as JSON, without its comment."""
        return {
            "code": self.code.value,
            "by": self.by,
            "at": self.at.isoformat(),
            "logic": self.logic,
            "until": self.until.isoformat() if self.until else None,
            "also": self.also,
            "accepted_by": self.accepted_by,
            "accepted_at": self.accepted_at.isoformat() if self.accepted_at else None,
            "grade": self.grade.value if self.grade else None,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], comment: Mapping[str, str]) -> FindingAnswer:
        """Read back what `document` wrote."""
        until, accepted_at = document["until"], document["accepted_at"]
        return cls(
            code=AnswerCode(document["code"]),
            by=document["by"],
            at=datetime.fromisoformat(document["at"]),
            logic=document["logic"],
            kept_comment=comment,
            until=date.fromisoformat(until) if until else None,
            also=document["also"],
            accepted_by=document["accepted_by"],
            accepted_at=datetime.fromisoformat(accepted_at) if accepted_at else None,
            grade=Severity(document["grade"]) if document["grade"] else None,
        )


@dataclass(frozen=True)
class Snooze:
    """A finding put off to a day. It is judged on, and nobody is asked again until then."""

    by: str
    at: datetime
    until: date
    """The day on which it comes back."""
    severity: Severity
    """How bad it was: it comes back before that day where it is worse."""
    logic: str
    kept_comment: Mapping[str, str] = field(default_factory=dict, repr=False)
    also: str = ""

    @property
    def comment(self) -> str:
        """Why it was put off; '' where it is sealed and the key is not at hand."""
        return self.kept_comment.get(COMMENT, "")

    def document(self) -> dict[str, Any]:
        """The snooze as JSON, without its comment."""
        return {
            "by": self.by,
            "at": self.at.isoformat(),
            "until": self.until.isoformat(),
            "severity": self.severity.value,
            "logic": self.logic,
            "also": self.also,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], comment: Mapping[str, str]) -> Snooze:
        """Read back what `document` wrote."""
        return cls(
            by=document["by"],
            at=datetime.fromisoformat(document["at"]),
            until=date.fromisoformat(document["until"]),
            severity=Severity(document["severity"]),
            logic=document["logic"],
            kept_comment=comment,
            also=document["also"],
        )


class Change(StrEnum):
    """What happened to a finding: a line of the history."""

    OPENED = "opened"
    ANSWERED = "answered"
    WAIVED = "waived"
    RETURNED = "returned"
    """The data manager sent an answer back."""
    LAPSED = "lapsed"
    """An answer is no longer valid."""
    KEPT = "kept"
    """The rule was edited, and the data manager left the answer as it is."""
    SNOOZED = "snoozed"
    WOKEN = "woken"
    """A finding that was put off came back."""
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"
    UNDER = "under"
    """Another finding, of a more specific rule on the same field, speaks for it from now on."""
    SPEAKS = "speaks"
    """It speaks for itself again."""


class Why(StrEnum):
    """Why a change was made, where the change does not say it."""

    VALUES_CHANGED = "values_changed"
    RULE_CHANGED = "rule_changed"
    DATE_PASSED = "date_passed"
    NOTHING_CHANGED = "nothing_changed"
    """It was said to be corrected, and a later night saw the same values."""
    WORSE = "worse"
    BY_PERSON = "by_person"
    FUTURE = "future"
    CARRY = "carry"


@dataclass(frozen=True)
class Moved:
    """What happened to a finding, from which state, and who did it; the store writes it into the history."""

    change: Change
    was: str
    """The state before."""
    by: str = ""
    why: str = ""
    """A `Why`, the code of an answer, or the day of a snooze."""
    comment: str = field(default="", repr=False)
