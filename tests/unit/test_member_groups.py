"""Whose records a reader hears of: of their data access group, by study.toml or by REDCap's list of users."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nightround.model.snapshot import Snapshot
from nightround.night.member_groups import Member, members
from nightround.study.settings import PersonTable, StudySettings, StudyTable
from nightround.study.two_languages import TitleInTwoLanguages
from redcap_sync.dictionary import Group
from redcap_sync.errors import RedcapRefused
from tests.made_up import project, snapshot

DICTIONARY = replace(
    project("record_id visit text - -", events={"one_arm_1": ["visit"]}),
    groups=(Group("north", "North"), Group("south", "South")),
)
PULLED = replace(snapshot(DICTIONARY, []), groups={"1": "north"})
USERS = (
    {"username": "wang", "data_access_group": "north"},
    {"username": "li", "data_access_group": ""},
    {"username": "gone", "data_access_group": "east"},
)


def person(**other: Any) -> PersonTable:
    """A coordinator of study.toml."""
    return PersonTable(role="coordinator", address="crc@hospital.example", language="zh", **other)


def study_of(*people: PersonTable) -> StudySettings:
    """The settings of a study with some people."""
    return StudySettings(study=StudyTable(id="s", title=TitleInTwoLanguages(zh="研究", en="Study")), people=people)


def member(one: PersonTable, *, pulled: Snapshot = PULLED, users: Sequence[Mapping[str, Any]] = USERS) -> Member:
    """The only reader."""
    (found,) = members(study_of(one), pulled, lambda: users)
    return found


@pytest.mark.parametrize(
    ("settings", "groups"),
    [
        ({}, None),
        ({"groups": ["north"]}, {"north"}),
        ({"redcap_user": "wang"}, {"north"}),
        ({"redcap_user": "li"}, None),
        ({"redcap_user": "wang", "groups": ["south"]}, {"north", "south"}),
    ],
)
def test_the_groups_of_a_reader_are_those_of_the_study_and_of_redcap(
    settings: dict[str, Any], groups: set[str] | None
) -> None:
    """Who has no group hears of all records, as a user without a group does in REDCap."""
    found = member(person(**settings))
    assert found.trouble is None
    assert found.recipient.groups == groups


@pytest.mark.parametrize(
    ("settings", "pulled", "code"),
    [
        ({"groups": ["nort"]}, PULLED, "digest.groups.unknown"),
        ({"redcap_user": "gone"}, PULLED, "digest.groups.unknown"),
        ({"redcap_user": "nobody"}, PULLED, "digest.groups.no_user"),
        ({"groups": ["north"]}, replace(PULLED, groups=None), "digest.groups.not_exported"),
    ],
)
def test_whose_group_is_not_known_sees_no_record(settings: dict[str, Any], pulled: Snapshot, code: str) -> None:
    """A misspelt group, a user who left and a token without the right show nothing, and say why."""
    found = member(person(**settings), pulled=pulled)
    assert found.recipient.groups == frozenset()
    assert found.trouble is not None
    assert found.trouble.code == code


def test_redcap_is_asked_once_and_only_when_a_user_is_named() -> None:
    """A study without user names makes no call; a refusal hides the records of all who are known by one."""
    calls: list[int] = []

    def refuse() -> Sequence[Mapping[str, Any]]:
        calls.append(1)
        raise RedcapRefused("api.refused", said="no right")

    people = [person(groups=["north"]), person(redcap_user="wang"), person()]
    found = members(study_of(*people), PULLED, refuse)
    assert [one.recipient.groups for one in found] == [{"north"}, frozenset(), None]
    assert found[1].trouble is not None
    assert len(calls) == 1
    assert members(study_of(person()), PULLED, refuse)[0].trouble is None
    assert len(calls) == 1
