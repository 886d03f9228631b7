"""Planted errors, and the copies of the data that contain them.

Each error is in a copy of its own as far as its record goes: a copy has at most one error a record, and leaves half
of the records as they are, so that no error hides another and rules across records see mostly clean rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nightround.simulation.drill.flat_data import FlatData, Row
from nightround.simulation.drill.recalculation import Calculations

SHARE = 0.5
"""The share of the records of a copy that contain an error, at most."""


@dataclass(frozen=True)
class RowChanges:
    """What is done to the rows: cells that get another text, rows that go, rows that come."""

    cells: Mapping[int, Mapping[str, str]] = field(default_factory=dict, repr=False)
    removed: frozenset[int] = frozenset()
    added: tuple[Row, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Planted:
    """An error: its kind, the place and the fields of it, the records it concerns, and what it changes.

    `size` is how far a number or a date (days) was moved, None for any other error. `event` of a missing visit is
    that of the visit. `pair` are two records that are one patient.
    """

    kind: str
    record: str
    event: str
    instrument: str
    instance: int
    fields: tuple[str, ...]
    change: RowChanges = field(repr=False)
    size: float | None = None
    pair: tuple[str, ...] = ()
    whole_instrument: bool = False
    """Whether it changed all that an instrument holds in a row."""
    derived: frozenset[str] = frozenset()
    """The calculated fields that follow from it: REDCap works them out anew."""

    @property
    def records(self) -> frozenset[str]:
        """The records it concerns, a new one among them."""
        return frozenset((self.record, *self.pair))


def copies_of(
    data: FlatData, errors: Iterable[Planted], now: datetime
) -> Iterator[tuple[FlatData, tuple[Planted, ...]]]:
    """Copies of the data with the errors that each holds: at most one a record, in at most half of the records."""
    most = max(1, int(len(data.records) * SHARE))
    shared: list[list[Planted]] = []
    for error in errors:
        room = next((some for some in shared if len(some) < most and not any(_clash(error, one) for one in some)), None)
        if room is None:
            shared.append(room := [])
        room.append(error)
    calculations = Calculations(data.dictionary)
    for some in shared:
        copy = data.with_rows(_changed_rows(data, some))
        yield calculations.worked_out(copy, {one.record for one in some if one.derived}, now), tuple(some)


def _clash(one: Planted, other: Planted) -> bool:
    """Whether two errors cannot be in one copy: they concern one record, or both need the next free id."""
    return one.record == other.record or bool(one.pair and other.pair)


def _changed_rows(data: FlatData, errors: Sequence[Planted]) -> Iterator[Row]:
    cells = {row: changed for error in errors for row, changed in error.change.cells.items()}
    removed = frozenset(row for error in errors for row in error.change.removed)
    for number, row in enumerate(data.rows):
        if number not in removed:
            yield {**row, **cells[number]} if number in cells else row
    for error in errors:
        yield from error.change.added
