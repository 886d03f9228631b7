"""Findings whose record or rule has another name now: they go with it, and keep their id, age and history."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from nightround.model.finding import Finding
from nightround.model.rule import Rule
from nightround.study.rules.of_project import OF_PROJECT, is_project_rule
from redcap_sync.rows.tables import RowKey


class Rename(NamedTuple):
    """A record that got another name."""

    old: str
    new: str


@dataclass(frozen=True)
class MovedFindings:
    """The known findings where they are now."""

    findings: tuple[Finding, ...]
    gone: frozenset[str] = frozenset()
    """Ids of findings of a record that is gone: another record has taken its name."""


def follow(
    known: Iterable[Finding],
    rules: Iterable[Rule],
    renames: Sequence[Rename],
    names: Mapping[str, str],
    rows: Container[RowKey],
) -> MovedFindings:
    """Move findings to the names that their records and rules have now. `names` are further ids that rules had."""
    followed = _follow_records(tuple(known), final_names(renames), rows)
    return replace(followed, findings=_follow_rules(followed.findings, rules, names))


def final_names(renames: Iterable[Rename]) -> dict[str, str]:
    """Where each record ended that was renamed, through chains and swaps, by the name it had before the first one."""
    began: dict[str, str | None] = {}
    left: set[str] = set()
    for old, new in renames:
        # A record at a name that another one has left came after it, so that nothing is known of it yet.
        began[new] = began.pop(old, None if old in left else old)
        left.add(old)
    return {first: last for last, first in began.items() if first is not None}


def _follow_records(known: tuple[Finding, ...], names: Mapping[str, str], rows: Container[RowKey]) -> MovedFindings:
    if not names:
        return MovedFindings(known)
    taken = set(names.values()) - names.keys()
    moved = tuple(_follow_record(one, names, rows) for one in known)
    return MovedFindings(moved, frozenset(one.id for one in known if one.row.record in taken))


def _follow_record(finding: Finding, names: Mapping[str, str], rows: Container[RowKey]) -> Finding:
    """The finding under the present names of its records."""
    row, *others = (_follow_row(one, names, rows) for one in finding.rows)
    stayed = row is finding.row and all(one is other for one, other in zip(others, finding.others, strict=True))
    return finding if stayed else replace(finding, row=row, others=tuple(others))


def _follow_row(row: RowKey, names: Mapping[str, str], rows: Container[RowKey]) -> RowKey:
    """A row under the present name of its record, unless it stayed: a record is renamed in one arm alone."""
    moved = row._replace(record=names.get(row.record, row.record))
    return row if moved == row or (row in rows and moved not in rows) else moved


def _follow_rules(known: tuple[Finding, ...], rules: Iterable[Rule], further: Mapping[str, str]) -> tuple[Finding, ...]:
    """Give findings the present id of their rule. Of two on one row the one that is live, then the older one, does.

    The other keeps the id of a rule that is gone, and is withdrawn with it.
    """
    rules = tuple(rules)
    present = {rule.id for rule in rules}
    names = {**_edited(known, rules), **further, **{earlier: rule.id for rule in rules for earlier in rule.was}}
    names = {old: new for old, new in names.items() if old not in present and new in present}
    if not any(one.rule_id in names for one in known):
        return known
    place = _placing(names)
    taken = {place(one): one.id for one in sorted(known, key=_weight, reverse=True)}
    return tuple(
        replace(one, rule_id=names[one.rule_id]) if one.rule_id in names and taken[place(one)] == one.id else one
        for one in known
    )


def _edited(known: Iterable[Finding], rules: Iterable[Rule]) -> dict[str, str]:
    """Rules of the project whose logic alone was changed: the same name with another id, which follows from the logic.

    Only where that is plain: one rule of the name is gone, and one that no finding knows yet has come.
    """
    seen = {one.rule_id for one in known}
    came: dict[str, list[str]] = {}
    for rule in rules:
        if rule.origin == OF_PROJECT and rule.id not in seen:
            came.setdefault(rule.title.en, []).append(rule.id)
    present = {rule.id for rule in rules}
    gone: dict[str, set[str]] = {}
    for one in known:
        if is_project_rule(one.rule_id) and one.rule_id not in present and one.state.live:
            gone.setdefault(one.title.en, set()).add(one.rule_id)
    return {
        old: came[name][0] for name, (old, *more) in gone.items() if name and not more and len(came.get(name, ())) == 1
    }


def _placing(names: Mapping[str, str]) -> Callable[[Finding], tuple[str, RowKey, tuple[str, ...], str]]:
    return lambda one: (names.get(one.rule_id, one.rule_id), one.row, one.fields, one.group)


def _weight(finding: Finding) -> tuple[bool, float, str]:
    """The order in which findings have a right to a place: the live one, then the one that opened first."""
    return not finding.state.live, finding.opened_at.timestamp(), finding.id
