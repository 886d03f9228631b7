"""The statistical analysis plan: what is computed, by which test, in which order, fixed in advance.

Read from `plan.toml`. It says everything and computes nothing; reports take labels and layout from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from nightround.model import Words
from nightround.study.methods import (
    BETWEEN_COUNTS,
    BETWEEN_MEASUREMENTS,
    WITHIN_COUNTS,
    WITHIN_MEASUREMENTS,
    HypothesisTestName,
)
from nightround.study.references import FieldRef, Reference, Text
from nightround.study.study_toml import StudyModel, checked, read_toml

__all__ = ["FieldRef", "Plan", "Reference", "Text", "read_plan"]

PolicyName = Literal["recommended", "spss", "cn-textbook", "as-published"]
VariableType = Literal["continuous", "categorical", "dichotomous", "ordinal"]
Summary = Literal["mean_sd", "median_quartiles", "n_percent"]
Effect = Literal["difference", "smd", "change", "difference_in_change", "ancova"]
Sign = Literal["natural", "reversed", "never_positive"]
Correction = Literal["none", "holm", "fdr"]
QuartileType = Literal[2, 6, 7]


class Condition(StudyModel):
    """A field that has one of the codes, or any value where no codes are given."""

    field: Reference
    codes: tuple[str, ...] = ()


class Group(StudyModel):
    """One column of a comparison: the codes of the grouping field that belong to it."""

    id: str
    label: Text
    codes: tuple[str, ...] = Field(min_length=1)


class Step(StudyModel):
    """A box of the flow: the patients of the step before (`of`) for whom every condition holds.

    A `side` step holds those who do not go on; the steps of it are its reasons.
    """

    id: str
    label: Text
    of: str = ""
    where: tuple[Condition, ...] = ()
    side: bool = False


class Level(StudyModel):
    """One answer of a categorical variable. `field` is given where another field than the variable's has it."""

    id: str
    label: Text
    codes: tuple[str, ...] = Field(min_length=1)
    field: Reference | None = None


class Limits(StudyModel):
    """Reference limits of a laboratory value, in the variable's unit, with where they come from.

    They belong to the patients for whom every condition of `where` holds, such as one sex.
    """

    low: float
    high: float
    source: str
    where: tuple[Condition, ...] = ()


class Variable(StudyModel):
    """One line of a table, or one line a level.

    `field` holds it once; `before` and `after` hold it at two visits. `shown` is the level of a
    dichotomous variable that is printed. `digits` counts the decimals of the mean, the SD, the
    median and the quartiles. `test` compares groups (or visits, in a before-after table), `between`
    the groups at each visit; they hold under the plan's own policy. `beside` are tests listed as
    well. Of `limits` the first that fit a patient count. `below_detection` reads a text such as
    `<0.5` as below the limit of detection; `half_limit` adds, as a sensitivity analysis, the same
    numbers with half of the limit in its place (0.25).
    """

    id: str
    label: Text
    unit: Text = Words("", "")
    type: VariableType
    summary: Summary
    field: Reference | None = None
    before: Reference | None = None
    after: Reference | None = None
    levels: tuple[Level, ...] = ()
    shown: str = ""
    digits: int = Field(default=1, ge=0, le=8)
    test: HypothesisTestName | None = None
    between: HypothesisTestName | None = None
    beside: tuple[HypothesisTestName, ...] = ()
    sign: Sign = "natural"
    limits: tuple[Limits, ...] = ()
    below_detection: bool = False
    half_limit: bool = False

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
            raise ValueError("a variable has either `field`, or both `before` and `after`")
        if self.counted == (self.type == "continuous"):
            raise ValueError("a continuous variable is summarised by mean_sd or median_quartiles, any other n_percent")
        if self.counted and not self.levels:
            raise ValueError("`levels` say which codes are counted")
        if (self.type == "dichotomous") != bool(self.shown):
            raise ValueError("`shown` names the printed level of a dichotomous variable, and only of one")
        if self.half_limit and not self.below_detection:
            raise ValueError("`half_limit` needs `below_detection`, which reads a value such as `<0.5`")
        if self.shown and self.shown not in {level.id for level in self.levels}:
            raise ValueError(f"`shown` is {self.shown!r}, which is none of its levels")
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
                raise ValueError(f"the test {test.value!r} does not fit this variable")


