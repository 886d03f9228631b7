"""The frozen types that flow from one step to the next. They hold no behaviour but naming."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from redcap_sync.dictionary import Dictionary
from redcap_sync.tables import RowKey, Table, Unseen

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Words(NamedTuple):
    """One text in both languages of the study."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The data of one pull, immutable, named by the SHA-256 of its raw answers."""

    id: str
    study: str
    taken_at: datetime
    redcap_version: str
    dictionary: Dictionary
    tables: Mapping[str, Table] = field(repr=False)
    unseen: tuple[Unseen, ...] = ()
    """What the token's user may not export: missing rights, no missing data."""
    groups: Mapping[str, str] | None = field(default=None, repr=False)
    """The data access group of each record that is in one, by unique name; None where it was not exported."""
    unlogged: int = 0
    """Records of the snapshot before that are gone without a deletion or renaming in REDCap's log."""


class Severity(StrEnum):
    """How much a violation can hurt the study's results."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"

    @property
    def rank(self) -> int:
        """0 for the worst; for sorting."""
        return list(Severity).index(self)


class Status(StrEnum):
    """What a rule came to on one night. Exactly one holds for every known rule."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "could_not_be_evaluated"


class FindingState(StrEnum):
    """Where a finding stands between being seen and being proven fixed."""

    OPEN = "open"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """What a complete snapshot proved of the row when its finding was closed."""

    FIXED = "fixed"
    """The rule was judged and the row no longer breaks it."""
    OUT_OF_SCOPE = "out_of_scope"
    """The row is there, and the rule concerns no row any more."""
    EMPTIED = "emptied"
    """The row is there, but a cell the rule needs was blanked, so nothing says that it was right."""
    ROW_REMOVED = "row_removed"
    """The row, or its whole record, is no longer in the project."""


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


@dataclass(frozen=True)
class Violation:
    """One row of a failed outcome. `observed` holds patient values and never leaves the store."""

    rule_id: str
    row: RowKey
    fields: tuple[str, ...]
    observed: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """A rule on one night. `in_scope` rows were the rule's business, `checked` of them could be judged."""

    rule_id: str
    status: Status
    in_scope: int
    checked: int
    failed: int
    reason: str = ""
    violations: tuple[Violation, ...] = field(default=(), repr=False)
    judged_rows: Container[RowKey] | None = field(default=None, repr=False, compare=False)
    """The rows that were checked; None where nobody kept them, as in the store."""
    blank_rows: Container[RowKey] = field(default=frozenset(), repr=False, compare=False)
    """The rows in scope that could not be checked, because a cell the rule needs is blank."""


@dataclass(frozen=True)
class Finding:
    """A violation followed through time."""

    id: str
    study: str
    rule_id: str
    row: RowKey
    fields: tuple[str, ...]
    severity: Severity
    owner: str
    state: FindingState
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None = None
    times_reopened: int = 0
    observed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def order(self) -> tuple[int, str, RowKey, tuple[str, ...]]:
        """The order findings are listed in everywhere: worst first, then rule, row and fields."""
        return (self.severity.rank, self.rule_id, self.row, self.fields)

    resolution: Resolution | None = None


@dataclass(frozen=True)
class LedgerDelta:
    """What one night changed.

    `untouched` are open findings about which this night proved nothing: their rule could not be
    judged, is no longer known (then it stands in `unknown_rules`), or the run was not complete.
    """

    opened: tuple[Finding, ...] = ()
    persisting: tuple[Finding, ...] = ()
    resolved: tuple[Finding, ...] = ()
    reopened: tuple[Finding, ...] = ()
    untouched: tuple[Finding, ...] = ()
    unknown_rules: tuple[str, ...] = ()

    @property
    def open_now(self) -> tuple[Finding, ...]:
        """Every finding that stands open after this night."""
        return (*self.opened, *self.reopened, *self.persisting, *self.untouched)


@dataclass(frozen=True)
class Coverage:
    """The coverage certificate: every known rule is in exactly one of the four counts."""

    known: tuple[str, ...]
    counts: Mapping[Status, int]
    unaccounted: tuple[str, ...]
    reasons: Mapping[str, str]
    """Why a rule was not applicable or could not be evaluated, by rule id."""

    @property
    def complete(self) -> bool:
        """True when nothing known is unaccounted for."""
        return not self.unaccounted


@dataclass(frozen=True)
class Recipient:
    """A person who gets digests."""

    role: str
    address: str
    language: Language
    owns: tuple[str, ...]
    """Owner roles whose findings this person hears of."""


def finding_id(study: str, rule_id: str, row: RowKey, fields: tuple[str, ...]) -> str:
    """The identity of a finding: the same violation has the same id every night.

    Sixteen hexadecimal digits of the SHA-256 over study, rule, record, event, instrument, instance and fields.
    """
    identity = json.dumps([study, rule_id, *row, list(fields)], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
