"""The shipped study measured: errors that are as large as is stated to be seen are found on their record and field."""

from __future__ import annotations

import json
import os
from pathlib import Path

from click.testing import CliRunner

from nightround.cli.main import cli

ERRORS = os.environ.get("NIGHTROUND_SOAK_DRILL", "60")
SEED = os.environ.get("NIGHTROUND_SOAK_SEED", "1")
LEAST_FOUND = 0.95


def test_errors_beyond_the_detectable_size_are_found(tmp_path: Path) -> None:
    """At least 95% of them; the clean cohort raises no alarm, and what no rule sees has its reason.

    60 errors unless NIGHTROUND_SOAK_DRILL names another number; `make soak` plants 2,000.
    """
    arguments = ["drill", "venous_occlusion", "--errors", ERRORS, "--seed", SEED, "--data", str(tmp_path), "--json"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["planted"] == int(ERRORS)
    assert sum(one["planted"] for one in found["kinds"]) == found["planted"]
    assert sum(one["found"] for one in found["kinds"]) == found["found"]
    beyond = found["beyond_detectable"]
    assert beyond["planted"] > found["planted"] / 5
    assert beyond["sensitivity"] >= LEAST_FOUND
    assert found["false_alarms"] == 0
    assert all(one["reason"] for one in found["unseen"])
