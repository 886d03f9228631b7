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
from redcap_sync.messages import Message
from redcap_sync.rows.tables import Unseen

if TYPE_CHECKING:
    from nightround.model.doubts import LostStructure
    from nightround.model.rule import Rule
    from nightround.study.plan import Plan

MEANING = {
    "type": "drift.type",
    "instrument": "drift.instrument_of_field",
    "validation": "drift.validation",
    "calculation": "drift.calculation",
}
"""Of a field's attributes, those that change what its values mean, each with its message; labels and order do not."""
GROUP_SAID = {
    "record-dag-name": ("unique_name", "drift.unique_name"),
    "record-dag-label": ("label", "drift.label"),
    "record-dag-id": ("group_id", "drift.number"),
}
"""Which attribute of a data access group each smart variable says, and the message of a change."""
NOTHING = Message.of("drift.nothing")


@dataclass(frozen=True)
class Drift:
    """The differences between two structures: what may change a meaning, and what is only new."""

    added: tuple[Message, ...] = ()
    """Fields, choices, instruments, events that are new."""
    fields: Mapping[str, Message] = field(default_factory=dict)
    """Fields that are gone or mean something else, each with what happened to it."""
    instruments: Mapping[str, Message] = field(default_factory=dict)
    """The same of instruments: gone, moved to other events, or repeating in another way."""
    events: Mapping[str, Message] = field(default_factory=dict)
    """The same of events."""
    groups: Mapping[str, Message] = field(default_factory=dict)
    """The smart variables of data access groups that say something else, each with what happened to a group."""

    def __bool__(self) -> bool:
        return bool(self.added or self.fields or self.instruments or self.events or self.groups)

    def lines(self) -> list[Message]:
        """Every difference."""
        changed = (self.fields, self.instruments, self.events, self.groups)
        return list(dict.fromkeys([*(line for one in changed for line in one.values()), *self.added]))


@dataclass(frozen=True)
class Touched:
    """What a drift stops, each with the reason."""

    rules: Mapping[str, Message] = field(default_factory=dict)
    variables: Mapping[str, Message] = field(default_factory=dict)
    """By `table/variable` of the plan."""
    tables: Mapping[str, Message] = field(default_factory=dict)
    plan: Message | None = None
    """Why the whole plan stops, where its groups or its population are touched."""

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
            name: Message.of("drift.event_removed", name=name)
            for name in before.event_names
            if name not in set(after.event_names)
        },
        groups=_group_drift(before, after),
    )


def _field_drift(old: Field, new: Field | None) -> Message | None:
    if new is None:
        return Message.of("drift.field_removed", name=old.name)
    parts = [
        Message.of(code, old=getattr(old, name) or NOTHING, new=getattr(new, name) or NOTHING)
        for name, code in MEANING.items()
        if getattr(old, name) != getattr(new, name)
    ]
    labels = {choice.code: choice.label for choice in new.choices}
    for choice in old.choices:
        if choice.code not in labels:
            parts.append(Message.of("drift.choice_removed", choice=choice.code))
        elif labels[choice.code] != choice.label:
            new_label = labels[choice.code]
            parts.append(Message.of("drift.choice_renamed", choice=choice.code, old=choice.label, new=new_label))
    return Message.of("drift.field", name=old.name, parts=tuple(parts)) if parts else None


def _instrument_drift(before: Dictionary, after: Dictionary) -> Iterator[tuple[str, Message]]:
    names = {one.name for one in after.instruments}
    for one in before.instruments:
        if one.name not in names:
            yield one.name, Message.of("drift.instrument_removed", name=one.name)
            continue
        left = [event for event in before.events_of(one.name) if event not in set(after.events_of(one.name))]
        again = [event for event in after.event_names if _repeats(before, event, one.name, after)]
        parts = [Message.of("drift.left_event", event=event) for event in left if event in set(after.event_names)]
        parts += [Message.of("drift.repeats", event=event) for event in again]
        if parts:
            yield one.name, Message.of("drift.instrument", name=one.name, parts=tuple(parts))


def _repeats(before: Dictionary, event: str, instrument: str, after: Dictionary) -> bool:
    if event not in before.event_names or instrument not in before.instruments_at(event):
        return False
    return (before.repeats(event, instrument), before.event_repeats(event)) != (
        after.repeats(event, instrument),
        after.event_repeats(event),
    )


def _group_drift(before: Dictionary, after: Dictionary) -> dict[str, Message]:
    """What the smart variables say of groups that is another; nothing where one structure does not know the groups."""
    found: dict[str, Message] = {}
    for old in (before.groups or ()) if after.groups is not None else ():
        new = _same_group(old, after.groups or ())
        for name, (attribute, code) in GROUP_SAID.items():
            said, says = getattr(old, attribute), getattr(new, attribute, None)
            if new is None:
                found.setdefault(name, Message.of("drift.group_removed", name=old.unique_name))
            elif said is not None and said != says:
                change = Message.of(code, old=str(said), new=str(says))
                found.setdefault(name, Message.of("drift.group", name=old.unique_name, change=change))
    return found


def _same_group(old: Group, groups: Iterable[Group]) -> Group | None:
    """A group of the same unique name, else one of the same number: a group that was renamed."""
    named = next((one for one in groups if one.unique_name == old.unique_name), None)
    numbered = (one for one in groups if one.group_id is not None and one.group_id == old.group_id)
    return named or next(numbered, None)


