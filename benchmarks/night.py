"""What whole nights cost, next to the same nights of an earlier version.

    python -m benchmarks.night --against FOLDER                     62 patients of shape a, 1,000 of shape b
    python -m benchmarks.night --against FOLDER --shapes b:10000    any shape and number of patients
    python -m benchmarks.night --against FOLDER --all               every figure of docs/performance.md

FOLDER is a checkout of the earlier version, such as `git worktree add FOLDER ab75676`; without it ours is measured
alone. Shape a has one event, 10 instruments, 300 fields and 400 rules; b has 8 events, 12 instruments and 340 rules, 24
of them crossing instruments; 0.05% of the cells are wrong. `ledger:N` is a study with N open findings, `report:N` the
synthetic cohort in so many copies that it has N patients, with a finding for nine of them.

Each night is the command `nightround night` in a process of its own, against a sandbox in another one. Both versions
have the same study, sandbox and edits, and their outcomes and findings are compared after each night. CPU seconds are
those of the process, user and system, children included; the steps are those that the store has of the run, and what
lies before, between and behind them. The nights of a round follow each other at once, so the date is the same in all.
A ratio to the earlier version that is missed by more than a tenth ends the benchmark with exit code 1.
"""

from __future__ import annotations

import argparse
import compileall
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import IO, Any, NamedTuple, cast

from benchmarks.aims import Aim, check
from benchmarks.night_report import STUDY as COHORT
from benchmarks.night_study import shape_of, write_study
from benchmarks.processes import Used, run

SMALL = ("a:62", "b:1000")
ALL = ("a:62", "a:10000", "a:50000", "b:1000", "b:10000", "ledger:100000", "report:1000", "report:7200")
NIGHTS = {"first": 0.0, "unchanged": 0.0, "0.1%": 0.001, "1%": 0.01}
"""The nights of a round, with the share of the records that are edited before it; a ledger has the first two."""
FINDINGS_A_PATIENT = 10
FINE = (0, 3)
"""Exit codes of a night that ended: 3 says that there are findings."""
NEWER_RULES = "%visit:%"
"""Expected and lost visits, which ab75676 does not know, nor how to switch them off."""
WORK = Path(__file__).parents[1]


@dataclass(frozen=True)
class Code:
    """A version of Nightround: a name for the table, and its checkout."""

    name: str
    folder: Path

    @classmethod
    def of(cls, folder: Path) -> Code:
        """The checkout in a folder, named by its commit."""
        git = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
        asked = subprocess.run(git, capture_output=True, text=True, check=False)  # noqa: S603
        compileall.compile_dir(folder / "nightround", quiet=1)
        compileall.compile_dir(folder / "redcap_sync", quiet=1)
        return cls(asked.stdout.strip() or folder.name, folder.resolve())


@dataclass(frozen=True)
class Cost:
    """What one command cost: CPU seconds, in all and by phase, peak memory in MB, and by how many kB the data grew."""

    cpu: float
    memory: float
    grown: float
    phases: Mapping[str, float]


Costs = dict[str, list[Cost]]
"""The rounds of each command of a study."""


@dataclass
class Measured:
    """A study, with the costs of each code."""

    name: str
    findings: int = 0
    costs: dict[str, Costs] = field(default_factory=dict)

    def middle(self, code: Code, command: str, value: Callable[[Cost], float]) -> float:
        """The median over the rounds."""
        return median(map(value, self.costs[code.name][command]))


class Server(NamedTuple):
    """A sandbox in its own process: address, tokens, and what lets a day with so many edits pass."""

    url: str
    tokens: Sequence[str]
    edit: Callable[[int], None]


@contextmanager
def server(kind: str, patients: int) -> Iterator[Server]:
    """Start the sandbox; it stops at the end."""
    command = [sys.executable, "-m", "benchmarks.night_server", kind, str(patients)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=WORK)  # noqa: S603
    talk = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

    def edit(count: int) -> None:
        talk[0].write(f"{count}\n")
        talk[0].flush()
        talk[1].readline()

    try:
        url, *tokens = talk[1].readline().split()
        yield Server(url, tokens, edit)
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(60)


