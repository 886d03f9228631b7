"""The kinds of errors that a drill plants, read from `kinds.toml` and from files of the same form."""

from __future__ import annotations

import re
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from nightround.study.settings import checked, read_toml
from nightround.study.study_model import StudyModel, wrong_value

SHIPPED = "kinds.toml"
Holds = Literal["number", "date", "datetime", "text"]
FROM_NOW, FROM_EARLIER_EVENT, FROM_EARLIER_IN_ROW = "now", "earlier_event", "earlier_in_row"


def _pattern(text: str) -> str:
    """Accept a regular expression that can be read."""
    try:
        re.compile(text)
    except re.error as wrong:
        raise wrong_value("kind_pattern", error=str(wrong)) from None
    return text


class KindTitle(StudyModel):
    """A title in both languages, or in one of them."""

    zh: str = ""
    en: str = ""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not (self.zh or self.en):
            raise wrong_value("kind_title")
        return self


class Where(StudyModel):
    """Which fields, and which of their values, an error is planted in. Each word that is given must fit."""

    fields: tuple[str, ...] = ()
    """Names of fields; `*` stands for any characters."""
    instruments: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """REDCap's field types: text, radio, yesno …"""
    holds: tuple[Holds, ...] = ()
    label: str = ""
    """A regular expression found in the name or the label, case ignored."""
    not_label: str = ""
    unit: str = ""
    """A regular expression found in the field note or the label."""
    choice: str = ""
    """A regular expression found in the label of a choice."""
    required: bool | None = None
    branching: bool | None = None
    feeds: bool | None = None
    """Whether a calculated field, or arithmetic in a rule, reads the field."""
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()
    """The months in which a date lies."""
    least_fields: int = Field(1, ge=1)
    """An instrument has so many filled fields, where a whole one is changed."""

    @field_validator("label", "not_label", "unit", "choice")
    @classmethod
    def _readable(cls, text: str) -> str:
        return _pattern(text)


class Multiply(StudyModel):
    """A number times one of some factors, rounded as the value is; -1 changes its sign."""

    change: Literal["multiply"]
    by: tuple[float, ...] = Field(min_length=1)


class Add(StudyModel):
    """A number, or so many days, months or years to a date."""

    change: Literal["add"]
    by: tuple[float, ...] = Field(min_length=1)
    unit: Literal["", "days", "months", "years"] = ""


class Set(StudyModel):
    """One of some texts in place of the value; '' empties the field, ticked options too."""

    change: Literal["set"]
    to: tuple[str, ...] = Field(min_length=1)


class Rewrite(StudyModel):
    """A slip of the hand: two digits that stand side by side, or day and month, exchanged."""

    change: Literal["swap_digits", "swap_day_month"]


class OtherChoice(StudyModel):
    """Another choice: any, one next to it in the list, or the one whose label has the other word of a pair."""

    change: Literal["other_choice"]
    which: Literal["any", "neighbour", "opposite"] = "any"
    pairs: tuple[tuple[str, str], ...] = ()


class DateFrom(StudyModel):
    """A date so many days from now, from an earlier date of the record, or from a date whose label fits."""

    change: Literal["date_from"]
    anchor: str = Field(alias="from", min_length=1)
    days: tuple[int, int]

    @field_validator("anchor")
    @classmethod
    def _readable(cls, text: str) -> str:
        return _pattern(text)

    @field_validator("days")
    @classmethod
    def _in_order(cls, days: tuple[int, int]) -> tuple[int, int]:
        if days[0] > days[1]:
            raise wrong_value("kind_days")
        return days


class CopyInstrument(StudyModel):
    """All values of an instrument are those of another event of the record, or of another record."""

    change: Literal["copy_instrument"]
    source: Literal["other_event", "other_record"] = Field(alias="from")


class Structural(StudyModel):
    """A change that the structure of the project decides: see docs/drill.md."""

    change: Literal["no_choice", "fill_hidden", "open_branch", "remove_visit", "duplicate_record"]


OfValue = Multiply | Add | Set | Rewrite | OtherChoice
How = Annotated[OfValue | DateFrom | CopyInstrument | Structural, Field(discriminator="change")]


class Form(StudyModel):
    """One way in which an error of a kind comes about."""

    where: Where = Where(least_fields=1)
    how: How


class ErrorKind(StudyModel):
    """A kind of error."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)
    title: KindTitle
    recalculated: bool = True
    """Whether REDCap works out calculated fields anew after the error, as on every save of a page."""
    forms: tuple[Form, ...] = Field(min_length=1)


class KindsFile(StudyModel):
    """A file of kinds. With `shipped = false` it is alone, else its kinds come after those of the package."""

    shipped: bool = True
    kind: tuple[ErrorKind, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.id for one in self.kind]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise wrong_value("kind_twice", id=twice[0])
        return self


def shipped_kinds() -> tuple[ErrorKind, ...]:
    """The kinds of the package."""
    with as_file(files("nightround.simulation.drill") / SHIPPED) as path:
        return _read(path).kind


def read_kinds(path: Path | None) -> tuple[ErrorKind, ...]:
    """The kinds of the package and those of a file; one of the file replaces that of the same id.

    Raises StudyFilesWrong for a file that is none of kinds.
    """
    if path is None:
        return shipped_kinds()
    own = _read(path)
    known = {one.id: one for one in shipped_kinds()} if own.shipped else {}
    return tuple((known | {one.id: one for one in own.kind}).values())


def _read(path: Path) -> KindsFile:
    return checked(KindsFile, read_toml(path), file=path)
