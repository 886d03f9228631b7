"""What must hold, and how much it hurts where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from nightround.model.language import Words


class Severity(StrEnum):
    """How much a violation can hurt the study's results."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"

    @property
    def rank(self) -> int:
        """0 for the worst; for sorting."""
        return RANKS[self]


Between = Literal["records", "rows_of_a_record", "rows"]
"""Which rows are compared with one another: those of different records, those of one record, or any two."""
OF_COHORT = "data_manager"
"""Who alone is notified of what is true of all rows together: nobody can correct it in a record."""
RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class RuleKind(StrEnum):
    """What a rule asks about. The id of a rule that the dictionary makes begins with its kind."""

    LOGIC = "logic"
    """Logic that a person wrote, of a study or of a project."""
    UNIQUE = "unique"
    """A value that no two records may share."""
    ALIKE = "alike"
    """Rows that say the same, or nearly."""
    COUNT = "count"
    """How many rows or events a record has."""
    COHORT = "cohort"
    """Something that is true of all rows together, or of a data access group."""
    VISIT = "visit"
    """A visit that is missing altogether."""
    LOST_VISIT = "lost_visit"
    """A visit that no record has, or hardly any, though many should."""
    ABSENT = "absent"
    """An instrument that was never opened."""
    LIMIT = "limit"
    """A value that no patient can have."""
    BLANK = "blank"
    REQUIRED = "required"
    FORMAT = "format"
    RANGE = "range"
    OUTLIER = "outlier"
    HIDDEN = "hidden"
    """A value in a field that branching logic hides."""
    CHOICE = "choice"
    CALCULATION = "calculation"
    MISSING_CODE = "missing_code"
    SLIP = "slip"
    """A likely slip of the unit or of the decimal point."""

    def rule_id(self, name: str) -> str:
        """The id of the rule of this kind on a field, an instrument or an event."""
        return f"{self}:{name}"


class RulePlace(NamedTuple):
    """Where the findings of a rule are shown and linked to; '' leaves a part to the row of each finding."""

    event: str = ""
    instrument: str = ""
    field: str = ""

    @property
    def name(self) -> str:
        """The most exact name in it: the field, else the event of a missing visit, else the instrument."""
        return self.field or self.event or self.instrument


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
    instrument '' the rule looks at every row that can contain one of the fields it refers to, each row once.
    `needs` are references that must contain a value, no missing data code, for a row to count as checked: a field that
    the logic asks about being blank is none of them. `fields` are shown to the coordinator, and the link leads to the
    first.
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
    problem: Words = Words("", "")
    """What a finding is shown as; blank where the title says it."""
    analyst: Words = Words("", "")
    """What an analyst must know of the rule's findings; blank where there is nothing to say."""
    source: str = ""
    origin: Literal["study", "dictionary", "redcap"] = "study"
    examples: tuple[Example, ...] = ()
    was: tuple[str, ...] = ()
    """Ids that the rule had before: their findings are its own."""
    identifiers_by_name: bool = False
    """Whether its findings may name a field that contains an identifier; never what the field holds."""
    involved: tuple[str, ...] = ()
    """Fields besides `fields` that decide whether a row breaks it: any of them may be the one that is wrong."""
    check: Check | None = None
    deviation: bool = False
    """Whether it finds protocol deviations: what cannot be undone, and is assessed and not corrected."""
    kind: RuleKind = RuleKind.LOGIC
    shown_at: RulePlace | None = None
    """Where its findings are shown, if not at their own rows: at a missing visit, which has no row."""

    @property
    def of_cohort(self) -> bool:
        """Whether it says something of all rows together, so that its finding has no record."""
        return self.kind in (RuleKind.COHORT, RuleKind.LOST_VISIT)

    @property
    def finding_title(self) -> Words:
        """What a finding of the rule is shown as: the problem, in a language that lacks it the title."""
        return Words(*(problem or title for problem, title in zip(self.problem, self.title, strict=True)))

    @property
    def place(self) -> RulePlace:
        """Where its findings are shown and linked to."""
        return self.shown_at or RulePlace("", self.instrument, self.fields[0] if self.fields else "")
