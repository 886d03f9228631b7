"""Calculated fields worked out anew after an error was typed in, as REDCap does on every save."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from nightround.simulation.drill.flat_data import FlatData, Row
from nightround.simulation.twin.draft import evaluator_of
from nightround.validation.batch import make_batch
from nightround.validation.snapshot_rows import AnchorRows, SnapshotRows
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import references
from redcap_sync.logic.calculated_fields import Calculation, calculation_of

MOST_ROUNDS = 10
"""A calculation that feeds itself through others is left alone after so many rounds."""


@dataclass(frozen=True)
class Calculations:
    """The calculated fields of a project whose formulas can be read."""

    dictionary: Dictionary

    @cached_property
    def by_name(self) -> Mapping[str, Calculation]:
        """The formulas by their fields."""
        found = ((one.name, _calculation(one)) for one in self.dictionary.fields)
        return {name: formula for name, formula in found if formula is not None}

    @cached_property
    def inputs(self) -> Mapping[str, frozenset[str]]:
        """The fields that each formula reads."""
        return {
            name: frozenset(one.field for one in references(formula.expression))
            for name, formula in self.by_name.items()
        }

    def behind(self, names: Collection[str]) -> frozenset[str]:
        """The calculated fields that hang on some fields, through others too."""
        found: set[str] = set()
        waiting = set(names)
        while waiting:
            waiting = {name for name, read in self.inputs.items() if read & waiting} - found
            found |= waiting
        return frozenset(found)

    def worked_out(self, data: FlatData, records: Collection[str], now: datetime) -> FlatData:
        """The data with the calculated fields of some records as their formulas say."""
        wanted = frozenset(records)
        if not (wanted and self.by_name):
            return data
        own = [number for number in range(len(data.rows)) if data.record_of(number) in wanted]
        part = data.with_rows(data.rows[number] for number in own)
        for _ in range(MOST_ROUNDS):
            changes: dict[int, dict[str, str]] = {}
            for number, name, text in self._differing(part, now):
                changes.setdefault(number, {})[name] = text
            if not changes:
                break
            part = part.with_rows(_with(row, changes.get(number)) for number, row in enumerate(part.rows))
        rows = list(data.rows)
        for number, row in zip(own, part.rows, strict=True):
            rows[number] = row
        return data.with_rows(rows)

    def _differing(self, data: FlatData, now: datetime) -> Iterator[tuple[int, str, str]]:
        """The cells that are not what their formulas say."""
        snapshot = SnapshotRows(data.snapshot(now))
        for name, formula in self.by_name.items():
            anchor = AnchorRows(snapshot, (self.dictionary.by_name[name].instrument,))
            batch = make_batch(anchor, "", references(formula.expression), now, threads=1)
            if not len(batch.frame):
                continue
            try:
                found = evaluator_of(batch, now, self.dictionary.missing_codes).values(
                    formula.expression, text=formula.text
                )
            except LogicError:
                continue
            keys = snapshot.snapshot.tables[self.dictionary.by_name[name].instrument]
            for position, text in enumerate(found.to_list()):
                number = data.number_of[keys.row_key(position)]
                if data.rows[number].get(name, "") != text:
                    yield number, name, text


def _with(row: Row, cells: Mapping[str, str] | None) -> Row:
    return {**row, **cells} if cells else row


def _calculation(one: Field) -> Calculation | None:
    try:
        return calculation_of(one)
    except LogicError:
        return None