@dataclass(frozen=True)
class Place:
    """Where one code keeps the data of one study."""

    code: Code
    study: Path
    study_id: str
    data: Path
    environment: Mapping[str, str]

    @property
    def database(self) -> Path:
        """The store of the study."""
        return self.data / self.study_id / "nightround.sqlite3"

    def command(self, name: str) -> Cost:
        """Run a command of Nightround to its end."""
        before = self.size()
        command = [sys.executable, "-m", "nightround", name, str(self.study), "--data", str(self.data)]
        used = run(command, self.environment, fine=FINE, cwd=self.data)
        return Cost(used.cpu, used.memory, (self.size() - before) / 1000, phases(used, self.steps()))

    def size(self) -> int:
        """The bytes of all files; the index of a log that SQLite keeps while it is read is none that stays."""
        files = (path for path in self.data.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
        return sum(path.stat().st_size for path in files)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    def steps(self) -> list[tuple[str, float, float]]:
        """Name, begin and end of the steps of the last run."""
        last = "SELECT name, started_at, ended_at FROM steps WHERE run_id = (SELECT max(id) FROM runs) ORDER BY 2"
        return [(name, seconds(began), seconds(ended)) for name, began, ended in self.rows(last)]

    def answers(self) -> tuple[list[tuple[Any, ...]], ...]:
        """What the last run found: each rule's outcome, and every finding with its state.

        A run whose outcomes are those of the run before has none of its own. Rules that only one version makes by
        itself are paid for and not compared.
        """
        outcomes = self.rows(
            "SELECT rule_id, status, in_scope, checked, failed FROM outcomes "  # noqa: S608 - a constant
            f"WHERE run_id = (SELECT max(run_id) FROM outcomes) AND rule_id NOT LIKE '{NEWER_RULES}' ORDER BY 1"
        )
        findings = f"SELECT id, state FROM findings WHERE rule_id NOT LIKE '{NEWER_RULES}' ORDER BY id"  # noqa: S608
        return outcomes, self.rows(findings)


def seconds(stored: str) -> float:
    """A time of the store, which is in UTC, as seconds since 1970."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC).timestamp()


def phases(used: Used, steps: Sequence[tuple[str, float, float]]) -> dict[str, float]:
    """CPU seconds by step, and of what lies before the first one, between them and behind the last one."""
    found: dict[str, float] = {}
    reached, outside = used.samples[0][0], "before"
    for name, began, ended in [*steps, ("", used.samples[-1][0], used.samples[-1][0])]:
        outside = outside if name else "after"
        found[outside] = found.get(outside, 0) + used.cpu_at(max(began, reached)) - used.cpu_at(reached)
        if name:
            found[name] = found.get(name, 0) + used.cpu_at(ended) - used.cpu_at(max(began, reached))
        reached, outside = max(reached, ended), "between"
    return found


def compare_answers(places: Sequence[Place], when: str) -> int:
    """End the benchmark where two codes do not say the same; returns the number of findings that are not closed."""
    first = places[0].answers()
    for other in places[1:]:
        for what, ours, theirs in zip(("outcomes", "findings"), first, other.answers(), strict=True):
            if ours != theirs:
                differing = sorted(set(ours) ^ set(theirs))[:6]
                raise SystemExit(f"{when}: {places[0].code.name} and {other.code.name} differ in {what}: {differing}")
    return sum(state != "resolved" for _, state in first[1])


def measure(name: str, codes: Sequence[Code], rounds: int, root: Path, nights: Sequence[str]) -> Measured:
    """Measure one study with every code in turn."""
    kind, _, size = name.partition(":")
    measured = Measured(name, costs={code.name: {} for code in codes})
    patients = int(size) // FINDINGS_A_PATIENT if kind == "ledger" else int(size)
    with server(kind, patients) as sandbox:
        for turn in range(rounds):
            folder = root / f"{kind}-{size}-{turn}"
            if kind == "report":
                report_round(sandbox, codes, folder, measured)
            else:
                shape = shape_of(kind, patients)
                write_study(folder / "study", "study", shape)
                wanted = [night for night in nights if kind != "ledger" or not NIGHTS[night]]
                nights_round(sandbox, codes, folder, measured, {night: patients * NIGHTS[night] for night in wanted})
            shutil.rmtree(folder)
    return measured


def nights_round(
    sandbox: Server, codes: Sequence[Code], folder: Path, measured: Measured, edits: Mapping[str, float]
) -> None:
    """Run the nights of a round, each with every code before the next one begins."""
    places = [place(code, folder / "study", "study", folder, (sandbox.url, sandbox.tokens[0])) for code in codes]
    for night, count in edits.items():
        sandbox.edit(math.ceil(count))
        for one in places:
            measured.costs[one.code.name].setdefault(night, []).append(one.command("night"))
        measured.findings = compare_answers(places, f"{measured.name}, night {night}")


def report_round(sandbox: Server, codes: Sequence[Code], folder: Path, measured: Measured) -> None:
    """Run a night, then a report with the findings open, then one of the same patients without any."""
    for project, label in zip(sandbox.tokens, ("report", "report without findings"), strict=True):
        study = folder / label.replace(" ", "-") / "study"
        shutil.copytree(codes[-1].folder / "expectations" / COHORT.name, study)
        settings = study / "study.toml"
        settings.write_text(
            settings.read_text(encoding="utf-8").replace('weekdays = ["sat", "mon"]', "weekdays = []"), encoding="utf-8"
        )
        places = [place(code, study, COHORT.name, study.parent, (sandbox.url, project)) for code in codes]
        for command, name in (("night", f"night before {label}"), ("report", label)):
            for one in places:
                measured.costs[one.code.name].setdefault(name, []).append(one.command(command))
            found = compare_answers(places, f"{measured.name}, {name}")
            measured.findings = found or measured.findings


def place(code: Code, study: Path, study_id: str, folder: Path, address: tuple[str, str]) -> Place:
    """An empty data folder of a code."""
    data = folder / f"data-{code.name}"
    data.mkdir(parents=True)
    known = {name: value for name, value in os.environ.items() if name != "NIGHTROUND_HOME"}
    there = {"PYTHONPATH": str(code.folder), "REDCAP_URL": address[0], "REDCAP_TOKEN": address[1]}
    return Place(code, study, study_id, data, {**known, **there})


class Goal(NamedTuple):
    """A ratio to the earlier version that is aimed at."""

    study: str
    command: str
    what: str
    at_most: float


CPU, MEMORY, DOUBT, RECONCILE = "CPU", "memory", "CPU of values in doubt", "CPU of the step reconcile"
GOALS = (
    Goal("a:62", "unchanged", CPU, 0.6),
    Goal("a:10000", "unchanged", CPU, 0.4),
    Goal("a:10000", "0.1%", CPU, 0.6),
    Goal("b:10000", "first", CPU, 0.35),
    Goal("b:10000", "unchanged", CPU, 0.12),
    Goal("b:10000", "unchanged", MEMORY, 0.25),
    Goal("b:10000", "0.1%", CPU, 0.25),
    Goal("ledger:100000", "unchanged", RECONCILE, 0.2),
    Goal("report:7200", "report", DOUBT, 0.15),
)


def figure(measured: Measured, code: Code, command: str, what: str) -> float:
    """What an aim is about, of one code."""
    if what == DOUBT:
        with_findings = measured.middle(code, "report", lambda cost: cost.cpu)
        return with_findings - measured.middle(code, "report without findings", lambda cost: cost.cpu)
    values: dict[str, Callable[[Cost], float]] = {
        CPU: lambda cost: cost.cpu,
        MEMORY: lambda cost: cost.memory,
        RECONCILE: lambda cost: cost.phases.get("reconcile", 0),
    }
    return measured.middle(code, command, values[what])


def print_table(measured: Sequence[Measured], codes: Sequence[Code]) -> None:
    """CPU seconds of each command, the largest peak memory, and the kB that a night without change adds."""
    nights = [one for one in measured if not one.name.startswith("report")]
    reports = [one for one in measured if one not in nights]
    if nights:
        print("\n| study | version | first | nothing changed | 0.1% changed | 1% changed | memory, MB | kB a night |")
        print("|---|---|---|---|---|---|---|---|")
    for one in nights:
        print_rows(one, codes)
    if reports:
        print("\n| study | version | night | report | without findings | values in doubt | memory, MB |")
        print("|---|---|---|---|---|---|---|")
    for one in reports:
        print_reports(one, codes)


def title(one: Measured) -> str:
    """The study in words."""
    kind, _, size = one.name.partition(":")
    counted = f"{int(size):,}"
    if kind == "ledger":
        return f"ledger, {one.findings:,} findings"
    return f"{kind}, {counted} patients" + (f", {one.findings:,} findings" if kind == "report" else "")


def print_rows(one: Measured, codes: Sequence[Code]) -> None:
    """A row for each code and one of ratios; blank where a night was not run."""
    rows = []
    for code in codes:
        costs = one.costs[code.name]
        cpu = [one.middle(code, night, lambda cost: cost.cpu) if night in costs else math.nan for night in NIGHTS]
        memory = max(one.middle(code, night, lambda cost: cost.memory) for night in costs)
        grown = one.middle(code, "unchanged", lambda cost: cost.grown) if "unchanged" in costs else math.nan
        rows.append((*cpu, memory, grown))
    for code, (*cpu, memory, size) in zip(codes, rows, strict=True):
        cells = [*(f"{value:.1f}" for value in cpu), f"{memory:,.0f}", f"{size:,.0f}"]
        print(f"| {title(one)} | {code.name} | {' | '.join(cells)} |".replace("nan", ""))
    print_ratios(rows)


def print_reports(one: Measured, codes: Sequence[Code]) -> None:
    """The same of a study with reports."""
    rows = []
    for code in codes:
        commands = ("night before report", "report", "report without findings")
        cpu = [one.middle(code, command, lambda cost: cost.cpu) for command in commands]
        memory = one.middle(code, "report", lambda cost: cost.memory)
        rows.append((*cpu, figure(one, code, "report", DOUBT), memory))
    for code, row in zip(codes, rows, strict=True):
        *cpu, memory = row
        print(f"| {title(one)} | {code.name} | {' | '.join(f'{value:.1f}' for value in cpu)} | {memory:,.0f} |")
    print_ratios(rows)


def print_ratios(rows: Sequence[Sequence[float]]) -> None:
    """Ours to the earlier version, where there is one."""
    if len(rows) > 1:
        ratios = [f"**{ours / theirs:.2f}**" for ours, theirs in zip(*rows, strict=True)]
        print(f"| | ratio | {' | '.join(ratios)} |".replace("**nan**", ""))


def print_phases(measured: Sequence[Measured], codes: Sequence[Code]) -> None:
    """CPU seconds by step and outside of them, a line a command and code."""
    print("\nCPU seconds by step:")
    for one in measured:
        for command in one.costs[codes[0].name]:
            for code in codes:
                names = one.costs[code.name][command][0].phases
                parts = {
                    name: one.middle(code, command, lambda cost, name=name: cost.phases.get(name, 0)) for name in names
                }  # type: ignore[misc]
                line = ", ".join(f"{name} {value:.2f}" for name, value in parts.items())
                print(f"  {one.name:>14} {command:24} {code.name:16} {line}")


def aims(measured: Sequence[Measured], codes: Sequence[Code]) -> Iterator[Aim]:
    """Each goal whose study was measured, with its ratio."""
    known = {one.name: one for one in measured}
    for goal in GOALS:
        if goal.study in known and goal.command in known[goal.study].costs[codes[0].name]:
            ours, theirs = (figure(known[goal.study], code, goal.command, goal.what) for code in codes)
            yield Aim(f"{title(known[goal.study])}, {goal.command}: {goal.what}", goal.at_most, ours / theirs)


def main() -> None:
    """Measure the studies that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="a checkout of an earlier version")
    parser.add_argument("--shapes", nargs="+", default=SMALL, metavar="SHAPE:PATIENTS")
    parser.add_argument("--all", action="store_true", help="every study of docs/performance.md")
    parser.add_argument("--nights", nargs="+", default=list(NIGHTS), choices=NIGHTS)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    codes = [Code.of(folder) for folder in (WORK, asked.against) if folder]
    measured = []
    with tempfile.TemporaryDirectory() as root:
        for name in ALL if asked.all else asked.shapes:
            measured.append(measure(name, codes, asked.rounds, Path(root), asked.nights))
            print(f"measured {name}", file=sys.stderr)
    print_table(measured, codes)
    print_phases(measured, codes)
    if asked.against:
        check(list(aims(measured, codes)))


if __name__ == "__main__":
    main()
