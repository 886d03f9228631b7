"""A violation followed through time, and what one night changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nightround.model.rule import Severity
from redcap_sync.rows.tables import RowKey

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` makes one for each call that gives it options."""


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

    @property
    def proof(self) -> str:
        """How much a closed finding is proven to be right: full, partial, none."""
        return PROOFS.get(self, "none")


PROOFS = {Resolution.FIXED: "full", Resolution.OUT_OF_SCOPE: "partial", Resolution.EMPTIED: "partial"}
"""Where a row was judged again it is full, where it was only seen again partial."""


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

    def seen_again(self, now: datetime) -> Finding:
        """The same finding, seen at another hour; `dataclasses.replace` takes ten times as long."""
        same = object.__new__(Finding)
        same.__dict__.update(self.__dict__, last_seen_at=now)
        return same


@dataclass(frozen=True)
class LedgerDelta:
    """What one night changed.

    `untouched` are open findings about which this night proved nothing: their rule could not be
    judged or is no longer known, or the run was not complete.
    """

    opened: tuple[Finding, ...] = ()
    persisting: tuple[Finding, ...] = ()
    resolved: tuple[Finding, ...] = ()
    reopened: tuple[Finding, ...] = ()
    untouched: tuple[Finding, ...] = ()

    @property
    def open_now(self) -> tuple[Finding, ...]:
        """Every finding that stands open after this night."""
        return (*self.opened, *self.reopened, *self.persisting, *self.untouched)


def finding_id(study: str, rule_id: str, row: RowKey, fields: tuple[str, ...]) -> str:
    """The identity of a finding: the same violation has the same id every night.

    Sixteen hexadecimal digits of the SHA-256 over study, rule, record, event, instrument, instance and fields.
    """
    identity = ENCODER.encode([study, rule_id, *row, list(fields)])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
