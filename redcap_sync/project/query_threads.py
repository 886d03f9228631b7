"""The data queries of a project, as REDCap's Data Resolution Workflow keeps them: a thread for each queried field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class QueriedPlace(NamedTuple):
    """What a thread is about. `instance` is None where it was made without one."""

    record: str
    event_id: int
    field_name: str
    instance: int | None = 1


@dataclass
class StoredResolution:
    """One line of a thread: who did what when, on the server's clock; `username` is '' for nobody."""

    res_id: int
    ts: str
    username: str
    response_requested: bool
    response: str
    comment: str
    status: str

    @property
    def key(self) -> tuple[str, str]:
        """What the Data Quality API module knows a line by."""
        return self.ts, self.username


@dataclass
class StoredThread:
    """A thread: its place, its status, and its lines in the order in which they were added."""

    status_id: int
    record: str
    event_id: int
    field_name: str
    instance: int | None
    repeat_instrument: str = ""
    query_status: str = ""
    assigned: str = ""
    resolutions: list[StoredResolution] = field(default_factory=list)

    @property
    def place(self) -> QueriedPlace:
        """What it is about."""
        return QueriedPlace(self.record, self.event_id, self.field_name, self.instance)


class QueryThreads:
    """All threads of a project. Ids are given once, and rise."""

    def __init__(self, threads: list[StoredThread] | None = None) -> None:
        self._threads = {one.status_id: one for one in threads or ()}
        self._last_thread = max(self._threads, default=0)
        self._last_line = max((line.res_id for one in self for line in one.resolutions), default=0)
        self.changed = False
        """Whether any was touched since the state was last kept on disk."""

    def __iter__(self) -> Iterator[StoredThread]:
        return iter(self._threads.values())

    def __len__(self) -> int:
        return len(self._threads)

    def open_thread(self, place: QueriedPlace, *, repeat_instrument: str = "", assigned: str = "") -> StoredThread:
        """Make a thread, also where there is one for its place."""
        self._last_thread += 1
        made = StoredThread(self._last_thread, *place, repeat_instrument=repeat_instrument, assigned=assigned)
        self._threads[made.status_id] = made
        self.changed = True
        return made

    def add(self, thread: StoredThread, line: StoredResolution) -> StoredResolution:
        """Add a line to a thread, with an id of its own; the status of the thread stays."""
        self._last_line += 1
        line.res_id = self._last_line
        thread.resolutions.append(line)
        self.changed = True
        return line

    def set_status(self, thread: StoredThread, status: str) -> None:
        """Change the status of a thread."""
        thread.query_status = status
        self.changed = True

    def rename_record(self, old: str, new: str, event_ids: frozenset[int]) -> None:
        """Let the threads of a record go with it to its new name, those of some events."""
        for one in self:
            if one.record == old and one.event_id in event_ids:
                one.record = new
                self.changed = True

    def forget_record(self, record: str) -> None:
        """Remove the threads of a record."""
        kept = {key: one for key, one in self._threads.items() if one.record != record}
        self.changed |= len(kept) < len(self._threads)
        self._threads = kept
