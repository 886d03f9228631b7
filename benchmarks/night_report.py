"""The synthetic cohort in many copies, for a report of thousands of patients with hundreds of values in doubt."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.pull_project import Clock
from nightround.study.folder import load_content_module
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder

STUDY = Path(__file__).parents[1] / "expectations" / "venous_occlusion"
A_COPY, FINDINGS_A_COPY = 72, 18
FINDINGS_PATIENTS = 9
"""A finding for so many patients: 800 of 7,200."""


def cohort_projects(patients: int, clock: Clock) -> list[StoredProject]:
    """Two projects of the same patients: one with errors typed into some of them, one without any."""
    cohort = load_content_module(STUDY / "synthetic" / "cohort.py", "benchmark_cohort")
    nights = tomllib.loads((STUDY / "synthetic" / "nights.toml").read_text(encoding="utf-8"))["night"]
    with_errors, clean = (project_from_folder(STUDY / "project", clock=clock) for _ in range(2))
    copies = -(-patients // A_COPY)
    wrong = max(1, round(patients / FINDINGS_PATIENTS / FINDINGS_A_COPY))
    for copy in range(copies):
        rows = cohort.records(copy + 1)
        whole = scratch(rows, clock)
        broken = scratch([*rows, *cohort.edit_rows(nights[0]["edits"], rows)], clock) if copy < wrong else whole
        for target, source in ((with_errors, broken), (clean, whole)):
            for record, place, cells in source.values.rows():
                name = str(copy * A_COPY + int(record))
                target.values.write(name, place, {**cells, **own_id(cells, source.id_field, name)})
    clock.pass_days(1)
    return [with_errors, clean]


def own_id(cells: Mapping[str, str], id_field: str, name: str) -> dict[str, str]:
    """The cell that contains the record's id, where there is one."""
    return {id_field: name} if id_field in cells else {}


def scratch(rows: list[dict[str, Any]], clock: Clock) -> StoredProject:
    """Import rows into a project of their own, as the server of a demo does."""
    project = project_from_folder(STUDY / "project", clock=clock)
    with running([project], random=Random(1)) as server:
        client = RedcapClient(server.api_url, Token(server.token(project)), sleep=lambda _: None)
        for part in in_turn(rows):
            client.import_records(part, overwrite=True)
    return project


def in_turn(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """All rows of the cohort in one import, each edit after them in one of its own."""
    fields = set(rows[0])
    whole = [row for row in rows if set(row) == fields]
    yield whole
    for row in rows:
        if set(row) != fields:
            yield [row]
