"""What else a plan computes: endpoints, curves, regressions, enrolment, adverse events, and the literature beside."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nightround.study.plan_patients import Condition
from nightround.study.references import Reference, Text
from nightround.study.study_toml import StudyModel


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
