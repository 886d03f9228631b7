"""The data access group of each reader, from `study.toml` or from REDCap's list of users.

Whose group cannot be known sees no record: to show all of them would be the worse mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from nightround.model.recipient import Recipient
from nightround.model.snapshot import Snapshot
from nightround.study.settings import PersonTable, StudySettings
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

Users = Callable[[], Sequence[Mapping[str, Any]]]
"""Asks REDCap for the users of the project."""
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Member:
    """A reader with the groups whose records they may hear of, and why these are not known, where that is so."""

    recipient: Recipient
    trouble: Message | None = None


def members(settings: StudySettings, snapshot: Snapshot, users: Users) -> tuple[Member, ...]:
    """Every reader; REDCap is asked for its users only where somebody is known by a user name there, and once."""
    asked = cache(lambda: {str(one.get("username", "")): one for one in users()})
    people = zip(settings.people, settings.recipients(), strict=True)
    return tuple(_member(person, recipient, snapshot, asked) for person, recipient in people)


def _member(
    person: PersonTable,
    recipient: Recipient,
    snapshot: Snapshot,
    users: Callable[[], Mapping[str, Mapping[str, Any]]],
) -> Member:
    if not (person.groups or person.redcap_user):
        return Member(recipient)
    try:
        groups = frozenset((*person.groups, *_of_user(person, users)))
    except ExplainedError as error:
        return _unknown(recipient, Message.of("digest.groups.users", reason=error.part("what")))
    except LookupError:
        return _unknown(recipient, Message.of("digest.groups.no_user", role=person.role))
    if trouble := _trouble_with(groups, person.role, snapshot):
        return _unknown(recipient, trouble)
    return Member(replace(recipient, groups=groups or None))  # who is in no group sees every record in REDCap too


def _trouble_with(groups: frozenset[str], role: str, snapshot: Snapshot) -> Message | None:
    """Why nothing can be said of some groups, if so."""
    if groups and snapshot.groups is None:
        return Message.of("digest.groups.not_exported", role=role)
    known = {one.unique_name for one in snapshot.dictionary.groups or ()}
    if unknown := sorted(groups - known):
        return Message.of("digest.groups.unknown", role=role, group=", ".join(unknown))
    return None


def _of_user(person: PersonTable, users: Callable[[], Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """The group of a person's user in REDCap; raises LookupError where there is no such user."""
    if person.redcap_user:
        group = str(users()[person.redcap_user].get("data_access_group") or "")
        if group:
            yield group


def _unknown(recipient: Recipient, trouble: Message) -> Member:
    return Member(replace(recipient, groups=NOBODY), trouble)
