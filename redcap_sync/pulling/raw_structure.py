"""The raw structure of a project: what the API says of it, apart from its records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from redcap_sync.api.client import RedcapClient, Row
from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import Choice, Dictionary, dictionary_from_api, field_from_metadata, parse_choices
from redcap_sync.errors import ExportIncomplete, RedcapRefused

PROJECT_KEYS = (
    "project_id",
    "project_title",
    "is_longitudinal",
    "has_repeating_instruments_or_events",
    "surveys_enabled",
    "record_autonumbering_enabled",
    "secondary_unique_field",
    "custom_record_label",
    "missing_data_codes",
)
"""What of the project's settings bears on its data. The others change without the data changing."""

OPTION_KEYS = ("original_field_name", "choice_value", "export_field_name")
GROUP_KEYS = ("data_access_group_name", "unique_group_name", "data_access_group_id")


@dataclass(frozen=True)
class RawStructure:
    """The answers that make up a project's structure, as JSON values."""

    project: Mapping[str, Any]
    metadata: Sequence[Row]
    instruments: Sequence[Row]
    events: Sequence[Row]
    mapping: Sequence[Row]
    repeating: Sequence[Row]
    arms: Sequence[Row] = ()
    groups: Sequence[Row] | None = None
    """The data access groups; None where the user may not see them or nobody asked."""

    options: Sequence[Row] = ()
    """The rows of exportFieldNames of those checkboxes whose text, read alone, would have other options."""

    def json(self) -> bytes:
        """One canonical document: the same structure gives the same bytes, as before options were asked for."""
        parts = {name: part for name, part in asdict(self).items() if part or name != "options"}
        return json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, document: bytes) -> RawStructure:
        """Read back what `json` wrote."""
        return cls(**json.loads(document))

    @cached_property
    def dictionary(self) -> Dictionary:
        """The structure in the types that everything else speaks."""
        return dictionary_from_api(
            project=self.project,
            metadata=self.metadata,
            instruments=self.instruments,
            events=self.events,
            mapping=self.mapping,
            repeating=self.repeating,
            arms=self.arms,
            groups=self.groups,
            options=self.options,
        )

    @cached_property
    def invented(self) -> tuple[str, ...]:
        """Columns that the texts of choices seem to have and the server has not."""
        there = {row["export_field_name"] for row in self.options}
        named = {row["original_field_name"] for row in self.options}
        fields = (row for row in self.metadata if row["field_name"] in named)
        return tuple(column for row in fields for column in _columns_read(row) if column not in there)


def pull_structure(client: RedcapClient) -> RawStructure:
    """Ask for the structure: four to nine calls, the fewest for a classic project without a checkbox.

    Raises ExportIncomplete where one answer names what another one does not have.
    """
    project = client.project()
    longitudinal = str(project.get("is_longitudinal", 0)) == "1"
    repeats = str(project.get("has_repeating_instruments_or_events", 0)) == "1"
    metadata = client.metadata()
    structure = RawStructure(
        project={key: project[key] for key in PROJECT_KEYS if key in project},
        metadata=metadata,
        instruments=client.instruments(),
        events=client.events() if longitudinal else [],
        mapping=client.mapping() if longitudinal else [],
        repeating=client.repeating() if repeats else [],
        arms=client.arms() if longitudinal else [],
        groups=_groups(client),
        options=_options(client, metadata, parse_choices(str(project.get("missing_data_codes") or ""))) or (),
    )
    if unknown := _names_unknown(structure):
        raise ExportIncomplete("pull.structure", count=len(unknown)).with_private("\n".join(unknown))
    return structure


def _names_unknown(structure: RawStructure) -> list[str]:
    """Instruments and events that are named and not listed: half a list would lose the values of the other half."""
    listed = {str(row["instrument_name"]) for row in structure.instruments}
    listed |= {str(row["unique_event_name"]) for row in structure.events} | {""}
    named = [row["form_name"] for row in structure.metadata]
    named += [row[key] for row in structure.mapping for key in ("unique_event_name", "form")]
    named += [row.get(key) or "" for row in structure.repeating for key in ("event_name", "form_name")]
    return [name for name in named if name not in listed]


def _options(client: RedcapClient, metadata: Sequence[Row], missing: Sequence[Choice]) -> list[Row]:
    """The options of checkboxes whose text reads otherwise; none where the server does not know the call."""
    boxes = [row for row in metadata if row["field_type"] == "checkbox"]
    try:
        rows = client.field_names() if boxes else []
    except RedcapRefused:
        return []
    return [row for box in boxes for row in _options_of(box, rows, missing)]


def _options_of(box: Row, rows: Sequence[Row], missing: Sequence[Choice]) -> list[Row]:
    """The options of a checkbox, without the missing data codes that every checkbox has, if they are news."""
    name, read = box["field_name"], _columns_read(box)
    everywhere = {checkbox_column(name, code.code) for code in missing}.difference(read)
    listed = [
        {key: row[key] for key in OPTION_KEYS}
        for row in rows
        if row["original_field_name"] == name and row["choice_value"] and row["export_field_name"] not in everywhere
    ]
    return listed if {row["export_field_name"] for row in listed} != set(read) else []


def _columns_read(row: Row) -> tuple[str, ...]:
    return field_from_metadata(row).columns


def _groups(client: RedcapClient) -> list[Row] | None:
    """The data access groups; None where the user lacks the right, or the server does not know the call."""
    try:
        rows = client.groups()
    except RedcapRefused:
        return None
    return [{key: row[key] for key in GROUP_KEYS if key in row} for row in rows]
