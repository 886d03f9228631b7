"""The data of a study as the rows of a flat export, which a drill copies and changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from nightround.model.snapshot import Snapshot
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.project.flat import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from redcap_sync.rows.tables import RowKey, tables_from_records
from redcap_sync.write_back.query_instrument import data_rows

Row = Mapping[str, str]
STUDY = "drill"
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True)
class FlatData:
    """Rows of a flat export, every cell as text; the columns of the key are in each."""

    dictionary: Dictionary
    rows: tuple[Row, ...]
    groups: Mapping[str, str] | None = None

    @classmethod
    def of_rows(
        cls, dictionary: Dictionary, rows: Iterable[Mapping[str, str]], groups: Mapping[str, str] | None = None
    ) -> FlatData:
        """Rows of an export, or of an import, in which columns of the key may be left out; questions are no data."""
        blank = {EVENT: "", REPEAT_INSTRUMENT: "", REPEAT_INSTANCE: ""}
        kept = data_rows(dictionary, rows)
        return cls(dictionary, tuple({**blank, **row} for row in kept), groups)

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> FlatData:
        """The rows of a snapshot."""
        dictionary = snapshot.dictionary
        rows: dict[RowKey, dict[str, str]] = {}
        for instrument, table in snapshot.tables.items():
            columns = {name: table.text[name].tolist() for name in table.column_names}
            for position in range(len(table)):
                key = table.row_key(position)
                repeated = instrument if dictionary.repeats(key.event, instrument) else ""
                row = rows.setdefault(key._replace(instrument=repeated), _head(dictionary, key, repeated))
                row.update({name: cells[position] for name, cells in columns.items()})
        return cls(dictionary, tuple(rows.values()), snapshot.groups)

    def with_rows(self, rows: Iterable[Row]) -> FlatData:
        """The same project with other rows."""
        return FlatData(self.dictionary, tuple(rows), self.groups)

    def snapshot(self, now: datetime) -> Snapshot:
        """The rows as the judge reads them."""
        tables = tables_from_records(self.dictionary, self.rows)
        return Snapshot(STUDY, STUDY, now, "", self.dictionary, tables, groups=self.groups)

    @cached_property
    def records(self) -> tuple[str, ...]:
        """The ids of the records, in the order of the rows."""
        return tuple(dict.fromkeys(self.record_of(number) for number in range(len(self.rows))))

    @cached_property
    def rows_of_record(self) -> Mapping[str, tuple[int, ...]]:
        """The numbers of the rows of each record."""
        found: dict[str, list[int]] = {}
        for number in range(len(self.rows)):
            found.setdefault(self.record_of(number), []).append(number)
        return {record: tuple(numbers) for record, numbers in found.items()}

    @cached_property
    def instruments_of_rows(self) -> tuple[tuple[str, ...], ...]:
        """The instruments that each row holds."""
        return tuple(self._instruments(row) for row in self.rows)

    @cached_property
    def number_of(self) -> Mapping[RowKey, int]:
        """The number of the row by the key of an instrument in it."""
        return {
            self.key(number, instrument): number
            for number in range(len(self.rows))
            for instrument in self.instruments_of_rows[number]
        }

    def record_of(self, number: int) -> str:
        """The record of a row."""
        return self.rows[number][self.dictionary.record_id_field]

    def key(self, number: int, instrument: str) -> RowKey:
        """The key of an instrument in a row."""
        row = self.rows[number]
        instance = int(row[REPEAT_INSTANCE] or 0)
        return RowKey(self.record_of(number), row[EVENT], instrument, instance)

    def is_filled(self, number: int, field: Field) -> bool:
        """Whether a field contains anything in a row; of a checkbox, whether an option is ticked."""
        cells = (self.rows[number].get(column, "") for column in self.dictionary.columns_of_field(field))
        return any(cell not in ("", "0") if field.type == "checkbox" else cell != "" for cell in cells)

    def fields_in(self, number: int) -> Iterator[Field]:
        """The fields that a row can hold, without the record id."""
        for instrument in self.instruments_of_rows[number]:
            yield from self.dictionary.fields_of(instrument)

    def last_date(self) -> datetime | None:
        """The latest day that any date holds."""
        dated = [one.name for one in self.dictionary.fields if one.kind in ("date", "datetime")]
        found = (DATE.match(row.get(name, "")) for row in self.rows for name in dated)
        days = [day for one in found if one and (day := _day(one.group()))]
        return max(days, default=None)

    def _instruments(self, row: Row) -> tuple[str, ...]:
        if row[REPEAT_INSTRUMENT]:
            return (row[REPEAT_INSTRUMENT],)
        event = row[EVENT]
        return tuple(name for name in self.dictionary.instruments_at(event) if not self.dictionary.repeats(event, name))


def _head(dictionary: Dictionary, key: RowKey, repeated: str) -> dict[str, str]:
    return {
        dictionary.record_id_field: key.record,
        EVENT: key.event,
        REPEAT_INSTRUMENT: repeated,
        REPEAT_INSTANCE: str(key.instance) if key.instance else "",
    }


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def event_rank(dictionary: Dictionary) -> Mapping[str, int]:
    """The place of each event in the order of the project."""
    return {event: place for place, event in enumerate(dictionary.event_names)}


def next_record(records: Sequence[str]) -> str:
    """An id that no record has: the next number, or one behind a letter where ids are no numbers."""
    numbers = [int(one) for one in records if one.isascii() and one.isdecimal()]
    candidate = str(max(numbers, default=0) + 1)
    return candidate if numbers else f"D{len(records) + 1}"
