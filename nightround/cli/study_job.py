"""Runs a job, or some steps, of a study for a command: prints what came of it, and ends with its exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightround.cli.options import found_content
from nightround.cli.printing import log_to_stderr, print_json, say

if TYPE_CHECKING:
    from nightround.night import Night


def run(study: str, data: Path, job: str, *, as_json: bool, steps: Callable[[Night], object] | None = None) -> None:
    """Run a job of a study, print its summary, and end with its exit code."""
    from nightround.night.run_job import open_night, run_job

    log_to_stderr()
    with open_night(
        study, data=data, job=job, content=found_content(), environ=os.environ, clock=now, sleep=time.sleep
    ) as night:
        summary = run_job(night, job, steps)
    if as_json:
        print_json(summary.document())
    else:
        for line in summary.lines():
            say(line)
    sys.exit(summary.exit_code)


def now() -> datetime:
    """Read the clock: the only place where it is read."""
    return datetime.now(UTC)
