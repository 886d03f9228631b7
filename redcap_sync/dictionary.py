"""The structure of a project: its fields, instruments, events, and what repeats.

It is built from what REDCap says of the project (metadata, mapping, repeating set-up),
never from the rows of an export, because a field nobody filled yet is a field all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from redcap_sync.choice_list import listed_choices, read_choices
from redcap_sync.column_name import checkbox_column
from redcap_sync.errors import ExportIncomplete
from redcap_sync.missing_codes import MissingCodes
from redcap_sync.whole_numbers import whole_number

NUMBER_VALIDATIONS = frozenset({"integer", "number", "int", "float"} | {f"number_{n}dp" for n in range(1, 5)})
COMMA_NUMBER_VALIDATIONS = frozenset({"number_comma_decimal"} | {f"number_{n}dp_comma_decimal" for n in range(1, 5)})
DATE_FORMATS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M", "datetime_seconds": "%Y-%m-%d %H:%M:%S"}
YES_NO = (("1", "Yes"), ("0", "No"))
TRUE_FALSE = (("1", "True"), ("0", "False"))
_CHINESE = re.compile("[\u3400-\u9fff]")
COMPLETE_STATES = (("0", "Incomplete"), ("1", "Unverified"), ("2", "Complete"))


@dataclass(frozen=True)
class Choice:
    """One answer of a choice field: the stored code and the text shown for it."""

    code: str
    label: str


@dataclass(frozen=True)
class Field:
    """One row of the data dictionary, in the words of `content=metadata`."""

    name: str
    instrument: str
    type: str
    label: str = ""
    choices: tuple[Choice, ...] = ()
    calculation: str = ""
    section_header: str = ""
    note: str = ""
    validation: str = ""
    minimum: str = ""
    maximum: str = ""
    identifier: bool = False
    branching_logic: str = ""
    required: bool = False
    matrix_group: str = ""
    annotation: str = ""

    @property
    def kind(self) -> str:
        """How its values are typed: number, date, datetime, or text."""
        if self.type in ("calc", "slider") or self.validation in NUMBER_VALIDATIONS | COMMA_NUMBER_VALIDATIONS:
            return "number"
        if self.validation.startswith("datetime"):
            return "datetime"
        if self.validation.startswith("date_"):
            return "date"
        return "text"

    @property
    def decimal_comma(self) -> bool:
        """Whether its numbers are written with a comma."""
        return self.validation in COMMA_NUMBER_VALIDATIONS

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a flat export has for it: one, or one per option of a checkbox, or none."""
        if self.type == "descriptive":
            return ()
        if self.type == "checkbox":
            return tuple(checkbox_column(self.name, choice.code) for choice in self.choices)
        return (self.name,)

    def has_choice(self, code: str) -> bool:
        """Say whether `code` is one of the field's codes (compared as text, as REDCap stores it)."""
        return any(choice.code == code for choice in self.choices)


@dataclass(frozen=True)
class Instrument:
    """A data collection form: its unique name and its title."""

    name: str
    label: str


@dataclass(frozen=True)
class Event:
    """A visit of a longitudinal project; classic projects have none."""

    unique_name: str
    label: str
    arm: int
    event_id: int | None = None
    custom_label: str = ""
    """What REDCap shows below the label; it may contain piped fields."""
    day_offset: int = 0
    """Days from the anchor to the event, where the project schedules its events; else 0."""
    offset_max: int = 0
    """So many days later the event may still be."""

    @property
    def in_both(self) -> str:
        """The label; behind a Chinese custom label where itself it is not Chinese: `术后6个月 Month 6`."""
        custom = self.custom_label.strip()
        translates = _CHINESE.search(custom) and not _CHINESE.search(self.label) and "[" not in custom
        return f"{custom} {self.label}" if translates else self.label


@dataclass(frozen=True)
class Arm:
    """A branch of a longitudinal project: its number and its name."""

    number: int
    label: str


@dataclass(frozen=True)
class Group:
    """A data access group; its number is known to the server alone."""

    unique_name: str
    label: str
    group_id: int | None = None


def _within_limits(field: Field, codes: Iterable[str]) -> frozenset[str]:
    """The codes that both limits of a number allow."""
    if field.kind != "number" or not field.minimum or not field.maximum:
        return frozenset()
    low, high = _limit(field.minimum), _limit(field.maximum)
    if low is None or high is None:
        return frozenset()
    numbers = {code: _limit(code) for code in codes}
    return frozenset(code for code, number in numbers.items() if number is not None and low <= number <= high)


