"""What the lint has to say of a rule."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from nightround.model.errors import StudyFilesWrong


class RemarkLevel(StrEnum):
    """How much a remark weighs. Only an error makes the lint fail."""

    ERROR = "error"
    """The rule cannot be judged, or does not do what it says."""
    WARNING = "warning"
    """The rule works, and something about it is probably not meant."""
    NOTE = "note"
    """Worth knowing; often meant so."""


@dataclass(frozen=True)
class Remark:
    """One remark: which rule, what is the matter, why that matters, and what would fix it."""

    level: RemarkLevel
    rule_id: str
    what: str
    why: str
    fix: str

    def document(self) -> dict[str, Any]:
        """The remark as JSON."""
        return {key: str(value) for key, value in asdict(self).items()}

    def lines(self) -> tuple[str, ...]:
        """The remark as it is printed."""
        return f"{self.level}: {self.rule_id}: {self.what}", f"  Why: {self.why}", f"  Fix: {self.fix}"


def nearest(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """`did you mean ...?` for a misspelt name, or other advice where nothing is like it."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else otherwise


def counted(remarks: Iterable[Remark]) -> dict[RemarkLevel, int]:
    """How many remarks there are of each level."""
    found = Counter(remark.level for remark in remarks)
    return {level: found[level] for level in RemarkLevel}


def exit_code(remarks: Iterable[Remark]) -> int:
    """How the lint ends: only an error makes it fail."""
    return StudyFilesWrong.exit_code if counted(remarks)[RemarkLevel.ERROR] else 0


def document(remarks: Sequence[Remark]) -> dict[str, Any]:
    """What the lint found, as JSON, and how it ends."""
    return {
        **{f"{level}s": count for level, count in counted(remarks).items()},
        "remarks": [remark.document() for remark in remarks],
        "exit_code": exit_code(remarks),
    }
