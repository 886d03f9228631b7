"""What is open in the study, and how much of it is one reader's. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Self

from nightround.model.finding import Finding, LedgerDelta
from nightround.model.rule import Severity


@dataclass(frozen=True)
class Totals:
    """Counts of open findings: of all that the reader may hear of, and of those that are the reader's own."""

    study: int
    study_critical: int
    mine: int
    mine_critical: int
    records: int
    """Records with a finding of the reader's own: so many have to be opened."""
    off: int
    """Open findings of rules that are switched off; no list repeats them."""
    quiet: int
    """Findings that are answered, waived or put off: nobody is asked about them now."""

    @classmethod
    def of(cls, delta: LedgerDelta, mine: Iterable[Finding], off: Container[str]) -> Self:
        """Count what is open in a delta."""
        everything, mine = delta.open_now, tuple(mine)
        return cls(
            study=len(everything),
            study_critical=_critical(everything),
            mine=len(mine),
            mine_critical=_critical(mine),
            records=len({one.row.record for one in mine if one.row.record}),
            off=sum(one.rule_id in off for one in everything),
            quiet=len(delta.quiet),
        )


def _critical(findings: Iterable[Finding]) -> int:
    return sum(one.severity is Severity.CRITICAL for one in findings)