def _limit(text: str) -> float | None:
    """A limit, or a code, that is a number; a limit may also be another field or a day."""
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return found if isfinite(found) else None


@dataclass(frozen=True)
class Dictionary:
    """Everything that is known of a project before a single value is read."""

    title: str
    longitudinal: bool
    fields: tuple[Field, ...]
    instruments: tuple[Instrument, ...]
    events: tuple[Event, ...]
    designations: frozenset[tuple[str, str]]
    """(event, instrument) pairs; empty for a classic project, where every instrument belongs everywhere."""
    repeating: frozenset[tuple[str, str]]
    """(event, instrument) that repeat; instrument '' means the whole event repeats; event '' in classic projects."""
    missing_data_codes: tuple[Choice, ...] = ()
    project_id: int | None = None
    arms: tuple[Arm, ...] = ()
    """Empty where nobody asked for their names."""
    secondary_unique_field: str = ""
    """The field whose values no two records may share, as the project's settings say; '' for none."""
    groups: tuple[Group, ...] | None = None
    """The data access groups, empty where the project has none; None where nobody asked or they are not shown."""

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Fields by their names."""
        return {field.name: field for field in self.fields}

    @property
    def record_id_field(self) -> str:
        """The first field of the dictionary is the record id."""
        return self.fields[0].name

    @cached_property
    def event_names(self) -> tuple[str, ...]:
        """Unique event names in their order; a classic project has the one event ''."""
        return tuple(event.unique_name for event in self.events) or ("",)

    def fields_of(self, instrument: str) -> tuple[Field, ...]:
        """The fields of one instrument, in dictionary order, without the record id."""
        return tuple(
            field for field in self.fields if field.instrument == instrument and field.name != self.record_id_field
        )

    def columns_of(self, instrument: str) -> tuple[str, ...]:
        """The export columns of one instrument, its completion status last."""
        own = tuple(column for field in self.fields_of(instrument) for column in self.columns_of_field(field))
        return (*own, f"{instrument}_complete")

    def columns_of_field(self, field: Field) -> tuple[str, ...]:
        """The export columns of one field; a checkbox has one more for each missing data code of the project.

        Options whose codes differ only in what a column's name cannot say share one column.
        """
        if field.type != "checkbox":
            return field.columns
        return tuple(dict.fromkeys(checkbox_column(field.name, option.code) for option in self.options_of(field)))

    def options_of(self, field: Field) -> tuple[Choice, ...]:
        """The options of a checkbox: its choices, then the missing data codes that are none of them.

        There are no such codes for a checkbox that refuses them.
        """
        if "@NOMISSING" in field.annotation:
            return field.choices
        return (*field.choices, *(one for one in self.missing_data_codes if not field.has_choice(one.code)))

    @cached_property
    def missing_codes(self) -> MissingCodes:
        """The missing data codes, with the fields whose own limits make one of them a value."""
        codes = [choice.code for choice in self.missing_data_codes]
        values = {field.name: found for field in self.fields if (found := _within_limits(field, codes))}
        return MissingCodes(codes, values)

    def instruments_at(self, event: str) -> tuple[str, ...]:
        """The instruments designated to an event, in instrument order."""
        names = (instrument.name for instrument in self.instruments)
        return tuple(name for name in names if not self.longitudinal or (event, name) in self.designations)

    def events_of(self, instrument: str) -> tuple[str, ...]:
        """The events an instrument is designated to, in event order."""
        return tuple(event for event in self.event_names if instrument in self.instruments_at(event))

    def repeats(self, event: str, instrument: str) -> bool:
        """Say whether the instrument repeats by itself in the event."""
        return (event, instrument) in self.repeating

    def event_repeats(self, event: str) -> bool:
        """Say whether the whole event repeats."""
        return (event, "") in self.repeating

    def first_instance(self, event: str, instrument: str) -> int:
        """The instance of an instrument's first row in an event: 0 where nothing repeats."""
        return int(self.repeats(event, instrument) or self.event_repeats(event))

    def has_row(self, event: str, instrument: str, instance: int) -> bool:
        """Say whether a row of an instrument can lie there."""
        known = event in self.event_names and instrument in self.instruments_at(event)
        return known and (instance > 0) == bool(self.first_instance(event, instrument))


