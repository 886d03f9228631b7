"""The log of a project: who did what when, newest last in memory and newest first in an export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

RECORD_KINDS = frozenset({"record_add", "record_edit", "record_delete"})


@dataclass(frozen=True)
class LogEntry:
    """One line. `kind` is the logtype it is found by; `record` is '' unless it is about one."""

    moment: datetime
    username: str
    kind: str
    action: str
    details: str = ""
    record: str = ""
    group: str = ""


class Journal:
    """All entries of a project, in the order they were written."""

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []
        self.erased = False
        """Whether entries were taken out or changed since the log was last kept on disk."""

    def __len__(self) -> int:
        return len(self._entries)

    def write(self, entry: LogEntry) -> None:
        """Add an entry."""
        self._entries.append(entry)

    def since(self, position: int) -> list[LogEntry]:
        """Entries from a position on, oldest first."""
        return self._entries[position:]

    def newest_first(self) -> Iterator[LogEntry]:
        """All entries as an export lists them."""
        return reversed(self._entries)

    def forget_record(self, record: str) -> None:
        """Erase what the log says of a record."""
        self._entries = [entry for entry in self._entries if entry.record != record]
        self.erased = True

    def rename_groups(self, renamed: Mapping[str, str]) -> None:
        """Let entries belong to groups by their new unique names."""
        self._entries = [replace(entry, group=renamed.get(entry.group, entry.group)) for entry in self._entries]
        self.erased = True

    def records_touched(self, begin: datetime | None, end: datetime | None) -> set[str]:
        """Records created or modified between two moments, both included."""
        return {
            entry.record
            for entry in self._entries
            if entry.kind in ("record_add", "record_edit")
            and (begin is None or entry.moment >= begin)
            and (end is None or entry.moment <= end)
        }
