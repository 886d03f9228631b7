"""A score in REDCap's logic: its total, its grades and the range of its items, over the fields of a study."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from nightround.scores.library import Score
from nightround.scores.score_data import ScoreGrade, ScoreItem

NOISE = 1e-6
"""Added to what rounding allows, for the last bits of the arithmetic."""
_KEY = re.compile(r"\[(\w+)\]")
_NAME = re.compile(r"'(\w+)'")


@dataclass(frozen=True)
class ScoreFields:
    """Where a study keeps a score. References are written in brackets: `[pain]`, `[screening_arm_1][sex]`."""

    items: Mapping[str, str]
    """Reference of each item by its key."""
    total: str = ""
    grade: str = ""
    grade_codes: Mapping[str, str] = field(default_factory=dict)
    """What is stored for each grade."""
    name_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What is stored for each name, of an item whose answers are names."""
    units: Mapping[str, str] = field(default_factory=dict)
    """The unit of each item that has several."""
    tolerance: float | None = None
    """By how much a calculated value may differ; without it by half a unit of its last decimal."""


def total_differs(score: Score, fields: ScoreFields) -> str:
    """Logic that is true where the total is another than that of the items."""
    if not score.variant.formula:
        return f"sum({', '.join(_term(item, fields) for item in score.scored)}) <> {fields.total}"
    return f"abs({fields.total} - {_formula(score, fields)}) > {number_text(allowed_difference(score, fields))}"


def allowed_difference(score: Score, fields: ScoreFields) -> float:
    """By how much a calculated value may differ from its parts."""
    if fields.tolerance is not None:
        return fields.tolerance
    return float(round(0.5 * 10**-score.variant.decimals + NOISE, 9))


def total_is_calculable(score: Score, fields: ScoreFields) -> str:
    """Logic that is true where a formula may be used, '' where always: its items in their ranges, its names known."""
    parts = []
    for item in score.scored if score.variant.formula else ():
        reference = fields.items[item.key]
        if item.names:
            codes = fields.name_codes[item.key]
            known = " or ".join(f"{reference} = '{codes[name]}'" for name in item.names)
            parts.append(f"({known})")
        elif not item.units:
            parts.append(f"{reference} >= {number_text(item.low)}")
    return " and ".join(parts)


def _term(item: ScoreItem, fields: ScoreFields) -> str:
    """The points of an item: its answer, or what its weight, its steps or a graver item make of it."""
    reference = fields.items[item.key]
    points = reference if item.weight == 1 else f"{item.weight} * {reference}"
    if item.steps:
        points = "0"
        for number, step in enumerate(item.steps, start=1):
            points = f"if({reference} >= {number_text(step)}, {number}, {points})"
    return f"if({fields.items[item.unless]} = '1', 0, {points})" if item.unless else points


def _formula(score: Score, fields: ScoreFields) -> str:
    codes = {name: code for names in fields.name_codes.values() for name, code in names.items()}
    text = _NAME.sub(lambda found: f"'{codes[found[1]]}'", score.variant.formula)
    return f"({_KEY.sub(lambda found: _measured(score.item(found[1]), fields), text)})"


def _measured(item: ScoreItem, fields: ScoreFields) -> str:
    """An item in its first unit."""
    reference, factor = fields.items[item.key], item.units.get(fields.units.get(item.key, ""), 1)
    return reference if factor == 1 else f"({reference} / {number_text(factor)})"


def grade_applies(score: Score, grade: ScoreGrade, fields: ScoreFields) -> str:
    """Logic that is true where a row has the grade."""
    lowest, below, step = grade.low <= score.variant.minimum, score.below(grade), score.sheet.whole
    parts = [] if lowest else [f"{fields.total} >= {number_text(grade.low)}"]
    if below != inf:
        end = f"<= {number_text(below - 1)}" if step else f"< {number_text(below)}"
        parts.append(f"{fields.total} {end}")
    override = score.variant.override
    if override and override.grade == grade.key:
        return f"{' and '.join(parts)} or {fields.items[override.item]} = '1'"
    return " and ".join([*parts, *([f"{fields.items[override.item]} = '0'"] if override else [])])


def grade_differs(grade: ScoreGrade, fields: ScoreFields) -> str:
    """Logic that is true where another grade is stored."""
    return f"{fields.grade} <> '{fields.grade_codes[grade.key]}'"


def total_outside(score: Score, fields: ScoreFields) -> str:
    """Logic that is true where the total is none that the score can have."""
    low, high = number_text(score.variant.minimum), number_text(score.variant.maximum)
    outside = f"{fields.total} < {low} or {fields.total} > {high}"
    return f"{outside} or {fields.total} <> round({fields.total}, 0)" if score.sheet.whole else outside


def item_outside(reference: str, answers: Sequence[str]) -> str:
    """Logic that is true where an answer is none of those that the item has."""
    return " and ".join(f"{reference} <> '{answer}'" for answer in answers)


def half_filled(score: Score, fields: ScoreFields) -> tuple[str, str]:
    """Where a total is stored, and logic that is true where an item that it needs is not known."""
    unknown = " or ".join(f"isblankormissingcode({fields.items[item.key]})" for item in score.scored)
    return f"not isblankormissingcode({fields.total})", unknown


def number_text(value: float) -> str:
    """A number as logic and titles print it: no exponent, no needless decimals."""
    return f"{value:.9f}".rstrip("0").rstrip(".")
