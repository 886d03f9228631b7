"""Serves a study of `night.py`, alone in its process: `python -m benchmarks.night_server KIND PATIENTS`.

Prints one line `URL TOKEN...`, then reads lines from stdin: a number lets a day pass in which so many records are
edited, an empty line ends it. The kind `report` has two projects of the synthetic cohort, with errors and without.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.night_report import cohort_projects
from benchmarks.night_study import edit, project_of, shape_of
from benchmarks.pull_project import Clock
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running

Day = Callable[[int], None]


def served(kind: str, patients: int, folder: Path, clock: Clock) -> tuple[list[StoredProject], Day]:
    """The projects, and what lets a day with so many edits pass."""
    if kind == "report":
        return cohort_projects(patients, clock), lambda _: clock.pass_days(1)
    shape, rng = shape_of(kind, patients), np.random.default_rng(11)
    project = project_of(folder, shape, clock)
    return [project], lambda count: edit(project, clock, shape, count, rng)


def serve(kind: str, patients: int) -> None:
    """Serve until stdin ends."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        projects, day = served(kind, patients, Path(folder), clock)
        with running(projects, random=Random(7)) as sandbox:
            print(sandbox.api_url, *map(sandbox.token, projects), flush=True)
            for line in sys.stdin:
                if not line.strip():
                    return
                day(int(line))
                print("edited", flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
