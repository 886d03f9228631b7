"""Which data access group each record is in, and whether what the server says of groups hangs together.

An export has the column of groups only where the project has groups and the token's user is in none. So a
missing column says that nobody is in a group only where the project's list of groups is there, and empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from redcap_sync.dictionary import Group
from redcap_sync.errors import ExportIncomplete
from redcap_sync.rows.row_order import natural_key

Groups = Mapping[str, str]
"""The unique name of the group of each record that is in one."""
Listed = Collection[Group] | None
"""The groups of the project; None where the user may not see them."""


class GroupsDiffer(ExportIncomplete):
    """What the export says of groups is not what the structure and the user's rights say."""


def column_due(listed: Listed, *, in_no_group: bool = False) -> bool | None:
    """Whether an export must have the column of groups; None where nothing tells it beforehand.

    `in_no_group` says that the token's user is certainly in none.
    """
    if listed is None:
        return None
    return (True if in_no_group else None) if listed else False


def check_groups(column: Groups | None, listed: Listed, *, due: bool | None) -> None:
    """Raise GroupsDiffer for a column that is there or not against what is due, and for a group nobody knows."""
    if due is not None and due != (column is not None):
        if due:
            raise GroupsDiffer("pull.no_group_column")
        raise GroupsDiffer("pull.unexpected_group_column")
    if column and listed is not None and not {group.unique_name for group in listed}.issuperset(column.values()):
        raise GroupsDiffer("pull.unknown_group")


def hidden_from_member(listed: Listed, groups: Groups | None) -> bool:
    """Whether the token's user must be in a group: the project has some, and the column of them is kept back."""
    return bool(listed) and groups is None


def groups_frame(groups: Groups) -> pd.DataFrame:
    """Records and their groups as a frame in the order of records: equal groups, equal bytes."""
    records = sorted(groups, key=natural_key)
    return pd.DataFrame({"record": records, "group": [groups[record] for record in records]}, dtype="str")


def groups_of_frame(frame: pd.DataFrame) -> dict[str, str]:
    """Read back what `groups_frame` wrote."""
    return dict(zip(frame["record"].tolist(), frame["group"].tolist(), strict=True))
