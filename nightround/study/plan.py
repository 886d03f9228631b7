"""The statistical analysis plan: what is computed, by which test, in which order, fixed in advance.

Read from `plan.toml`. It says everything and computes nothing; reports take labels and layout from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from nightround.study.plan_analyses import (
    Accrual,
    Endpoint,
    Factor,
    Literature,
    PerPatient,
    Regression,
    ReportFacts,
    Safety,
    Survival,
)
from nightround.study.plan_conduct import Amount, Deaths, Exposure, FollowUp, PlannedVisit
from nightround.study.plan_patients import EVERYONE, Condition, PlanGroup, Step
from nightround.study.plan_variables import (
    Effect,
    Level,
    Limits,
    PlannedTable,
    Section,
    Sign,
    Variable,
    require_unique,
)
from nightround.study.references import FieldRef, Reference, Text
from nightround.study.settings import checked, read_toml
from nightround.study.study_model import StudyModel, wrong_value

__all__ = [
    "Accrual",
    "Amount",
    "Condition",
    "Deaths",
    "Effect",
    "Endpoint",
    "Exposure",
    "Factor",
    "FieldRef",
    "FollowUp",
    "Level",
    "Limits",
    "Literature",
    "PerPatient",
    "Plan",
    "PlanGroup",
    "PlannedTable",
    "PlannedVisit",
    "PolicyName",
    "QuartileType",
    "Reference",
    "Regression",
    "Safety",
    "Section",
    "Sign",
    "Step",
    "Survival",
    "Text",
    "Variable",
    "read_plan",
]

PolicyName = Literal["recommended", "spss", "cn-textbook", "as-published"]
QuartileType = Literal[2, 6, 7]


class Plan(StudyModel):
    """The whole of `plan.toml`."""

    policy: PolicyName
    """Who chooses the tests: the plan (`recommended`), or the habits of SPSS, Chinese textbooks or a publication."""
    grouping: Reference | None = None
    """The field whose codes are the groups; a study that compares none has neither it nor `groups`."""
    population: str
    """The flow step whose patients the tables are about."""
    percent_from: int = Field(default=0, ge=0)
    """Percentages are withheld in groups smaller than this."""
    trim_zeros: bool = False
    """Print medians and quartiles without trailing zeros, as SPSS does."""
    groups: tuple[PlanGroup, ...] = (EVERYONE,)
    """The columns of a comparison; everyone in one column unless given."""
    flow: tuple[Step, ...] = Field(min_length=1)
    """The boxes of the flow, in order; populations are named by their ids."""
    endpoints: tuple[Endpoint, ...] = ()
    """Proportions with their intervals."""
    tables: tuple[PlannedTable, ...] = ()
    """The tables of the report."""
    survival: tuple[Survival, ...] = ()
    """Times to an event."""
    regressions: tuple[Regression, ...] = ()
    """Logistic regressions."""
    accrual: Accrual | None = None
    """Enrolment against its target."""
    safety: Safety | None = None
    """Adverse events."""
    follow_up: FollowUp | None = None
    """Retention over the visits of the schedule."""
    exposure: Exposure | None = None
    """Treatments given."""
    deaths: Deaths | None = None
    """Deaths."""
    literature: tuple[Literature, ...] = ()
    """Published proportions shown next to an endpoint."""
    per_patient: tuple[PerPatient, ...] = ()
    """Variables drawn patient by patient."""
    abbreviations: dict[str, Text] = Field(default_factory=dict)
    """What the abbreviations of titles and labels stand for; a table that has one expands it in its notes."""
    report: ReportFacts = ReportFacts()
    """What cover and last page say of the study."""

    @property
    def numbers(self) -> Plan:
        """The plan without what is only printed on cover and last page or in notes, and changes no number."""
        return self.model_copy(update={"report": ReportFacts(), "abbreviations": {}})

    def table(self, table_id: str) -> PlannedTable:
        """The table of an id."""
        return next(table for table in self.tables if table.id == table_id)

    def references(self) -> tuple[FieldRef, ...]:
        """Every field the plan needs, each once, in the order of the plan."""
        return tuple(dict.fromkeys(self._references()))

    def _references(self) -> Iterator[FieldRef]:
        if self.grouping:
            yield self.grouping
        for step in self.flow:
            yield from (condition.field for condition in step.where)
        yield from (endpoint.field for endpoint in self.endpoints)
        yield from (one.entered for one in [self.accrual] if one)
        for part in self._conduct():
            yield from part.references()
        for curve in self.survival:
            yield from curve.references()
        for variable in (v for table in self.tables for v in table.variables):
            yield from (reference for _, reference in variable.visits)
            yield from (level.field for level in variable.levels if level.field)
            yield from (condition.field for limits in variable.limits for condition in limits.where)

    def _conduct(self) -> tuple[FollowUp | Exposure | Deaths, ...]:
        """What it says of how the study runs."""
        return tuple(part for part in (self.follow_up, self.exposure, self.deaths) if part)

    def measured(self) -> frozenset[FieldRef]:
        """The fields that must be numbers."""
        variables = (variable for table in self.tables for variable in table.variables if not variable.counted)
        numbers = (reference for variable in variables for _, reference in variable.visits)
        return frozenset((*numbers, *(curve.time for curve in self.survival if curve.time)))

    def dates(self) -> frozenset[FieldRef]:
        """The fields that must be dates."""
        return frozenset(reference for curve in self.survival for reference in curve.dates())

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
            require_unique(kind, (part.id for part in getattr(self, kind)))
        require_unique("codes", (code for group in self.groups for code in group.codes))
        self._groups_fit()
        known: set[str] = set()
        for step in self.flow:
            if step.of and step.of not in known:
                raise wrong_value("flow_order", step=step.id, of=step.of)
            known.add(step.id)
        parts = (*self.endpoints, *([self.safety] if self.safety else ()), *self._conduct())
        among = (part.among for part in parts)
        followed = (curve.population for curve in self.survival if curve.population)
        for needed in (self.population, *among, *followed):
            if needed not in known:
                raise wrong_value("flow_step", step=needed, known=", ".join(sorted(known)))
        self._shown_known()
        for regression in self.regressions:
            self._regression_known(regression)
        if self.policy == "as-published":
            self._all_tests_named()
        return self

    def _groups_fit(self) -> None:
        """Groups and the field that has them are given together, or not at all."""
        if self.grouping is None and self.groups != (EVERYONE,):
            raise wrong_value("groups_no_field")
        if self.grouping and not (self.groups and all(group.codes for group in self.groups)):
            raise wrong_value("groups_no_codes")

    def _shown_known(self) -> None:
        """What is next to an endpoint or is drawn patient by patient is planned elsewhere."""
        endpoints = {endpoint.id for endpoint in self.endpoints}
        for published in self.literature:
            if published.endpoint not in endpoints:
                raise wrong_value("no_endpoint", endpoint=published.endpoint, known=", ".join(sorted(endpoints)))
        for drawn in self.per_patient:
            tables = (table for table in self.tables if table.id == drawn.table and table.kind != "by_group")
            measured = {variable.id for table in tables for variable in table.variables if not variable.counted}
            if missing := sorted(set(drawn.variables) - measured):
                raise wrong_value("no_two_visits", variable=missing[0], table=drawn.table)

    def _regression_known(self, regression: Regression) -> None:
        groups = [group.id for group in self.groups]
        if regression.group not in groups:
            raise wrong_value("no_group", group=regression.group, known=", ".join(groups))
        tables = [table.id for table in self.tables if table.kind == "by_group"]
        if regression.table not in tables:
            raise wrong_value("no_group_table", table=regression.table, known=", ".join(tables))
        variables = {variable.id for variable in self.table(regression.table).variables}
        for factor in regression.factors:
            if factor.variable not in variables:
                raise wrong_value("no_variable", variable=factor.variable, table=regression.table)

    def _all_tests_named(self) -> None:
        for variable in (v for table in self.tables for v in table.variables):
            if variable.test is None:
                raise wrong_value("test_not_named", variable=variable.id)


def read_plan(path: Path) -> Plan:
    """Read a `plan.toml`; raises StudyFilesWrong that names the place and, for an unknown key, the nearest one."""
    return checked(Plan, read_toml(path), file=path)
