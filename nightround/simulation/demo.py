"""The whole story on the sandbox: some nights of a synthetic cohort with planted errors.

The server is real HTTP, the edits between the nights go through the API as a coordinator's would
through the browser, and each night is the very job that a hospital runs.
"""

from __future__ import annotations

import random
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from nightround.model.errors import UsageWrong
from nightround.model.rule import Severity
from nightround.night.run_job import open_night, run_job
from nightround.night.summary import Summary
from nightround.study.folder import Content, find_content, load_content_module, load_study
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project import project_from_folder

STUDY = "venous_occlusion"
FIRST_NIGHT = datetime(2025, 7, 5, 2, 30)  # noqa: DTZ001 - a Saturday on the hospital's clock, so that night 3 prints
MARKER = ".nightround-demo"


@dataclass
class DemoClock:
    """A clock that stands still within a night, so that two demos of one seed write the same files."""

    zone: ZoneInfo
    now: datetime = field(default=FIRST_NIGHT)

    def server_time(self) -> datetime:
        """The sandbox server's own clock: naive local time, as REDCap logs it."""
        return self.now

    def __call__(self) -> datetime:
        """The same moment with its zone, as the engine wants it."""
        return self.now.replace(tzinfo=self.zone)


def run_demo(out: Path, *, seed: int, nights: int, environ: Mapping[str, str]) -> None:
    """Run the nights and say what to open. An earlier demo in the folder is replaced, nothing else ever is."""
    console = Console()
    content = find_content(environ)
    folder = content.study_folder(STUDY)
    story = tomllib.loads((folder / "synthetic" / "nights.toml").read_text(encoding="utf-8"))["night"][:nights]
    clock = DemoClock(ZoneInfo(load_study(folder).settings.study.time_zone))
    _empty(out)
    console.print("[bold]Nightround demo[/] - every patient in it is synthetic, made up by a program.\n")
    cohort = load_content_module(folder / "synthetic" / "cohort.py", "cohort")
    clean = cohort.records(seed)
    with _sandbox(folder, clock, seed) as (client, server):
        with console.status("Loading the synthetic cohort into the sandbox ..."):
            patients = client.import_records(clean, overwrite=True)
        console.print(f"REDCap sandbox at {server['REDCAP_URL']} with {patients} synthetic patients.")
        for night in story:
            for row in cohort.edit_rows(night["edits"], clean):
                client.import_records([row], overwrite=True)
            _print_edits(console, night, clock)
            summary = _one_night(content, out, clock, environ={**environ, **server})
            _print_night(console, summary)
            clock.now += timedelta(days=1)
    _print_what_to_open(console, out)


@contextmanager
def _sandbox(folder: Path, clock: DemoClock, seed: int) -> Iterator[tuple[RedcapClient, dict[str, str]]]:
    """Start the sandbox with the study's empty project; gives a client and the environment to reach it."""
    project = project_from_folder(folder / "project", clock=clock.server_time)
    with running([project], random=random.Random(seed)) as server:
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        yield client, {"REDCAP_URL": server.api_url, "REDCAP_TOKEN": token}


def _one_night(content: Content, out: Path, clock: DemoClock, environ: Mapping[str, str]) -> Summary:
    with open_night(
        STUDY, data=out, job="nightly", content=content, environ=environ, clock=clock, sleep=lambda _: None
    ) as night:
        return run_job(night, "nightly")


def _print_edits(console: Console, night: Mapping[str, Any], clock: DemoClock) -> None:
    console.rule(f"[bold]{night['title']['en']}[/]  {clock.now:%a %Y-%m-%d}", align="left")
    typed = Table.grid(padding=(0, 2))
    for edit in night["edits"]:
        if rule := edit.get("plants") or edit.get("fixes"):
            sign = "[red]breaks[/]" if "plants" in edit else "[green]mends[/]"
            typed.add_row("", f"record {edit['record']}", f"{sign} {rule}", f"[dim]{edit['note']['en']}[/]")
    console.print(typed, "")


def _print_night(console: Console, summary: Summary) -> None:
    counts = summary.outcomes
    table = Table(show_edge=False, pad_edge=True)
    table.add_column("findings")
    table.add_column("", justify="right")
    table.add_column("rules")
    table.add_column("", justify="right")
    left = [(name, str(summary.findings[name])) for name in ("opened", "reopened", "persisting", "resolved")]
    right = [(name.replace("_", " "), str(count)) for name, count in counts.items()]
    for (finding, how_many), (rule, rules) in zip(left, right, strict=True):
        table.add_row(finding, how_many, rule, rules)
    console.print(table)
    state = "complete: every known rule is accounted for" if summary.complete else "[bold red]INCOMPLETE[/]"
    console.print(f"  {state}; open now at severity {Severity.CRITICAL}: {summary.severe}\n")


def _print_what_to_open(console: Console, out: Path) -> None:
    folder = out / STUDY
    console.print("[bold]What to open[/]")
    newest = max((folder / "runs").iterdir())
    outbox = folder / "outbox"
    wanted = [
        ("interim report (zh)", max((folder / "reports").glob("*_zh.pdf"), default=None)),
        ("interim report (en)", max((folder / "reports").glob("*_en.pdf"), default=None)),
        ("findings", next(newest.glob("findings*.csv"))),
        ("coverage certificate", next(newest.glob("coverage*.json"))),
        ("coordinator's digest", max(outbox.glob("*_coordinator_*.html"), default=None)),
        (f"all {len(list(outbox.glob('*.eml')))} digests", outbox),
    ]
    for title, path in wanted:
        if path:
            console.print(f"  {title:22} {path}", soft_wrap=True, highlight=False)


def _empty(out: Path) -> None:
    """Remove an earlier demo; a folder that is not one is never touched."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARKER).exists():
            raise UsageWrong(
                f"The folder {out} is not empty and no earlier demo.",
                why="the demo replaces the folder it writes to",
                remedy="name another folder: nightround demo --out DIR",
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).write_text("This folder was made by `nightround demo` and may be deleted.\n", encoding="utf-8")
