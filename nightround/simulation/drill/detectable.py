"""The detectable size of each number and date: how far a value must move before the rules see it.

It is stated from the rules and the clean data alone, before any error is planted: values of some records are moved
by sizes that double, up and down, each in a record of its own, and the rules that look at one record judge them all
at once. The detectable size is the least from which on every size is seen in at least 95% of the values.
Rules that compare records with one another are left out, so a size that is stated is never too small by them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from nightround.model.rule import Rule
from nightround.simulation.drill.attribution import Alarm, alarms_of
from nightround.simulation.drill.flat_data import FlatData, Row
from nightround.simulation.drill.recalculation import Calculations
from nightround.simulation.drill.value_changes import date_in, number_in, text_of_date, text_of_number
from nightround.simulation.drill.what_rules_read import RuleReads, within_records
from nightround.validation.run import validate
from redcap_sync.dictionary import Field

VALUES = 20
"""So many values of a field are moved."""
SEEN = 0.95
REACH = 100
"""Numbers are moved by up to so many times the largest value of their field."""
GROWTH = 4
PARTS = (Decimal("0.375"), Decimal("0.5"), Decimal("0.75"))
"""Sizes between two of those that grow by `GROWTH`, as parts of the greater one."""
LONGEST = timedelta(days=40 * 365)
"""Dates are moved by up to so much."""
DIRECTIONS = (1, -1)


@dataclass(frozen=True)
class Detectable:
    """The least move of a field's values that is seen, upwards and downwards; None where none is.

    `unit` is "days" of dates, '' of numbers, `step` the least move there is.
    """

    field: str
    up: float | None
    down: float | None
    step: float
    unit: str

    def is_beyond(self, size: float) -> bool:
        """Whether an error of that size is at least as large as what is seen."""
        limit = self.up if size > 0 else self.down
        return limit is not None and abs(size) >= limit


@dataclass(frozen=True)
class _Probe:
    field: str
    size: Decimal
    record: str
    base: str


def detectable_sizes(data: FlatData, reads: RuleReads, now: datetime, rng: random.Random) -> tuple[Detectable, ...]:
    """The detectable size of every field that contains numbers or dates and is filled anywhere."""
    measured = [found for one in data.dictionary.fields if (found := _measured(data, one, rng)) is not None]
    names = frozenset(one.field.name for one in measured)
    rules = [rule for rule in within_records(reads.rules) if reads.fields(rule.id) & names]
    judge = _Judge(data, reads, rules, now)
    seen: dict[tuple[str, Decimal], float] = {}
    for sizes in (_coarse, _between):
        seen |= judge.seen({one: sizes(one, seen) for one in measured})
    return tuple(_stated(one, seen) for one in measured)


@dataclass(frozen=True, eq=False)
class _Measured:
    """A field, the rows whose values are moved, the least step of them, and how far they are moved."""

    field: Field
    rows: tuple[int, ...]
    step: Decimal
    reach: Decimal


def _measured(data: FlatData, one: Field, rng: random.Random) -> _Measured | None:
    if not _is_measured(one) or one.name == data.dictionary.record_id_field:
        return None
    filled = [number for number in range(len(data.rows)) if _can_move(data, number, one)]
    if not filled:
        return None
    numbers = _numbers(data, one, filled)
    step = _step(numbers)
    reach = REACH * max([step, *map(abs, numbers)]) if one.kind == "number" else Decimal(LONGEST.days)
    return _Measured(one, tuple(rng.sample(filled, min(VALUES, len(filled)))), step, reach)


def _coarse(one: _Measured, _: Mapping[tuple[str, Decimal], float]) -> list[Decimal]:
    """Sizes that grow fast, both ways."""
    most = int((one.reach / one.step).log10() / Decimal(GROWTH).log10())
    return [sign * one.step * GROWTH**power for power in range(most + 1) for sign in DIRECTIONS]


def _between(one: _Measured, seen: Mapping[tuple[str, Decimal], float]) -> list[Decimal]:
    """Sizes between the least that is seen and the one before it."""
    limits = [(sign, limit) for sign in DIRECTIONS if (limit := _limit(one.field.name, sign, seen)) is not None]
    steps = {(sign, int(part * limit / one.step)) for sign, limit in limits for part in PARTS}
    return [sign * one.step * multiple for sign, multiple in sorted(steps) if multiple]


def _is_measured(one: Field) -> bool:
    return one.type in ("text", "slider") and one.kind in ("number", "date", "datetime")


def _can_move(data: FlatData, number: int, one: Field) -> bool:
    if one.instrument not in data.instruments_of_rows[number]:
        return False
    text = data.rows[number].get(one.name, "")
    return (number_in(one, text) if one.kind == "number" else date_in(one, text)) is not None


def _step(numbers: Sequence[Decimal]) -> Decimal:
    """The least move: one of the last decimal that the values have; a day, where there are no numbers."""
    exponents = [exponent for one in numbers if isinstance(exponent := one.as_tuple().exponent, int)]
    return Decimal(1).scaleb(min(min(exponents, default=0), 0))


def _numbers(data: FlatData, one: Field, rows: Sequence[int]) -> tuple[Decimal, ...]:
    if one.kind != "number":
        return ()
    found = (number_in(one, data.rows[row].get(one.name, "")) for row in rows)
    return tuple(number for number in found if number is not None)


def _moved(data: FlatData, one: Field, number: int, size: Decimal) -> str | None:
    """A value moved by a size; None where the calendar ends."""
    text = data.rows[number].get(one.name, "")
    value, moment = number_in(one, text), date_in(one, text)
    if one.kind == "number":
        return None if value is None else text_of_number(one, value + size)
    try:
        return None if moment is None else text_of_date(one, moment + timedelta(days=float(size)))
    except OverflowError:
        return None


def _copy(data: FlatData, number: int, record: str, name: str, text: str) -> Iterator[Row]:
    """The rows of a record under another id, with one value changed."""
    id_field = data.dictionary.record_id_field
    for other in data.rows_of_record[data.record_of(number)]:
        row = {**data.rows[other], id_field: record}
        yield {**row, name: text} if other == number else row


class _Judge:
    """Moves values, each in a record of its own, and asks the rules that look at one record alone."""

    def __init__(self, data: FlatData, reads: RuleReads, rules: Sequence[Rule], now: datetime) -> None:
        self._data, self._reads, self._rules, self._now = data, reads, rules, now
        self._calculations = Calculations(data.dictionary)
        self._known = {(one.rule_id, one.row) for one in self._alarms(data)}

    def seen(self, sizes: Mapping[_Measured, Sequence[Decimal]]) -> Mapping[tuple[str, Decimal], float]:
        """The share of the values of each field that a rule which reads it sees, by the size of the move."""
        rows: list[Row] = []
        probes: list[_Probe] = []
        for one, size, number in (
            (m, size, number) for m, found in sizes.items() for size in found for number in m.rows
        ):
            text = _moved(self._data, one.field, number, size)
            if text is not None:
                record = str(len(probes) + 1)
                probes.append(_Probe(one.field.name, size, record, self._data.record_of(number)))
                rows.extend(_copy(self._data, number, record, one.field.name, text))
        asked: dict[str, list[Alarm]] = {}
        moved = self._calculations.worked_out(self._data.with_rows(rows), self._derived(probes), self._now)
        for alarm in self._alarms(moved) if rows else ():
            asked.setdefault(alarm.row.record, []).append(alarm)
        found: dict[tuple[str, Decimal], list[bool]] = {}
        for probe in probes:
            saw = any(self._is_fresh(alarm, probe) for alarm in asked.get(probe.record, ()))
            found.setdefault((probe.field, probe.size), []).append(saw)
        return {place: sum(saw) / len(saw) for place, saw in found.items()}

    def _derived(self, probes: Sequence[_Probe]) -> frozenset[str]:
        """The records in which calculated fields follow from the value that was moved."""
        inputs = frozenset().union(*self._calculations.inputs.values())
        return frozenset(probe.record for probe in probes if probe.field in inputs)

    def _is_fresh(self, alarm: Alarm, probe: _Probe) -> bool:
        before = (alarm.rule_id, alarm.row._replace(record=probe.base))
        return probe.field in self._reads.fields(alarm.rule_id) and before not in self._known

    def _alarms(self, data: FlatData) -> frozenset[Alarm]:
        violations = validate(data.snapshot(self._now), self._rules, now=self._now).violations
        return alarms_of(violations, self._reads)


def _stated(one: _Measured, seen: Mapping[tuple[str, Decimal], float]) -> Detectable:
    up, down = (_limit(one.field.name, sign, seen) for sign in DIRECTIONS)
    unit = "" if one.field.kind == "number" else "days"
    return Detectable(one.field.name, _number(up), _number(down), float(one.step), unit)


def _number(size: Decimal | None) -> float | None:
    return None if size is None else float(size)


def _limit(name: str, sign: int, seen: Mapping[tuple[str, Decimal], float]) -> Decimal | None:
    """The least size from which on every larger one is seen."""
    limit = None
    for size in sorted((abs(size) for field, size in seen if field == name and size * sign > 0), reverse=True):
        if seen[name, sign * size] < SEEN:
            break
        limit = size
    return limit
