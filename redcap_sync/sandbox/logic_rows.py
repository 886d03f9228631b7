"""REDCap logic over stored rows: what a reference means at a place of a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redcap_sync.errors import LogicError
from redcap_sync.logic.switches import DEFAULT_REFERENCE_SWITCHES
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import EventRow
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.whole_numbers import whole_number

if TYPE_CHECKING:
    from redcap_sync.logic import Expression, Reference


def filter_of(project: StoredProject, logic: str, username: str = "") -> Callable[[str, ValuePlace], bool]:
    """Return what says whether logic is true in a row; raises ApiError where it cannot be read."""
    from redcap_sync.logic import holds, parse

    try:
        expression = parse(logic)
    except LogicError as unreadable:
        raise ApiError(f'The value of the parameter "filterLogic" is not valid: {unreadable.what}') from unreadable
    codes, now = project.layout.missing_codes, project.clock()

    def true_in(record: str, place: ValuePlace) -> bool:
        row = Viewpoint(project, record, place, username).row_of(expression)
        return holds(expression, row, now=now, missing_codes=codes)

    return true_in


def _with_point(value: str) -> str:
    """A number that is stored with a decimal comma, as logic reads it; any other text as it is."""
    from redcap_sync.logic.interpreter_values import number_of

    pointed = value.replace(",", ".")
    return value if number_of(pointed) is None else pointed


@dataclass(frozen=True)
class Viewpoint:
    """A place of a record, from which references are looked at."""

    project: StoredProject
    record: str
    place: ValuePlace
    username: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Values of the place that are to be stored: they are seen in front of those that are."""

    def row_of(self, expression: Expression) -> dict[str, str]:
        """Return the values an expression refers to, by canonical column name."""
        from redcap_sync.logic import references

        return {reference.column: self.value(reference) for reference in references(expression)}

    def value(self, reference: Reference) -> str:
        """Return the value of one reference; '' where there is none."""
        project = self.project
        if reference.is_smart:
            return self._smart(reference.field)
        if reference.field == project.id_field:
            return self.record
        column = project.layout.by_name.get(reference.export_column)
        event_id = self._event_id(reference.event, column.instrument if column else "")
        if column is None or event_id is None:
            return ""
        if column.instrument not in project.dictionary.instruments_at(project.event_name(event_id)):
            return ""
        target = self._target(event_id, column.instrument, reference.instance)
        if target is None:
            return ""
        stored = project.values.stored(self.record, target)
        seen = {**stored, **self.answers} if target == self.place else stored
        value = seen.get(column.name, "0" if column.is_checkbox and self._has_boxes(target) else "")
        return _with_point(value) if column.field is not None and column.field.decimal_comma else value

    def _has_boxes(self, target: ValuePlace) -> bool:
        """Say whether options that are not ticked are 0 at a place, and not blank."""
        if target == self.place or self.project.values.stored(self.record, target):
            return True
        return target.instance == 0 and DEFAULT_REFERENCE_SWITCHES.box_of_an_empty_visit_is_unticked

    def _target(self, event_id: int, instrument: str, selector: str) -> ValuePlace | None:
        """Where a value lies: the base row, or the instance that is named or that the row itself is."""
        name, dictionary = self.project.event_name(event_id), self.project.dictionary
        here = self.place
        if dictionary.repeats(name, instrument):
            there = ValuePlace(event_id, instrument)
            own = here.instance if (here.event_id, here.instrument) == (event_id, instrument) else 0
        elif dictionary.event_repeats(name):
            there = ValuePlace(event_id)
            own = here.instance if here.event_id == event_id else 0
        else:
            return ValuePlace(event_id)
        number = self._instance(selector, there, own)
        return there._replace(instance=number) if number else None

    def _instance(self, selector: str, there: ValuePlace, own: int) -> int:
        """Number of the instance a selector names; 0 where there is none."""
        if selector.isdecimal():
            return whole_number(selector) or 0
        stored = self.project.values.instances(self.record, there.event_id, there.instrument) or [0]
        selected = {
            "": own,
            "current-instance": own,
            "previous-instance": own - 1 if own else 0,
            "next-instance": own + 1 if own else 0,
            "first-instance": stored[0],
            "last-instance": stored[-1],
        }
        return selected.get(selector, 0)

    def _event_id(self, written: str, instrument: str) -> int | None:
        """Event a reference names: the row's own, another by its name, or the nearest that has the instrument."""
        if written in ("", "event-name"):
            return self.place.event_id
        if not written.endswith("-event-name"):
            event = self.project.event(written)
            return event.event_id if event else None
        own = self._event()
        in_arm = [event for event in self.project.events if event.arm == own.arm]
        position = in_arm.index(own)
        has = {e.event_id for e in in_arm if instrument in self._instruments_at(e.event_id)}
        candidates = {
            "first-event-name": [e for e in in_arm if e.event_id in has][:1],
            "last-event-name": [e for e in in_arm if e.event_id in has][-1:],
            "previous-event-name": [e for e in in_arm[:position] if e.event_id in has][-1:],
            "next-event-name": [e for e in in_arm[position + 1 :] if e.event_id in has][:1],
        }
        found = candidates.get(written, [])
        return found[0].event_id if found else None

    def _instruments_at(self, event_id: int) -> tuple[str, ...]:
        return self.project.dictionary.instruments_at(self.project.event_name(event_id))

    def _event(self) -> EventRow:
        return next(event for event in self.project.events if event.event_id == self.place.event_id)

    def _smart(self, name: str) -> str:
        """Value of a smart variable that is one by itself."""
        place = self.place
        if name.endswith("-instance"):
            number = self._instance(name, ValuePlace(place.event_id, place.instrument), place.instance)
            return str(number or "")
        return {**self._smart_of_event(), **self._smart_of_people()}.get(name, "")

    def _number_of(self, event: EventRow) -> int:
        """Place of an event in its arm, from 1."""
        return [one for one in self.project.events if one.arm == event.arm].index(event) + 1

    def _smart_of_event(self) -> dict[str, str]:
        event = self._event()
        arm = next(arm for arm in self.project.structure.arms if arm.number == event.arm)
        return {
            "event-name": event.unique_name,
            "event-label": event.name,
            "event-id": str(event.event_id),
            "event-number": str(self._number_of(event)),
            "arm-number": str(arm.number),
            "arm-label": arm.name,
            "instrument-name": self.place.instrument,
            "form-name": self.place.instrument,
        }

    def _smart_of_people(self) -> dict[str, str]:
        project = self.project
        group = project.group(project.values[self.record].group)
        user = project.structure.users.get(self.username)
        return {
            "record-name": self.record,
            "record-dag-name": group.unique_name if group else "",
            "record-dag-id": str(group.group_id) if group else "",
            "record-dag-label": group.name if group else "",
            "user-name": self.username,
            "user-dag-name": user.group if user else "",
            "user-role-name": user.role if user else "",
            "project-id": str(project.project_id),
        }
