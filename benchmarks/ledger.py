"""What a study with very many open findings costs its people, with its database in a file and on a server.

    python -m benchmarks.ledger                          100,000 findings in SQLite
    python -m benchmarks.ledger --url postgresql://...   the same in a schema of that server, dropped afterwards
    python -m benchmarks.ledger --findings 10000

Each line is a command in a process of its own, against a sandbox in another one. CPU seconds are those of the command,
without those of a server; seconds of the clock have both. Of nights, the step `reconcile` is distinguished.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks.night import FINDINGS_A_PATIENT, FINE, WORK, phases, server
from benchmarks.night_study import shape_of, write_study
from benchmarks.processes import Used, run
from nightround.store.address import address_of, schema_of
from nightround.store.database import open_store
from nightround.store.engine import connected

STUDY, VARIABLE = "study", "NIGHTROUND_STORE"
COMMANDS = {
    "first night": ("night",),
    "night without change": ("night",),
    "findings --json": ("findings", "--json"),
    "findings --json --rule": ("findings", "--json", "--rule", "R001"),
    "worklist --out": ("worklist", "--for", "coordinator", "--out", "worklist.xlsx"),
    "status --json": ("status", "--json"),
    "notify --json": ("notify", "--json"),
}


@dataclass(frozen=True)
class BigLedger:
    """The study, and where it keeps what it knows."""

    study: Path
    data: Path
    database: str
    environment: Mapping[str, str]

    def call(self, words: Sequence[str]) -> Used:
        """Run a command of Nightround to its end."""
        command = [sys.executable, "-m", "nightround", words[0], str(self.study), *words[1:], "--data", str(self.data)]
        return run(command, self.environment, fine=FINE, cwd=self.data)

    def reconcile(self, used: Used) -> float:
        """CPU seconds of the step `reconcile` of the last run."""
        with open_store(self.database) as store:
            (last,) = store.runs(STUDY, limit=1)
        steps = [(one.name, one.started_at.timestamp(), one.ended_at.timestamp()) for one in last.steps]
        return phases(used, steps)["reconcile"]


def measure(findings: int, url: str, folder: Path) -> None:
    """Print a line for each command."""
    patients = findings // FINDINGS_A_PATIENT
    study, data = folder / "study", folder / "data"
    data.mkdir()
    write_study(study, STUDY, shape_of("ledger", patients))
    if url:
        with (study / "study.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[store]\nurl_env = "{VARIABLE}"\n')
    database = f"{url}?schema={schema_of(STUDY)}" if url else str(data / STUDY / "nightround.sqlite3")
    print(f"{findings:,} findings, {'PostgreSQL' if url else 'SQLite'}\n")
    print("| command | CPU, s | clock, s | of it reconcile, CPU, s | memory, MB |\n|---|---|---|---|---|")
    with server("ledger", patients) as sandbox:
        there = {"PYTHONPATH": str(WORK), "REDCAP_URL": sandbox.url, "REDCAP_TOKEN": sandbox.tokens[0]}
        ledger = BigLedger(study, data, database, {**os.environ, **there, VARIABLE: url})
        for name, words in COMMANDS.items():
            used = ledger.call(words)
            reconcile = f"{ledger.reconcile(used):.2f}" if words == ("night",) else ""
            print(f"| {name} | {used.cpu:.1f} | {used.wall:.1f} | {reconcile} | {used.memory:.0f} |", flush=True)


def drop(url: str) -> None:
    """Remove the schema of the study from a server."""
    engine = connected(address_of(url))
    with engine.begin() as connection:
        connection.execute(text(f'DROP SCHEMA IF EXISTS "{schema_of(STUDY)}" CASCADE'))
    engine.dispose()


def main(arguments: Sequence[str]) -> None:
    """Measure one kind of database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--url", default="")
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(asked.findings, asked.url, Path(folder))
    finally:
        if asked.url:
            drop(asked.url)


if __name__ == "__main__":
    main(sys.argv[1:])
