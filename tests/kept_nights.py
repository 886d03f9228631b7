"""Snapshots kept of some nights, of a made-up cohort in the shipped study's project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd

from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.project.project_folder import csv_rows
from redcap_sync.pulling.pulled import Pull
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.rows.tables import KEY_COLUMNS, tables_from_records

FOLDER = Path(__file__).parents[1] / "expectations" / "venous_occlusion"
SCREENING = {"redcap_event_name": "screening_arm_1"}
NIGHTS = [datetime(2025, month, 1, 18, 30, tzinfo=UTC) for month in (1, 2, 3)]


@cache
def structure() -> RawStructure:
    """The project of the shipped study."""
    project = FOLDER / "project"
    names = ("metadata", "instruments", "events", "mapping", "repeating")
    rows = {name: csv_rows(project / f"{name}.csv") for name in names}
    return RawStructure(project={"project_title": "SYNTHETIC", "is_longitudinal": 1}, **rows)


def keep(store: SnapshotStore, nights: Sequence[Mapping[str, Mapping[str, str]]]) -> SnapshotStore:
    """Save one snapshot a night, each with the demographics of some records."""
    for taken_at, records in zip(NIGHTS, nights, strict=False):
        rows = [{"record_id": record, **SCREENING, **values} for record, values in records.items()]
        keys = [(record, "screening_arm_1", "", 0) for record in records]
        pull = Pull(
            structure=structure(),
            rows=pd.DataFrame(keys, columns=list(KEY_COLUMNS)).astype(
                {"record": "str", "event": "str", "instrument": "str"}
            ),
            tables=tables_from_records(structure().dictionary, rows),
        )
        store.save("venous_occlusion", pull, taken_at)
    return store


def ages(**records: str) -> dict[str, dict[str, str]]:
    """Records by the names `r1`, `r2`, each with an age."""
    return {name.removeprefix("r"): {"age": age} for name, age in records.items()}
