"""Total and grade of a score from its answers.

A total is known only where every scored item is: with one that is blank, contains a missing data code or is left out,
it is unknown, never the sum of the others, which would be too small. No variant of the library publishes a proration.
An answer outside of the item's range makes the total unknown as well. The grade needs the total, and the item that
can override it; where that item is present, the grade is known without the total.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from nightround.scores.library import Score
from nightround.scores.score_data import ScoreItem
from redcap_sync.logic import Expression, interpret, parse
from redcap_sync.logic.interpreter_values import number_of

NO_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - no formula of a score asks what day it is
Answers = Mapping[str, float | str | None]
"""Answers by the key of their item: numbers, or texts as REDCap stores them."""


@dataclass(frozen=True)
class Scored:
    """What the answers give. `total` and `grade` are None where they are unknown."""

    total: float | None
    """Rounded to the decimals of the variant, half up."""
    grade: str | None
    missing: tuple[str, ...] = ()
    """Keys of items without an answer."""
    outside: tuple[str, ...] = ()
    """Keys of items whose answer is none that the item has."""
    exact: float | None = None
    """The total before it is rounded."""


def scored(score: Score, answers: Answers, *, missing_codes: Collection[str] = ()) -> Scored:
    """Work a score out. Measured items are in their first units; see the module for what is unknown when."""
    known = {item.key: _known(answers.get(item.key), missing_codes) for item in score.items}
    missing = tuple(key for key, value in known.items() if value is None)
    read = {item.key: _read(item, score, known[item.key]) for item in score.items}
    outside = tuple(key for key in known if known[key] is not None and read[key] is None)
    if score.sheet.form == "class":
        (grade,) = read.values()
        return Scored(None, None if grade is None else str(grade), missing, outside)
    exact = _total(score, {item.key: read[item.key] for item in score.scored})
    total = exact
    if exact is not None and score.variant.formula:
        total = rounded_half_up(exact, score.variant.decimals)
    return Scored(total, _grade(score, total, read), missing, outside, exact)


def points(item: ScoreItem, answer: float, *, overruled: bool = False) -> float:
    """The points of an answer; `overruled` where the graver item is present."""
    if overruled:
        return 0
    return sum(answer >= step for step in item.steps) if item.steps else item.weight * answer


def grade_of(score: Score, total: float) -> str | None:
    """The grade of a total alone; None below the lowest and where the variant has none."""
    reached = [grade.key for grade in score.variant.grade if total >= grade.low]
    return reached[-1] if reached else None


def rounded_half_up(value: float, decimals: int) -> float:
    """A value as it is reported: half a unit of the last decimal is rounded away from 0."""
    cleared = Decimal(repr(round(value, 9)))  # 24.949999999999996 is 24.95 and its arithmetic
    return float(cleared.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def _known(answer: float | str | None, missing_codes: Collection[str]) -> float | str | None:
    if isinstance(answer, str):
        answer = answer.strip()
        return None if answer == "" or answer in missing_codes else answer
    return answer


def _read(item: ScoreItem, score: Score, answer: float | str | None) -> float | str | None:
    """The answer as a number, or a name; None where the item cannot have it."""
    names = item.names or tuple(grade.key for grade in score.variant.grade if score.sheet.form == "class")
    if answer is None or names:
        return answer if answer in names else None
    number = number_of(answer)
    if number is None:
        return None
    fits = item.low <= number <= item.high and (not item.whole or number.is_integer())
    return number if fits else None


def _total(score: Score, read: Mapping[str, float | str | None]) -> float | None:
    if not read or None in read.values():
        return None
    if score.variant.formula:
        row = {key: str(value) for key, value in read.items()}
        return float(interpret(_parsed(score.variant.formula), row, now=NO_TIME))
    return sum(
        points(item, float(read[item.key] or 0), overruled=bool(item.unless and read.get(item.unless)))
        for item in score.scored
    )


@cache
def _parsed(formula: str) -> Expression:
    return parse(formula)


def _grade(score: Score, total: float | None, read: Mapping[str, float | str | None]) -> str | None:
    override = score.variant.override
    if override and read.get(override.item):
        return override.grade
    if total is None:
        return None
    grade = grade_of(score, total)
    undecided = override and read.get(override.item) is None and grade != override.grade
    return None if undecided else grade
