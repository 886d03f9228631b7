"""The scores of the library as published tables print them: rows of the score, and rows that count its grades."""

from __future__ import annotations

import re
from functools import cache
from math import inf
from typing import NamedTuple

from nightround.published_tables.ranges import plain
from nightround.scores.library import Score, all_scores, score_sheets
from nightround.scores.score_data import ScoreGrade, ScoreSheet


class Band(NamedTuple):
    """A grade by the pattern of its label, with the lowest and highest score it holds."""

    label: str
    low: float
    high: float


def score_of(label: str) -> ScoreSheet | None:
    """The score whose row this is, of those with grades."""
    text = plain(label).lower()
    graded = (one for one in score_sheets() if one.grades_printed)
    return next((one for one in graded if re.search(rf"\b(?:{one.printed})\b", text)), None)


def is_whole(label: str) -> bool:
    """Whether this is the row of a score in whole points."""
    names = (one.printed for one in score_sheets() if one.printed and one.whole)
    return bool(re.search(rf"\b(?:{'|'.join(names)})\b", label, re.IGNORECASE))


def source_of(sheet: ScoreSheet) -> str:
    """Where the cut-offs of a score come from, of its first variant."""
    return sheet.variant[0].source


def bands_of(sheet: ScoreSheet, labels: list[str]) -> list[Band] | None:
    """The grade of every label, in whichever variant, or None where one of them is no grade of this score."""
    if not all(re.search(rf"(?:{sheet.grades_printed})", plain(label).lower()) for label in labels):
        return None
    found = [_band(sheet, plain(label).lower()) for label in labels]
    bands = [one for one in found if one is not None]
    return bands if len(bands) == len(found) else None


def _band(sheet: ScoreSheet, label: str) -> Band | None:
    """The grade whose label is what is left of a row's label when the name of the score is taken out."""
    rest = re.sub(rf"(?:{sheet.grades_printed})(?: grade| class| score|分级|分度)?\s*[:,]?", "", label).strip(" ()")
    return next((band for band in _bands(sheet.name) if re.fullmatch(band.label, rest)), None)


@cache
def _bands(name: str) -> tuple[Band, ...]:
    chosen = [one for one in all_scores() if one.sheet.name == name]
    return tuple(_band_of(one, grade) for one in chosen for grade in one.variant.grade if grade.printed)


def _band_of(score: Score, grade: ScoreGrade) -> Band:
    """A grade that an item can decide alone begins at the lowest total."""
    low = score.variant.minimum if grade.key == score.overridden else grade.low
    below = score.below(grade)
    return Band(grade.printed, low, score.variant.maximum if below == inf else below - 1)
