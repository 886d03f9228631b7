"""How far it is proven who corrected what, of a finding that was closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class ProofGrade(StrEnum):
    """What is known of the change that closed a finding."""

    FULL = "full"
    """Snapshots have the old and the new value, and the log has exactly one line of who changed it and when."""
    PARTIAL = "partial"
    """The log says that it was changed, but not which line did it, or no snapshot has one of the two values."""
    NONE = "none"
    """No line of a person says that anything was changed."""


@dataclass(frozen=True)
class FixProof:
    """The proof of a fix. It contains no value of a patient."""

    grade: ProofGrade
    changed: bool | None = None
    """Whether a cell that the rule reads is another one; None where no snapshot can tell."""
    by: str = ""
    """REDCap's user name of who changed it; '' unless exactly one line of the log says so."""
    at: str = ""
    """When, to the minute, on the server's own clock: `YYYY-MM-DD HH:MM`."""

    def document(self) -> dict[str, Any]:
        """The proof as JSON."""
        return {"grade": self.grade.value, "changed": self.changed, "by": self.by, "at": self.at}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read back what `document` wrote."""
        return cls(ProofGrade(document["grade"]), document["changed"], document["by"], document["at"])


NO_PROOF = FixProof(ProofGrade.NONE)
"""That of what was withdrawn, or closed by a version that graded nothing."""
