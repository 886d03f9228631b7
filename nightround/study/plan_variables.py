"""What a plan measures: variables with their levels and limits, and the tables they are in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from nightround.model.language import Words
from nightround.study.methods import (
    BETWEEN_COUNTS,
    BETWEEN_MEASUREMENTS,
    WITHIN_COUNTS,
    WITHIN_MEASUREMENTS,
    HypothesisTestName,
)
from nightround.study.plan_patients import Condition
from nightround.study.references import FieldRef, Reference, Text
from nightround.study.study_model import StudyModel, wrong_value

VariableType = Literal["continuous", "categorical", "dichotomous", "ordinal"]
Summary = Literal["mean_sd", "median_quartiles", "n_percent"]
Effect = Literal["difference", "smd", "change", "difference_in_change", "ancova"]
Sign = Literal["natural", "reversed", "never_positive"]
Correction = Literal["none", "holm", "fdr"]


class Level(StudyModel):
    """One answer of a categorical variable. `field` is given where another field than the variable's has it."""

    id: str
    """The name of the level."""
    label: Text
    """What the row says."""
    codes: tuple[str, ...] = Field(min_length=1)
    """The codes that belong to it."""
    field: Reference | None = None
    """The field that has it, where that is another than the variable's."""


FALLBACKS = frozenset({HypothesisTestName.FISHER, HypothesisTestName.FISHER_FREEMAN_HALTON, HypothesisTestName.YATES})
"""What may count in place of Pearson's test where its large-sample P is not trusted (Cochran, Biometrics 1954)."""


class Limits(StudyModel):
    """Reference limits of a laboratory value, in the variable's unit, with where they come from.

    They belong to the patients for whom every condition of `where` holds, such as one sex.
    """

    low: float
    """The lower limit, in the variable's unit."""
    high: float
    """The upper limit."""
    source: str
    """Where they come from."""
    where: tuple[Condition, ...] = ()
    """The patients they belong to; everybody unless given."""


