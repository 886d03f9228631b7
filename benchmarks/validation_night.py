"""The checks of `validation_work.py` as a night has them: a snapshot of ten instruments, pulled from the sandbox."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd

from benchmarks.pull_project import Clock, write_project
from benchmarks.validation_work import NOW, RULES_A_BLOCK, Positions, Work, field_rows, rules_of_block
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.validation.run import validate
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.pulling.pull import pull_project
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder

INSTRUMENTS = 10


def instrument_of(block: int, blocks: int) -> str:
    """The instrument that a block of rules and columns belongs to."""
    return f"form_{block * INSTRUMENTS // blocks}"


class JudgedNight:
    """Judges every rule of a work as a night does: compile, batches, a suite an instrument, every violation."""

    def __init__(self, work: Work) -> None:
        blocks = work.rules // RULES_A_BLOCK
        self.rules: list[Rule] = [
            replace(rule, instrument=instrument_of(block, blocks))
            for block in range(blocks)
            for rule in rules_of_block(block)
        ]
        with tempfile.TemporaryDirectory() as folder:
            self.snapshot = snapshot_of(work, Path(folder))

    def __call__(self) -> Positions:
        """Judge, and return the failing rows of each rule; a record's name is its row's number."""
        outcomes = validate(self.snapshot, self.rules, now=NOW).outcomes
        return [np.array([int(one.row.record) for one in outcome.violations], dtype=np.intp) for outcome in outcomes]


def snapshot_of(work: Work, folder: Path) -> Snapshot:
    """Pull the cells of a work from a sandbox into a snapshot."""
    project = filled(work, folder)
    with running([project], random=Random(7)) as server:
        client = RedcapClient(server.api_url, Token(server.token(project)), sleep=lambda _: None)
        return SnapshotStore(folder / "snapshots").save("benchmark", pull_project(client), datetime.now(UTC))


def filled(work: Work, folder: Path) -> StoredProject:
    """A project with the columns of a work, in ten instruments."""
    blocks = work.rules // RULES_A_BLOCK
    rows = [row for block in range(blocks) for row in field_rows(block, instrument_of(block, blocks))]
    id_row = {**dict.fromkeys(rows[0], ""), "field_name": "record_id", "form_name": "form_0", "field_type": "text"}
    write_project(folder / "project", [id_row, *rows], INSTRUMENTS)
    project = project_from_folder(folder / "project", clock=Clock())
    names = [row["field_name"] for row in rows]
    columns = [texts(work.frame[name if name in work.frame else f"[{name}:text]"]) for name in names]
    write = project.values.write  # noqa: PD011 - of the sandbox, not of pandas
    statuses = {f"form_{n}_complete": "2" for n in range(INSTRUMENTS)}
    event = ValuePlace(project.structure.events[0].event_id)
    for number, row in enumerate(zip(*columns, strict=True)):
        cells = {"record_id": str(number), **dict(zip(names, row, strict=True)), **statuses}
        write(str(number), event, cells)
    return project


def texts(column: pd.Series) -> list[str]:
    """A column as REDCap stores it."""
    if column.dtype.kind == "M":
        return column.dt.strftime("%Y-%m-%d").fillna("").tolist()
    if column.dtype.kind == "f":
        return ["" if np.isnan(number) else f"{number:.1f}" for number in column]
    return column.tolist()
