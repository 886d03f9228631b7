"""Kills at random moments lose no finding, double none, close none without proof, and leave no silence.

`make soak` runs the whole drill; NIGHTROUND_SOAK_KILLS says how many kills, NIGHTROUND_SOAK_SEED which drill.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from redcap_sync.sandbox import Faults
from tests.drill_children import children, drill_folder
from tests.kill_drill import KillDrill, violations
from tests.small_study import PATIENTS, STUDY, small_study

KILLS = int(os.environ.get("NIGHTROUND_SOAK_KILLS", "6"))
SEED = int(os.environ.get("NIGHTROUND_SOAK_SEED", "1"))


def test_no_kill_loses_doubles_or_closes_a_finding(tmp_path: Path) -> None:
    """Nights, reports, migrations and forgetting are killed, with edits between them and sick servers among them."""
    faults = Faults()
    source = drill_folder(tmp_path / STUDY)
    with small_study(tmp_path / "data", source, faults=faults) as study, children(study) as processes:
        drill = KillDrill(study, faults, Random(SEED), processes)
        drill.run(KILLS)
    print(f"seed {SEED}: " + ", ".join(f"{count} {name}" for name, count in sorted(drill.counted.items())))  # noqa: T201
    assert drill.counted["kills"] >= KILLS


def test_the_oracle_knows_the_mistakes_of_the_small_study() -> None:
    """What the drill takes for true is what the study's own test data are known for."""
    patients = {one["record_id"]: one for one in PATIENTS}
    assert violations(patients) == {("BP-01", "2"), ("range:age", "2"), ("required:age", "3")}
    assert violations({"1": {"age": "18", "systolic": "1", "diastolic": ""}}) == set()
