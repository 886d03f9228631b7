"""Until when a finding is to be corrected or answered, and who hears of it afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from nightround.model.finding import Finding
from nightround.study.alert_tables import DueTable


@dataclass(frozen=True)
class DueDates:
    """The due dates of findings on one day, on the clock of the study."""

    table: DueTable
    today: date
    zone: tzinfo | None
    back_since: Mapping[str, datetime] = field(default_factory=dict)
    """When a finding that was closed came back, by id: it waits since then."""
    notified_on: date | None = None
    """The day of the reader's last digest: what became overdue since then is news."""

    @property
    def is_working_day(self) -> bool:
        """Whether somebody works today."""
        return self.table.working_days.has(self.today)

    def waits_since(self, finding: Finding) -> datetime:
        """When a finding was opened, or came back."""
        return self.back_since.get(finding.id, finding.opened_at)

    def due_on(self, finding: Finding) -> date:
        """The last day on which a finding is in time."""
        began = self.waits_since(finding).astimezone(self.zone).date()
        return self.table.working_days.after(began, self.table.step(finding.severity).days)

    def is_overdue(self, finding: Finding) -> bool:
        """Whether that day has passed."""
        return self.due_on(finding) < self.today

    def is_newly_overdue(self, finding: Finding) -> bool:
        """Whether it passed since the reader's last digest."""
        due = self.due_on(finding)
        return due < self.today and (self.notified_on is None or due >= self.notified_on)

    def passed_on(self, findings: Iterable[Finding], role: str) -> tuple[Finding, ...]:
        """The overdue findings that a role hears of because who should correct them has not."""
        mine = (one for one in findings if role in self.table.passed_on_to(one.severity))
        return tuple(one for one in mine if self.is_overdue(one))

    def year_not_final(self, findings: Iterable[Finding]) -> int:
        """The first year of a due date whose moved days the country has not announced; 0 where there is none."""
        calendar = self.table.working_days
        days = (self.due_on(one) for one in findings)
        return min((day.year for day in days if not calendar.is_exact(day)), default=0)