class Section(StudyModel):
    """Some lines of a table under one heading."""

    label: Text = Words("", "")
    variables: tuple[Variable, ...] = Field(min_length=1)


class PlannedTable(StudyModel):
    """One table of the report. `kind` says how its columns lie; `family` corrects its P values for their number."""

    id: str
    title: Text
    kind: Literal["by_group", "before_after", "laboratory"]
    sections: tuple[Section, ...] = Field(min_length=1)
    effects: tuple[Effect, ...] = ()
    family: Correction = "none"

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Every variable in order."""
        return tuple(variable for section in self.sections for variable in section.variables)

    @model_validator(mode="after")
    def _fits(self) -> PlannedTable:
        _unique("variable", (variable.id for variable in self.variables))
        for variable in self.variables:
            if (self.kind == "by_group") != (variable.field is not None):
                raise ValueError(f"the fields of {variable.id!r} do not fit a table {self.kind!r}")
        return self


class Endpoint(StudyModel):
    """A proportion with its intervals: patients of a flow step (`among`) whose field has one of the codes."""

    id: str
    label: Text
    among: str
    field: Reference
    codes: tuple[str, ...] = Field(min_length=1)
    primary: bool = False


class Survival(StudyModel):
    """A time to an event. `time` is in `unit`, from the plan's population; `at` are times to print."""

    id: str
    label: Text
    time: Reference
    event: Condition
    unit: Text
    at: tuple[float, ...] = ()
    by_group: bool = False
    interval: Literal["log-log", "log", "plain"] = "log-log"


class Factor(StudyModel):
    """One candidate of a regression: a variable of a table, per `per` units where it is measured."""

    variable: str
    per: float = 1.0


class Regression(StudyModel):
    """Logistic regression of belonging to a group, one factor at a time."""

    id: str
    label: Text
    group: str
    table: str
    factors: tuple[Factor, ...] = Field(min_length=1)


class Accrual(StudyModel):
    """Enrolment: the date a patient entered, how many are wanted, and the months whose pace is carried forward."""

    entered: Reference
    target: int = Field(ge=1)
    pace_months: int = Field(default=6, ge=1)


class Safety(StudyModel):
    """Adverse events: a repeating instrument with the fields of term, grade and seriousness, among a flow step."""

    instrument: str
    among: str
    term: str
    grade: str
    serious: str
    serious_codes: tuple[str, ...] = ("1",)


class Literature(StudyModel):
    """A published proportion beside an endpoint, as its source prints it: `percent` of `n`, at a time."""

    id: str
    endpoint: str
    label: Text
    percent: float = Field(ge=0, le=100)
    n: int = Field(ge=1)
    source: str


class PerPatient(StudyModel):
    """Variables of a before-after table that are drawn patient by patient."""

    table: str
    variables: tuple[str, ...] = Field(min_length=1)


