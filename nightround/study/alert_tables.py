"""The tables of `study.toml` that say when people hear of what: alerts, floods, due dates, and pages of links."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from nightround.model.rule import Severity
from nightround.study.study_model import Decimal, StudyModel, WholeNumber, wrong_value
from nightround.study.text_checks import Country, EnvironmentName, FilledLine, Line, WebAddress
from nightround.study.working_days import WorkingDays, is_known_country


class FloodTable(StudyModel):
    """`[alerts.flood]`: when so much fails at once that the rule is likelier wrong than the records."""

    percent: Decimal = Field(default=20.0, gt=0, le=100)
    """New findings of one rule in a night, as a share of the rows that it checked."""
    findings: WholeNumber = Field(default=20, ge=2, le=1_000_000)
    """Fewer new findings than this are no flood."""


class AlertsTable(StudyModel):
    """`[alerts]`: what makes a command end with exit code 3, and who is called after each complete round."""

    exit_severity: Severity = Severity.CRITICAL
    """Open findings from this severity on end a night with exit code 3."""
    ping_url_env: EnvironmentName | Literal[""] = ""
    """The variable with the address of a dead man's switch, which says who did not call; the address is a secret."""
    flood: FloodTable = FloodTable()
    """When so much fails at once that coordinators are spared."""


class LinksTable(StudyModel):
    """`[links]`: where Nightround's own pages are."""

    base_url: WebAddress | Literal[""] = ""
    """The address of the pages, such as `https://nightround.hospital.example`; without it lists are attached."""


class DueStep(StudyModel):
    """`[due.critical]`, `[due.major]`, `[due.minor]`: how long a finding may wait, and who hears of it then."""

    days: WholeNumber = Field(ge=1, le=366)
    """Working days."""
    then: tuple[FilledLine, ...] | None = None
    """The roles that hear of it once it is overdue; without it the data manager, of minor findings nobody."""


class DueTable(StudyModel):
    """`[due]`: until when a finding is corrected or answered, on working days of the study's country."""

    country: Country | Literal[""] = ""
    """Two letters (ISO 3166-1), such as CN; without it Monday to Friday are the working days."""
    subdivision: Line = ""
    """A province or state with holidays of its own, as ISO 3166-2 names it behind the country."""
    critical: DueStep = DueStep(days=2)
    """How long a critical finding may wait."""
    major: DueStep = DueStep(days=10)
    """How long a major finding may wait."""
    minor: DueStep = DueStep(days=20)
    """How long a minor finding may wait."""

    @model_validator(mode="after")
    def _is_a_place(self) -> Self:
        if self.subdivision and not is_known_country(self.country, self.subdivision):
            raise wrong_value("subdivision", country=self.country)
        return self

    def step(self, severity: Severity) -> DueStep:
        """How long a finding of a severity may wait, and who hears of it then."""
        steps = {Severity.CRITICAL: self.critical, Severity.MAJOR: self.major, Severity.MINOR: self.minor}
        return steps[severity]

    def passed_on_to(self, severity: Severity) -> tuple[str, ...]:
        """The roles that hear of an overdue finding of a severity."""
        unless_given = () if severity is Severity.MINOR else ("data_manager",)
        then = self.step(severity).then
        return unless_given if then is None else then

    @property
    def working_days(self) -> WorkingDays:
        """The calendar of the study."""
        return WorkingDays(self.country, self.subdivision)
