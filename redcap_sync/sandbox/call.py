"""One call of the API: who asks what of which project, and what that user may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from redcap_sync.project.journal import LogEntry
from redcap_sync.project.rights import Rights, User
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.parameters import Parameters

CLOSED = "Your user privileges do not allow you to change data on the instrument '{instrument}'."
"""Our own words. That only who may edit an instrument changes its data is requirement B.3.16.1100 of the public
validation package (redcap_rsvc), written for the Data Import Tool; the API's help does not speak of it."""
REFUSALS = {
    "api_import": "You do not have API Import/Update privileges",
    "api_export": "You do not have API Export privileges",
    "record_delete": "You do not have Delete Record privileges",
}


@dataclass(frozen=True)
class ApiCall:
    """One call. `clock_error` shifts the server's time where a fault asks for it."""

    installation: Installation
    project: StoredProject
    user: User
    parameters: Parameters
    clock_error: timedelta = timedelta()

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.project.clock() + self.clock_error

    @cached_property
    def rights(self) -> Rights:
        """What the user may do: a role decides, where there is one."""
        roles = {role.unique_name: role for role in self.project.structure.roles}
        role = roles.get(self.user.role)
        return role.rights if role else self.user.rights

    def require(self, *rights: str) -> None:
        """Refuse with 403 unless every right is there."""
        for right in rights:
            if not self.rights.may(right):
                named = right.replace("_", " ").title()
                raise ApiError(REFUSALS.get(right, f"You do not have {named} privileges"), 403)

    @property
    def imports(self) -> bool:
        """Whether data comes in: an action says so, else the presence of data."""
        action = self.parameters.text("action")
        return action == "import" or (not action and "data" in self.parameters)

    def log(self, kind: str, action: str, *, details: str = "", record: str = "", group: str = "") -> None:
        """Write into the project's log in the user's name; `group` is that of a record which is gone."""
        there = self.project.values[record].group if record in self.project.values else group
        self.project.journal.write(LogEntry(self.now, self.user.username, kind, action, details, record, there))

    def sees(self, record: str) -> bool:
        """Say whether the user may see a record: members of a group see their group's records only."""
        values = self.project.values
        return record in values and (not self.user.group or values[record].group == self.user.group)

    def visible_records(self) -> list[str]:
        """Ids of the records the user may see, in their order."""
        return [record for record in self.project.values.names() if self.sees(record)]
