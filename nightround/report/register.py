"""The register of reports: what was made of which snapshot, by hash, and how often the outcome was looked at.

reports/register.json            one entry a snapshot, in the order of first looks
reports/editions/<snapshot>/     edition.json and the result rows, to make the report again
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultRow, ResultSet
from nightround.report.edition import Edition, digest, read_edition
from nightround.report.numbers.facts import Look
from nightround.report.reported import REGISTER
from redcap_sync.private_files import write_private

EDITIONS, EDITION_FILE, RESULTS_FILE = "editions", "edition.json", "results.json"
RESULTS: TypeAdapter[tuple[ResultRow, ...]] = TypeAdapter(tuple[ResultRow, ...])


@dataclass(frozen=True)
class Received:
    """Somebody was given a version of the report."""

    role: str
    version: str
    at: datetime


@dataclass(frozen=True)
class RegisterEntry:
    """The reports of one snapshot: the SHA-256 of each file by name, and who received them."""

    snapshot: str
    cutoff: datetime
    looked_at: bool
    """Whether a version with the outcome by group was made."""
    files: Mapping[str, str]
    received: tuple[Received, ...] = ()


ENTRIES: TypeAdapter[tuple[RegisterEntry, ...]] = TypeAdapter(tuple[RegisterEntry, ...])


@dataclass(frozen=True)
class Register:
    """The reports folder of one study."""

    folder: Path
    entries: tuple[RegisterEntry, ...] = field(default=())

    @classmethod
    def read(cls, folder: Path) -> Register:
        """Read the register of a folder; empty before the first report."""
        path = folder / REGISTER
        return cls(folder, ENTRIES.validate_json(path.read_bytes()) if path.exists() else ())

    def of(self, snapshot: str) -> RegisterEntry | None:
        """The entry of a snapshot."""
        return next((one for one in self.entries if one.snapshot == snapshot), None)

    def last_before(self, snapshot: str, cutoff: datetime) -> RegisterEntry | None:
        """The newest report of an earlier snapshot."""
        earlier = [one for one in self.entries if one.snapshot != snapshot and one.cutoff < cutoff]
        return max(earlier, key=lambda one: one.cutoff, default=None)

    def look(self, snapshot: str) -> Look:
        """Which look a report of this snapshot is; looks before it are those of other snapshots."""
        looked = [one for one in self.entries if one.looked_at]
        known = [one.snapshot for one in looked]
        before = looked[: known.index(snapshot)] if snapshot in known else looked
        return Look(len(before) + 1, tuple(one.cutoff for one in before))

    def with_report(self, snapshot: str, cutoff: datetime, files: Mapping[str, bytes], *, looked_at: bool) -> Register:
        """The register after a report was made."""
        old = self.of(snapshot)
        hashes = {name: digest(content) for name, content in files.items()}
        entry = RegisterEntry(
            snapshot, cutoff, looked_at or bool(old and old.looked_at), hashes, old.received if old else ()
        )
        if old:
            entry = RegisterEntry(snapshot, cutoff, entry.looked_at, {**old.files, **hashes}, old.received)
            return Register(self.folder, tuple(entry if one is old else one for one in self.entries))
        return Register(self.folder, (*self.entries, entry))

    def with_receipt(self, snapshot: str, received: Received) -> Register:
        """The register after somebody was given a version."""
        changed = (
            RegisterEntry(one.snapshot, one.cutoff, one.looked_at, one.files, (*one.received, received))
            if one.snapshot == snapshot
            else one
            for one in self.entries
        )
        return Register(self.folder, tuple(changed))

    def document(self) -> str:
        """The register as its file."""
        return json.dumps(ENTRIES.dump_python(self.entries, mode="json"), ensure_ascii=False, indent=1)

    def edition(self, snapshot: str) -> Edition | None:
        """The stored edition of a snapshot's report."""
        path = self.folder / EDITIONS / snapshot / EDITION_FILE
        return read_edition(path.read_bytes()) if path.exists() else None

    def results(self, snapshot: str) -> ResultSet | None:
        """The stored result rows of a snapshot's report."""
        path = self.folder / EDITIONS / snapshot / RESULTS_FILE
        return ResultSet(RESULTS.validate_json(path.read_bytes())) if path.exists() else None


def note_receipt(folder: Path, snapshot: str, received: Received) -> None:
    """Write into the register that somebody was given a version; raises StudyFilesWrong where it was never made."""
    register = Register.read(folder)
    entry = register.of(snapshot)
    is_open = received.version == "open"
    if entry is None or not any(name.startswith("open/") == is_open for name in entry.files):
        raise StudyFilesWrong("report.no_version", version=received.version, snapshot=snapshot[:12])
    write_register(register.with_receipt(snapshot, received))


def write_register(register: Register) -> None:
    """Write the register into its folder."""
    write_private(register.folder / REGISTER, register.document().encode())


def results_json(results: ResultSet) -> bytes:
    """Result rows as they are stored next to a report."""
    return RESULTS.dump_json(tuple(results))