class Plan(StudyModel):
    """The whole of `plan.toml`."""

    policy: PolicyName
    grouping: Reference
    population: str
    """The flow step whose patients the tables are about."""
    percent_from: int = Field(default=0, ge=0)
    """Percentages are withheld in groups smaller than this."""
    trim_zeros: bool = False
    """Print medians and quartiles without trailing zeros, as SPSS does."""
    groups: tuple[Group, ...] = Field(min_length=1)
    flow: tuple[Step, ...] = Field(min_length=1)
    endpoints: tuple[Endpoint, ...] = ()
    tables: tuple[PlannedTable, ...] = ()
    survival: tuple[Survival, ...] = ()
    regressions: tuple[Regression, ...] = ()
    accrual: Accrual | None = None
    safety: Safety | None = None
    literature: tuple[Literature, ...] = ()
    per_patient: tuple[PerPatient, ...] = ()
    visits: dict[str, Text] = Field(default_factory=dict)
    """What a visit is called in the report, by the unique name of its event; else its name in REDCap."""

    def table(self, table_id: str) -> PlannedTable:
        """The table of an id."""
        return next(table for table in self.tables if table.id == table_id)

    def references(self) -> tuple[FieldRef, ...]:
        """Every field the plan needs, each once, in the order of the plan."""
        return tuple(dict.fromkeys(self._references()))

    def _references(self) -> Iterator[FieldRef]:
        yield self.grouping
        for step in self.flow:
            yield from (condition.field for condition in step.where)
        yield from (endpoint.field for endpoint in self.endpoints)
        yield from (one.entered for one in [self.accrual] if one)
        for curve in self.survival:
            yield from (curve.time, curve.event.field)
        for variable in (v for table in self.tables for v in table.variables):
            yield from (reference for _, reference in variable.visits)
            yield from (level.field for level in variable.levels if level.field)
            yield from (condition.field for limits in variable.limits for condition in limits.where)

    def measured(self) -> frozenset[FieldRef]:
        """The fields that must be numbers."""
        variables = (variable for table in self.tables for variable in table.variables if not variable.counted)
        numbers = (reference for variable in variables for _, reference in variable.visits)
        return frozenset((*numbers, *(curve.time for curve in self.survival)))

    def with_detection_limit(self) -> frozenset[FieldRef]:
        """The fields in which `<0.5` is a value."""
        variables = (variable for table in self.tables for variable in table.variables if variable.below_detection)
        return frozenset(reference for variable in variables for _, reference in variable.visits)

    def with_half_limit(self) -> frozenset[FieldRef]:
        """The fields that are also analysed with half of the limit of detection in place of `<0.5`."""
        variables = (variable for table in self.tables for variable in table.variables if variable.half_limit)
        return frozenset(reference for variable in variables for _, reference in variable.visits)

    @model_validator(mode="after")
    def _consistent(self) -> Plan:
        for kind in ("groups", "flow", "endpoints", "tables", "survival", "regressions", "literature"):
            _unique(kind, (part.id for part in getattr(self, kind)))
        _unique("code of a group", (code for group in self.groups for code in group.codes))
        known: set[str] = set()
        for step in self.flow:
            if step.of and step.of not in known:
                raise ValueError(f"flow step {step.id!r} is of {step.of!r}, which is no step before it")
            known.add(step.id)
        among = (part.among for part in (*self.endpoints, *([self.safety] if self.safety else ())))
        for needed in (self.population, *among):
            if needed not in known:
                raise ValueError(f"{needed!r} is no step of the flow")
        self._shown_known()
        for regression in self.regressions:
            self._regression_known(regression)
        if self.policy == "as-published":
            self._all_tests_named()
        return self

    def _shown_known(self) -> None:
        """What stands beside an endpoint or is drawn patient by patient is planned elsewhere."""
        endpoints = {endpoint.id for endpoint in self.endpoints}
        for published in self.literature:
            if published.endpoint not in endpoints:
                raise ValueError(f"{published.endpoint!r} is no endpoint")
        for drawn in self.per_patient:
            tables = (table for table in self.tables if table.id == drawn.table and table.kind != "by_group")
            measured = {variable.id for table in tables for variable in table.variables if not variable.counted}
            if missing := sorted(set(drawn.variables) - measured):
                raise ValueError(f"{missing[0]!r} is measured at no two visits in table {drawn.table!r}")

    def _regression_known(self, regression: Regression) -> None:
        if regression.group not in {group.id for group in self.groups}:
            raise ValueError(f"{regression.group!r} is no group")
        if regression.table not in {table.id for table in self.tables if table.kind == "by_group"}:
            raise ValueError(f"{regression.table!r} is no table by group")
        variables = {variable.id for variable in self.table(regression.table).variables}
        for factor in regression.factors:
            if factor.variable not in variables:
                raise ValueError(f"{factor.variable!r} is no variable of table {regression.table!r}")

    def _all_tests_named(self) -> None:
        for variable in (v for table in self.tables for v in table.variables):
            if variable.test is None:
                raise ValueError(f"under as-published every variable names its test; {variable.id!r} does not")


def _unique(kind: str, ids: Iterator[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise ValueError(f"{kind} {one!r} stands there twice")
        seen.add(one)


def read_plan(path: Path) -> Plan:
    """Read a `plan.toml`; raises StudyFilesWrong that names the place and, for an unknown key, the nearest one."""
    return checked(Plan, read_toml(path), file=path)
