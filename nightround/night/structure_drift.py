"""What changed in a project's structure since it was last accepted, and which rules and tables that touches.

A changed code, type or formula gives old rules another meaning without breaking them. So what touches
such a change is stopped, with the reason, until a person accepts the new structure; all else goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary, Field, Group
from redcap_sync.rows.tables import Unseen

if TYPE_CHECKING:
    from nightround.model.rule import Rule
    from nightround.study.plan import Plan

MEANING = ("type", "instrument", "validation", "calculation")
"""Of a field's attributes, those that change what its values mean; labels, notes and order do not."""
GROUP_SAID = {
    "record-dag-name": ("unique_name", "unique name"),
    "record-dag-label": ("label", "label"),
    "record-dag-id": ("group_id", "number"),
}
"""Which attribute of a data access group each smart variable says, and the word for it."""


@dataclass(frozen=True)
class Drift:
    """The differences between two structures: what may change a meaning, and what is only new."""

    added: tuple[str, ...] = ()
    """In words: fields, choices, instruments, events that are new."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Fields that are gone or mean something else, each with what happened to it."""
    instruments: Mapping[str, str] = field(default_factory=dict)
    """The same of instruments: gone, moved to other events, or repeating in another way."""
    events: Mapping[str, str] = field(default_factory=dict)
    """The same of events."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """The smart variables of data access groups that say something else, each with what happened to a group."""

    def __bool__(self) -> bool:
        return bool(self.added or self.fields or self.instruments or self.events or self.groups)

    def lines(self) -> list[str]:
        """Every difference in a line of words."""
        changed = (self.fields, self.instruments, self.events, self.groups)
        return list(dict.fromkeys([*(line for one in changed for line in one.values()), *self.added]))


@dataclass(frozen=True)
class Touched:
    """What a drift stops, each with the reason."""

    rules: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    """By `table/variable` of the plan."""
    tables: Mapping[str, str] = field(default_factory=dict)
    plan: str = ""
    """Why the whole plan stops, where its groups or its population are touched; else ''."""

    def __bool__(self) -> bool:
        return bool(self.rules or self.variables or self.tables or self.plan)


def drift_between(before: Dictionary, after: Dictionary) -> Drift:
    """Compare two structures."""
    fields = {f.name: what for f in before.fields if (what := _field_drift(f, after.by_name.get(f.name)))}
    return Drift(
        added=tuple(_added(before, after)),
        fields=fields,
        instruments=dict(_instrument_drift(before, after)),
        events={
            name: f"event {name!r} was removed" for name in before.event_names if name not in set(after.event_names)
        },
        groups=_group_drift(before, after),
    )


def _field_drift(old: Field, new: Field | None) -> str:
    if new is None:
        return f"field {old.name!r} was removed"
    parts = [
        f"its {name} changed from {getattr(old, name) or 'none'!r} to {getattr(new, name) or 'none'!r}"
        for name in MEANING
        if getattr(old, name) != getattr(new, name)
    ]
    labels = {choice.code: choice.label for choice in new.choices}
    for choice in old.choices:
        if choice.code not in labels:
            parts.append(f"its choice {choice.code!r} was removed")
        elif labels[choice.code] != choice.label:
            parts.append(f"its choice {choice.code!r} was {choice.label!r} and is {labels[choice.code]!r}")
    return f"field {old.name!r}: {', '.join(parts)}" if parts else ""


def _instrument_drift(before: Dictionary, after: Dictionary) -> Iterator[tuple[str, str]]:
    names = {one.name for one in after.instruments}
    for one in before.instruments:
        if one.name not in names:
            yield one.name, f"instrument {one.name!r} was removed"
            continue
        left = [event for event in before.events_of(one.name) if event not in set(after.events_of(one.name))]
        again = [event for event in after.event_names if _repeats(before, event, one.name, after)]
        parts = [f"is no longer in event {event!r}" for event in left if event in set(after.event_names)]
        parts += [f"repeats in another way in event {event!r}" for event in again]
        if parts:
            yield one.name, f"instrument {one.name!r} {', '.join(parts)}"


def _repeats(before: Dictionary, event: str, instrument: str, after: Dictionary) -> bool:
    if event not in before.event_names or instrument not in before.instruments_at(event):
        return False
    return (before.repeats(event, instrument), before.event_repeats(event)) != (
        after.repeats(event, instrument),
        after.event_repeats(event),
    )


def _group_drift(before: Dictionary, after: Dictionary) -> dict[str, str]:
    """What the smart variables say of groups that is another; nothing where one structure does not know the groups."""
    found: dict[str, str] = {}
    for old in (before.groups or ()) if after.groups is not None else ():
        new = _same_group(old, after.groups or ())
        for name, (attribute, word) in GROUP_SAID.items():
            said, says = getattr(old, attribute), getattr(new, attribute, None)
            if new is None:
                found.setdefault(name, f"data access group {old.unique_name!r} was removed")
            elif said is not None and said != says:
                what = f"its {word} changed from {str(said)!r} to {str(says)!r}"
                found.setdefault(name, f"data access group {old.unique_name!r}: {what}")
    return found


def _same_group(old: Group, groups: Iterable[Group]) -> Group | None:
    """A group of the same unique name, else one of the same number: a group that was renamed."""
    named = next((one for one in groups if one.unique_name == old.unique_name), None)
    numbered = (one for one in groups if one.group_id is not None and one.group_id == old.group_id)
    return named or next(numbered, None)


def _added(before: Dictionary, after: Dictionary) -> Iterator[str]:
    known = {one.name for one in before.instruments}
    yield from (f"instrument {one.name!r} is new" for one in after.instruments if one.name not in known)
    yield from (f"event {name!r} is new" for name in after.event_names if name not in set(before.event_names))
    yield from _added_groups(before, after)
    for one in after.fields:
        old = before.by_name.get(one.name)
        if old is None:
            yield f"field {one.name!r} is new"
        else:
            yield from (
                f"field {one.name!r}: choice {c.code!r} is new" for c in one.choices if not old.has_choice(c.code)
            )


def _added_groups(before: Dictionary, after: Dictionary) -> Iterator[str]:
    if before.groups is None:
        yield from ("the data access groups are known now",) if after.groups is not None else ()
        return
    yield from (
        f"data access group {one.unique_name!r} is new"
        for one in after.groups or ()
        if not any(_same_group(old, (one,)) for old in before.groups)
    )


def touched_by_drift(drift: Drift, rules: Iterable[Rule], plan: Plan | None = None) -> Touched:
    """Which of a study's own rules, variables and tables a drift stops.

    Rules made from the dictionary follow it by themselves and are never stopped.
    """
    stopped = {rule.id: why for rule in rules if rule.origin == "study" and (why := _why_rule(drift, rule))}
    found = Touched(rules={rule_id: f"{why}; not accepted yet" for rule_id, why in stopped.items()})
    return _with_plan(found, plan, drift.fields, drift.events) if plan is not None else found


def touched_by_rights(unseen: Sequence[Unseen], rules: Iterable[Rule], plan: Plan | None = None) -> Touched:
    """Which rules, variables and tables need what the token's user may not export."""
    reasons = {column: one.reason for one in unseen for column in one.columns}
    reasons |= {ColumnName.parse(column).field: why for column, why in reasons.items()}
    found = Touched(rules={rule.id: why for rule in rules if (why := _first(reasons, _fields_of(rule)))})
    return _with_plan(found, plan, reasons, {}) if plan is not None else found


