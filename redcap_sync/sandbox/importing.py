"""Import of records: every row is checked first, and nothing is stored unless all of them are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redcap_sync.project.flat import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT, SURVEY_IDENTIFIER, applies
from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import EventRow
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.sandbox.rows_in import cell_text
from redcap_sync.sandbox.validation import InvalidValueError, stored_value
from redcap_sync.whole_numbers import whole_number

SPECIAL = (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP, SURVEY_IDENTIFIER)
WRONG_REPEAT_INSTRUMENT = (
    "redcap_repeat_instrument must be the unique form name of a Repeating Instrument. It currently does not match the "
    "unique form name of any Repeating Instruments. Please fix this in the data import file and try again."
)
NEEDLESS_INSTANCE = (
    "redcap_repeat_instance cannot have a value since this instrument or event is not a repeating instrument or "
    "repeating event, respectively. The redcap_repeat_instance field must be left blank for this row of data."
)
# Our own words for a rule that servers do state: of instrument and instance, both are required.
NO_INSTANCE = "redcap_repeat_instance must have a value for the Repeating Instrument named '{instrument}'."
WRONG_INSTANCE = "redcap_repeat_instance must be a positive whole number or 'new'."
UNKNOWN_EVENT = "The event name does not exist in the project."
UNKNOWN_GROUP = "The Data Access Group does not exist in the project."
NOT_DESIGNATED = (
    "This field ('{field}') exists on an instrument that is not designated for the event named '{event}'. "
    "You are not allowed to import data for this field into this event."
)
ON_REPEATING = (
    "This field ('{field}') exists on a Repeating Instrument named '{instrument}'. However, the fields "
    "'redcap_repeat_instance' and/or 'redcap_repeat_instrument' for this row of data have no value, which are both "
    "required for importing data into a Repeating Instrument. You are not allowed to import data for this field into "
    "a non-repeating instrument."
)
# Our own words: what real servers say here is not recorded, but losing a value in silence would be worse.
NOT_ON_REPEATING = (
    "This field ('{field}') does not exist on the Repeating Instrument named '{instrument}'. "
    "You are not allowed to import data for this field into this row of data."
)
LOCKED = "This field is located on an instrument that is locked for this record and cannot be changed."


@dataclass(frozen=True)
class ImportedRow:
    """One row to be stored. A cell '' erases; `group` is None where the row does not speak of it."""

    record: str
    place: ValuePlace
    cells: Mapping[str, str]
    group: str | None = None


@dataclass
class ImportPlan:
    """What an import would do, and the lines that forbid it."""

    changes: list[ImportedRow] = field(default_factory=list)
    errors: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(record, field, value, message)"""

    def refuse_errors(self) -> None:
        """Raise the lines as one error, because an import is taken whole or not at all."""
        if self.errors:
            lines = (",".join('"' + part.replace('"', '""') + '"' for part in line) for line in self.errors)
            raise ApiError("\n".join(lines))


