"""The score library: `score("villalta", "isth_2009")`. A score is never used without the name of its variant."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from math import inf

from nightround.model.errors import UsageWrong
from nightround.scores.score_data import ScoreGrade, ScoreItem, ScoreSheet, ScoreVariant


@dataclass(frozen=True)
class Score:
    """A score in one of its variants."""

    sheet: ScoreSheet
    variant: ScoreVariant

    @cached_property
    def items(self) -> tuple[ScoreItem, ...]:
        """The items of the variant with its own weights, in the order of the form; unscored ones among them."""
        wanted = self.variant.items or tuple(item.key for item in self.sheet.item)
        weights = self.variant.weights
        return tuple(
            item.model_copy(update={"weight": weights.get(item.key, item.weight)})
            for item in self.sheet.item
            if item.key in wanted
        )

    @property
    def scored(self) -> tuple[ScoreItem, ...]:
        """The items that a total is made of."""
        return tuple(item for item in self.items if item.weight)

    def item(self, key: str) -> ScoreItem:
        """An item by its key."""
        return next(item for item in self.items if item.key == key)

    @property
    def is_weighted(self) -> bool:
        """Whether its total is something else than the plain sum of its answers."""
        return any(item.weight != 1 or item.unless or item.steps for item in self.scored)

    def below(self, grade: ScoreGrade) -> float:
        """The lowest total of the next grade; infinite for the highest."""
        following = self.variant.grade[self.variant.grade.index(grade) + 1 :]
        return following[0].low if following else inf

    @property
    def overridden(self) -> str:
        """The grade that an item decides alone; '' where there is none."""
        return self.variant.override.grade if self.variant.override else ""


@cache
def score_sheets() -> tuple[ScoreSheet, ...]:
    """Every score of the library, in the order of names."""
    folder = files("nightround.scores")
    texts = (one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".toml"))
    return tuple(sorted((ScoreSheet.model_validate(tomllib.loads(text)) for text in texts), key=lambda one: one.name))


def score(name: str, variant: str) -> Score:
    """A score of the library; raises UsageWrong with the known names where there is none."""
    sheet = next((one for one in score_sheets() if one.name == name), None)
    if sheet is None:
        raise UsageWrong("score.unknown", name=name, known=", ".join(one.name for one in score_sheets()))
    chosen = next((one for one in sheet.variant if one.key == variant), None)
    if chosen is None:
        known = ", ".join(one.key for one in sheet.variant)
        raise UsageWrong("score.no_variant", name=name, variant=variant, known=known)
    return Score(sheet, chosen)


def all_scores() -> tuple[Score, ...]:
    """Every score in each of its variants."""
    return tuple(Score(sheet, variant) for sheet in score_sheets() for variant in sheet.variant)
