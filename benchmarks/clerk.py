"""Runs a command and writes down what it used: `python clerk.py FOLDER COMMAND...`.

A child inherits the peak memory of the process that starts it, so a benchmark starts this small one in between.
FOLDER gets `stdout`, `stderr` and `used.json`: the exit code, CPU seconds (user and system, children included), wall
seconds, peak memory in MB, and the CPU seconds at moments of the run.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

EVERY_SECONDS = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What a running process has used so far, with the children that it has waited for (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(one) for one in fields[11:15]) / TICKS


def main() -> None:
    """Run the command to its end."""
    folder, *command = sys.argv[1:]
    samples: list[tuple[float, float]] = []
    with (Path(folder) / "stdout").open("wb") as out, (Path(folder) / "stderr").open("wb") as err:
        began = time.time()
        process = subprocess.Popen(command, stdout=out, stderr=err)  # noqa: S603 - the benchmark's own command
        while process.poll() is None:
            samples.append((time.time(), cpu_seconds(process.pid)))
            time.sleep(EVERY_SECONDS)
    ended = time.time()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    document = {
        "ended": process.returncode,
        "cpu": cpu,
        "wall": ended - began,
        "memory": used.ru_maxrss / 1024,
        "samples": [(began, 0.0), *samples, (ended, cpu)],
    }
    (Path(folder) / "used.json").write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
