"""What the token's user may not export, distinguished from what the server failed to send."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from redcap_sync.api.answers import UnreadableAnswer
from redcap_sync.api.client import RedcapClient
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete, RedcapRefused
from redcap_sync.messages import Message
from redcap_sync.rows.tables import Unseen
from redcap_sync.whole_numbers import whole_number

FULL, WITHOUT_IDENTIFIERS = 1, 3
LEVELS = {0: "rights.none", 2: "rights.deidentified", 3: "rights.without_identifiers"}
"""The reason for each level of `forms_export` of content=user; 1 is full."""


class ColumnsDiffer(ExportIncomplete):
    """The columns of an export are not what the structure and the user's rights say."""


class OwnRights(NamedTuple):
    """What the server tells of the token's user."""

    levels: dict[str, int] | None = None
    """Export level of each instrument; None where the server does not tell."""
    in_no_group: bool = False
    """Whether it is certain that the user is in no data access group."""


def own_rights(client: RedcapClient, username: str) -> OwnRights:
    """Ask what the token's user may export.

    In no group is who works in a project of which no user at all is in one: the log only lets us guess who
    the token's user is.
    """
    try:
        users = client.users()
    except RedcapRefused:
        return OwnRights()
    row = next((user for user in users if user.get("username") == username), None)
    levels = (row or {}).get("forms_export")
    return OwnRights(
        _levels(levels) if isinstance(levels, Mapping) else None,
        bool(users) and all(user.get("data_access_group") == "" for user in users),
    )


def _levels(written: Mapping[str, object]) -> dict[str, int]:
    levels = {str(name): whole_number(str(level)) for name, level in written.items()}
    if None in levels.values():
        raise UnreadableAnswer("api.no_number", key="forms_export")
    return {name: level for name, level in levels.items() if level is not None}


def unseen_columns(
    dictionary: Dictionary, present: Collection[str], levels: Mapping[str, int] | None
) -> tuple[Unseen, ...]:
    """Explain every column an export lacks by a missing right; raises ExportIncomplete for one it does not explain.

    Where the server does not tell the levels, an instrument of which not a single column came counts
    as one the user may not see. A de-identified instrument is unseen as a whole: its dates are shifted.
    """
    found = []
    for instrument in dictionary.instruments:
        expected = expected_columns(dictionary, instrument.name)
        missing = tuple(column for column in expected if column not in present)
        level = levels.get(instrument.name, FULL) if levels is not None else _guessed(missing, expected)
        if level == FULL and missing:
            raise missing_columns(missing)
        if level != FULL:
            columns = missing if level == WITHOUT_IDENTIFIERS else dictionary.columns_of(instrument.name)
            reason = Message.of(LEVELS.get(level, "rights.level"), instrument=instrument.name, level=level)
            found.append(Unseen(instrument.name, columns, reason))
    return tuple(one for one in found if one.columns)


def _guessed(missing: Sequence[str], expected: Sequence[str]) -> int:
    return 0 if len(missing) == len(expected) else FULL


def expected_columns(dictionary: Dictionary, instrument: str) -> tuple[str, ...]:
    """The columns every server exports of an instrument: those of missing data codes not every version has."""
    fields = dictionary.fields_of(instrument)
    return (*(column for field in fields for column in field.columns), f"{instrument}_complete")


def unknown_columns(dictionary: Dictionary, present: Iterable[str]) -> list[str]:
    """Columns of an export that the dictionary does not have: values that would go into no table.

    An option that is not listed may be that of a missing data code, which some versions export and do not tell.
    """
    known = {column for one in dictionary.instruments for column in dictionary.columns_of(one.name)}
    known.add(dictionary.record_id_field)
    boxes = {field.name for field in dictionary.fields if field.type == "checkbox"}
    return [
        name
        for name in present
        if name not in known and not name.startswith("redcap_") and ColumnName.parse(name).field not in boxes
    ]


def missing_columns(missing: Sequence[str]) -> ColumnsDiffer:
    """The error for columns that no missing right explains."""
    return ColumnsDiffer("pull.columns_missing", count=len(missing)).with_private("\n".join(missing))


def strange_columns(unknown: Sequence[str]) -> ColumnsDiffer:
    """The error for columns that the dictionary does not have."""
    return ColumnsDiffer("pull.columns_unknown", count=len(unknown)).with_private("\n".join(unknown))