def _why_rule(drift: Drift, rule: Rule) -> str:
    if rule.instrument in drift.instruments:
        return drift.instruments[rule.instrument]
    fields = _fields_of(rule)
    return _first(drift.fields, fields) or _first(drift.groups, fields) or _first(drift.events, _events_of(rule))


def _first(reasons: Mapping[str, str], names: Iterable[str]) -> str:
    return next((reasons[name] for name in names if name in reasons), "")


def _references(rule: Rule) -> tuple[tuple[str, str], ...]:
    """(event, field) of everything a rule reads; nothing where its logic cannot be read, which is told elsewhere."""
    from nightround.validation.compiled_check import compile_check
    from redcap_sync.errors import LogicError
    from redcap_sync.logic import parse, references

    try:
        read = [one for text in (rule.discrepancy, rule.applies) if text for one in references(parse(text))]
    except LogicError:
        return ()
    checked = compile_check(rule.check)[1] if rule.check else ()
    return tuple((one.event, one.field) for one in (*read, *checked))


def _fields_of(rule: Rule) -> list[str]:
    needed = (ColumnName.parse(column).field for column in rule.needs)
    return [*(name for _, name in _references(rule)), *needed, *rule.fields]


def _events_of(rule: Rule) -> list[str]:
    return [*(event for event, _ in _references(rule) if event), *rule.events]


def _with_plan(found: Touched, plan: Plan, fields: Mapping[str, str], events: Mapping[str, str]) -> Touched:
    """Add the variables of the plan that read a touched field or event, and the tables they stand in."""

    def why(references: Iterable[tuple[str, str]]) -> str:
        pairs = [(event, ColumnName.parse(name).field, name) for event, name in references]
        return next((fields.get(n) or fields.get(c) or events.get(e, "") for e, n, c in pairs if _hit(e, n, c)), "")

    def _hit(event: str, name: str, column: str) -> bool:
        return name in fields or column in fields or event in events

    variables: dict[str, str] = {}
    tables: dict[str, str] = {}
    for table in plan.tables:
        for variable in table.variables:
            read = [reference for _, reference in variable.visits]
            read += [level.field for level in variable.levels if level.field]
            read += [condition.field for limits in variable.limits for condition in limits.where]
            if reason := why(read):
                variables[f"{table.id}/{variable.id}"] = reason
                tables.setdefault(table.id, reason)
    whole = why([plan.grouping, *(condition.field for step in plan.flow for condition in step.where)])
    return Touched(found.rules, variables, tables, whole)
