"""The rows of a flat export: one per record and event, one per instance of what repeats.

A row is a copy of its template (the blanks and zeros of its event and instrument, in column order)
with the stored cells written over it: both steps run in C, which keeps a large export cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from redcap_sync.project.layout import ExportColumn
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace

EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
GROUP, SURVEY_IDENTIFIER = "redcap_data_access_group", "redcap_survey_identifier"


@dataclass(frozen=True)
class FlatRow:
    """One row of an export: where it lies, and its cells by column, all text."""

    record: str
    place: ValuePlace
    cells: dict[str, str]


@dataclass(frozen=True)
class Selection:
    """What of a project goes into an export."""

    project: StoredProject
    columns: tuple[ExportColumn, ...]
    records: Sequence[str]
    event_ids: frozenset[int]
    gray_status_blank: bool = False
    with_group: bool = False
    with_survey: bool = False
    keep: Callable[[str, ValuePlace], bool] | None = None
    """Which rows a filter lets through; None for all."""
    hashed_ids: bool = False
    """Whether the record id is an identifier that this user may not see."""

    @cached_property
    def head(self) -> tuple[str, ...]:
        """The redcap_* columns, which are behind the record id and go with it."""
        project = self.project
        if not any(column.name == project.id_field for column in self.columns):
            return ()
        repeating = bool(project.dictionary.repeating)
        there = {
            EVENT: project.longitudinal,
            REPEAT_INSTRUMENT: repeating,
            REPEAT_INSTANCE: repeating,
            GROUP: self.with_group and bool(project.structure.groups),
            SURVEY_IDENTIFIER: self.with_survey and bool(project.structure.surveys),
        }
        return tuple(name for name, shown in there.items() if shown)

    def shown_id(self, record: str) -> str:
        """The record id as this export shows it: a hash where the user may not see identifiers."""
        if not self.hashed_ids:
            return record
        return sha256(f"{self.project.project_id}/{record}".encode()).hexdigest()[:32]

    def wants(self, record: str, place: ValuePlace) -> bool:
        """Say whether a stored row is of an event asked for, and passes the filter."""
        return place.event_id in self.event_ids and (self.keep is None or self.keep(record, place))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All column names in their order."""
        id_field = self.project.id_field
        leading = [column.name for column in self.columns if column.name == id_field]
        return (*leading, *self.head, *self._body())

    def _body(self) -> Iterator[str]:
        unstamped = set(self.project.structure.surveys) if self.with_survey else set()
        for column in self.columns:
            if column.name == self.project.id_field:
                continue
            if column.instrument in unstamped:
                unstamped.remove(column.instrument)
                yield f"{column.instrument}_timestamp"
            yield column.name


def everything(project: StoredProject) -> Selection:
    """Select all there is, as an export by somebody with every right that asks for nothing in particular."""
    columns, records = project.layout.columns, project.values.names()
    return Selection(project, columns, records, event_ids=frozenset(project.event_names))


def places_in_order(project: StoredProject, record: str) -> list[ValuePlace]:
    """The places of a record: by event, the base row before its instances, then by instrument and instance."""
    names = project.event_names
    event_order = {event_id: position for position, event_id in enumerate(names)}
    instrument_order = {"": -1} | {name: position for position, name in enumerate(project.instrument_names)}
    places = (place for place in project.values[record].rows if place.event_id in event_order)
    known = (place for place in places if place.instrument in instrument_order)
    shown = (place for place in known if is_row(project, place, names[place.event_id]))
    return sorted(shown, key=lambda p: (event_order[p.event_id], instrument_order[p.instrument], p.instance))


def is_row(project: StoredProject, place: ValuePlace, event: str) -> bool:
    """Say whether the repeating set-up has such a row; instances of what repeats no longer are kept and not shown."""
    return project.dictionary.repeats(event, place.instrument) == (place.instance > 0)


def flat_rows(selection: Selection) -> Iterator[FlatRow]:
    """Yield the rows of an export in their order."""
    templates = Templates(selection)
    for record in selection.records:
        yield from templates.rows_of(record)


