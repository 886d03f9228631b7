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
    label: Text
    among: str
    field: Reference
    codes: tuple[str, ...] = Field(min_length=1)
    primary: bool = False


class Survival(StudyModel):
    """A time to an event: whichever of `events` a patient has.

    `time` is one measured field in `unit`. Or it is counted from the date `since` to the last of the dates `until`
    that is there, which is when the patient was last seen; `unit_days` are the days of a unit (30.4375 of a month).
    `scheduled` gives each date of `until` the time its visit was planned for. The time is then that of the visit: an
    event is found when it is looked for, and not when it happens. `at` are times to print.
    """

    id: str
    label: Text
    time: Reference | None = None
    since: Reference | None = None
    until: tuple[Reference, ...] = ()
    scheduled: tuple[float, ...] = ()
    events: tuple[Condition, ...] = Field(min_length=1)
    population: str = ""
    """The flow step whose patients are followed; the plan's population unless another is named."""
    unit: Text
    unit_days: float = Field(default=1.0, gt=0)
    at: tuple[float, ...] = ()
    by_group: bool = False
    interval: Literal["log-log", "log", "plain"] = "log-log"

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
    per: float = 1.0


class Regression(StudyModel):
    """Logistic regression of belonging to a group, one factor at a time."""

    id: str
    label: Text
    group: str
    table: str
    factors: tuple[Factor, ...] = Field(min_length=1)


class ReportFacts(StudyModel):
    """What cover and last page say of the study, as a committee files it; what is not given has no line.

    `signatures` are the roles that sign the report, `distribution` those who receive it.
    """

    checklist: Literal["", "strobe", "consort"] = ""
    """The reporting guideline whose items the report lists: STROBE of a cohort, CONSORT of a randomised trial."""
    protocol: str = ""
    site: Text = Words("", "")
    investigator: Text = Words("", "")
    ethics: Text = Words("", "")
    signatures: tuple[Text, ...] = ()
    distribution: tuple[Text, ...] = ()


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
    """A published proportion next to an endpoint, as its source prints it: `percent` of `n`, at a time."""

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
