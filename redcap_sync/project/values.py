"""The values of a project: one dictionary of stored cells per record, event, repeating instrument and instance.

Only what is stored is kept: a blank is absent, of a checkbox the ticked options alone are there (as
`f___code` = '1'), so a row can be written over its defaults in one step when it is exported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import NamedTuple

DIGITS = re.compile(r"([0-9]+)")
PLAIN = re.compile(r"[0-9A-Za-z_.:+-]*")
"""Text that no file has to quote, whatever is between its cells."""


class ValuePlace(NamedTuple):
    """Where in a record a row lies: instance is 0 where nothing repeats, instrument '' unless it repeats alone."""

    event_id: int
    instrument: str = ""
    instance: int = 0


@dataclass
class StoredRecord:
    """One record: the rows it has, and the unique name of its data access group ('' for none)."""

    rows: dict[ValuePlace, dict[str, str]] = field(default_factory=dict)
    group: str = ""
    locked: set[tuple[ValuePlace, str]] = field(default_factory=set)
    """(place, instrument) that nobody may change."""
    version: int = 0
    """Raised with every change, so that what was made of a record is known to be old."""


def natural_order(name: str) -> tuple[tuple[int, int, str, str], ...]:
    """Order names as people do: 2 before 10, and text by its letters.

    Of two numbers the one with more digits is larger, so none has to be computed, however long it is.
    """
    return tuple(
        (0, len(digits := part.lstrip("0")), digits, part) if part[0] in "0123456789" else (1, 0, part.lower(), "")
        for part in DIGITS.split(name)
        if part
    )


class Values:
    """All records of a project. Every change of a value goes through here."""

    def __init__(self) -> None:
        self._records: dict[str, StoredRecord] = {}
        self._sorted: list[str] | None = None
        self._last_version = 0
        self.changed: set[str] = set()
        """Records touched since the state was last kept on disk."""
        self._plain: dict[str, str] = {}
        """Texts that no file has to quote, each to the one copy that is kept."""
        self.wordy: set[str] = set()
        """Columns in which a text ever stood that a file may have to quote; most hold codes, numbers, dates."""

    def __contains__(self, record: str) -> bool:
        return record in self._records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, record: str) -> StoredRecord:
        return self._records[record]

    def names(self) -> list[str]:
        """Record ids in natural order."""
        if self._sorted is None:
            self._sorted = sorted(self._records, key=natural_order)
        return self._sorted

    def rows(self) -> Iterator[tuple[str, ValuePlace, Mapping[str, str]]]:
        """Every stored row."""
        for name in self.names():
            for place, row in self._records[name].rows.items():
                yield name, place, row

    def stored(self, record: str, place: ValuePlace) -> Mapping[str, str]:
        """What is stored at a place; empty where nothing is."""
        found = self._records.get(record)
        return found.rows.get(place, {}) if found else {}

    def instances(self, record: str, event_id: int, instrument: str) -> list[int]:
        """The instances a repeating instrument (or with '' a repeating event) has."""
        places = self._records[record].rows if record in self._records else {}
        return sorted(p.instance for p in places if p.event_id == event_id and p.instrument == instrument)

    def write(self, record: str, place: ValuePlace, cells: Mapping[str, str]) -> None:
        """Store cells of one row, creating record and row; a blank erases."""
        row = self._touched(record).rows.setdefault(place, {})
        for column, value in cells.items():
            if value == "":
                row.pop(column, None)
            else:
                row[column] = self._plain.get(value) or self._kept(column, value)

    def join_group(self, record: str, group: str) -> None:
        """Put a record into a data access group, or with '' into none."""
        self._touched(record).group = group

    def lock(self, record: str, place: ValuePlace, instrument: str, *, locked: bool = True) -> None:
        """Lock or unlock an instrument of a record."""
        held = self._touched(record).locked
        (held.add if locked else held.discard)((place, instrument))

    def delete(self, record: str) -> None:
        """Forget a record whole."""
        del self._records[record]
        self._sorted = None
        self.changed.add(record)

    def delete_row(self, record: str, place: ValuePlace) -> None:
        """Forget one row; a record without any row is gone."""
        rows = self._touched(record).rows
        rows.pop(place, None)
        if not rows:
            self.delete(record)

    def rename(self, record: str, new_name: str, id_field: str, *, event_ids: Collection[int]) -> None:
        """Give a record another id, in its stored id cells too; rows of other events stay with the old one."""
        old = self._touched(record)
        moved = self._newer(StoredRecord(group=old.group))
        for place in [place for place in old.rows if place.event_id in event_ids]:
            row = old.rows.pop(place)
            moved.rows[place] = {**row, id_field: new_name} if id_field in row else row
        moved.locked = {held for held in old.locked if held[0].event_id in event_ids}
        old.locked -= moved.locked
        if not old.rows:
            del self._records[record]
        self._records[new_name] = moved
        self._sorted = None
        self.changed |= {record, new_name}

    def move_cells(self, record: str, place: ValuePlace, target: ValuePlace, columns: Collection[str]) -> None:
        """Move cells of a row to another place of its record; a row that is empty then is gone."""
        rows = self._touched(record).rows
        source = rows.get(place, {})
        moved = {name: source.pop(name) for name in list(source) if name in columns}
        if moved:
            rows[target] = {**rows.get(target, {}), **moved}
        if not source:
            rows.pop(place, None)

    def put(self, record: str, stored: StoredRecord) -> None:
        """Take over a record as it was kept on disk."""
        for row in stored.rows.values():
            row.update({column: self._kept(column, value) for column, value in row.items()})
        self._records[record] = self._newer(stored)
        self._sorted = None

    def _kept(self, column: str, value: str) -> str:
        """Return the one copy of a text that is kept, however many cells have it: a large export stays in the cache."""
        if PLAIN.fullmatch(value):
            return self._plain.setdefault(value, value)
        self.wordy.add(column)
        return intern(value)

    def _touched(self, record: str) -> StoredRecord:
        self.changed.add(record)
        if record not in self._records:
            self._records[record] = StoredRecord()
            self._sorted = None
        return self._newer(self._records[record])

    def _newer(self, stored: StoredRecord) -> StoredRecord:
        self._last_version += 1
        stored.version = self._last_version
        return stored
