"""Names of new records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.rows_in import cell_text
from redcap_sync.whole_numbers import whole_number


def next_name(call: ApiCall, taken: Iterable[str] = ()) -> str:
    """The highest whole-number id plus one; for a member of a group the same behind the group's id.

    Digits that are too many for a number are a name like any other text.
    """
    names = [*call.project.values.names(), *taken]
    group = call.project.group(call.user.group)
    prefix = f"{group.group_id}-" if group else ""
    numbers = (whole_number(name[len(prefix) :]) for name in names if name.startswith(prefix))
    return f"{prefix}{max((number for number in numbers if number is not None), default=0) + 1}"


def numbered(call: ApiCall, rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Replace the ids of rows, which are placeholders, by new ones; return also placeholder to new id.

    A project without auto-numbering keeps the ids it was given, as real servers do.
    """
    id_field = call.project.id_field
    given: dict[str, str] = {}
    for row in rows:
        placeholder = cell_text(row.get(id_field))
        if placeholder not in given:
            automatic = call.project.structure.settings["record_autonumbering_enabled"]
            given[placeholder] = next_name(call, given.values()) if automatic else placeholder
    return [{**row, id_field: given[cell_text(row.get(id_field))]} for row in rows], given
