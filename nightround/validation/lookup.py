"""Where a reference of a rule is read: for each row of a batch, the row of a table that contains the value.

A row reads its own instrument's cells; fields of other instruments of the same event are read from
the base row, fields of another event from that event's base row. A field that repeats elsewhere is
blank unless an instance is named, as REDCap's own rules see it (data_quality_rules: "Custom rules").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nightround.model.snapshot import Snapshot
from nightround.validation.no_value import NoValue
from nightround.validation.smart_variables import smart_values
from nightround.validation.snapshot_rows import NONE, AnchorRows, Mask, Numbers, Positions
from redcap_sync.column_name import AS_TEXT
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Reference
from redcap_sync.logic.events import nearest_event
from redcap_sync.logic.language import RELATIVE_EVENTS
from redcap_sync.logic.switches import DEFAULT_REFERENCE_SWITCHES
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import Table

VISIT_EXISTS = "visit-exists"
"""With an event in front of it: '1' where the record contains anything in that event. No written logic has it."""
ROW_COUNT = "row-count"
"""With an instrument as its code: in how many rows the record has something of it, in the event in front of it or in
all. No written logic has it."""
_SHOWING_NOTHING_ELSE = ("", "value", AS_TEXT)


@dataclass(frozen=True, eq=False)
class Source:
    """Where a column of a batch comes from: a table's column, and for each batch row the row there."""

    table: Table
    column: str
    positions: Positions
    as_text: bool = False
    unticked: Mask | None = None
    """Where an option of a checkbox counts as 0 though the visit has no row; None for what is no such option."""

    def texts_at(self, rows: npt.NDArray[np.intp]) -> list[str]:
        """The exported text of the cells behind some batch rows; '' where there is no such cell."""
        found = self.positions[rows]
        texts = self.table.text[self.column]
        if not len(texts):
            return [""] * len(rows)
        taken = texts.take(np.maximum(found, 0))
        return [text if there else "" for text, there in zip(taken, found >= 0, strict=True)]

    def take(self) -> pd.Series[Any]:
        """The column brought to the batch's rows; as text if a cell cannot be read, so that it is not blank."""
        typed = self.table.typed[self.column]
        as_text = self.as_text or typed.dtype.kind not in "fM" or self._has_unreadable(typed)
        source = self._texts(typed) if as_text else typed
        if self._takes_every_row:
            return source
        there = self.positions >= 0
        absent = np.zeros(len(there), dtype=bool) if self.unticked is None else self.unticked & ~there
        if not len(source):
            return pd.Series(np.where(absent, "0", ""), dtype="str")
        taken = source.take(np.maximum(self.positions, 0)).reset_index(drop=True)
        if there.all():
            return taken
        taken = taken.where(there, "" if as_text else None)
        return taken.mask(absent, "0" if as_text else 0.0) if absent.any() else taken

    def _texts(self, typed: pd.Series[Any]) -> pd.Series[Any]:
        """The cells as they were exported; where logic reads them, a number with a decimal comma has a point."""
        texts = self.table.text[self.column]
        if self.as_text or typed.dtype.kind != "f" or not texts.str.contains(",", regex=False).any():
            return texts
        return texts.where(typed.isna(), texts.str.replace(",", ".", regex=False))

    def _has_unreadable(self, typed: pd.Series[Any]) -> bool:
        filled = pc.sum(pc.not_equal(self.table.cells[self.column], "")).as_py()
        return int(typed.count()) != (filled or 0)

    @property
    def _takes_every_row(self) -> bool:
        count = len(self.positions)
        return count == len(self.table) and count > 0 and bool(np.array_equal(self.positions, np.arange(count)))


