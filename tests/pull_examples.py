"""A sandbox to pull from, and small ways to edit it, for the tests of the pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.project.rights import RIGHTS, Rights, User
from redcap_sync.project.state import StoredProject
from redcap_sync.pulling.pull import Progress, PullSettings, pull_project
from redcap_sync.pulling.pulled import Pull
from redcap_sync.pulling.resume import Resume
from redcap_sync.sandbox import Faults, Running, running
from tests.sandbox_examples import Clock, longitudinal_project

FOLLOWUP = {"redcap_event_name": "followup_arm_1"}
SCREENING = {"redcap_event_name": "screening_arm_1"}
EVERY = dict.fromkeys(("baseline", "labs", "visit"), 1)


@dataclass
class Served:
    """A running sandbox with one longitudinal project that repeats, and a client that does not wait."""

    sandbox: Running
    project: StoredProject
    client: RedcapClient
    faults: Faults
    clock: Clock

    @property
    def url(self) -> str:
        """The address of the API."""
        return self.sandbox.api_url

    def fresh_client(self, username: str | None = None, **settings: Any) -> RedcapClient:
        """Another client of the same project, of the user with every right unless another is named."""
        token = Token(self.sandbox.token(self.project, username))
        return RedcapClient(self.url, token, **{"timeout_seconds": 5, "attempts": 3, "sleep": _no_wait, **settings})

    def pull(
        self,
        base: Pull | None = None,
        *,
        batch: int = 5,
        largest_loss_percent: float = 100,
        full: bool = False,
        resume: Resume | None = None,
        progress: Progress | None = None,
    ) -> Pull:
        """Pull with small batches."""
        settings = PullSettings(batch_records=batch, largest_loss_percent=largest_loss_percent)
        return pull_project(self.client, settings, base=base, full=full, resume=resume, progress=progress)

    def write(self, record: str, **values: Any) -> None:
        """Enter values of the follow-up, or of the screening for its fields."""
        place = SCREENING if values.keys() & {"initials", "sex", "dob"} else FOLLOWUP
        self.client.import_records([{"record_id": record, **place, **values}], overwrite=True)

    def visit(self, record: str, instance: int, **values: Any) -> None:
        """Enter values of one instance of the repeating instrument."""
        repeat = {"redcap_repeat_instrument": "visit", "redcap_repeat_instance": instance}
        self.client.import_records([{"record_id": record, **FOLLOWUP, **repeat, **values}], overwrite=True)

    def join(self, record: str, group: str) -> None:
        """Put a record into a data access group, or with '' into none."""
        row = {"record_id": record, **SCREENING, "redcap_data_access_group": group}
        self.client.import_records([row], overwrite=True)

    def become(self, *, without: tuple[str, ...] = (), group: str = "", **levels: int) -> None:
        """Go on with the token of a user who lacks some rights."""
        rights = Rights(
            levels={right: int(right not in without) for right in RIGHTS},
            forms=EVERY,
            forms_export={**EVERY, **levels},
        )
        self.project.structure.users["service"] = User("service", rights, group=group)
        self.client = self.fresh_client("service")

    def post(self, **parameters: str) -> str:
        """Make any other call."""
        import requests

        answer = requests.post(
            self.url, data={"token": self.sandbox.token(self.project), "format": "json", **parameters}, timeout=5
        )
        assert answer.ok, answer.text
        return answer.text

    def delete(self, record: str, *, erase_log: bool = False) -> None:
        """Delete a record whole."""
        parameters = {"records[0]": record, "delete_logging": "1" if erase_log else "0"}
        self.post(content="record", action="delete", **parameters)

    def rename(self, record: str, new_name: str) -> None:
        """Give a record another id."""
        self.post(content="record", action="rename", record=record, new_record_name=new_name)


def _no_wait(_seconds: float) -> None:
    """Pass the time in no time."""


@contextmanager
def served(folder: Path, *, records: int = 12, **settings: Any) -> Iterator[Served]:
    """Serve a project of some records with two visits each, entered two days before now."""
    clock, faults = Clock(), Faults()
    project = longitudinal_project(folder, clock, **settings)
    with running([project], faults=faults, random=Random(1)) as sandbox:
        token = Token(sandbox.token(project))
        client = RedcapClient(sandbox.api_url, token, timeout_seconds=5, attempts=3, sleep=_no_wait)
        one = Served(sandbox, project, client, faults, clock)
        names = [str(number) for number in range(1, records + 1)]
        rows: list[dict[str, Any]] = [{"record_id": name, **SCREENING, "initials": f"SY{name}"} for name in names]
        rows += [
            {
                "record_id": name,
                **FOLLOWUP,
                "redcap_repeat_instrument": "visit",
                "redcap_repeat_instance": instance,
                "pain": str(instance),
            }
            for name in names
            for instance in (1, 2)
        ]
        if rows:
            client.import_records(rows, overwrite=False)
        clock.forward(days=2)
        faults.requests.clear()
        yield one