class Importer:
    """Reads the rows of a flat import against a project into a plan."""

    def __init__(self, project: StoredProject, *, overwrite: bool = False, date_format: str = "YMD") -> None:
        self.project = project
        self.overwrite = overwrite
        self.date_format = date_format
        self._plan = ImportPlan()
        self._newest: dict[tuple[str, int, str], int] = {}
        """Highest instance the rows so far name or were given for 'new', by record, event and instrument."""
        self._judged: dict[tuple[str, str], tuple[str, str | None]] = {}
        """What was found of a column's value before: values repeat from row to row."""
        self._welcome: dict[ValuePlace, frozenset[str]] = {}
        """Columns that can contain a value at a kind of place (its instance left out)."""

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> ImportPlan:
        """Check every row; unknown columns and missing ids are refused at once."""
        self._refuse_unknown({name for row in rows for name in row})
        for row in rows:
            self._plan_row({name: cell_text(value) for name, value in row.items()})
        return self._plan

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        project = self.project
        known = {*project.layout.by_name, *SPECIAL, *project.dictionary.by_name}
        known |= {f"{name}_timestamp" for name in project.instrument_names}
        if unknown := sorted(set(names) - known):
            raise ApiError(
                f"The following fields were not found in the project as real data fields: {', '.join(unknown)}"
            )

    def _plan_row(self, row: Mapping[str, str]) -> None:
        project = self.project
        record = row.get(project.id_field, "").strip()
        if not record:
            raise ApiError(f"The record ID field '{project.id_field}' must have a value in every row.")
        event = self._event(record, row.get(EVENT, ""))
        if event is None:
            self._refuse(record, EVENT, row.get(EVENT, ""), UNKNOWN_EVENT)
            return
        place = self._place(record, event, row)
        if place is not None:
            cells = self._cells(record, place, row)
            self._plan.changes.append(ImportedRow(record, place, cells, self._group(record, row)))

    def _event(self, record: str, written: str) -> EventRow | None:
        """The event a row belongs to; one that names none belongs to the first event of the record's arm."""
        if not self.project.longitudinal:
            return self.project.event("")
        return self.project.event(written) if written else self.project.first_event(record)

    def _refuse(self, record: str, name: str, value: str, message: str) -> None:
        self._plan.errors.append((record, name, value, message))

    def _place(self, record: str, event: EventRow, row: Mapping[str, str]) -> ValuePlace | None:
        instrument, instance = row.get(REPEAT_INSTRUMENT, ""), row.get(REPEAT_INSTANCE, "").strip()
        name, dictionary = self.project.event_name(event.event_id), self.project.dictionary
        if instrument and not dictionary.repeats(name, instrument):
            self._refuse(record, REPEAT_INSTRUMENT, instrument, WRONG_REPEAT_INSTRUMENT)
            return None
        place = ValuePlace(event.event_id, instrument)
        if instrument and not instance:
            self._refuse(record, REPEAT_INSTANCE, "", NO_INSTANCE.format(instrument=instrument))
            return None
        if instrument or dictionary.event_repeats(name):
            return self._numbered(record, place, instance or "1")
        if instance:
            self._refuse(record, REPEAT_INSTANCE, instance, NEEDLESS_INSTANCE)
            return None
        return place

    def _numbered(self, record: str, place: ValuePlace, written: str) -> ValuePlace | None:
        key = (record, place.event_id, place.instrument)
        so_far = self._newest.get(key, 0)
        if written == "new":
            instance = max(so_far, *self.project.values.instances(*key), 0) + 1
        else:
            instance = whole_number(written) or 0
        if not instance:
            self._refuse(record, REPEAT_INSTANCE, written, WRONG_INSTANCE)
            return None
        self._newest[key] = max(so_far, instance)
        return place._replace(instance=instance)

    def _group(self, record: str, row: Mapping[str, str]) -> str | None:
        written = row.get(GROUP)
        if written is None or (written == "" and not self.overwrite):
            return None
        if written and self.project.group(written) is None:
            self._refuse(record, GROUP, written, UNKNOWN_GROUP)
        return written

    def _cells(self, record: str, place: ValuePlace, row: Mapping[str, str]) -> dict[str, str]:
        id_field = self.project.id_field
        cells = {} if place.instrument else {id_field: record}
        locked = record in self.project.values and bool(self.project.values[record].locked)
        welcome = self._columns_at(place)
        for name, value in row.items():
            if value == "" and not self.overwrite:
                continue
            column = self.project.layout.by_name.get(name)
            if column is None or name == id_field or _not_imported(column):
                continue
            fine = name in welcome and not locked
            message = None if fine else self._forbidden(record, place, column)
            if message is None:
                message = self._take(cells, column, value)
            elif value == "" or (column.is_checkbox and value == "0"):
                continue
            if message is not None:
                self._refuse(record, name, value, message)
        return cells

    def _columns_at(self, place: ValuePlace) -> frozenset[str]:
        key = place._replace(instance=0)
        if key not in self._welcome:
            columns = self.project.layout.columns
            self._welcome[key] = frozenset(c.name for c in columns if applies(self.project, c, place))
        return self._welcome[key]

    def _take(self, cells: dict[str, str], column: ExportColumn, value: str) -> str | None:
        """Put the value into the cells as it is stored; say what is wrong with it where it cannot be."""
        key = (column.name, value)
        if key not in self._judged:
            self._judged[key] = self._judge(column, value)
        stored, message = self._judged[key]
        if message is None:
            cells[column.name] = stored
        return message

    def _judge(self, column: ExportColumn, value: str) -> tuple[str, str | None]:
        """Return a value as it is stored, and what is wrong with it; an unticked option is stored as nothing."""
        codes = self.project.layout.missing_codes
        try:
            stored = value and stored_value(column, value, date_format=self.date_format, missing_codes=codes)
        except InvalidValueError as wrong:
            return "", str(wrong)
        return ("" if column.is_checkbox and stored == "0" else stored), None

    def _forbidden(self, record: str, place: ValuePlace, column: ExportColumn) -> str | None:
        """Say in REDCap's words why a column cannot contain a value in this row; None where it can."""
        name, dictionary = self.project.event_name(place.event_id), self.project.dictionary
        if column.instrument not in dictionary.instruments_at(name):
            return not_designated(self.project, column, place.event_id)
        if place.instrument and column.instrument != place.instrument:
            return NOT_ON_REPEATING.format(field=column.name, instrument=place.instrument)
        if not place.instrument and dictionary.repeats(name, column.instrument):
            return ON_REPEATING.format(field=column.name, instrument=column.instrument)
        held = self.project.values[record].locked if record in self.project.values else ()
        return LOCKED if (place, column.instrument) in held else None


def not_designated(project: StoredProject, column: ExportColumn, event_id: int) -> str:
    """Name the event that a column's instrument does not belong to."""
    event = next(event for event in project.structure.events if event.event_id == event_id)
    arm = next(arm for arm in project.structure.arms if arm.number == event.arm)
    return NOT_DESIGNATED.format(field=column.name, event=f"{event.name} (Arm {arm.number}: {arm.name})")


def _not_imported(column: ExportColumn) -> bool:
    """Computed values and documents come with a re-imported export and are passed over."""
    return column.is_file or (column.field is not None and column.field.type == "calc")
