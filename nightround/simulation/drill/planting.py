"""Plants errors: which fields and values a kind fits, and what is changed there."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from nightround.simulation.drill.error_copies import Planted, RowChanges
from nightround.simulation.drill.error_kinds import (
    FROM_EARLIER_EVENT,
    FROM_EARLIER_IN_ROW,
    FROM_NOW,
    CopyInstrument,
    DateFrom,
    ErrorKind,
    Form,
    How,
    Set,
    Structural,
    Where,
)
from nightround.simulation.drill.flat_data import FlatData, event_rank, next_record
from nightround.simulation.drill.recalculation import Calculations
from nightround.simulation.drill.value_changes import changed_texts, date_in, number_in, text_of_date
from nightround.simulation.drill.what_rules_read import RuleReads
from nightround.validation.run import validate
from redcap_sync.dictionary import Field
from redcap_sync.project.flat import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT


@dataclass(frozen=True)
class _Cell:
    row: int
    field: Field


class Planter:
    """Draws errors of a kind in the data of a study. The same data, kinds and seed give the same errors."""

    def __init__(self, data: FlatData, reads: RuleReads, now: datetime, rng: random.Random) -> None:
        self._data, self._reads, self._now, self._rng = data, reads, now, rng
        self._dictionary = data.dictionary
        self._shown = shown_rows(data, now)
        self._calculations = Calculations(data.dictionary)
        self._rows_of_field: dict[str, list[int]] = {}
        self._rows_of_instrument: dict[str, list[int]] = {}
        for number in range(len(data.rows)):
            for instrument in data.instruments_of_rows[number]:
                self._rows_of_instrument.setdefault(instrument, []).append(number)
            for one in data.fields_in(number):
                self._rows_of_field.setdefault(one.name, []).append(number)

    def errors(self, kinds: Sequence[ErrorKind], wanted: int) -> Iterator[Planted]:
        """So many errors, each kind in its turn; fewer where the kinds have no more places."""
        waiting = {kind.id: self._of_kind(kind) for kind in kinds}
        made = 0
        while waiting:
            for name in tuple(waiting):
                if made == wanted:
                    return
                planted = next(waiting[name], None)
                if planted is None:
                    del waiting[name]
                else:
                    made += 1
                    yield planted

    def _of_kind(self, kind: ErrorKind) -> Iterator[Planted]:
        """Every error of a kind, in random order, none twice."""
        for one in self._distinct(kind):
            derived = self._calculations.behind(one.fields) if kind.recalculated and one.change.cells else frozenset()
            yield replace(one, derived=derived)

    def _distinct(self, kind: ErrorKind) -> Iterator[Planted]:
        seen: set[tuple[object, ...]] = set()
        streams = [self._of_form(kind, form) for form in kind.forms]
        while streams:
            stream = self._rng.choice(streams)
            planted = next(stream, None)
            if planted is None:
                streams.remove(stream)
            elif (name := _identity(planted)) not in seen:
                seen.add(name)
                yield planted

    def _of_form(self, kind: ErrorKind, form: Form) -> Iterator[Planted]:
        where = form.where
        match form.how:
            case CopyInstrument() as how:
                places = self._drawn(self._instruments(where))
                made = (self._copied(kind.id, how, row, instrument) for instrument, row in places)
            case Structural(change="remove_visit"):
                made = (self._without_visit(kind.id, row) for _, row in self._drawn(self._visits(where)))
            case Structural(change="duplicate_record"):
                firsts = [rows[0] for rows in self._data.rows_of_record.values()]
                made = (self._duplicate(kind.id, row) for _, row in self._drawn({"": firsts}))
            case _:
                cells = (
                    _Cell(row, self._dictionary.by_name[name]) for name, row in self._drawn(self._cells(kind, where))
                )
                made = (self._changed(kind.id, form, cell) for cell in cells)
        return (planted for planted in made if planted is not None)

    def _drawn(self, places: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int]]:
        """Each place once: a name drawn first and then one of its rows, so that rare fields come as often as others."""
        waiting = {name: self._rng.sample(rows, len(rows)) for name, rows in places.items() if rows}
        while waiting:
            name = self._rng.choice(list(waiting))
            yield name, waiting[name].pop()
            if not waiting[name]:
                del waiting[name]

    # One cell.

    def _cells(self, kind: ErrorKind, where: Where) -> Mapping[str, Sequence[int]]:
        """The rows of each field that an error may be planted in; nobody types into one that REDCap works out."""
        calculated = self._calculations.by_name if kind.recalculated else {}
        return {
            one.name: [row for row in self._rows_of_field.get(one.name, ()) if self._is_there(where, _Cell(row, one))]
            for one in self._dictionary.fields
            if one.name not in calculated and self._fits(where, one)
        }

    def _fits(self, where: Where, one: Field) -> bool:
        """Whether a field is one of those that an error may be planted in."""
        if one.name == self._dictionary.record_id_field or one.type in ("descriptive", "file"):
            return False
        named = f"{one.name} {one.label}"
        return all(
            (
                not where.fields or any(fnmatchcase(one.name, pattern) for pattern in where.fields),
                not where.instruments or one.instrument in where.instruments,
                not where.types or one.type in where.types,
                not where.holds or (one.kind in where.holds and not (one.kind == "text" and one.choices)),
                _has(where.label, named),
                not where.not_label or not _has(where.not_label, named),
                _has(where.unit, f"{one.note} {one.label}"),
                not where.choice or any(_has(where.choice, choice.label) for choice in one.choices),
                where.required is None or one.required == where.required,
                where.branching is None or bool(one.branching_logic) == where.branching,
                where.feeds is None or (one.name in self._reads.feeding) == where.feeds,
            )
        )

    def _is_there(self, where: Where, cell: _Cell) -> bool:
        """Whether a row and what it holds are as an error wants them."""
        row = self._data.rows[cell.row]
        if where.events and row[EVENT] not in where.events:
            return False
        moment = date_in(cell.field, row.get(cell.field.name, ""))
        return not where.months or (moment is not None and moment.month in where.months)

    def _changed(self, kind: str, form: Form, cell: _Cell) -> Planted | None:
        match form.how:
            case Structural(change="open_branch"):
                return self._opened(kind, cell)
            case Set(to=("",)) if cell.field.type == "checkbox":
                return self._unticked(kind, cell)
            case Structural(change="fill_hidden"):
                return self._with(kind, cell, self._hidden(cell), filled=False)
            case how:
                return self._with(kind, cell, self._other_text(how, cell))

    def _other_text(self, how: How, cell: _Cell) -> str | None:
        """Another text for a filled cell."""
        match how:
            case DateFrom():
                return self._date_from(how, cell)
            case Structural(change="no_choice"):
                return self._no_choice(cell)
            case CopyInstrument() | Structural():
                return None
            case _ if cell.field.type == "checkbox":
                return None
            case _:
                texts = list(changed_texts(how, cell.field, self._text(cell)))
                return self._rng.choice(texts) if texts else None

    def _text(self, cell: _Cell) -> str:
        return self._data.rows[cell.row].get(cell.field.name, "")

    def _with(self, kind: str, cell: _Cell, text: str | None, *, filled: bool = True) -> Planted | None:
        """The error that puts a text into a cell; none where the cell is not filled, or contains it."""
        before = self._text(cell)
        if text is None or text == before or (filled and not before):
            return None
        size = size_between(cell.field, before, text)
        if size == 0:  # -0 for 0: no error
            return None
        change = RowChanges({cell.row: {cell.field.name: text}})
        return self._planted(kind, cell, (cell.field.name,), change, size)

    def _unticked(self, kind: str, cell: _Cell) -> Planted | None:
        """The error that leaves every option of a checkbox unticked."""
        if not self._data.is_filled(cell.row, cell.field):
            return None
        columns = self._dictionary.columns_of_field(cell.field)
        return self._planted(kind, cell, (cell.field.name,), RowChanges({cell.row: dict.fromkeys(columns, "0")}))

    def _planted(
        self, kind: str, cell: _Cell, fields: tuple[str, ...], change: RowChanges, size: float | None = None
    ) -> Planted:
        key = self._data.key(cell.row, cell.field.instrument)
        return Planted(kind, key.record, key.event, key.instrument, key.instance, fields, change, size)

    def _no_choice(self, cell: _Cell) -> str | None:
        """A code that the field does not have: that of a choice which was taken out."""
        codes = {one.code for one in (*cell.field.choices, *self._dictionary.missing_data_codes)}
        numbers = [int(code) for code in codes if code.isdecimal()]
        return next(str(number) for number in range(max(numbers, default=0) + 1, 10**9) if str(number) not in codes)

    def _hidden(self, cell: _Cell) -> str | None:
        """What another row holds in a field that is hidden and blank here."""
        shown = self._shown.get(cell.field.name)
        if shown is None or cell.row in shown or self._text(cell) or cell.field.type in ("checkbox", "calc"):
            return None
        others = sorted({self._data.rows[row].get(cell.field.name, "") for row in shown} - {""})
        codes = [one.code for one in cell.field.choices]
        return self._rng.choice(others or codes) if others or codes else None

    def _opened(self, kind: str, cell: _Cell) -> Planted | None:
        """An answer that asks for another field, which stays blank."""
        pairs = self._reads.openers.get(cell.field.name, ())
        blank = [pair for pair in pairs if not self._data.rows[cell.row].get(pair[1], "")]
        if not blank or not self._text(cell):
            return None
        code, asked = self._rng.choice(blank)
        if code == self._text(cell):
            return None
        change = RowChanges({cell.row: {cell.field.name: code}})
        return self._planted(kind, cell, (cell.field.name, asked), change)

    # Dates.

    def _date_from(self, how: DateFrom, cell: _Cell) -> str | None:
        here = date_in(cell.field, self._text(cell))
        anchor = self._anchor(how.anchor, cell, here) if here else None
        if here is None or anchor is None:
            return None
        try:
            moved = anchor + timedelta(days=self._rng.randint(*how.days))
        except OverflowError:
            return None
        return text_of_date(cell.field, moved.replace(hour=here.hour, minute=here.minute, second=here.second))

    def _anchor(self, named: str, cell: _Cell, here: datetime | None) -> datetime | None:
        if named == FROM_NOW:
            return self._now
        record = self._data.rows_of_record[self._data.record_of(cell.row)]
        if named == FROM_EARLIER_EVENT:
            rank = event_rank(self._dictionary)
            event = rank.get(self._data.rows[cell.row][EVENT], 0)
            rows = [row for row in record if rank.get(self._data.rows[row][EVENT], 0) < event]
            found = [date_in(cell.field, self._data.rows[row].get(cell.field.name, "")) for row in rows]
            return max((one for one in found if one), default=None)
        if named == FROM_EARLIER_IN_ROW:
            dated = [one for one in self._dictionary.fields_of(cell.field.instrument) if one.name != cell.field.name]
            found = [date_in(one, self._data.rows[cell.row].get(one.name, "")) for one in dated]
            return max((one for one in found if one and here and one < here), default=None)
        dated = [one for one in self._dictionary.fields if _has(named, f"{one.name} {one.label}")]
        found = [date_in(one, self._data.rows[row].get(one.name, "")) for one in dated for row in record]
        return next((one for one in found if one), None)

    # A whole instrument, a visit, a record.

    def _instruments(self, where: Where) -> Mapping[str, Sequence[int]]:
        """The rows in which each instrument is filled in."""
        found: dict[str, list[int]] = {}
        for row in range(len(self._data.rows)):
            for instrument in self._data.instruments_of_rows[row]:
                fits = not where.instruments or instrument in where.instruments
                at_event = not where.events or self._data.rows[row][EVENT] in where.events
                if fits and at_event and self._filled(row, instrument) >= where.least_fields:
                    found.setdefault(instrument, []).append(row)
        return found

    def _filled(self, row: int, instrument: str) -> int:
        return sum(self._data.is_filled(row, one) for one in self._dictionary.fields_of(instrument))

    def _copied(self, kind: str, how: CopyInstrument, row: int, instrument: str) -> Planted | None:
        record, event = self._data.record_of(row), self._data.rows[row][EVENT]
        same = how.source == "other_event"
        others = [
            other
            for other in self._rows_of_instrument.get(instrument, ())
            if other != row
            and (self._data.record_of(other) == record) == same
            and (self._data.rows[other][EVENT] != event) == same
            and self._filled(other, instrument)
        ]
        if not others:
            return None
        source, before = self._data.rows[self._rng.choice(others)], self._data.rows[row]
        columns = self._dictionary.columns_of(instrument)
        cells = {name: source.get(name, "") for name in columns if source.get(name, "") != before.get(name, "")}
        fields = tuple(
            one.name
            for one in self._dictionary.fields_of(instrument)
            if cells.keys() & set(self._dictionary.columns_of_field(one))
        )
        if not fields:
            return None
        instance = self._data.key(row, instrument).instance
        change = RowChanges({row: cells})
        return Planted(kind, record, event, instrument, instance, fields, change, whole_instrument=True)

    def _visits(self, where: Where) -> Mapping[str, Sequence[int]]:
        """The rows of each event but the first one of a record."""
        rank = event_rank(self._dictionary)
        rows = self._data.rows
        found: dict[str, list[int]] = {}
        first = {
            record: min(rank.get(rows[row][EVENT], 0) for row in numbers)
            for record, numbers in self._data.rows_of_record.items()
        }
        for number, row in enumerate(rows):
            later = rank.get(row[EVENT], 0) > first[self._data.record_of(number)]
            if later and not row[REPEAT_INSTRUMENT] and row[EVENT] in (where.events or (row[EVENT],)):
                found.setdefault(row[EVENT], []).append(number)
        return found

    def _without_visit(self, kind: str, row: int) -> Planted:
        """The error that a visit was never entered: its row, and what repeats in it."""
        record, event = self._data.record_of(row), self._data.rows[row][EVENT]
        instance = self._data.rows[row][REPEAT_INSTANCE]
        gone = [
            one
            for one in self._data.rows_of_record[record]
            if self._data.rows[one][EVENT] == event
            and (self._data.rows[one][REPEAT_INSTRUMENT] or self._data.rows[one][REPEAT_INSTANCE] == instance)
        ]
        fields = dict.fromkeys(one.name for number in gone for one in self._data.fields_in(number))
        return Planted(kind, record, event, "", int(instance or 0), tuple(fields), RowChanges(removed=frozenset(gone)))

    def _duplicate(self, kind: str, row: int) -> Planted:
        """The error that a patient is entered a second time: the rows of the first event under a new id."""
        record = self._data.record_of(row)
        rows = [self._data.rows[number] for number in self._data.rows_of_record[record]]
        rank = event_rank(self._dictionary)
        first = min(rank.get(row[EVENT], 0) for row in rows)
        other, id_field = next_record(self._data.records), self._dictionary.record_id_field
        added = tuple({**row, id_field: other} for row in rows if rank.get(row[EVENT], 0) == first)
        fields = tuple(one.name for one in self._dictionary.fields)
        return Planted(kind, record, added[0][EVENT], "", 0, fields, RowChanges(added=added), pair=(other,))


def shown_rows(data: FlatData, now: datetime) -> Mapping[str, frozenset[int]]:
    """For each field with branching logic that can be read, the rows in which it is shown."""
    branching = [one for one in data.dictionary.fields if one.branching_logic and one.type != "descriptive"]
    blank = Words("", "")
    asked = [
        Rule(f"shown:{one.name}", blank, one.instrument, one.branching_logic, Severity.MINOR, (one.name,))
        for one in branching
    ]
    outcomes = validate(data.snapshot(now), asked, now=now).outcomes
    found = {outcome.rule_id: outcome for outcome in outcomes if outcome.in_scope}
    return {
        rule.fields[0]: frozenset(data.number_of[one.row] for one in found[rule.id].violations)
        for rule in asked
        if rule.id in found
    }


def size_between(field: Field, before: str, after: str) -> float | None:
    """How far a number, or a date in days, was moved; None for what is neither."""
    if field.kind == "number":
        numbers = number_in(field, before), number_in(field, after)
        return float(numbers[1] - numbers[0]) if numbers[0] is not None and numbers[1] is not None else None
    moments = date_in(field, before), date_in(field, after)
    return (moments[1] - moments[0]) / timedelta(days=1) if moments[0] and moments[1] else None


def _has(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in a text; one that is not given always is."""
    return not pattern or re.search(pattern, text, re.IGNORECASE) is not None


def _identity(planted: Planted) -> tuple[object, ...]:
    cells = tuple((row, tuple(sorted(cells.items()))) for row, cells in sorted(planted.change.cells.items()))
    return planted.kind, planted.record, planted.event, planted.instrument, planted.instance, planted.fields, cells
