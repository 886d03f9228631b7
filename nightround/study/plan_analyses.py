"""What else a plan computes: endpoints, curves, regressions, enrolment, adverse events, and the literature."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from nightround.model.language import Words
from nightround.study.plan_patients import Condition
from nightround.study.references import FieldRef, Reference, Text
from nightround.study.study_model import StudyModel, wrong_value


class Endpoint(StudyModel):
    """A proportion with its intervals: patients of a flow step (`among`) whose field has one of the codes."""

    id: str
    """The name of the endpoint."""
    label: Text
    """What the report calls it."""
    among: str
    """The flow step whose patients are the denominator."""
    field: Reference
    """The field that decides."""
    codes: tuple[str, ...] = Field(min_length=1)
    """The codes that count as reached."""
    primary: bool = False
    """Whether it leads the report."""


class Survival(StudyModel):
    """A time to an event: whichever of `events` a patient has.

    `time` is one measured field in `unit`. Or it is counted from the date `since` to the last of the dates `until`
    that is there, which is when the patient was last seen; `unit_days` are the days of a unit (30.4375 of a month).
    `scheduled` gives each date of `until` the time its visit was planned for. The time is then that of the visit: an
    event is found when it is looked for, and not when it happens. `at` are times to print.
    """

    id: str
    """The name of the curve."""
    label: Text
    """What the report calls it."""
    time: Reference | None = None
    """The field with the time, in `unit`."""
    since: Reference | None = None
    """The date from which time is counted."""
    until: tuple[Reference, ...] = ()
    """The dates on which a patient was last seen; the last that is there counts."""
    scheduled: tuple[float, ...] = ()
    """The planned time of each date of `until`."""
    events: tuple[Condition, ...] = Field(min_length=1)
    """What counts as the event; any of them."""
    population: str = ""
    """The flow step whose patients are followed; the plan's population unless another is named."""
    unit: Text
    """The unit of time."""
    unit_days: float = Field(default=1.0, gt=0)
    """The days of a unit, such as 30.4375 of a month."""
    at: tuple[float, ...] = ()
    """Times at which the estimate is printed."""
    by_group: bool = False
    """Whether each group has a curve."""
    interval: Literal["log-log", "log", "plain"] = "log-log"
    """How the interval is transformed."""

    def references(self) -> tuple[FieldRef, ...]:
        """The fields it is computed from."""
        return (*([self.time] if self.time else ()), *self.dates(), *(condition.field for condition in self.events))

    def dates(self) -> tuple[FieldRef, ...]:
        """The fields that must be dates."""
        return (*([self.since] if self.since else ()), *self.until)

    @model_validator(mode="after")
    def _one_clock(self) -> Survival:
        if self.time and self.dates():
            raise wrong_value("curve_two_clocks")
        if not self.time and not (self.since and self.until):
            raise wrong_value("curve_no_clock")
        if len(set(self.until)) < len(self.until) or self.since in self.until:
            raise wrong_value("curve_dates")
        if self.scheduled and len(self.scheduled) != len(self.until):
            raise wrong_value("curve_scheduled")
        if any(later <= earlier for earlier, later in pairwise((0.0, *self.scheduled))):
            raise wrong_value("curve_order")
        return self


class Factor(StudyModel):
    """One candidate of a regression: a variable of a table, per `per` units where it is measured."""

    variable: str
    """The id of a variable of the table."""
    per: float = 1.0
    """The odds ratio is per so many units, where it is measured."""


class Regression(StudyModel):
    """Logistic regression of belonging to a group, one factor at a time."""

    id: str
    """The name of the regression."""
    label: Text
    """What the report calls it."""
    group: str
    """The group whose membership is explained."""
    table: str
    """The table whose variables are the candidates."""
    factors: tuple[Factor, ...] = Field(min_length=1)
    """The candidates, each by itself."""


class ReportFacts(StudyModel):
    """What cover and last page say of the study, as a committee files it; what is not given has no line.

    `signatures` are the roles that sign the report, `distribution` those who receive it.
    """

    checklist: Literal["", "strobe", "consort"] = ""
    """The reporting guideline whose items the report lists: STROBE of a cohort, CONSORT of a randomised trial."""
    protocol: str = ""
    """Number and version of the protocol."""
    site: Text = Words("", "")
    """The site."""
    investigator: Text = Words("", "")
    """The principal investigator."""
    ethics: Text = Words("", "")
    """The approval of the ethics committee."""
    signatures: tuple[Text, ...] = ()
    """The roles that sign the report."""
    distribution: tuple[Text, ...] = ()
    """The roles that receive it."""


class Accrual(StudyModel):
    """Enrolment: the date a patient entered, how many are wanted, and the months whose pace is carried forward."""

    entered: Reference
    """The date on which a patient entered."""
    target: int = Field(ge=1)
    """How many patients are wanted."""
    pace_months: int = Field(default=6, ge=1)
    """The months whose pace is carried forward."""


class Safety(StudyModel):
    """Adverse events: a repeating instrument with the fields of term, grade and seriousness, among a flow step."""

    instrument: str
    """The repeating instrument of adverse events."""
    among: str
    """The flow step whose patients are counted."""
    term: str
    """The field with the term."""
    grade: str
    """The field with the grade."""
    serious: str
    """The field that says whether it was serious."""
    serious_codes: tuple[str, ...] = ("1",)
    """The codes that mean serious."""


class Literature(StudyModel):
    """A published proportion next to an endpoint, as its source prints it: `percent` of `n`, at a time."""

    id: str
    """The name of the entry."""
    endpoint: str
    """The endpoint it is shown next to."""
    label: Text
    """What the report calls it."""
    percent: float = Field(ge=0, le=100)
    """The published percentage."""
    n: int = Field(ge=1)
    """The published denominator."""
    source: str
    """Where it was published."""


class PerPatient(StudyModel):
    """Variables of a before-after table that are drawn patient by patient."""

    table: str
    """The before-after table."""
    variables: tuple[str, ...] = Field(min_length=1)
    """The ids of its variables."""