@dataclass(frozen=True)
class _Template:
    defaults: Mapping[str, str]
    applicable: Mapping[str, str]
    """The columns in which a stored value may be shown, with their defaults."""
    closed: frozenset[str]
    """The others: what is stored under their names, before an instrument repeats say, is not shown here."""
    id_column: str
    instance_shown: bool
    group_shown: bool
    corrections: tuple[tuple[str, Callable[[str], str]], ...]

    def fill(self, record: str, place: ValuePlace, stored: Mapping[str, str], group: str) -> dict[str, str]:
        cells = self._over_defaults(stored)
        if self.id_column:
            cells[self.id_column] = record
        if self.instance_shown:
            cells[REPEAT_INSTANCE] = str(place.instance)
        if self.group_shown:
            cells[GROUP] = group
        for name, correct in self.corrections:
            cells[name] = correct(cells[name])
        return cells

    def _over_defaults(self, stored: Mapping[str, str]) -> dict[str, str]:
        """Lay what is stored over the defaults, in the quickest way that leaves out what is not shown here."""
        few = len(self.defaults) * 2 < len(stored)
        if few or not stored.keys().isdisjoint(self.closed):
            found = map(stored.get, self.applicable, self.applicable.values())
            return {**self.defaults, **dict(zip(self.applicable, found, strict=True))}
        cells = {**self.defaults, **stored}
        # What was not asked for is behind all that was.
        while len(cells) > len(self.defaults):
            cells.popitem()
        return cells


class Templates:
    """Makes the rows of an export: one template per event and repeating instrument."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._made: dict[tuple[int, str, bool], _Template | None] = {}

    def rows_of(self, record: str) -> Iterator[FlatRow]:
        """Yield the rows of one record in their order."""
        selection, stored = self._selection, self._selection.project.values[record]
        places = places_in_order(selection.project, record) if len(stored.rows) > 1 else list(stored.rows)
        for place in places:
            template = self._at(place)
            if template is not None and (selection.keep is None or selection.keep(record, place)):
                cells = template.fill(selection.shown_id(record), place, stored.rows[place], stored.group)
                yield FlatRow(record, place, cells)

    def _at(self, place: ValuePlace) -> _Template | None:
        """Return the template of a place; None where the export has no row for it."""
        key = (place.event_id, place.instrument, place.instance > 0)
        if key not in self._made:
            self._made[key] = self._make(place) if place.event_id in self._selection.event_ids else None
        return self._made[key]

    def _make(self, place: ValuePlace) -> _Template | None:
        selection, project = self._selection, self._selection.project
        here = [column for column in selection.columns if applies(project, column, place)]
        # Nothing selected is an empty export, not one row after another without a cell.
        if not selection.columns:
            return None
        if place.instrument and not any(column.instrument == place.instrument for column in here):
            return None
        if not is_row(project, place, project.event_name(place.event_id)):
            return None
        id_field = project.id_field
        head = selection.head
        names = {column.name for column in selection.columns}
        defaults = dict.fromkeys(selection.names, "")
        defaults |= {column.name: self._default(column) for column in here}
        if EVENT in head:
            defaults[EVENT] = project.event_name(place.event_id)
        if REPEAT_INSTRUMENT in head:
            defaults[REPEAT_INSTRUMENT] = place.instrument
        taking = {column.name for column in here} | self._stamps(here, defaults)
        applicable = {name: default for name, default in defaults.items() if name in taking}
        return _Template(
            defaults=defaults,
            applicable=applicable,
            closed=frozenset(defaults.keys() - taking),
            id_column=id_field if id_field in names else "",
            instance_shown=REPEAT_INSTANCE in head and place.instance > 0,
            group_shown=GROUP in head,
            corrections=tuple((column.name, project.documents.name_of) for column in here if column.is_file),
        )

    @staticmethod
    def _stamps(here: list[ExportColumn], defaults: Mapping[str, str]) -> frozenset[str]:
        """Survey columns of a row, which contain values only where the export shows them."""
        names = {f"{column.instrument}_timestamp" for column in here} | {SURVEY_IDENTIFIER}
        return frozenset(names & defaults.keys())

    def _default(self, column: ExportColumn) -> str:
        if column.is_status:
            return "" if self._selection.gray_status_blank else "0"
        return "0" if column.is_checkbox else ""


def applies(project: StoredProject, column: ExportColumn, place: ValuePlace) -> bool:
    """Say whether a column can contain a value at a place."""
    dictionary, event = project.dictionary, project.event_name(place.event_id)
    if place.instrument:
        return column.instrument == place.instrument and column.name != project.id_field
    if column.name == project.id_field:
        return True
    return column.instrument in dictionary.instruments_at(event) and not dictionary.repeats(event, column.instrument)
