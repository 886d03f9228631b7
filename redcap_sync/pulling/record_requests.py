"""Asks for records and looks at every answer: ids and columns must be those asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from redcap_sync.api.answers import AskedTooMuch, BrokenAnswer, TooSlow, UnreadableAnswer
from redcap_sync.api.client import RedcapClient, Row
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.export_rights import missing_columns, strange_columns, unknown_columns, unseen_columns
from redcap_sync.pulling.record_groups import Groups, GroupsDiffer, check_groups, hidden_from_member
from redcap_sync.rows.export_rows import (
    ExportRows,
    Places,
    is_doubtful,
    no_rows,
    rows_from_csv,
    rows_from_json,
)
from redcap_sync.rows.tables import Unseen

Keep = Callable[[bytes, str], None]
"""Called with the body of each good answer and its format, csv or json."""
PROBED = 10
Answer = TypeVar("Answer")


@dataclass
class RecordRequests:
    """Asks for records of one project; threads may share it.

    `unseen` is what the token's user may not export: worked out from the first answer where it is None.
    """

    client: RedcapClient
    dictionary: Dictionary
    levels: dict[str, int] | None = None
    unseen: tuple[Unseen, ...] | None = None
    csv_agrees: bool | None = None
    """Whether CSV says the same as JSON on this server; None before it was tried."""
    groups_due: bool | None = None
    """Whether the export must have the column of data access groups; None before that is known."""
    groups: Groups | None = None
    """The group of each record that is in one, as the last call for the ids said; None where that is not shown."""
    keep: Keep | None = None
    turns: AbstractContextManager[Any] = field(default_factory=nullcontext)
    """Taken for the time of a call for records: a semaphore lets some threads read while others are on the line."""
    asked: int = 0
    """Records asked for so far, repeated ones among them."""
    _lock: Lock = field(default_factory=Lock)
    _names: tuple[str, ...] = ()
    """The columns of the answer before, which were found to be in order."""

    @property
    def id_field(self) -> str:
        """The name of the record id field."""
        return self.dictionary.record_id_field

    @property
    def in_a_group(self) -> bool:
        """Whether the token's user must be in a data access group."""
        return hidden_from_member(self.dictionary.groups, self.groups)

    @property
    def all_unseen(self) -> tuple[Unseen, ...]:
        """What the user may not export: where no row came that could show it, what the rights alone say."""
        if self.unseen is not None or self.levels is None:
            return self.unseen or ()
        every = {column for one in self.dictionary.instruments for column in self.dictionary.columns_of(one.name)}
        return unseen_columns(self.dictionary, every, self.levels)

    def records(self, ids: Sequence[str], splittable: bool) -> ExportRows:  # noqa: FBT001 - called by `Batches`
        """Every row of some records that are there."""
        return (self._from_csv if self.csv_agrees else self._from_json)(ids, splittable=splittable)

    def _from_csv(self, ids: Sequence[str], *, splittable: bool) -> ExportRows:
        body = self._call(self.client.records_csv, ids, splittable=splittable)
        if (rows := self._read_csv(body)) is None:
            return self._from_json(ids, splittable=splittable)
        return self._good(ids, rows, lambda: body, "csv")

    def _from_json(self, ids: Sequence[str], *, splittable: bool) -> ExportRows:
        answer = self._call(self.client.records, ids, splittable=splittable)
        return self._good(ids, self._rows_of(answer), lambda: json.dumps(answer).encode(), "json")

    def _call(self, export: Callable[..., Answer], ids: Sequence[str], *, splittable: bool) -> Answer:
        with self._lock:
            self.asked += len(ids)
        with self.turns:
            return export(ids, [instrument.name for instrument in self.dictionary.instruments], splittable=splittable)

    def _good(self, ids: Sequence[str], rows: ExportRows, body: Callable[[], bytes], kind: str) -> ExportRows:
        self.check(ids, rows)
        if self.keep is not None:
            self.keep(body(), kind)
        return rows

    def _read_csv(self, body: bytes) -> ExportRows | None:
        """Read CSV that leaves no doubt; None where JSON has to say it."""
        if is_doubtful(body):
            return None
        try:
            return rows_from_csv(self.id_field, body)
        except BrokenAnswer:
            return None

    def read(self, body: bytes, kind: str) -> ExportRows:
        """Read an answer that was kept, and look at its columns as at any other."""
        rows = rows_from_csv(self.id_field, body) if kind == "csv" else self._rows_of(json.loads(body))
        self.check(rows.records(), rows)
        return rows

    def _rows_of(self, answer: Sequence[Row]) -> ExportRows:
        return rows_from_json(self.id_field, answer) if answer else no_rows(self.id_field)

    def probe(self, ids: Sequence[str]) -> None:
        """Ask for a few records in both formats: CSV is relied on only if it says the same as JSON.

        Servers differ in how they quote, guard and delimit CSV; JSON is beyond doubt but five times as long.
        """
        few = ids[:: max(1, len(ids) // PROBED)]
        with ThreadPoolExecutor(1) as aside:
            plain = aside.submit(self._from_json, few, splittable=True)
            try:
                shorter = self._from_csv(few, splittable=True)
                self.csv_agrees = shorter.columns.equals(plain.result().columns)
            except (AskedTooMuch, BrokenAnswer, TooSlow, UnreadableAnswer):
                self.csv_agrees = False

    def check(self, ids: Collection[str], rows: ExportRows) -> None:
        """Raise ExportIncomplete for records nobody asked for, and for columns that are not those of the dictionary.

        A column that a missing right explains may lack.
        """
        if not len(rows):
            return
        if strangers := set(rows.records()) - set(ids):
            raise ExportIncomplete("pull.strangers", asked=len(ids), others=len(strangers))
        with self._lock:
            if rows.names == self._names:
                return
            if unknown := unknown_columns(self.dictionary, rows.names):
                raise strange_columns(unknown)
            found = unseen_columns(self.dictionary, set(rows.names), self.levels)
            if self.unseen is None:
                self.unseen = found
            elif hidden := {c for one in found for c in one.columns} - {c for u in self.unseen for c in u.columns}:
                raise missing_columns(sorted(hidden))
            self._names = rows.names

    def row_keys(self, *, surely: bool = False) -> dict[str, Places]:
        """Which rows every record has, by record, from one call for the id and what makes instances visible.

        The call tells every record's group too. As CSV where nothing speaks against it: an id that came in
        disguise would not be found again, and the next look is `surely` in JSON.
        """
        names = key_fields(self.dictionary, self.unseen or ())
        rows = None if surely or self.csv_agrees is False else self._read_csv(self.client.row_keys_csv(names))
        if rows is None or not self._is_sound(rows):
            rows = self._rows_of(self.client.row_keys(names))
            _check_ids(rows)
        self._take_groups(rows)
        return rows.places()

    def _is_sound(self, rows: ExportRows) -> bool:
        """Say whether ids and groups that came as CSV leave no doubt."""
        try:
            check_groups(rows.groups, self.dictionary.groups, due=self.groups_due)
        except GroupsDiffer:
            return False
        return len(rows) > 0 and all(rows.records())

    def _take_groups(self, rows: ExportRows) -> None:
        """Take the group of every record; raises GroupsDiffer where it is not what must be."""
        column, listed = rows.groups, self.dictionary.groups
        if len(rows):  # an export without a row has no columns that could say anything
            check_groups(column, listed, due=self.groups_due)
            self.groups_due = column is not None
        self.groups = {} if listed == () or not len(rows) else column


def key_fields(dictionary: Dictionary, unseen: Collection[Unseen] = ()) -> list[str]:
    """The fields that make every row of a record visible: its id, and the status of each instrument that repeats.

    A record of which nothing but instances was entered has no row in an export of its id alone.
    """
    repeating = {instrument for _, instrument in dictionary.repeating} - {""}
    statuses = [f"{one.name}_complete" for one in dictionary.instruments if one.name in repeating]
    hidden = {column for one in unseen for column in one.columns}
    return [dictionary.record_id_field, *(name for name in statuses if name not in hidden)]


def _check_ids(rows: ExportRows) -> None:
    """Raise ExportIncomplete for a row without a record id."""
    if not all(rows.records()):
        raise ExportIncomplete("pull.no_id")
