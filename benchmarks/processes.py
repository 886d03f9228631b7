"""Runs a command in a process of its own and says what it used."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLERK = Path(__file__).with_name("clerk.py")


@dataclass(frozen=True)
class Used:
    """CPU and wall seconds, peak memory in MB, and what the command printed."""

    cpu: float
    wall: float
    memory: float
    printed: bytes
    samples: tuple[tuple[float, float], ...]
    """Moments of the run (seconds since 1970) with the CPU seconds used until then."""

    def cpu_at(self, moment: float) -> float:
        """The CPU seconds used until a moment."""
        times, seconds = zip(*self.samples, strict=True)
        return float(np.interp(moment, times, seconds))


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    given: str = "",
    fine: Collection[int] = (0,),
    cwd: Path | None = None,
) -> Used:
    """Run a command to its end; an exit code that is not fine ends the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clerk = [sys.executable, "-S", str(CLERK), name, *command]
        subprocess.run(clerk, input=given.encode(), env=dict(environment), cwd=cwd, check=True)  # noqa: S603 - our own
        used = json.loads((folder / "used.json").read_text(encoding="utf-8"))
        if used["ended"] not in fine:
            raise SystemExit(f"{' '.join(command[:6])} ended with {used['ended']}:\n{tail(folder / 'stderr')}")
        samples = tuple((moment, cpu) for moment, cpu in used["samples"])
        return Used(used["cpu"], used["wall"], used["memory"], (folder / "stdout").read_bytes(), samples)


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a text file."""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
