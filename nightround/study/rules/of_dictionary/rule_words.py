"""The texts of the rules from the dictionary; they are in `texts/dictionary_rules.toml`."""

from __future__ import annotations

from typing import NamedTuple

from nightround.model.language import Words
from nightround.model.rule import RuleKind
from nightround.texts.catalogue import words
from nightround.texts.labels import words_of_label


class RuleTexts(NamedTuple):
    """What must hold, what is wrong where it does not, and what a coordinator does about it."""

    title: Words
    problem: Words
    advice: Words


def texts_of(kind: RuleKind, label: str, minimum: str = "", maximum: str = "") -> RuleTexts:
    """The texts of a rule of this kind about a field, an instrument or a visit with this label."""
    facts = {"label": words_of_label(label), "range": f"{minimum or '…'} – {maximum or '…'}"}
    return RuleTexts(
        words(f"rule.{kind}.title", **facts), words(f"rule.{kind}.problem", **facts), words(f"rule.{kind}.advice")
    )
