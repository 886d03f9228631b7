"""Made-up projects, snapshots and rules for tests. Synthetic, all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from nightround.model.snapshot import Snapshot
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.logic import parse, references
from redcap_sync.rows.tables import tables_from_records

NIGHT = datetime(2025, 7, 5, 2, 30, tzinfo=UTC)
COLUMNS = (
    "field_name",
    "form_name",
    "field_type",
    "text_validation_type_or_show_slider_number",
    "select_choices_or_calculations",
)


def metadata(*rows: str) -> list[dict[str, str]]:
    """Write metadata rows as `name instrument type validation choices`, '-' for blank."""
    return [
        dict(zip(COLUMNS, ("" if cell == "-" else cell for cell in row.split(maxsplit=4)), strict=True)) for row in rows
    ]


def project(*fields: str, events: Mapping[str, Sequence[str]], repeating: Iterable[tuple[str, str]] = ()) -> Dictionary:
    """A longitudinal project: `events` names the instruments of each event."""
    rows = metadata(*fields)
    return dictionary_from_api(
        project={"project_title": "SYNTHETIC", "is_longitudinal": 1, "project_id": 13},
        metadata=rows,
        instruments=[
            {"instrument_name": name, "instrument_label": name.title()}
            for name in dict.fromkeys(row["form_name"] for row in rows)
        ],
        events=[
            {"unique_event_name": event, "event_name": event, "arm_num": 1, "event_id": 40 + number}
            for number, event in enumerate(events, start=1)
        ],
        mapping=[{"unique_event_name": event, "form": form} for event, forms in events.items() for form in forms],
        repeating=[{"event_name": event, "form_name": form} for event, form in repeating],
    )


def snapshot(dictionary: Dictionary, records: Iterable[Mapping[str, Any]]) -> Snapshot:
    """A snapshot of some rows of a flat export."""
    return Snapshot("5" * 64, "made_up", NIGHT, "14.5.0", dictionary, tables_from_records(dictionary, records))


def rule(rule_id: str, instrument: str, discrepancy: str, *, applies: str = "", **more: Any) -> Rule:
    """A rule that needs every field it reads, unless `needs` says otherwise."""
    read = tuple(reference.column for reference in references(parse(discrepancy)))
    return Rule(
        id=rule_id,
        title=Words("题目", "title"),
        instrument=instrument,
        discrepancy=discrepancy,
        severity=more.pop("severity", Severity.MAJOR),
        fields=more.pop("fields", read[:1]),
        needs=more.pop("needs", read),
        applies=applies,
        **more,
    )