def _added(before: Dictionary, after: Dictionary) -> Iterator[Message]:
    known = {one.name for one in before.instruments}
    yield from (Message.of("drift.new_instrument", name=one.name) for one in after.instruments if one.name not in known)
    new_events = (name for name in after.event_names if name not in set(before.event_names))
    yield from (Message.of("drift.new_event", name=name) for name in new_events)
    yield from _added_groups(before, after)
    for one in after.fields:
        old = before.by_name.get(one.name)
        if old is None:
            yield Message.of("drift.new_field", name=one.name)
        else:
            yield from (
                Message.of("drift.new_choice", name=one.name, choice=choice.code)
                for choice in one.choices
                if not old.has_choice(choice.code)
            )


def _added_groups(before: Dictionary, after: Dictionary) -> Iterator[Message]:
    if before.groups is None:
        yield from (Message.of("drift.groups_known"),) if after.groups is not None else ()
        return
    yield from (
        Message.of("drift.new_group", name=one.unique_name)
        for one in after.groups or ()
        if not any(_same_group(old, (one,)) for old in before.groups)
    )


def touched_by_drift(drift: Drift, rules: Iterable[Rule], plan: Plan | None = None) -> Touched:
    """Which of a study's own rules, variables and tables a drift stops.

    Rules made from the dictionary follow it by themselves and are never stopped.
    """
    stopped = {rule.id: why for rule in rules if rule.origin == "study" and (why := _why_rule(drift, rule))}
    found = Touched(rules={rule_id: _not_accepted(why) for rule_id, why in stopped.items()})
    return _with_plan(found, plan, drift.fields, drift.events) if plan is not None else found


def touched_by_rights(unseen: Sequence[Unseen], rules: Iterable[Rule], plan: Plan | None = None) -> Touched:
    """Which rules, variables and tables need what the token's user may not export."""
    reasons = {column: one.reason for one in unseen for column in one.columns}
    reasons |= {ColumnName.parse(column).field: why for column, why in reasons.items()}
    found = Touched(rules={rule.id: why for rule in rules if (why := _first(reasons, _fields_of(rule)))})
    return _with_plan(found, plan, reasons, {}) if plan is not None else found


def why_stopped(drift: Drift, rule: Rule) -> Message:
    """Why a rule that the accepted structure had stops in one that no longer makes it."""
    return _not_accepted(_why_rule(drift, rule) or drift.lines()[0])


def _not_accepted(why: Message) -> Message:
    return Message.of("drift.not_accepted", why=why)


def reads_lost(lost: LostStructure, rule: Rule) -> bool:
    """Whether a rule reads, elsewhere than in its own row, what may lie where rows lost their place."""
    return any(_reaches(lost, rule, event, field) for event, field in _references(rule))


def _reaches(lost: LostStructure, rule: Rule, event: str, field: str) -> bool:
    known = lost.before.by_name.get(field)
    instrument = known.instrument if known else ""
    if event in lost.now.event_names and event:
        return (event, instrument) in lost.places
    if not event and instrument == rule.instrument:
        return False
    return bool(event) or any(one == instrument for _, one in lost.places)


def reads_removed(lost: LostStructure, rule: Rule) -> bool:
    """Whether a rule reads a field or names an event that is no more, so that it can never be judged again."""
    events = {name for name in lost.before.event_names if name not in lost.now.event_names}
    return not (lost.fields.isdisjoint(_fields_of(rule)) and events.isdisjoint(_events_of(rule)))


def _why_rule(drift: Drift, rule: Rule) -> Message | None:
    if rule.instrument in drift.instruments:
        return drift.instruments[rule.instrument]
    fields = _fields_of(rule)
    return _first(drift.fields, fields) or _first(drift.groups, fields) or _first(drift.events, _events_of(rule))


def _first(reasons: Mapping[str, Message], names: Iterable[str]) -> Message | None:
    return next((reasons[name] for name in names if name in reasons), None)


def _references(rule: Rule) -> tuple[tuple[str, str], ...]:
    """(event, field) of everything a rule reads; nothing where its logic cannot be read."""
    from nightround.validation.compiled_check import compile_check
    from redcap_sync.errors import LogicError
    from redcap_sync.logic import parse, references

    try:
        read = [one for text in (rule.discrepancy, rule.applies) if text for one in references(parse(text))]
        checked = compile_check(rule.check)[1] if rule.check else ()
    except LogicError:
        return ()
    return tuple((one.event, one.field) for one in (*read, *checked))


def _fields_of(rule: Rule) -> list[str]:
    needed = (ColumnName.parse(column).field for column in rule.needs)
    return [*(name for _, name in _references(rule)), *needed, *rule.fields]


def _events_of(rule: Rule) -> list[str]:
    return [*(event for event, _ in _references(rule) if event), *rule.events]


def _with_plan(found: Touched, plan: Plan, fields: Mapping[str, Message], events: Mapping[str, Message]) -> Touched:
    """Add the variables of the plan that read a touched field or event, and the tables they are in."""

    def why(references: Iterable[tuple[str, str]]) -> Message | None:
        pairs = [(event, ColumnName.parse(name).field, name) for event, name in references]
        return next((fields.get(n) or fields.get(c) or events.get(e) for e, n, c in pairs if _hit(e, n, c)), None)

    def _hit(event: str, name: str, column: str) -> bool:
        return name in fields or column in fields or event in events

    variables: dict[str, Message] = {}
    tables: dict[str, Message] = {}
    for table in plan.tables:
        for variable in table.variables:
            read = [reference for _, reference in variable.visits]
            read += [level.field for level in variable.levels if level.field]
            read += [condition.field for limits in variable.limits for condition in limits.where]
            if reason := why(read):
                variables[f"{table.id}/{variable.id}"] = reason
                tables.setdefault(table.id, reason)
    grouping = [plan.grouping] if plan.grouping else []
    whole = why([*grouping, *(condition.field for step in plan.flow for condition in step.where)])
    return Touched(found.rules, variables, tables, whole)
