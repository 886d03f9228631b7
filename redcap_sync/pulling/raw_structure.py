"""The raw structure of a project: what the API says of it, apart from its records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from redcap_sync.api.client import RedcapClient, Row
from redcap_sync.dictionary import Dictionary, dictionary_from_api
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

    def json(self) -> bytes:
        """One canonical document: the same structure gives the same bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

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
        )


def pull_structure(client: RedcapClient) -> RawStructure:
    """Ask for the structure: four to eight calls, the fewest for a classic project.

    Raises ExportIncomplete where one answer names what another one does not have.
    """
    project = client.project()
    longitudinal = str(project.get("is_longitudinal", 0)) == "1"
    repeats = str(project.get("has_repeating_instruments_or_events", 0)) == "1"
    structure = RawStructure(
        project={key: project[key] for key in PROJECT_KEYS if key in project},
        metadata=client.metadata(),
        instruments=client.instruments(),
        events=client.events() if longitudinal else [],
        mapping=client.mapping() if longitudinal else [],
        repeating=client.repeating() if repeats else [],
        arms=client.arms() if longitudinal else [],
        groups=_groups(client),
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


def _groups(client: RedcapClient) -> list[Row] | None:
    """The data access groups; None where the user lacks the right, or the server does not know the call."""
    try:
        rows = client.groups()
    except RedcapRefused:
        return None
    return [{key: row[key] for key in GROUP_KEYS if key in row} for row in rows]
