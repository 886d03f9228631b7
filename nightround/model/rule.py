"""What must hold, and how much it hurts where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from nightround.model.language import Words


class Severity(StrEnum):
    """How much a violation can hurt the study's results."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"

    @property
    def rank(self) -> int:
        """0 for the worst; for sorting."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Example:
    """A small row and what the rule must say of it: 'passes', 'fails' or 'skipped'."""

    values: Mapping[str, str]
    verdict: Literal["passes", "fails", "skipped"]


@dataclass(frozen=True)
class Check:
    """What a rule looks for where REDCap logic cannot say it.

    `kind` is one of `nightround.validation.checks.KINDS`, `columns` are the export columns whose stored
    text is judged (one, or one an option of a checkbox), `settings` is JSON of the kind's own.
    """

    kind: str
    columns: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """What must hold. `discrepancy` is REDCap logic that is true where it does not; or `check` says what is looked for.

    `instrument` is where a violation is filed and whose rows are looked at; `applies` narrows them. With
    instrument '' the rule looks at every row that can hold one of the fields it refers to, each row once.
    `needs` are references that must be filled for a row to count as checked: a rule on blank cells
    names none. `fields` are shown to the coordinator, the first one is where the link leads.
    """

    id: str
    title: Words
    instrument: str
    discrepancy: str
    severity: Severity
    fields: tuple[str, ...]
    applies: str = ""
    needs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    owner: str = "coordinator"
    advice: Words = Words("", "")
    analyst: Words = Words("", "")
    """What an analyst must know of the rule's findings; blank where there is nothing to say."""
    source: str = ""
    origin: Literal["study", "dictionary", "redcap"] = "study"
    examples: tuple[Example, ...] = ()
    check: Check | None = None
