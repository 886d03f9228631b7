"""The form of a score's file: what `nightround/scores/*.toml` may hold. An unknown key is an error."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from nightround.model.language import Words

ScoreForm = Literal["sum", "formula", "class", "total"]
"""Points that are added up, a number that is calculated, classes in an order, or a total whose items are not here."""


class ScoreData(BaseModel):
    """A table of a score's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InBoth(ScoreData):
    """A text in Chinese and English."""

    zh: str
    en: str

    def words(self) -> Words:
        """The text as the model's own type."""
        return Words(self.zh, self.en)


class ScoreItem(ScoreData):
    """`[[item]]`: one question of a score, and how an answer becomes points."""

    key: str
    label: InBoth
    also: tuple[str, ...] = ()
    """Other labels by which it is known, in lower case, for recognition."""
    low: float = 0
    """The lowest answer; of a measured item the lowest that a calculation accepts, in its first unit."""
    high: float = 3
    weight: int = 1
    """Points for each unit of the answer; 0 for what has no points, such as the ulcer of the Villalta scale."""
    unless: str = ""
    """The graver item: where that one is present, this one has no points."""
    steps: tuple[float, ...] = ()
    """A measured item has one point for each of these values that it reaches."""
    names: tuple[str, ...] = ()
    """What the answer can be, where it is no number."""
    units: dict[str, float] = Field(default_factory=dict)
    """How many of each unit are one of the first unit."""
    whole: bool = True
    """Whether the answer is a code in whole points."""
    levels: tuple[InBoth, ...] = ()
    """What each answer from `low` on means."""

    @property
    def is_points(self) -> bool:
        """Whether the answer is a whole number from `low` to `high`."""
        return self.whole and not self.names


class ScoreGrade(ScoreData):
    """A grade or class: the totals from `low` up to the next grade's `low`."""

    key: str
    label: InBoth
    low: float = 0
    printed: str = ""
    """A pattern of what published tables call it."""


class GradeOverride(ScoreData):
    """An item whose presence decides the grade, whatever the total."""

    item: str
    grade: str
    present: InBoth
    absent: InBoth


class ScoreExample(ScoreData):
    """A worked example: answers, and what they give."""

    values: dict[str, float | str]
    total: float | None = None
    grade: str = ""
    source: str


class ScoreVariant(ScoreData):
    """`[[variant]]`: one published way to count and to grade."""

    key: str
    label: InBoth
    source: str
    minimum: float = 0
    maximum: float = 0
    decimals: int = 0
    """So many decimals a calculated value is reported with; half a unit is rounded up."""
    items: tuple[str, ...] = ()
    """Its items; without it every item of the score."""
    weights: dict[str, int] = Field(default_factory=dict)
    """Weights of its own."""
    formula: str = ""
    """REDCap logic over the items by their keys, in their first units."""
    rule: InBoth | None = None
    """What a rule on the calculated value says."""
    grade: tuple[ScoreGrade, ...] = ()
    """From the lowest to the highest."""
    override: GradeOverride | None = None
    example: tuple[ScoreExample, ...] = ()


class ScoreSheet(ScoreData):
    """A whole file: one score with its variants."""

    name: str
    form: ScoreForm
    label: InBoth
    short: InBoth
    unit: InBoth = InBoth(zh="分", en="points")
    printed: str = ""
    """A pattern of what published tables call it."""
    grades_printed: str = ""
    """A pattern of what the rows that count its grades begin with."""
    whole: bool = True
    """Whether its total is a whole number."""
    item_source: str
    remark: tuple[InBoth, ...] = ()
    item: tuple[ScoreItem, ...] = ()
    variant: tuple[ScoreVariant, ...]
