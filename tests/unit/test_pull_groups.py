"""Groups are read the same from CSV and JSON, and laid out so that equal groups give equal bytes."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from nightround.snapshots.snapshot_files import keys_file, read_keys
from redcap_sync.dictionary import Group
from redcap_sync.pulling.content_hash import digest_of, frame_pieces
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.pulling.record_groups import GroupsDiffer, check_groups, column_due, groups_frame, groups_of_frame
from redcap_sync.rows.export_rows import rows_from_csv, rows_from_json

LISTED = (Group("north", "The North", 7), Group("south", "The South", 8))
PROJECT = {"project_title": "SYNTHETIC"}
METADATA = [{"field_name": "record_id", "form_name": "visit", "field_type": "text"}]
INSTRUMENTS = [{"instrument_name": "visit", "instrument_label": "Visit"}]


def test_csv_and_json_say_the_same_of_groups() -> None:
    """A record has the group of any of its rows, a record in none is not named."""
    body = b"record_id,redcap_event_name,redcap_data_access_group\n1,a,north\n1,b,north\n2,a,\n3,a,south\n"
    rows = [
        {"record_id": record, "redcap_event_name": event, "redcap_data_access_group": group}
        for record, event, group in (("1", "a", "north"), ("1", "b", "north"), ("2", "a", ""), ("3", "a", "south"))
    ]
    expected = {"1": "north", "3": "south"}
    assert rows_from_csv("record_id", body).groups == rows_from_json("record_id", rows).groups == expected


def test_no_column_is_not_nobody_in_a_group() -> None:
    """An export without the column says nothing of groups."""
    assert rows_from_csv("record_id", b"record_id\n1\n").groups is None
    assert rows_from_json("record_id", [{"record_id": "1"}]).groups is None


@pytest.mark.parametrize("groups", [{}, {"10": "north", "2": "south", "B": "north", "A": "south"}])
def test_equal_groups_give_equal_bytes(groups: dict[str, str]) -> None:
    """Whatever order the server sends them in, and after they were kept on disk."""
    frame = groups_frame(groups)
    assert groups_of_frame(frame) == groups
    again = [groups_frame(dict(reversed(groups.items()))), read_keys(keys_file(frame))]
    assert {digest_of(frame_pieces(one)) for one in again} == {digest_of(frame_pieces(frame))}


@pytest.mark.parametrize(
    ("listed", "in_no_group", "due"),
    [((), False, False), ((), True, False), (LISTED, True, True), (LISTED, False, None), (None, True, None)],
)
def test_when_the_column_of_groups_is_due(listed: tuple[Group, ...] | None, *, in_no_group: bool, due: object) -> None:
    """Never without groups, surely where the user is in none, else it is not known beforehand."""
    assert column_due(listed, in_no_group=in_no_group) is due


@pytest.mark.parametrize(
    ("column", "listed", "due"),
    [(None, LISTED, True), ({}, (), False), ({"1": "north"}, (), None), ({"1": "east"}, LISTED, True)],
)
def test_what_of_groups_does_not_hang_together_is_an_error(
    *, column: dict[str, str] | None, listed: tuple[Group, ...], due: bool | None
) -> None:
    """A column that is not due, one that lacks, and a group that is not listed."""
    with pytest.raises(GroupsDiffer):
        check_groups(column, listed, due=due)


def test_a_structure_that_was_kept_before_groups_were_asked_for_has_none_to_tell() -> None:
    """It is read back, and its groups are unknown and not none."""
    structure = RawStructure(PROJECT, METADATA, INSTRUMENTS, [], [], [])
    document = {name: value for name, value in asdict(structure).items() if name != "groups"}
    kept = RawStructure.from_json(json.dumps(document).encode())
    assert (kept.groups, kept.dictionary.groups) == (None, None)


def test_groups_of_old_servers_have_no_number() -> None:
    """Name and unique name are enough."""
    rows = [{"data_access_group_name": "The North", "unique_group_name": "north"}]
    assert RawStructure(PROJECT, METADATA, INSTRUMENTS, [], [], [], groups=rows).dictionary.groups == (
        Group("north", "The North"),
    )
