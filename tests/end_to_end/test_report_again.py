"""The commands around a report, on what the demo left: made again, handed over, and refused where there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Demo


@pytest.fixture(scope="module")
def data(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's data, so that nothing is added to what other tests look at."""
    folder = tmp_path_factory.mktemp("again") / "data"
    shutil.copytree(demo.folder, folder)
    return folder


def nightround(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    command = [sys.executable, "-m", "nightround", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})


def register_of(data: Path) -> list[dict[str, object]]:
    """The register of reports."""
    found: list[dict[str, object]] = json.loads(
        (data / "venous_occlusion" / "reports" / "register.json").read_text(encoding="utf-8")
    )
    return found


def test_the_demo_report_is_made_again_byte_for_byte(data: Path) -> None:
    """From the snapshot's short name alone; the rebuilt PDF is the delivered one."""
    reports = data / "venous_occlusion" / "reports"
    first, last = register_of(data)
    assert first["cutoff"] < last["cutoff"]  # type: ignore[operator]
    done = nightround("report", "venous_occlusion", "--data", str(data), "--snapshot", str(last["snapshot"])[:12])
    assert done.returncode == 0, done.stderr
    delivered = [name for name in last["files"] if name.endswith(".pdf")]  # type: ignore[attr-defined]
    assert len(delivered) == 4
    for name in delivered:
        assert (reports / "rebuilt" / name).read_bytes() == (reports / name).read_bytes()


def test_handing_over_is_written_into_the_register(data: Path) -> None:
    """Role, version and moment are in the entry; a version that was never made cannot have been given."""
    done = nightround("report-given", "venous_occlusion", "principal_investigator", "--data", str(data))
    assert done.returncode == 0, done.stderr
    *_, entry = register_of(data)
    assert [one["role"] for one in entry["received"]] == ["principal_investigator"]  # type: ignore[index, attr-defined]
    refused = nightround("report", "venous_occlusion", "--data", str(data), "--snapshot", "0123456789ab")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
