"""What a member of a data access group hears of: findings with a row in the group, and only of such rows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from nightround.model.finding import Finding, LedgerDelta

PARTS = ("opened", "persisting", "resolved", "reopened", "untouched", "quiet")


def seen_by(groups: Collection[str] | None, delta: LedgerDelta, group_of: Mapping[str, str]) -> LedgerDelta:
    """The part of a delta that concerns records of some groups, all of it where `groups` is None.

    `group_of` is the group of each record that is in one. What is true of all records of a group is of that group.
    """
    if groups is None:
        return delta
    parts = {name: tuple(_in_groups(getattr(delta, name), groups, group_of)) for name in PARTS}
    return LedgerDelta.of(parts)


def _in_groups(
    findings: tuple[Finding, ...], groups: Collection[str], group_of: Mapping[str, str]
) -> Iterator[Finding]:
    for one in findings:
        if one.of_cohort and one.group in groups:
            yield one
        own = tuple(row for row in one.rows if group_of.get(row.record) in groups)
        if own:
            yield one if own == one.rows else replace(one, row=own[0], others=own[1:])