class Variable(StudyModel):
    """One line of a table, or one line a level.

    `field` has it once; `before` and `after` have it at two visits. `shown` is the level of a
    dichotomous variable that is printed. `digits` counts the decimals of the mean, the SD, the
    median and the quartiles. `test` compares groups (or visits, in a before-after table), `between`
    the groups at each visit; they hold under the plan's own policy. `beside` are tests listed as
    well. `fallback` is the test of counts that counts in place of a planned Pearson where an expected count is
    below 5; without one, Pearson's P is printed and calls no difference. Of `limits` the first that fit
    a patient count. `below_detection` reads a text such as `<0.5` as below the limit of detection; `half_limit` adds,
    as a sensitivity analysis, the same numbers with half of the limit in its place (0.25).
    """

    id: str
    """The name of the variable."""
    label: Text
    """What the row says."""
    unit: Text = Words("", "")
    """The unit, printed in the row's head."""
    type: VariableType
    """What kind of values it has."""
    summary: Summary
    """What is printed of it."""
    field: Reference | None = None
    """The field, where there is one visit."""
    before: Reference | None = None
    """The field at the first of two visits."""
    after: Reference | None = None
    """The field at the second of two visits."""
    levels: tuple[Level, ...] = ()
    """The rows of a variable that is counted."""
    shown: str = ""
    """The level of a dichotomous variable that is printed."""
    digits: int = Field(default=1, ge=0, le=8)
    """The decimals of mean, SD, median and quartiles."""
    test: HypothesisTestName | None = None
    """The test between groups, or between visits in a before-after table; under the plan's own policy."""
    between: HypothesisTestName | None = None
    """The test between groups at each visit."""
    beside: tuple[HypothesisTestName, ...] = ()
    """Tests that are listed as well."""
    fallback: HypothesisTestName | None = None
    """The test that counts in place of a planned Pearson where an expected count is below 5."""
    sign: Sign = "natural"
    """How a change is signed."""
    limits: tuple[Limits, ...] = ()
    """Reference limits; of those that fit a patient the first counts."""
    below_detection: bool = False
    """Whether a text such as `<0.5` is read as below the limit of detection."""
    half_limit: bool = False
    """Whether the numbers are also given with half of that limit in its place."""

    @property
    def counted(self) -> bool:
        """Whether it is counted by levels rather than measured."""
        return self.summary == "n_percent"

    @property
    def visits(self) -> tuple[tuple[str, FieldRef], ...]:
        """Its visits with the field of each: before and after, or the one visit ''."""
        if self.before and self.after:
            return (("before", self.before), ("after", self.after))
        return (("", self.field),) if self.field else ()

    @model_validator(mode="after")
    def _complete(self) -> Variable:
        if not self.visits or (self.field and (self.before or self.after)):
            raise wrong_value("variable_fields")
        if self.counted == (self.type == "continuous"):
            raise wrong_value("variable_summary")
        if self.counted and not self.levels:
            raise wrong_value("variable_levels")
        if (self.type == "dichotomous") != bool(self.shown):
            raise wrong_value("variable_shown")
        if self.half_limit and not self.below_detection:
            raise wrong_value("variable_half_limit")
        if self.shown and self.shown not in {level.id for level in self.levels}:
            raise wrong_value("shown_level", shown=self.shown, known=", ".join(level.id for level in self.levels))
        if self.fallback is not None and (not self.counted or self.fallback not in FALLBACKS):
            raise wrong_value("variable_fallback")
        self._tests_fit()
        return self

    def _tests_fit(self) -> None:
        """An ordered variable may be counted or ranked; every other has its own kind of test."""
        kinds = {"between": BETWEEN_MEASUREMENTS, "within": WITHIN_MEASUREMENTS}
        if self.counted:
            kinds = {"between": BETWEEN_COUNTS, "within": WITHIN_COUNTS}
        if self.type == "ordinal":
            kinds = {
                "between": BETWEEN_COUNTS | BETWEEN_MEASUREMENTS,
                "within": WITHIN_COUNTS | WITHIN_MEASUREMENTS,
            }
        # The two visits may be compared as if they were groups, because a publication may have done so.
        fit = kinds["within"] | kinds["between"] if self.before else kinds["between"]
        for test, allowed in ((self.test, fit), (self.between, kinds["between"]), *((t, fit) for t in self.beside)):
            if test is not None and test not in allowed | {HypothesisTestName.NONE}:
                known = sorted(one.value for one in {*allowed, HypothesisTestName.NONE})
                raise wrong_value("test_fits", test=test.value, known=", ".join(known))


class Section(StudyModel):
    """Some lines of a table under one heading."""

    label: Text = Words("", "")
    """The heading."""
    variables: tuple[Variable, ...] = Field(min_length=1)
    """The variables, in order."""


class VisitLabels(StudyModel):
    """What the two visits of a table are called."""

    before: Text
    """The head of the first visit."""
    after: Text
    """The head of the second visit."""


class PlannedTable(StudyModel):
    """One table of the report. `kind` says how its columns lie; `family` corrects its P values for their number.

    `visits` are the heads of its two visits; without them REDCap's labels of the events are taken.
    """

    id: str
    """The name of the table."""
    title: Text
    """What the report calls it."""
    kind: Literal["by_group", "before_after", "laboratory"]
    """How its columns are arranged."""
    sections: tuple[Section, ...] = Field(min_length=1)
    """Its lines under their headings."""
    effects: tuple[Effect, ...] = ()
    """The effects that are printed, with their intervals."""
    family: Correction = "none"
    """How its P values are corrected for their number."""
    visits: VisitLabels | None = None
    """The heads of its two visits; REDCap's labels of the events unless given."""
    overall: bool = False
    """Whether a table by group has a column of all its patients before those of the groups."""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Every variable in order."""
        return tuple(variable for section in self.sections for variable in section.variables)

    @model_validator(mode="after")
    def _fits(self) -> PlannedTable:
        require_unique("variables", (variable.id for variable in self.variables))
        if self.overall and self.kind != "by_group":
            raise wrong_value("overall_by_group")
        for variable in self.variables:
            if (self.kind == "by_group") != (variable.field is not None):
                raise wrong_value("fields_of_table", variable=variable.id, kind=self.kind)
        return self


def require_unique(kind: str, ids: Iterator[str]) -> None:
    """Refuse a name that is there twice; `kind` says what it names."""
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise wrong_value("twice", kind=kind, id=one)
        seen.add(one)
