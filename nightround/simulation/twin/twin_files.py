"""A twin on disk: the folder that the sandbox loads, the same as project XML, and what could not be avoided."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from nightround.model.errors import UsageWrong
from nightround.model.language import LANGUAGES
from nightround.model.snapshot import Snapshot
from nightround.simulation.own_folder import empty_folder
from nightround.simulation.twin.enrolment import LAST_DAY
from nightround.simulation.twin.make_twin import Twin
from nightround.texts.catalogue import in_language
from redcap_sync.private_files import write_private
from redcap_sync.project.flat import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT, everything
from redcap_sync.project.layout import Layout
from redcap_sync.project.state import StoredProject, mapping_rows
from redcap_sync.project.structure import METADATA_KEYS
from redcap_sync.sandbox.csv_folder import RECORDS, project_from_folder
from redcap_sync.sandbox.installation import VERSION
from redcap_sync.sandbox.odm_data import clinical_data_xml
from redcap_sync.sandbox.odm_study import group_names, study_xml
from redcap_sync.sandbox.odm_writing import document

CREATED = datetime.combine(LAST_DAY, time(9, 0))
XML, UNAVOIDABLE = "project.xml", "unavoidable.csv"
Cells = npt.NDArray[np.object_]


def write_twin(twin: Twin, out: Path) -> tuple[Path, ...]:
    """Write every file of a twin; returns their paths. The folder itself is what the sandbox loads."""
    empty_folder(out, "twin", UsageWrong("twin.folder", folder=str(out)))
    project = twin.source.project
    written = [write_private(out / name, content) for name, content in _structure_files(project)]
    written.append(write_private(out / RECORDS, _records(twin)))
    written.append(write_private(out / XML, _xml(out)))
    written.append(write_private(out / UNAVOIDABLE, _unavoidable(twin)))
    return tuple(written)


def _structure_files(project: StoredProject) -> Iterator[tuple[str, bytes]]:
    structure, names = project.structure, {event.event_id: event.unique_name for event in project.structure.events}
    yield "project.json", _json(_settings(project))
    yield "metadata.csv", _csv(METADATA_KEYS, structure.metadata)
    instruments = [{"instrument_name": one.name, "instrument_label": one.label} for one in structure.instruments]
    yield "instruments.csv", _csv(("instrument_name", "instrument_label"), instruments)
    if project.longitudinal:
        arms = [{"arm_num": arm.number, "name": arm.name} for arm in structure.arms]
        yield "arms.csv", _csv(("arm_num", "name"), arms)
        yield "events.csv", _csv(EVENT_COLUMNS, [_event(one) for one in structure.events])
        yield "mapping.csv", _csv(("arm_num", "unique_event_name", "form"), mapping_rows(project))
    if structure.repeating:
        rows = [
            {
                "event_name": names[one.event_id] if project.longitudinal else "",
                "form_name": one.instrument,
                "custom_form_label": one.custom_label,
            }
            for one in structure.repeating
            if one.event_id in names
        ]
        yield "repeating.csv", _csv(("event_name", "form_name", "custom_form_label"), rows)
    if structure.groups:
        rows = [
            {
                "data_access_group_name": one.name,
                "unique_group_name": one.unique_name,
                "data_access_group_id": str(one.group_id),
            }
            for one in structure.groups
        ]
        yield "dags.csv", _csv(("data_access_group_name", "unique_group_name", "data_access_group_id"), rows)


EVENT_COLUMNS = (
    "event_name",
    "arm_num",
    "unique_event_name",
    "custom_event_label",
    "event_id",
    "day_offset",
    "offset_min",
    "offset_max",
)


def _event(event: Any) -> dict[str, Any]:
    return {
        "event_name": event.name,
        "arm_num": event.arm,
        "unique_event_name": event.unique_name,
        "custom_event_label": event.custom_label,
        "event_id": event.event_id,
        "day_offset": event.day_offset,
        "offset_min": event.offset_min,
        "offset_max": event.offset_max,
    }


def _settings(project: StoredProject) -> dict[str, Any]:
    settings = {**project.structure.settings, "creation_time": f"{CREATED:%Y-%m-%d %H:%M:%S}"}
    if project.structure.surveys:
        settings["surveys"] = list(project.structure.surveys)
    return settings


def _json(settings: Mapping[str, Any]) -> bytes:
    return (json.dumps(settings, ensure_ascii=False, indent=1) + "\n").encode()


def _csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def _records(twin: Twin) -> bytes:
    """The rows of a flat export, in its order."""
    table = pa.table(flat_columns(twin))
    out = io.BytesIO()
    arrow_csv.write_csv(table, out)
    return out.getvalue()


def flat_columns(twin: Twin) -> dict[str, pa.Array]:
    """Every column of a flat export of the twin, the keys in front."""
    dictionary, snapshot = twin.snapshot.dictionary, twin.snapshot
    rows = _FlatRows(twin)
    columns: dict[str, pa.Array] = {dictionary.record_id_field: pa.array(rows.ids, pa.large_string())}
    if dictionary.longitudinal:
        columns[EVENT] = pa.array(rows.events, pa.large_string())
    if dictionary.repeating:
        columns[REPEAT_INSTRUMENT] = pa.array(rows.instruments, pa.large_string())
        columns[REPEAT_INSTANCE] = pa.array(rows.instances, pa.large_string())
    if snapshot.groups is not None:
        columns[GROUP] = pa.array([snapshot.groups.get(one, "") for one in rows.ids], pa.large_string())
    for column in Layout(dictionary).columns[1:]:
        columns[column.name] = rows.column(column.instrument, column.name)
    return columns


class _FlatRows:
    """Where each row of each instrument lies among the rows of a flat export."""

    def __init__(self, twin: Twin) -> None:
        self._snapshot, dictionary = twin.snapshot, twin.snapshot.dictionary
        numbers = {record: number for number, record in enumerate(twin.people.ids.tolist())}
        order = {event: number for number, event in enumerate(dictionary.event_names)}
        ranks = {one.name: rank for rank, one in enumerate(dictionary.instruments)}
        self._keys = {name: _keys(self._snapshot, name, numbers, order, ranks[name]) for name in self._snapshot.tables}
        plain = [number for event, number in order.items() if not dictionary.event_repeats(event)]
        base = [
            np.column_stack([there, np.full_like(there, event), np.full_like(there, -1), np.zeros_like(there)])
            for event in plain
            for there in [np.flatnonzero(twin.people.attended[:, event])]
        ]
        every = np.unique(np.concatenate([*base, *self._keys.values(), np.zeros((0, 4), dtype=np.int64)]), axis=0)
        self._numbers = _one_number(every)
        names = np.array([*dictionary.event_names], dtype=object)
        forms = np.array([*(one.name for one in dictionary.instruments), ""], dtype=object)
        self.ids: Cells = twin.people.ids[every[:, 0]]
        self.events: Cells = names[every[:, 1]]
        self.instruments: Cells = forms[every[:, 2]]
        self.instances: Cells = np.array([str(one) if one else "" for one in every[:, 3]], dtype=object)

    def column(self, instrument: str, name: str) -> pa.Array:
        """A column of an instrument, blank in all other rows."""
        cells = np.full(len(self.ids), "", dtype=object)
        places = np.searchsorted(self._numbers, _one_number(self._keys[instrument]))
        cells[places] = self._snapshot.tables[instrument].cells[name].to_numpy(zero_copy_only=False)
        return pa.array(cells, pa.large_string())


def _keys(
    snapshot: Snapshot, instrument: str, numbers: Mapping[str, int], order: Mapping[str, int], rank: int
) -> npt.NDArray[np.int64]:
    """Record, event, instrument (-1 for the base row) and instance of each row of an instrument, as numbers."""
    keys, dictionary = snapshot.tables[instrument].keys, snapshot.dictionary
    alone = {event: rank if dictionary.repeats(event, instrument) else -1 for event in dictionary.event_names}
    parts = (keys["record"].map(numbers), keys["event"].map(order), keys["event"].map(alone), keys["instance"])
    return np.column_stack([part.to_numpy(dtype=np.int64) for part in parts])


def _one_number(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A number for each key that rises as the keys do."""
    record, event, instrument, instance = keys.T
    numbers: npt.NDArray[np.int64] = ((record * LARGEST + event) * LARGEST + instrument + 1) * LARGEST + instance
    return numbers


LARGEST = 10_000
"""More events, instruments or instances than a project has."""


def _xml(folder: Path) -> bytes:
    """The project XML of what was written into a folder, as REDCap would download it."""
    project = project_from_folder(folder, clock=lambda: CREATED)
    selection = replace(everything(project), with_group=True)
    data = clinical_data_xml(selection, with_files=True, groups=group_names(project))
    title = str(project.structure.settings["project_title"])
    body = f"\n{study_xml(project)}\n{data}\n"
    return document(title, CREATED.isoformat(timespec="seconds"), VERSION, body).encode()


def _unavoidable(twin: Twin) -> bytes:
    rows = [
        {
            "rule": one.rule,
            "field": one.field,
            "found": one.found,
            **{f"reason_{language}": in_language(one.reason, language) for language in LANGUAGES},
        }
        for one in twin.unavoidable
    ]
    return _csv(("rule", "field", "found", *(f"reason_{language}" for language in LANGUAGES)), rows)
