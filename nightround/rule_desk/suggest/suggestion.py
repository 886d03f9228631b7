"""One suggested rule: how it would be written, why, and what speaks for it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nightround.model.language import Language
from nightround.model.rule import Rule
from nightround.study.first_folder.field_words import one_language
from nightround.study.first_folder.toml_text import Value, document, table
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.rule_files import RuleFile, RuleTable, rule_of
from nightround.study.settings import checked
from nightround.study.text_checks import LONGEST_ID
from nightround.texts.catalogue import words
from redcap_sync.messages import Message

SUGGESTED_FILE = "suggested.toml"
"""The rule file that accepted suggestions are written into."""
Kind = Literal[
    "score",
    "date_order",
    "period",
    "range",
    "total",
    "grade",
    "age",
    "sides",
    "change",
    "none_box",
    "specify",
    "required_if",
    "shown",
    "one_person",
    "entered_twice",
]
LEAST_SHARE = 0.95
"""A suggested rule holds in so many of the rows that it judges: nobody keeps one that asks about every tenth row."""


@dataclass(frozen=True)
class Suggestion:
    """A suggested rule, or the rules of one score. No value of a patient is in it."""

    id: str
    kind: Kind
    reason: Message
    evidence: Message
    head: Literal["[[rule]]", "[[scores]]"]
    keys: Mapping[str, Value]
    least_checked: int = 0
    """So many rows it must be able to judge, for an answer of the data to be evidence."""

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


def rule_id(*parts: str) -> str:
    """The id of a suggested rule, out of names of the project."""
    return "-".join(parts).replace("_", "-").upper()[:LONGEST_ID].rstrip("-")


def suggested_rule(
    kind: Kind,
    parts: Sequence[str],
    languages: tuple[Language, ...],
    labels: Mapping[str, Any],
    names: Mapping[str, object],
    *,
    evidence: Mapping[str, object] | None = None,
    least_checked: int = 0,
    severity: str = "minor",
    **keys: Value,
) -> Suggestion:
    """A rule of one kind, whose texts are those of `suggest.KIND`, filled with `labels`; its reason with `names`.

    `parts` make its id. `evidence` are the counts that the data say; None where the dictionary alone speaks for it.
    """
    name = rule_id(*parts)
    texts: dict[str, Value] = {
        code: one_language(words(f"suggest.{kind}.{code}", **labels), languages)
        for code in ("title", "problem", "advice")
    }
    said = (
        Message.of("suggest.of_dictionary") if evidence is None else Message.of(f"suggest.{kind}.evidence", **evidence)
    )
    return Suggestion(
        id=name,
        kind=kind,
        reason=Message.of(f"suggest.{kind}.reason", **names),
        evidence=said,
        head="[[rule]]",
        keys={"id": name, **{key: value for key, value in keys.items() if value != ""}, "severity": severity, **texts},
        least_checked=least_checked,
    )
