"""Rules across records and rows, as a rule file writes them: `unique`, `alike`, `count` and `cohort`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from nightround.model.rule import Between, Check
from nightround.study.study_model import Decimal, StudyModel, WholeNumber, wrong_value
from nightround.study.text_checks import FilledLine

SECONDS = {"d": 86_400, "h": 3_600, "min": 60}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(d|h|min)")
NO_LIMIT = 2**31


def _distance(written: float | str) -> float | str:
    if isinstance(written, str) and not _SPAN.fullmatch(written):
        raise wrong_value("span")
    if not isinstance(written, str) and written < 0:
        raise wrong_value("greater_than_equal", ge=0)
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
        """Everything that is compared with other rows."""
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


CohortCheck = Literal[
    "digit_preference", "weekday_effect", "examiner_effect", "little_spread", "copied_rows", "outliers"
]
"""What can be looked for in all rows together."""
LEAST_COPIED = 3
"""Fewer fields agree by chance too often to say that a row was copied."""


class CohortTable(RuleModel):
    """`cohort`: what is true of all rows together, or of those of a data access group, and of no record alone."""

    check: CohortCheck
    """What is looked for; the table below says how each is asked."""
    fields: Annotated[tuple[FilledLine, ...], Field(min_length=1)]
    """The fields that are tested, each by itself; `copied_rows` and `outliers` test them together."""
    date: str = ""
    """Of `weekday_effect`: the date whose weekday is taken."""
    examiner: str = ""
    """Of `examiner_effect`, and in place of groups of `little_spread`: the field that says who measured."""
    each_group: bool = False
    """Whether each data access group is tested by itself; it has a finding of its own then."""
    alpha: Annotated[Decimal, Field(gt=0, lt=1)] = 0.005
    """The probability of a false alarm in a year of nights, for each field. Groups and examiners share it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Everything that it reads."""
        return tuple(dict.fromkeys(one for one in (*self.fields, self.date, self.examiner) if one))

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        wanting = {
            "date": (self.check == "weekday_effect") is not bool(self.date),
            "examiner": self.check == "examiner_effect" and not self.examiner,
            "each_group": self.check == "little_spread" and not (self.each_group or self.examiner),
            "fields": self.check == "copied_rows" and len(self.fields) < LEAST_COPIED,
        }
        wanting["examiner"] |= bool(self.examiner) and self.check not in ("examiner_effect", "little_spread")
        wanting["each_group"] |= self.check == "little_spread" and self.each_group and bool(self.examiner)
        for key, is_wrong in wanting.items():
            if is_wrong:
                raise wrong_value("cohort_form", check=self.check, key=key)
        return self

    def rule_check(self) -> Check:
        """What a rule with it looks for."""
        settings = {"check": self.check, "alpha": self.alpha, "each_group": self.each_group}
        return Check("cohort", self.fields, {**settings, "date": self.date, "examiner": self.examiner})


def check_of(
    unique: tuple[str, ...], alike: AlikeTable | None, count: CountTable | None, cohort: CohortTable | None
) -> Check | None:
    """What the rule of a table looks for across rows; None where it looks at each row by its logic."""
    if cohort:
        return cohort.rule_check()
    one = AlikeTable(fields=unique) if unique else alike or count
    return one.check() if one else None


def compared_columns(unique: tuple[str, ...], alike: AlikeTable | None) -> tuple[str, ...]:
    """The columns that a rule across rows compares: a row in which one of them is blank is like no other."""
    return unique or (alike.columns if alike else ())
