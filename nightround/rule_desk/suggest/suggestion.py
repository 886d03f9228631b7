"""One suggested rule: how it would be written, why, and what speaks for it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nightround.model.rule import Rule
from nightround.study.first_folder.toml_text import Value, document, table
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.rule_files import RuleFile, RuleTable, rule_of
from nightround.study.settings import checked
from redcap_sync.messages import Message

SUGGESTED_FILE = "suggested.toml"
"""The rule file that accepted suggestions are written into."""
Kind = Literal["score", "date_order"]


@dataclass(frozen=True)
class Suggestion:
    """A suggested rule, or the rules of one score. No value of a patient is in it."""

    id: str
    kind: Kind
    reason: Message
    evidence: Message
    head: Literal["[[rule]]", "[[scores]]"]
    keys: Mapping[str, Value]

    @property
    def toml(self) -> str:
        """How it is written in a rule file."""
        return document(table(self.head, self.keys)).decode()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it makes."""
        file = Path(SUGGESTED_FILE)
        read = checked(RuleFile, tomllib.loads(self.toml), file=file)
        made = (RuleTable.model_validate(one) for score in read.scores for one in rules_of_score(score))
        return tuple(rule_of(one, file) for one in (*made, *read.rule))
