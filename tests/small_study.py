"""Rounds of a synthetic study of a few fields, on a sandbox, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import requests

from nightround.model.finding import Finding
from nightround.night import Night
from nightround.night.run_job import open_night, run_job
from nightround.night.summary import Summary
from nightround.store.database import open_store
from nightround.store.run_rows import Run
from nightround.study.folder import find_content
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.project.rights import User, every_right
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Faults, running
from redcap_sync.sandbox.project_sources import project_from_folder

FOLDER = Path(__file__).parent / "kept" / "small_study"
STUDY = "small_study"
PERSON, COLLEAGUE = "coordinator_1", "coordinator_2"
"""Users of the project who are not the one of the study's token."""
Patients = Sequence[Mapping[str, str]]
PATIENTS: Patients = (
    {"record_id": "1", "age": "47", "sex": "1", "systolic": "120", "diastolic": "80"},
    {"record_id": "2", "age": "97", "sex": "2", "systolic": "80", "diastolic": "120"},
    {"record_id": "3", "age": "", "sex": "1", "systolic": "118", "diastolic": "76"},
)
PLAN = """
policy = "as-published"
grouping = "[sex]"
population = "all"
[[groups]]
id = "men"
label = { zh = "男", en = "Men" }
codes = ["1"]
[[groups]]
id = "women"
label = { zh = "女", en = "Women" }
codes = ["2"]
[[flow]]
id = "all"
label = { zh = "全部", en = "All" }
"""
"""A plan that has a report made of the study."""


@dataclass
class SmallStudy:
    """The study with its sandbox: what is typed in, the hour, and where its data lie."""

    data: Path
    client: RedcapClient
    environ: Mapping[str, str]
    now: list[datetime] = field(default_factory=lambda: [datetime(2025, 7, 1, 18, 30, tzinfo=UTC)])
    """The hour of the study and of the server, in one cell that both read. The first one is a Wednesday morning."""
    source: Path = FOLDER
    """The folder of the study's own files."""
    people: Mapping[str, RedcapClient] = field(default_factory=dict)
    """Clients of users who are not the one of the study's token, by name."""
    held: Sequence[StoredProject] = field(default=(), repr=False)
    """The project of the sandbox."""

    @property
    def project(self) -> StoredProject:
        """The project that the sandbox has, where a test changes what no call can."""
        return self.held[0]

    @property
    def folder(self) -> Path:
        """The data folder of the study."""
        return self.data / STUDY

    def type_in(self, record: str, **values: str) -> None:
        """Change a record."""
        self.client.import_records([{"record_id": record, **values}], overwrite=True)

    def corrected(self, record: str, by: str = PERSON, **values: str) -> None:
        """Change a record as a person does, under another name than the study's own."""
        self.people[by].import_records([{"record_id": record, **values}], overwrite=True)

    def delete(self, record: str) -> None:
        """Delete a record, as a person does on REDCap's pages: the log has a line of it."""
        self._act("delete", **{"records[0]": record})

    def rename(self, record: str, new_name: str) -> None:
        """Give a record another name."""
        self._act("rename", record=record, new_record_name=new_name)

    def _act(self, action: str, **named: str) -> None:
        form = {"token": self.environ["REDCAP_TOKEN"], "content": "record", "action": action, **named}
        requests.post(self.environ["REDCAP_URL"], data=form, timeout=30).raise_for_status()

    def next_day(self) -> None:
        """Move the clock by a day."""
        self.now[0] += timedelta(days=1)

    def findings(self) -> tuple[Finding, ...]:
        """All findings, open and closed, by id."""
        with open_store(self.folder / "nightround.sqlite3") as store:
            return store.findings(STUDY)

    @contextmanager
    def opened(self, job: str = "nightly", **other: Any) -> Iterator[Night]:
        """Open one run."""
        settings = {"environ": self.environ, "clock": lambda: self.now[0], "sleep": lambda _: None} | other
        with open_night(str(self.source), data=self.data, job=job, content=find_content({}), **settings) as night:
            yield night

    def round(self, job: str = "nightly", **other: Any) -> Summary:
        """Make one round, or run another job file."""
        with self.opened(job, **other) as night:
            return run_job(night, job)

    def command(self, job: str, steps: Any) -> Summary:
        """Run steps as a command of the command line does."""
        with self.opened(job) as night:
            return run_job(night, job, steps)

    def last_run(self) -> Run:
        """The newest run that ended."""
        with open_store(self.folder / "nightround.sqlite3") as store:
            run = store.last_run(STUDY)
        assert run is not None
        return run


@contextmanager
def small_study(
    data: Path,
    source: Path = FOLDER,
    project: Path = FOLDER / "project",
    patients: Patients = PATIENTS,
    faults: Faults | None = None,
) -> Iterator[SmallStudy]:
    """Start a sandbox with the study and its three patients, two with mistakes, or with others, and scripted faults."""
    now = [datetime(2025, 7, 1, 18, 30, tzinfo=UTC)]
    held = project_from_folder(project, clock=lambda: now[0].replace(tzinfo=None))
    held.structure.users.update({name: User(name, every_right()) for name in (PERSON, COLLEAGUE)})
    with running([held], random=Random(1), faults=faults) as server:
        token = server.token(held)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        client.import_records(list(patients), overwrite=True)
        people = {
            name: RedcapClient(server.api_url, Token(server.token(held, name)), sleep=lambda _: None)
            for name in (PERSON, COLLEAGUE)
        }
        environ = {"REDCAP_URL": server.api_url, "REDCAP_TOKEN": token}
        yield SmallStudy(data, client, environ, now, source, people, [held])
