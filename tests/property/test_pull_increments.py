"""Whatever is edited, deleted, renamed or broken off, increments give the very snapshot that a full pull gives."""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nightround.snapshots.vault import Vault
from redcap_sync.pulling import pulled_rows as holding
from redcap_sync.pulling.pulled import Pull
from redcap_sync.pulling.resume import ResumeFolder
from redcap_sync.rows.export_rows import JOINED_BYTES
from tests.pull_examples import Served, served

NAMES = st.sampled_from([str(number) for number in range(1, 9)] + ["12-1", "A (2)"])
WORDS = st.sampled_from(["", "1", "3.5", 'say \\"so\\"', "'-1", 'a "b", c', "zwei\r\nZeilen", "左侧髂静脉", "=1+1"])
GROUPS = st.sampled_from(["", "north_site", "south_site"])
MINUTES = st.sampled_from([0, 0, 1, 59, 60 * 5, 60 * 24])


class BrokenOffError(Exception):
    """The process ended in mid-pull."""


class Nights(RuleBasedStateMachine):
    """A project that lives on while it is pulled night by night, sometimes in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stack = contextlib.ExitStack()
        vault = Vault()
        self.resume = ResumeFolder(self.folder / "unfinished", write=vault.write, read=vault.read)
        self.pulled: Pull | None = None

    @initialize(records=st.integers(0, 6), at_once=st.booleans())
    def start(self, records: int, at_once: bool) -> None:  # noqa: FBT001
        """Serve a small project; what comes is laid together at once, as only much more is, or in the end."""
        self.server: Served = self.stack.enter_context(served(self.folder / "project", records=records))
        self.stack.enter_context(patch.object(holding, "JOINED_BYTES", 1 if at_once else holding.JOINED_BYTES))

    def teardown(self) -> None:
        """Stop the server."""
        self.stack.close()
        shutil.rmtree(self.folder)

    @property
    def records(self) -> list[str]:
        """The ids that are there."""
        return self.server.project.values.names()

    @rule(name=NAMES, text=WORDS)
    def edit(self, name: str, text: str) -> None:
        """Create a record or change its screening."""
        self.server.write(name, initials=text, sex="1")

    @rule(name=NAMES, instance=st.integers(1, 3), pain=st.integers(0, 10))
    def visit(self, name: str, instance: int, pain: int) -> None:
        """Create or change an instance of what repeats."""
        self.server.visit(name, instance, pain=str(pain))

    @precondition(lambda self: self.records)
    @rule(data=st.data(), erase_log=st.booleans())
    def delete(self, data: st.DataObject, erase_log: bool) -> None:  # noqa: FBT001
        """Delete a record, sometimes with every trace in the log."""
        self.server.delete(data.draw(st.sampled_from(self.records)), erase_log=erase_log)

    @precondition(lambda self: self.records)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data: st.DataObject, name: str) -> None:
        """Give a record another id."""
        if name not in self.records:
            self.server.rename(data.draw(st.sampled_from(self.records)), name)

    @precondition(lambda self: self.records)
    @rule(data=st.data(), group=GROUPS, logged=st.booleans())
    def move(self, data: st.DataObject, group: str, logged: bool) -> None:  # noqa: FBT001
        """Put a record into another data access group, sometimes without a line in the log."""
        if self.server.project.group(group) is None:
            group = ""
        record = data.draw(st.sampled_from(self.records))
        if logged:
            self.server.join(record, group)
        else:
            self.server.project.values.join_group(record, group)

    @rule(name=st.sampled_from(["south_site", "north_site"]))
    def make_or_delete_group(self, name: str) -> None:
        """Delete a data access group, or make one of the same unique name again."""
        if self.server.project.group(name) is None:
            row = f'[{{"data_access_group_name":"{name.replace("_", " ")}","unique_group_name":""}}]'
            self.server.post(content="dag", action="import", data=row)
        else:
            self.server.post(content="dag", action="delete", **{"dags[0]": name})

    @rule(minutes=MINUTES)
    def wait(self, minutes: int) -> None:
        """Let time pass on the server."""
        self.server.clock.forward(minutes=minutes)

    @rule(batch=st.integers(1, 4))
    def increment(self, batch: int) -> None:
        """Pull what changed."""
        self.pulled = self.server.pull(self.pulled, batch=batch, resume=self.resume)

    @rule(done=st.integers(1, 4))
    def break_off(self, done: int) -> None:
        """Begin a full pull and end the process after some batches."""

        def stop(records_done: int, _all: int) -> None:
            if records_done >= done:
                raise BrokenOffError

        with contextlib.suppress(BrokenOffError):
            whole = self.server.pull(self.pulled, batch=1, full=True, resume=self.resume, progress=stop)
            self.pulled = whole

    @rule(after=st.integers(0, 3), name=NAMES, moves=st.booleans())
    def edit_in_mid_pull(self, after: int, name: str, moves: bool) -> None:  # noqa: FBT001
        """Somebody edits or moves a record while a pull runs; the pull has it, or the next one."""
        change = self._move_inside if moves else self._edit_inside
        self.server.faults.script("changed", content="record", after=after, change=lambda: change(name))
        self.pulled = self.server.pull(self.pulled, batch=2, resume=self.resume)
        self.server.faults.clear()

    def _edit_inside(self, name: str) -> None:
        project = self.server.project
        event = project.event("screening_arm_1")
        assert event is not None
        from redcap_sync.project.values import ValuePlace

        there = name in project.values
        project.values.write(name, ValuePlace(event.event_id), {"record_id": name, "initials": "mid"})
        verb = "Update" if there else "Create"
        project.log("nurse", "record_edit", f"{verb} record {name}", details="initials = 'mid'", record=name)

    def _move_inside(self, name: str) -> None:
        project = self.server.project
        if name in project.values and project.group("north_site"):
            project.values.join_group(name, "north_site")
            details = "Assign record to Data Access Group (redcap_data_access_group = 'north_site')"
            project.log("nurse", "record_edit", f"Update record {name}", details=details, record=name)

    @invariant()
    def the_next_increment_is_what_a_full_pull_gives(self) -> None:
        """An increment from the last good pull equals a pull of everything, byte for byte."""
        if self.pulled is None:
            return
        step: Any = self.server.pull(self.pulled)
        with patch.object(holding, "JOINED_BYTES", JOINED_BYTES):
            whole = self.server.pull()
        assert step.parts == whole.parts
        assert step.id == whole.id


Nights.TestCase.settings = settings(
    max_examples=200 if settings.get_current_profile_name() == "search" else 6,
    stateful_step_count=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
test_increments_equal_a_full_pull = Nights.TestCase