@dataclass(eq=False)
class Lookup:
    """Finds, for each row of a batch, the position of the row that has a reference's field; a join is made once."""

    anchors: AnchorRows
    _joins: dict[tuple[str, str, str], Positions] = field(default_factory=dict)
    _parts: dict[str, Numbers] = field(default_factory=dict)

    @property
    def _snapshot(self) -> Snapshot:
        return self.anchors.rows.snapshot

    def source(self, reference: Reference) -> Source:
        """Find where one reference is read for the key rows; raises NoValue where it cannot be."""
        if reference.modifier not in _SHOWING_NOTHING_ELSE:
            raise NoValue("outcome.modifier", modifier=reference.modifier, column=reference.column)
        if reference.field == self._snapshot.dictionary.record_id_field:
            return self._of_rows(reference.field, self.anchors.keys["record"])
        if reference.field == VISIT_EXISTS:
            self._require_event(reference.event)
            return self._of_rows(reference.column, self._exists(reference.event))
        if reference.field == ROW_COUNT:
            return self._of_rows(reference.column, self._count(reference.event, reference.code))
        if reference.is_smart:
            return self._of_rows(reference.column, smart_values(reference.field, self._snapshot, self.anchors.keys))
        table = self.anchors.rows.table_of_column.get(reference.export_column)
        if table is None:
            raise NoValue("outcome.no_field", column=reference.column)
        join = (table.instrument, reference.event, reference.instance)
        if join not in self._joins:
            self._joins[join] = self._positions(*join)
        return Source(
            table,
            reference.export_column,
            self._joins[join],
            as_text=reference.modifier == AS_TEXT,
            unticked=self._unticked(table.instrument, reference),
        )

    def _of_rows(self, column: str, values: pd.Series[str]) -> Source:
        """A value that every row has by itself, and no instrument's table holds."""
        table = Table("", self.anchors.keys, pa.table({column: pa.array(values, TEXT)}), values.to_frame(column))
        return Source(table, column, np.arange(len(self.anchors)))

    def _require_event(self, event: str) -> None:
        if event not in self._snapshot.dictionary.event_names:
            raise NoValue("outcome.no_event", event=event)

    def _exists(self, event: str) -> pd.Series[str]:
        there = self.anchors.rows.records_at(event)[self._part("records")]
        return pd.Series(np.where(there, "1", ""), dtype="str")

    def _count(self, event: str, instrument: str) -> pd.Series[str]:
        """How many rows of an instrument each record has in which something of it was entered."""
        rows, snapshot = self.anchors.rows, self._snapshot
        if instrument not in snapshot.tables:
            raise NoValue("outcome.no_instrument", instrument=instrument)
        if event:
            self._require_event(event)
        numbers = rows.of(instrument)
        entered = _entered(snapshot.tables[instrument], snapshot.dictionary)
        if event:
            entered = entered & (numbers.events == rows.event_numbers[event])
        counts = np.bincount(numbers.records[entered], minlength=len(rows.records))
        return pd.Series(counts[self._part("records")].astype(str), dtype="str")

    def _part(self, name: str) -> Numbers:
        """`records`, `events` or `instances` of the key rows, made once."""
        if name not in self._parts:
            self._parts[name] = self.anchors.part(name)
        return self._parts[name]

    def _positions(self, instrument: str, event: str, instance: str) -> Positions:
        events = self._events(instrument, event)
        instances = self._instances(instrument, events, instance)
        rows = self.anchors.rows
        return rows.of(instrument).find(rows.numbers(self._part("records"), events, instances))

    def _unticked(self, instrument: str, reference: Reference) -> Mask | None:
        """The rows whose base row, were it there, would have the options of a checkbox."""
        dictionary = self._snapshot.dictionary
        field = dictionary.by_name.get(reference.name.field)
        is_box = field is not None and field.type == "checkbox" and reference.modifier != AS_TEXT
        if not (is_box and reference.instance == "" and DEFAULT_REFERENCE_SWITCHES.box_of_an_empty_visit_is_unticked):
            return None
        once = {
            event
            for event in dictionary.events_of(instrument)
            if not dictionary.repeats(event, instrument) and not dictionary.event_repeats(event)
        }
        # The last one is that of NONE, no event.
        places: Mask = np.array([*(name in once for name in self.anchors.rows.events), False])
        return places[self._events(instrument, reference.event)]

    def _events(self, instrument: str, event: str) -> Numbers:
        """The number of the event each row reads from."""
        rows, own = self.anchors.rows, self._part("events")
        dictionary = self._snapshot.dictionary
        if event in ("", "event-name"):
            return own
        if event in RELATIVE_EVENTS:
            known = frozenset(dictionary.event_names)
            having = dictionary.events_of(instrument)
            nearest = [nearest_event(dictionary, event, name, having) if name in known else "" for name in rows.events]
            numbers = [rows.event_numbers.get(name, NONE) if name else NONE for name in nearest]
            return np.array(numbers, dtype=np.int64)[own]
        self._require_event(event)
        return np.full(len(own), rows.event_numbers[event])

    def _instances(self, instrument: str, events: Numbers, selector: str) -> Numbers:
        """The instance each row reads: its own, the base row's 0, or the one that is named."""
        own = self._own_instances(instrument, events)
        if selector in ("", "current-instance"):
            return own
        if selector in ("previous-instance", "next-instance"):
            return np.where(own > 0, own + (1 if selector == "next-instance" else -1), NONE)
        if selector in ("first-instance", "last-instance"):
            last = selector == "last-instance"
            return self.anchors.rows.outermost(instrument, self._part("records"), events, last=last)
        return np.full(len(own), int(selector))

    def _own_instances(self, instrument: str, events: Numbers) -> Numbers:
        dictionary, names = self._snapshot.dictionary, self.anchors.rows.events
        known = frozenset(dictionary.event_names)
        # The last one is that of NONE, no event.
        repeats: Mask = np.array([*(name in known and dictionary.event_repeats(name) for name in names), False])
        same_event = self._part("events") == events
        own = self.anchors.where_instrument(instrument) & same_event
        # Another instrument's row is its base row; in a repeating event, that of the same event instance.
        shared = repeats[events] & same_event
        return np.where(own | shared, self._part("instances"), 0)


def _entered(table: Table, dictionary: Dictionary) -> Mask:
    """The rows in which something of their instrument was entered: a value, or a status beyond its default."""
    fields = dictionary.fields_of(table.instrument)
    boxes = {column for one in fields if one.type == "checkbox" for column in dictionary.columns_of_field(one)}
    *columns, status = dictionary.columns_of(table.instrument)
    found = ~table.text[status].isin(["", "0"]).to_numpy(dtype=bool)
    for column in columns:
        found |= (table.text[column].eq("1") if column in boxes else table.text[column].ne("")).to_numpy(dtype=bool)
    return found
