"""Where a reference of a rule is read: for each row of a batch, the row of a table that holds the value.

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

from nightround.model.snapshot import Snapshot
from nightround.validation.smart_variables import smart_values
from redcap_sync.column_name import AS_TEXT
from redcap_sync.logic import Reference
from redcap_sync.logic.events import nearest_event
from redcap_sync.logic.language import RELATIVE_EVENTS
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import Table

Positions = npt.NDArray[np.intp]
"""Row positions in a table; -1 where there is no such row."""
VISIT_EXISTS = "visit-exists"
"""With an event in front of it: '1' where the record holds anything in that event. No written logic has it."""
_SHOWING_NOTHING_ELSE = ("", "value", AS_TEXT)
_NOWHERE = "\0"
_NO_INSTANCE = -1


@dataclass(frozen=True, eq=False)
class Source:
    """Where a column of a batch comes from: a table's column, and for each batch row the row there."""

    table: Table
    column: str
    positions: Positions
    as_text: bool = False

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
        typed, text = self.table.typed[self.column], self.table.text[self.column]
        has_unreadable = bool((typed.isna() & text.ne("")).any())
        source = text if self.as_text or has_unreadable or typed.dtype.kind not in "fM" else typed
        there = self.positions >= 0
        if not len(source):
            return pd.Series([""] * len(there), dtype="str")
        taken = source.take(np.maximum(self.positions, 0)).reset_index(drop=True)
        return taken if there.all() else taken.where(there, "" if source is text else None)


@dataclass(eq=False)
class Lookup:
    """Finds, for each key row, the position of the row that holds a reference's field; each join is made once."""

    snapshot: Snapshot
    keys: pd.DataFrame
    _joins: dict[tuple[str, str, str], Positions] = field(default_factory=dict)

    def source(self, reference: Reference) -> Source:
        """Find where one reference is read for the key rows; raises KeyError with the reason where it cannot be."""
        if reference.modifier not in _SHOWING_NOTHING_ELSE:
            raise KeyError(f"the modifier :{reference.modifier} changes how a value is shown: {reference.column}")
        if reference.field == self.snapshot.dictionary.record_id_field:
            return self._of_rows(reference.field, self.keys["record"])
        if reference.field == VISIT_EXISTS:
            return self._of_rows(reference.column, self._exists(reference.event))
        if reference.is_smart:
            return self._of_rows(reference.column, smart_values(reference.field, self.snapshot, self.keys))
        table = self._table_of(reference)
        join = (table.instrument, reference.event, reference.instance)
        if join not in self._joins:
            self._joins[join] = self._positions(table, reference.event, reference.instance)
        return Source(table, reference.export_column, self._joins[join], as_text=reference.modifier == AS_TEXT)

    def _of_rows(self, column: str, values: pd.Series[str]) -> Source:
        """A value that every row has by itself, and no instrument's table holds."""
        table = Table("", self.keys, pa.table({column: pa.array(values, TEXT)}), values.to_frame(column))
        return Source(table, column, np.arange(len(self.keys)))

    def _exists(self, event: str) -> pd.Series[str]:
        tables = (table.keys for table in self.snapshot.tables.values())
        held = {record for keys in tables for record in keys["record"][keys["event"].eq(event)]}
        return self.keys["record"].isin(held).map({True: "1", False: ""}).astype("str")

    def _table_of(self, reference: Reference) -> Table:
        for table in self.snapshot.tables.values():
            if reference.export_column in table.text:
                return table
        raise KeyError(f"the project has no field for {reference.column}")

    def _positions(self, table: Table, event: str, instance: str) -> Positions:
        wanted = pd.DataFrame({"record": self.keys["record"], "event": self._events(table, event)})
        wanted["instance"] = self._instances(table, wanted, instance)
        positions = pd.MultiIndex.from_frame(table.keys[["record", "event", "instance"]]).get_indexer(
            pd.MultiIndex.from_frame(wanted)
        )
        return np.asarray(positions, dtype=np.intp)

    def _events(self, table: Table, event: str) -> pd.Series[str]:
        """The event each row reads from."""
        dictionary = self.snapshot.dictionary
        if event in ("", "event-name"):
            return self.keys["event"]
        if event in RELATIVE_EVENTS:
            nearest = {
                name: nearest_event(dictionary, event, name, dictionary.events_of(table.instrument)) or _NOWHERE
                for name in dictionary.event_names
            }
            return self.keys["event"].map(nearest).fillna(_NOWHERE).astype("str")
        if event not in dictionary.event_names:
            raise KeyError(f"the project has no event {event!r}")
        return pd.Series(event, index=self.keys.index, dtype="str")

    def _instances(self, table: Table, wanted: pd.DataFrame, selector: str) -> pd.Series[int]:
        """The instance each row reads: its own, the base row's 0, or the one that is named."""
        own = self._own_instances(table, wanted["event"])
        if selector in ("", "current-instance"):
            return own
        if selector in ("previous-instance", "next-instance"):
            step = 1 if selector == "next-instance" else -1
            return (own + step).where(own.gt(0), _NO_INSTANCE)
        if selector in ("first-instance", "last-instance"):
            return _outermost(table, wanted, last=selector == "last-instance")
        return pd.Series(int(selector), index=self.keys.index)

    def _own_instances(self, table: Table, events: pd.Series[str]) -> pd.Series[int]:
        dictionary = self.snapshot.dictionary
        repeats = events.map({name: dictionary.event_repeats(name) for name in dictionary.event_names})
        same_event = self.keys["event"].eq(events)
        own = self.keys["instrument"].eq(table.instrument) & same_event
        # Another instrument's row is its base row; in a repeating event, that of the same event instance.
        shared = repeats.eq(True) & same_event
        return self.keys["instance"].where(own | shared, 0)


def _outermost(table: Table, wanted: pd.DataFrame, *, last: bool) -> pd.Series[int]:
    groups = table.keys.groupby(["record", "event"])["instance"]
    found = groups.max() if last else groups.min()
    rows = pd.MultiIndex.from_frame(wanted[["record", "event"]])
    return pd.Series(found.reindex(rows, fill_value=_NO_INSTANCE).to_numpy(), index=wanted.index)
