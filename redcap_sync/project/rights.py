"""What a user or a role may do: the rights of `content=user` and `content=userRole`, with their levels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

# In the order in which `content=user` of a server of version 14.5 lists them.
RIGHTS = (
    "design",
    "alerts",
    "user_rights",
    "data_access_groups",
    "reports",
    "stats_and_charts",
    "manage_survey_participants",
    "calendar",
    "data_import_tool",
    "data_comparison_tool",
    "logging",
    "email_logging",
    "file_repository",
    "data_quality_create",
    "data_quality_execute",
    "data_quality_resolution",
    "api_export",
    "api_import",
    "api_modules",
    "mobile_app",
    "mobile_app_download_data",
    "record_create",
    "record_rename",
    "record_delete",
    "lock_records_all_forms",
    "lock_records",
    "lock_records_customization",
)
# Listed where the project has randomization enabled.
RANDOMIZATION_RIGHTS = ("random_setup", "random_dashboard", "random_perform")
NO_ACCESS, FULL, DE_IDENTIFIED = 0, 1, 2
READ_ONLY = ("user_rights", 2)
CLOSED_TO_EDITING = frozenset({0, 2, 128, 129})
"""Levels of data entry that allow no change: none and read-only, in the codes up to version 15.5 and since."""


@dataclass
class Rights:
    """Levels by right, and by instrument for data entry (`forms`) and export (`forms_export`).

    An instrument that is not named has `unnamed`, so that a new instrument is open to those who see everything.
    """

    levels: dict[str, int] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)
    forms_export: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0

    def may(self, right: str) -> bool:
        """Say whether a right is given; to user rights, level 2 is a look and no more."""
        level = self.levels.get(right, 0)
        return level > 0 and (right, level) != READ_ONLY

    def entry_level(self, instrument: str) -> int:
        """Data entry: 0 none, 1 view and edit, 2 read-only, 3 edit survey responses."""
        return self.forms.get(instrument, self.unnamed)

    def may_edit(self, instrument: str) -> bool:
        """Say whether values of an instrument may be changed."""
        return self.entry_level(instrument) not in CLOSED_TO_EDITING

    def export_level(self, instrument: str) -> int:
        """Export: 0 none, 1 full, 2 de-identified, 3 without identifiers."""
        return self.forms_export.get(instrument, self.unnamed)

    def row(self, instruments: tuple[str, ...], *, randomization: bool) -> dict[str, Any]:
        """Return the rights as the keys of an export."""
        shown = (*RIGHTS, *RANDOMIZATION_RIGHTS) if randomization else RIGHTS
        return {
            **{right: self.levels.get(right, 0) for right in shown},
            "forms": {name: self.entry_level(name) for name in instruments},
            "forms_export": {name: self.export_level(name) for name in instruments},
        }


def every_right() -> Rights:
    """Rights of the one who set the project up."""
    return Rights(levels=dict.fromkeys((*RIGHTS, *RANDOMIZATION_RIGHTS), 1), unnamed=FULL)


@dataclass
class Role:
    """A set of rights that users can be put into."""

    unique_name: str
    label: str
    rights: Rights


@dataclass
class User:
    """A user of one project; a role, where there is one, decides instead of the user's own rights."""

    username: str
    rights: Rights
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    expiration: str = ""
    group: str = ""
    """Unique name of the data access group, '' for none."""
    more_groups: list[str] = field(default_factory=list)
    """Groups the user may switch into besides the present one."""
    role: str = ""

    def expired(self, today: date) -> bool:
        """Say whether access has ended."""
        return bool(self.expiration) and self.expiration <= today.isoformat()
