"""What fields say of each other: calculations, and which fields are shown, worked out until nothing changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from dataclasses import field as member
from functools import cached_property

import numpy as np

from nightround.simulation.twin.draft import Cells, Draft, Mask, Rows
from nightround.simulation.twin.first_values import WITHOUT_VALUE, FieldValues
from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, parse, references
from redcap_sync.logic.calculated_fields import Calculation, calculation_of

MOST_ROUNDS = 12
"""Rounds after which fields that keep changing each other are left alone."""


@dataclass(frozen=True)
class FieldLogic:
    """A field with what decides its value: what shows it, what calculates it, and the fields that these read."""

    field: Field
    shown: Expression | None
    calculation: Calculation | None
    reads: frozenset[str]

    @property
    def is_derived(self) -> bool:
        """Whether other fields decide something of it."""
        return self.shown is not None or self.calculation is not None


@dataclass(frozen=True)
class Hanging:
    """The logic of a dictionary: each field behind those that it reads, as far as there is such an order."""

    fields: tuple[FieldLogic, ...]
    readers: dict[str, tuple[str, ...]] = member(repr=False)
    """Of each field those that read it."""

    @cached_property
    def by_name(self) -> dict[str, FieldLogic]:
        """Fields by their names."""
        return {one.field.name: one for one in self.fields}

    def behind(self, names: Iterable[str]) -> frozenset[str]:
        """The fields that change when some do, those themselves not counted unless they hang on one another."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            new = [one for one in self.readers.get(waiting.pop(), ()) if one not in found]
            found.update(new)
            waiting.extend(new)
        return frozenset(found)

    def inputs(self, name: str) -> list[str]:
        """The fields that a person enters and that decide a calculated one, however many calculations lie between."""
        found: dict[str, None] = {}
        seen, waiting = {name}, [name]
        while waiting:
            one = self.by_name.get(waiting.pop(0))
            for read in sorted(one.reads) if one is not None and one.calculation is not None else ():
                if read not in seen:
                    seen.add(read)
                    waiting.append(read)
                    inner = self.by_name.get(read)
                    if inner is not None and inner.calculation is None:
                        found[read] = None
        return list(found)


def hanging_of(dictionary: Dictionary) -> Hanging:
    """Read the logic of every field. What cannot be read shows its field and calculates nothing, as on a server."""
    own = dictionary.record_id_field
    logics = {one.name: _logic(one) for one in dictionary.fields if one.name != own and one.type != "descriptive"}
    readers: dict[str, list[str]] = {}
    for name, logic in logics.items():
        for read in logic.reads:
            readers.setdefault(read, []).append(name)
    return Hanging(tuple(_in_order(logics)), {name: tuple(found) for name, found in readers.items()})


def _logic(one: Field) -> FieldLogic:
    shown = readable(one.branching_logic)
    calculation = _calculation(one)
    read = [*(references(shown) if shown else ()), *(references(calculation.expression) if calculation else ())]
    piped = [found for text in (one.minimum, one.maximum) if text.startswith("[") and (found := readable(text))]
    read += [reference for expression in piped for reference in references(expression)]
    return FieldLogic(one, shown, calculation, frozenset(reference.field for reference in read))


def readable(logic: str) -> Expression | None:
    """Logic as a tree; None where there is none, or none that can be read."""
    try:
        return parse(logic) if logic.strip() else None
    except LogicError:
        return None


def _calculation(one: Field) -> Calculation | None:
    try:
        return calculation_of(one)
    except LogicError:
        return None


def _in_order(logics: dict[str, FieldLogic]) -> list[FieldLogic]:
    """Depth first, without recursion: fields that read one another keep the order of the dictionary."""
    done: dict[str, FieldLogic] = {}
    entered: set[str] = set()
    for name in logics:
        waiting = [name]
        while waiting:
            one = waiting[-1]
            before = [read for read in sorted(logics[one].reads) if read in logics and read not in entered]
            entered.add(one)
            if one in done or not before:
                done.setdefault(one, logics[one])
                waiting.pop()
            else:
                waiting.extend(before[:1])
    return list(done.values())


def fill(draft: Draft, hanging: Hanging, values: FieldValues) -> frozenset[str]:
    """Give every field its first values, then settle; returns the fields that never come to rest."""
    for logic in hanging.fields:
        _settle_field(draft, logic, values)
    return settle(draft, hanging, values, None)


def settle(draft: Draft, hanging: Hanging, values: FieldValues, names: Collection[str] | None) -> frozenset[str]:
    """Work out calculations and branching of some fields, or all, until they agree; returns those that never do."""
    waiting = frozenset(hanging.by_name if names is None else names)
    for _ in range(MOST_ROUNDS):
        changed = {
            logic.field.name
            for logic in hanging.fields
            if logic.field.name in waiting and logic.is_derived and _settle_field(draft, logic, values)
        }
        if not changed:
            return frozenset()
        waiting = hanging.behind(changed)
    return frozenset(changed)


def _settle_field(draft: Draft, logic: FieldLogic, values: FieldValues) -> bool:
    """Bring one field in line with what it reads; whether that changed anything."""
    one = logic.field
    if one.instrument not in draft.tables or not len(draft.tables[one.instrument]):
        return False
    if logic.calculation is not None:
        return _put(draft, one.name, _worked_out(draft, one, logic.calculation))
    if one.type in (*WITHOUT_VALUE, "calc"):
        return False
    shown, filled = shown_rows(draft, logic), filled_rows(draft, one)
    changed = _blank(draft, one, np.flatnonzero(~shown & filled))
    rows = np.flatnonzero(shown & ~filled)
    for column, cells in values.draw(draft, one, rows).items():
        new = draft[column].copy()
        new[rows] = cells
        changed |= _put(draft, column, new)
    return changed


def shown_rows(draft: Draft, logic: FieldLogic) -> Mask:
    """Where the branching logic shows a field; everywhere where there is none that can be worked out."""
    count = len(draft.tables[logic.field.instrument])
    if logic.shown is None:
        return np.ones(count, dtype=bool)
    try:
        return draft.evaluator([logic.shown], logic.field.instrument).truth(logic.shown)
    except LogicError:
        return np.ones(count, dtype=bool)


def filled_rows(draft: Draft, one: Field) -> Mask:
    """Where a field contains a value; a checkbox does where an option is ticked."""
    columns = draft.dictionary.columns_of_field(one)
    empty = "0" if one.type == "checkbox" else ""
    found = np.zeros(len(draft.tables[one.instrument]), dtype=bool)
    for column in columns:
        found |= draft[column] != empty
    return found


def _worked_out(draft: Draft, one: Field, calculation: Calculation) -> Cells:
    try:
        evaluator = draft.evaluator([calculation.expression], one.instrument)
        return evaluator.values(calculation.expression, text=calculation.text).to_numpy(dtype=object)
    except LogicError:
        return np.full(len(draft.tables[one.instrument]), "", dtype=object)


def _blank(draft: Draft, one: Field, rows: Rows) -> bool:
    for column in draft.dictionary.columns_of_field(one) if len(rows) else ():
        new = draft[column].copy()
        new[rows] = "0" if one.type == "checkbox" else ""
        draft[column] = new
    return len(rows) > 0


def _put(draft: Draft, column: str, cells: Cells) -> bool:
    if np.array_equal(draft[column], cells):
        return False
    draft[column] = cells
    return True


def field_of(column: str) -> str:
    """The field that a column belongs to."""
    return ColumnName.parse(column).field
