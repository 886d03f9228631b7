"""What the lint has to say of a rule."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import Language
from nightround.texts.catalogue import in_language
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message


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
    """One remark: which rule, its code, and three messages: what is wrong, why that matters, and how to fix it."""

    level: RemarkLevel
    rule_id: str
    code: str
    parts: tuple[Message, Message, Message]

    @classmethod
    def of(cls, level: RemarkLevel, rule_id: str, code: str, /, **facts: Any) -> Self:
        """A remark of the catalogue, by the rest of its code below `lint`, with its facts."""
        what, why, fix = (Message.of(f"lint.{code}.{part}", **facts) for part in ("what", "why", "fix"))
        return cls(level, rule_id, f"lint.{code}", (what, why, fix))

    @classmethod
    def of_error(cls, rule_id: str, error: ExplainedError) -> Self:
        """An error that keeps a rule from being read."""
        what, why, fix = (error.part(part) for part in ("what", "why", "remedy"))
        return cls(RemarkLevel.ERROR, rule_id, "lint.unreadable", (what, why, fix))

    @property
    def what(self) -> str:
        """What is wrong or doubtful, in English."""
        return str(self.parts[0])

    @property
    def why(self) -> str:
        """Why that matters, in English."""
        return str(self.parts[1])

    @property
    def fix(self) -> str:
        """How to fix it, in English."""
        return str(self.parts[2])

    def document(self) -> dict[str, Any]:
        """The remark as JSON."""
        texts = {"what": self.what, "why": self.why, "fix": self.fix}
        return {"level": str(self.level), "rule_id": self.rule_id, "code": self.code, **texts}

    def said(self, language: Language) -> str:
        """The remark as it is printed."""
        what, why, fix = self.parts
        level = Message.of(f"lint.{self.level}")
        line = Message.of("lint.line", level=level, rule_id=self.rule_id, what=what, why=why, fix=fix)
        return in_language(line, language)


def nearest(name: str, known: Iterable[str], *, otherwise: Message) -> Message:
    """`did you mean ...?` for a misspelt name, or other advice where nothing is like it."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return fix_by("near", near=near[0]) if near else otherwise


def fix_by(code: str, /, **facts: Any) -> Message:
    """An advice that several remarks give, by the rest of its code below `lint_fix`."""
    return Message.of(f"lint_fix.{code}", **facts)


def why_of(code: str, /, **facts: Any) -> Message:
    """A reason that several remarks give, by the rest of its code below `lint_why`."""
    return Message.of(f"lint_why.{code}", **facts)


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
