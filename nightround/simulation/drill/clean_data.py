"""The data that a drill plants its errors in, and the moment at which the copies are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from nightround.model.rule import Rule
from nightround.rule_desk.study_rules import PROJECT_FOLDER, all_rules
from nightround.simulation.drill.flat_data import FlatData
from nightround.simulation.twin.make_twin import Wish, make_twin
from nightround.simulation.twin.source_project import read_source
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study, load_content_module
from nightround.study.rules.of_dictionary import rules_from_dictionary
from redcap_sync.dictionary import Dictionary
from redcap_sync.project.project_folder import csv_rows
from redcap_sync.sandbox.csv_folder import RECORDS

TWIN_RECORDS = 60
"""So many records has the twin that is made of a study without data."""
HOUR = time(2, 30)
"""When made-up data are judged, so that two drills of one day are the same."""
AFTER_LAST_DATE = timedelta(days=90, hours=HOUR.hour, minutes=HOUR.minute)
"""Made-up data are judged so long after the last day in them, so that every visit they have was due."""


class DataSource(StrEnum):
    """Where the clean data come from."""

    SNAPSHOT = "snapshot"
    COHORT = "cohort"
    RECORDS = "records"
    TWIN = "twin"


@dataclass(frozen=True)
class CleanData:
    """The data, the rules that judge them, and when."""

    source: DataSource
    flat: FlatData
    rules: tuple[Rule, ...]
    now: datetime
    """What `today` and `now` stand for; naive, on the clock of REDCap's server."""

    @property
    def is_made_up(self) -> bool:
        """Whether a program made the data, so that a finding in them is a false alarm."""
        return self.source is not DataSource.SNAPSHOT


def clean_data(
    study: Study, store: SnapshotStore | None, *, seed: int, moment: datetime, records: int = TWIN_RECORDS
) -> CleanData:
    """The last snapshot in `store`; else the study's synthetic cohort, its `project/records.csv`, or a twin of it.

    `moment` is the present one. Raises StudyFilesWrong where a study has none of them and no dictionary.
    """
    if store is not None and (kept := _of_snapshot(study, store)) is not None:
        return kept
    rules, dictionary = all_rules(study)
    source, flat = _made_up(study, dictionary, seed, moment, records)
    last, tonight = flat.last_date(), datetime.combine(moment.date(), HOUR)
    now = tonight if last is None else min(tonight, last + AFTER_LAST_DATE)
    return CleanData(source, flat, rules, now)


def _of_snapshot(study: Study, store: SnapshotStore) -> CleanData | None:
    with store.reading():
        snapshot = store.latest(study.id)
        if snapshot is None:
            return None
        flat = FlatData.of_snapshot(snapshot)
    made = rules_from_dictionary(flat.dictionary, study.settings.dictionary_rules)
    now = snapshot.taken_at.astimezone(ZoneInfo(study.settings.study.time_zone)).replace(tzinfo=None)
    return CleanData(DataSource.SNAPSHOT, flat, (*study.rules, *study.project_rules, *made), now)


def _made_up(
    study: Study, dictionary: Dictionary, seed: int, moment: datetime, records: int
) -> tuple[DataSource, FlatData]:
    cohort, kept = study.folder / "synthetic" / "cohort.py", study.folder / PROJECT_FOLDER / RECORDS
    if cohort.is_file():
        make: Callable[[int], list[dict[str, str]]] = load_content_module(cohort, "cohort").records
        return DataSource.COHORT, FlatData.of_rows(dictionary, make(seed))
    if kept.is_file():
        return DataSource.RECORDS, FlatData.of_rows(dictionary, csv_rows(kept))
    return DataSource.TWIN, _twin(study.folder, seed, moment, records)


def _twin(folder: Path, seed: int, moment: datetime, records: int) -> FlatData:
    source = read_source(folder, None, clock=lambda: moment)
    return FlatData.of_snapshot(make_twin(source, Wish(records, seed, moment)).snapshot)