def parse_choices(text: str, codes: Sequence[str] = ()) -> tuple[Choice, ...]:
    """Read `1, A | 2, B`, by the codes where they are known: a label may hold commas, bars and line breaks."""
    pairs = listed_choices(text, codes) if codes else read_choices(text)
    return tuple(Choice(code, label) for code, label in pairs)


def field_from_metadata(row: Mapping[str, Any], codes: Sequence[str] = ()) -> Field:
    """Build a field from one row of `content=metadata`; `codes` are those of its choices, where they are known."""
    kind = row["field_type"]
    written = row.get("select_choices_or_calculations") or ""
    choices: tuple[Choice, ...] = ()
    if kind in ("radio", "dropdown", "checkbox"):
        choices = parse_choices(written, codes)
    elif kind in ("yesno", "truefalse"):
        choices = tuple(Choice(*pair) for pair in (YES_NO if kind == "yesno" else TRUE_FALSE))
    return Field(
        name=row["field_name"],
        instrument=row["form_name"],
        type=kind,
        label=row.get("field_label") or "",
        choices=choices,
        calculation=written if kind == "calc" else "",
        section_header=row.get("section_header") or "",
        note=row.get("field_note") or "",
        validation=row.get("text_validation_type_or_show_slider_number") or "",
        minimum=row.get("text_validation_min") or "",
        maximum=row.get("text_validation_max") or "",
        identifier=row.get("identifier") == "y",
        branching_logic=row.get("branching_logic") or "",
        required=row.get("required_field") == "y",
        matrix_group=row.get("matrix_group_name") or "",
        annotation=row.get("field_annotation") or "",
    )


def dictionary_from_api(
    *,
    project: Mapping[str, Any],
    metadata: Iterable[Mapping[str, Any]],
    instruments: Iterable[Mapping[str, Any]],
    events: Iterable[Mapping[str, Any]] = (),
    mapping: Iterable[Mapping[str, Any]] = (),
    repeating: Iterable[Mapping[str, Any]] = (),
    arms: Iterable[Mapping[str, Any]] = (),
    groups: Iterable[Mapping[str, Any]] | None = None,
    options: Iterable[Mapping[str, Any]] = (),
) -> Dictionary:
    """Put together what the API says of a project, in the rows of its JSON answers.

    `options` are rows of `content=exportFieldNames`: they decide which codes a checkbox has.
    """
    codes: dict[str, list[str]] = {}
    for row in options:
        codes.setdefault(row["original_field_name"], []).append(row["choice_value"])
    fields = tuple(field_from_metadata(row, codes.get(row["field_name"], ())) for row in metadata)
    if not fields:
        raise ExportIncomplete("pull.empty_dictionary")
    longitudinal = str(project.get("is_longitudinal", 0)) == "1"
    return Dictionary(
        title=str(project.get("project_title", "")),
        longitudinal=longitudinal,
        fields=fields,
        instruments=tuple(Instrument(row["instrument_name"], row["instrument_label"]) for row in instruments),
        events=tuple(_event(row) for row in events),
        designations=frozenset((row["unique_event_name"], row["form"]) for row in mapping),
        repeating=frozenset((row.get("event_name") or "", row.get("form_name") or "") for row in repeating),
        missing_data_codes=parse_choices(str(project.get("missing_data_codes") or "")),
        project_id=whole_number(str(project.get("project_id") or "")),
        secondary_unique_field=str(project.get("secondary_unique_field") or ""),
        arms=tuple(Arm(int(row["arm_num"]), row["name"]) for row in arms),
        groups=None if groups is None else tuple(map(_group, groups)),
    )


def _event(row: Mapping[str, Any]) -> Event:
    event_id = row.get("event_id")
    return Event(
        row["unique_event_name"],
        row["event_name"],
        int(row["arm_num"]),
        int(event_id) if event_id else None,
        row.get("custom_event_label") or "",
        whole_number(str(row.get("day_offset") or "")) or 0,
        whole_number(str(row.get("offset_max") or "")) or 0,
    )


def _group(row: Mapping[str, Any]) -> Group:
    group_id = row.get("data_access_group_id")  # older servers do not tell it
    return Group(row["unique_group_name"], row["data_access_group_name"], int(group_id) if group_id else None)
