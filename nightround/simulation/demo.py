"""The whole story on the sandbox: some nights of a synthetic cohort with planted errors.

The server is real HTTP, the edits between the nights go through the API as a coordinator's would
through the browser, and each night is the very job that a hospital runs.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nightround.model.errors import UsageWrong
from nightround.model.language import Words
from nightround.night.run_job import open_night, run_job
from nightround.night.summary import Summary
from nightround.simulation.own_folder import empty_folder
from nightround.study.folder import Content, find_content, load_content_module, load_study
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.sandbox import running
from redcap_sync.sandbox.entered_rows import EnteredRow, enter_rows
from redcap_sync.sandbox.project_sources import project_from_folder

STUDY = "venous_occlusion"
FIRST_NIGHT = datetime(2025, 7, 5, 2, 30)  # noqa: DTZ001 - a Saturday on the hospital's clock, so that night 3 prints


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


@dataclass(frozen=True)
class Loaded:
    """The sandbox is up and has its patients."""

    url: str
    patients: int


@dataclass(frozen=True)
class Edits:
    """What a coordinator changes in REDCap before a night: record, whether it breaks a rule, which rule, what it is."""

    title: Words
    before: datetime
    made: tuple[tuple[str, bool, str, Words], ...]


Scene = Loaded | Edits | Summary
"""What the demo shows, one after another: the sandbox once, then for each night its edits and its summary."""


def play(out: Path, *, seed: int, nights: int, environ: Mapping[str, str]) -> Iterator[Scene]:
    """Run the nights, scene by scene. An earlier demo in the folder is replaced, nothing else ever is."""
    content = find_content(environ)
    folder = content.study_folder(STUDY)
    story = tomllib.loads((folder / "synthetic" / "nights.toml").read_text(encoding="utf-8"))["night"][:nights]
    clock = DemoClock(ZoneInfo(load_study(folder).settings.study.time_zone))
    empty_folder(out, "demo", UsageWrong("demo.folder", folder=str(out)))
    cohort = load_content_module(folder / "synthetic" / "cohort.py", "cohort")
    clean = cohort.records(seed)
    entered = [EnteredRow(one.moment, one.username, one.row) for one in cohort.entries(seed)]
    with _sandbox(folder, clock, seed, entered) as (client, server):
        yield Loaded(server["REDCAP_URL"], len({row["record_id"] for row in clean}))
        for night in story:
            for row in cohort.edit_rows(night["edits"], clean):
                client.import_records([row], overwrite=True)
            yield _edits(night, clock.now)
            yield _one_night(content, out, clock, environ={**environ, **server})
            clock.now += timedelta(days=1)


@contextmanager
def _sandbox(
    folder: Path, clock: DemoClock, seed: int, entered: Iterable[EnteredRow]
) -> Iterator[tuple[RedcapClient, dict[str, str]]]:
    """Start the sandbox with what was typed before the first night; gives a client and the environment to reach it."""
    project = project_from_folder(folder / "project", clock=clock.server_time)
    enter_rows(project, (one for one in entered if one.moment <= clock.now))
    with running([project], random=random.Random(seed)) as server:
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        yield client, {"REDCAP_URL": server.api_url, "REDCAP_TOKEN": token}


def _one_night(content: Content, out: Path, clock: DemoClock, environ: Mapping[str, str]) -> Summary:
    with open_night(
        STUDY, data=out, job="nightly", content=content, environ=environ, clock=clock, sleep=lambda _: None
    ) as night:
        return run_job(night, "nightly")


def _edits(night: Mapping[str, Any], before: datetime) -> Edits:
    made = (
        (str(edit["record"]), "plants" in edit, rule, Words(**edit["note"]))
        for edit in night["edits"]
        if (rule := edit.get("plants") or edit.get("fixes"))
    )
    return Edits(Words(**night["title"]), before, tuple(made))


def worth_opening(out: Path) -> tuple[tuple[str, dict[str, int], Path], ...]:
    """The files of the last night that show what a round leaves, each with the code and the facts of its name."""
    folder = out / STUDY
    newest = max((folder / "runs").iterdir())
    outbox = folder / "outbox"
    wanted: tuple[tuple[str, dict[str, int], Path | None], ...] = (
        ("report_zh", {}, max((folder / "reports").glob("*_zh.pdf"), default=None)),
        ("report_en", {}, max((folder / "reports").glob("*_en.pdf"), default=None)),
        ("findings", {}, next(newest.glob("findings*.csv"))),
        ("coverage", {}, next(newest.glob("coverage*.json"))),
        ("coordinator", {}, max(outbox.glob("*_coordinator_*.html"), default=None)),
        ("digests", {"count": len(list(outbox.glob("*.eml")))}, outbox),
    )
    return tuple((f"printed.demo_file.{code}", facts, path) for code, facts, path in wanted if path)
