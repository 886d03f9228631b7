"""Rules across records and rows, as a rule file writes them: `unique`, `alike` and `count`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nightround.model.rule import Between, Check
from nightround.study.settings import Decimal, StudyModel, WholeNumber
from nightround.study.text_checks import FilledLine

SECONDS = {"d": 86_400, "h": 3_600, "min": 60}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(d|h|min)")
NO_LIMIT = 2**31


def _distance(written: float | str) -> float | str:
    if isinstance(written, str) and not _SPAN.fullmatch(written):
        raise PydanticCustomError("span", "span")
    if not isinstance(written, str) and written < 0:
        raise PydanticCustomError("greater_than_equal", "greater_than_equal", {"ge": 0})
    return written


Distance = Annotated[Decimal | str, AfterValidator(_distance)]
"""How far apart two values may be: a number, or for dates and times how long: `3d`, `12h`, `30min`."""


class RuleModel(StudyModel):
    """A table of a rule file; its description of each key is that of docs/rules.md."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class AlikeTable(RuleModel):
    """`alike`: no two rows agree in all of `fields` and are as near as `within` says in the fields named there."""

    fields: tuple[FilledLine, ...] = ()
    """Columns in which the rows are equal; case, width of characters and spaces do not count."""
    within: dict[FilledLine, Distance] = Field(default_factory=dict)
    """Columns in which the rows are near, and how far apart at most: a number, or `3d`, `12h`, `30min` for dates."""
    between: Between = "records"
    """Which rows are compared: those of different records, those of one record, or any two."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Everything that is held against other rows."""
        return (*self.fields, *self.within)

    def check(self) -> Check:
        """What a rule with it looks for."""
        near = [[column, *_measured(distance)] for column, distance in self.within.items()]
        return Check("alike", self.fields, {"near": near, "between": self.between})


def _measured(distance: float | str) -> tuple[str, float]:
    """How a distance is measured, and how large it is at most."""
    found = _SPAN.fullmatch(distance) if isinstance(distance, str) else None
    return ("moment", float(found[1]) * SECONDS[found[2]]) if found else ("number", float(distance))


class CountTable(RuleModel):
    """`count`: how many rows of `instrument` a record has, in `events` or in all; without it, how many of `events`."""

    instrument: str = ""
    """The instrument whose rows are counted in which something was entered."""
    events: tuple[FilledLine, ...] = ()
    """The events in which rows are counted; without `instrument` the events themselves, which have data or not."""
    at_least: Annotated[WholeNumber, Field(ge=0)] = 0
    """Fewer are a finding."""
    at_most: Annotated[WholeNumber, Field(ge=0)] = NO_LIMIT
    """More are a finding. Without it there is no limit."""

    def check(self) -> Check:
        """What a rule with it looks for."""
        counted = [[event, self.instrument] for event in self.events or ("",)]
        return Check("count", (), {"counted": counted, "at_least": self.at_least, "at_most": self.at_most})


class DigitsTable(RuleModel):
    """`digits`: numbers that people read off do not end in 0 or 5 more often than chance allows."""

    field: FilledLine
    """The field whose last digits are counted."""
    alpha: Annotated[Decimal, Field(gt=0, lt=1)] = 0.01
    """The probability of a false alarm through all nights together."""

    def check(self) -> Check:
        """What a rule with it looks for."""
        return Check("digits", (self.field,), {"alpha": self.alpha})


def check_of(
    unique: tuple[str, ...], alike: AlikeTable | None, count: CountTable | None, digits: DigitsTable | None
) -> Check | None:
    """What the rule of a table looks for across rows; None where it looks at each row by its logic."""
    one: Any = AlikeTable(fields=unique) if unique else alike or count or digits
    return one.check() if one else None


def compared_columns(unique: tuple[str, ...], alike: AlikeTable | None, digits: DigitsTable | None) -> tuple[str, ...]:
    """The columns that a rule across rows compares: a row in which one of them is blank is like no other."""
    if digits:
        return (digits.field,)
    return unique or (alike.columns if alike else ())
