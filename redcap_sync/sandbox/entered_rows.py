"""Data with a past: rows as people saved them on REDCap's pages, each at its moment, with the lines of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from redcap_sync.project.journal import LogEntry
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.importing import Importer
from redcap_sync.sandbox.storing import store_all


@dataclass(frozen=True)
class EnteredRow:
    """One page as somebody saved it: `row` is a row of a flat import, `moment` is on the server's clock."""

    moment: datetime
    username: str
    row: Mapping[str, str]


def enter_rows(project: StoredProject, entered: Iterable[EnteredRow]) -> None:
    """Save pages in the order given, which is that of their moments; each leaves its line in the log.

    Calculations follow as they do on a page. Raises ApiError for a row that REDCap would refuse.
    """
    for one in entered:
        plan = Importer(project).plan([one.row])
        plan.refuse_errors()
        store_all(project, plan.changes, _LogAt(project, one), source="")


@dataclass(frozen=True)
class _LogAt:
    """Writes lines of the log in the name of whoever saved a page, at that moment."""

    project: StoredProject
    entered: EnteredRow

    def __call__(self, kind: str, action: str, *, details: str = "", record: str = "") -> None:
        group = self.project.values[record].group
        line = LogEntry(self.entered.moment, self.entered.username, kind, action, details, record, group)
        self.project.journal.write(line)
