"""Scores that every reader of the field knows: their grades' cut-offs and their whole points."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from nightround.published_tables.ranges import plain


class Band(NamedTuple):
    """A grade by its label, with the lowest and highest score it holds."""

    label: str
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """A score in whole points. `name` finds its row, `grades` the rows that count its grades; both are patterns.

    The label of a grade is what is left of its row's label when the name is taken out.
    """

    name: str
    grades: str
    bands: tuple[Band, ...]
    source: str


_MILD, _MODERATE, _SEVERE = r"mild|轻度?", r"moderate|中度?", r"severe|重度?"

SCORES = (
    Score(
        r"villalta",
        r"villalta|pts|post-?thrombotic syndrome|血栓后综合征",
        (
            Band(r"none|no|absent|无", 0, 4),
            Band(_MILD, 5, 9),
            Band(_MODERATE, 10, 14),
            Band(r"mild[ -]to[ -]moderate|mild[-/]moderate|轻中度", 5, 14),
            Band(_SEVERE, 0, 33),  # 15 points or more, or an ulcer with any score
        ),
        "Villalta scale, cut-offs of the ISTH: Kahn et al, J Thromb Haemost 2009;7:879",
    ),
    Score(
        r"phq-?9",
        r"phq-?9|depression|抑郁",
        (
            Band(r"none|minimal|none[-/ ]minimal|无", 0, 4),
            Band(_MILD, 5, 9),
            Band(_MODERATE, 10, 14),
            Band(r"moderately severe|中重度", 15, 19),
            Band(_SEVERE, 20, 27),
        ),
        "PHQ-9: Kroenke et al, J Gen Intern Med 2001;16:606",
    ),
    Score(
        r"gad-?7",
        r"gad-?7|anxiety|焦虑",
        (Band(r"none|minimal|无", 0, 4), Band(_MILD, 5, 9), Band(_MODERATE, 10, 14), Band(_SEVERE, 15, 21)),
        "GAD-7: Spitzer et al, Arch Intern Med 2006;166:1092",
    ),
    Score(
        r"child-?pugh",
        r"child-?pugh",
        (Band(r"(?:class )?a", 5, 6), Band(r"(?:class )?b", 7, 9), Band(r"(?:class )?c", 10, 15)),
        "Child-Pugh: Pugh et al, Br J Surg 1973;60:646",
    ),
)
WHOLE = re.compile(r"\b(?:villalta|vcss|phq-?9|gad-?7|child-?pugh|nihss|gcs)\b", re.IGNORECASE)
"""Scores in whole points; VCSS: Vasquez et al, J Vasc Surg 2010;52:1387."""


def score_of(label: str) -> Score | None:
    """The score whose row this is."""
    return next((one for one in SCORES if re.search(rf"\b(?:{one.name})\b", plain(label).lower())), None)


def bands_of(score: Score, labels: list[str]) -> list[Band] | None:
    """The grade of every label, or None where one of them is no grade of this score."""
    if not all(re.search(rf"(?:{score.grades})", plain(label).lower()) for label in labels):
        return None
    found = [_band(score, plain(label).lower()) for label in labels]
    bands = [one for one in found if one is not None]
    return bands if len(bands) == len(found) else None


def _band(score: Score, label: str) -> Band | None:
    rest = re.sub(rf"(?:{score.grades})(?: grade| class| score|分级|分度)?\s*[:,]?", "", label).strip(" ()")
    return next((band for band in score.bands if re.fullmatch(band.label, rest)), None)
