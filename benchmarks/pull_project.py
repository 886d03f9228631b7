"""Serves a synthetic project of 10,000 records and 300 fields, alone in its process, for `pull.py`.

Prints one line `URL TOKEN TOKEN`, the second of a project like it with ten records, then reads lines from
stdin: a number edits so many records, as people would between two nights, an empty line ends it.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox import running
from redcap_sync.sandbox.faults import Faults
from redcap_sync.sandbox.project_sources import project_from_folder

RECORDS, FIELDS, INSTRUMENTS = 10_000, 300, 10
KINDS = (
    ("text", "number", ""),
    ("text", "integer", ""),
    ("radio", "", "0, None | 1, Mild | 2, Severe"),
    ("text", "date_ymd", ""),
    ("text", "", ""),
    ("yesno", "", ""),
)
WORDS = ("stent", "left iliac vein", "no complaint", "see note", "")


@dataclass
class Clock:
    """The server's clock; it is set on between the nights."""

    now: datetime = datetime(2025, 3, 1, 8, 0)  # noqa: DTZ001 - REDCap's times are server-local

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def pass_days(self, days: float) -> None:
        """Set it on."""
        self.now += timedelta(days=days)


def fields(count: int = FIELDS, instruments: int = INSTRUMENTS) -> list[dict[str, str]]:
    """The data dictionary: the six commonest kinds of field in turn."""
    rows = [{"field_name": "record_id", "form_name": "form_0", "field_type": "text"}]
    for number in range(1, count):
        kind, validation, choices = KINDS[number % len(KINDS)]
        rows.append(
            {
                "field_name": f"field_{number:03d}",
                "form_name": f"form_{number * instruments // count}",
                "field_type": kind,
                "field_label": f"Field {number}",
                "text_validation_type_or_show_slider_number": validation,
                "select_choices_or_calculations": choices,
            }
        )
    return rows


def value(kind: tuple[str, str, str], random: Random) -> str:
    """A made-up value of a kind."""
    _, validation, choices = kind
    if validation == "number":
        return f"{random.gauss(80, 15):.1f}"
    if validation == "integer":
        return str(random.randrange(1000))
    if validation == "date_ymd":
        return f"20{random.randrange(10, 25)}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}"
    return str(random.randrange(3 if choices else 2)) if kind[0] != "text" else random.choice(WORDS)


def write_project(
    folder: Path, rows: Sequence[Mapping[str, str]], instruments: int = INSTRUMENTS, settings: Mapping[str, Any] = {}
) -> None:
    """Write the folder of an empty project."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[1]))
        writer.writeheader()
        writer.writerows(rows)
    forms = "".join(f"form_{n},Form {n}\n" for n in range(instruments))
    (folder / "instruments.csv").write_text("instrument_name,instrument_label\n" + forms, encoding="utf-8")
    project = {"title": "SYNTHETIC benchmark", **settings}
    (folder / "project.json").write_text(json.dumps(project), encoding="utf-8")


def make(folder: Path, clock: Clock, random: Random, records: int = RECORDS) -> StoredProject:
    """Make the project; its values are put in directly, because their import is not what is measured."""
    rows = fields()
    write_project(folder, rows)
    project = project_from_folder(folder, clock=clock)
    event = project.structure.events[0].event_id
    for number in range(1, records + 1):
        cells = {row["field_name"]: value(KINDS[n % len(KINDS)], random) for n, row in enumerate(rows[1:], start=1)}
        statuses = {f"form_{n}_complete": "2" for n in range(INSTRUMENTS)}
        project.values.write(str(number), ValuePlace(event), {"record_id": str(number), **cells, **statuses})
    clock.now += timedelta(days=5)
    return project


def edit(project: StoredProject, clock: Clock, count: int, random: Random) -> None:
    """Edit one value of so many records, with the lines in the log that a server writes."""
    event = project.structure.events[0].event_id
    for number in random.sample(range(1, RECORDS + 1), count):
        text = str(random.randrange(1000))
        project.values.write(str(number), ValuePlace(event), {"field_001": text})
        details = f"field_001 = '{text}'"
        project.log("nurse", "record_edit", f"Update record {number}", details=details, record=str(number))
    clock.now += timedelta(hours=22)


def serve() -> None:
    """Serve until stdin ends."""
    clock, random = Clock(), Random(7)
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder), clock, random)
        small = make(Path(folder) / "small", clock, random, records=10)
        with running([project, small], random=random, faults=Faults()) as sandbox:
            print(sandbox.api_url, sandbox.token(project), sandbox.token(small), flush=True)
            for line in sys.stdin:
                if not line.strip():
                    return
                clock.now += timedelta(hours=2)
                edit(project, clock, int(line), random)
                print("edited", flush=True)


if __name__ == "__main__":
    serve()
