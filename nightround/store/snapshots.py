"""Snapshots on disk: the raw answers first, then a typed Parquet table per instrument, never changed again.

A snapshot is written beside its final place and renamed into it, so that a crash at any moment
leaves either the whole of it or nothing, and the last good one stays the last good one.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from nightround.model import Snapshot
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pull import Pull
from redcap_sync.tables import KEY_COLUMNS, Table, tables_from_records

RAW_FILE = "raw.json.gz"
MANIFEST_FILE = "manifest.json"
LATEST_FILE = "latest"


@dataclass(frozen=True)
class SnapshotStore:
    """The snapshots of one study, in one folder: `<id>/raw.json.gz`, `<id>/<instrument>.parquet`, `latest`."""

    folder: Path

    def save(self, study: str, pull: Pull, taken_at: datetime) -> Snapshot:
        """Write a pull and make it the latest snapshot. The same data again only move `latest`."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        dictionary = pull.dictionary()
        snapshot = Snapshot(
            id=pull.id,
            study=study,
            taken_at=taken_at,
            redcap_version=pull.redcap_version,
            dictionary=dictionary,
            tables=tables_from_records(dictionary, pull.records),
        )
        if not (self.folder / snapshot.id).exists():
            self._write(snapshot, pull)
        self._point_latest(snapshot.id, taken_at)
        return snapshot

    def latest_id(self) -> str | None:
        """The id of the last good snapshot, or None before the first."""
        pointer = self.folder / LATEST_FILE
        return json.loads(pointer.read_text(encoding="utf-8"))["id"] if pointer.exists() else None

    def load(self, snapshot_id: str, study: str) -> Snapshot:
        """Read a snapshot back from its raw answers, after proving that they still are what their name says."""
        raw = self._raw(snapshot_id)
        pull = Pull.from_raw_json(raw)
        if pull.id != snapshot_id:
            raise ExportIncomplete(
                f"The snapshot {snapshot_id[:12]} is not what its name says.",
                why="a file of the snapshot was changed or is damaged on disk",
                remedy="restore the folder from a backup, or pull again",
            )
        manifest = json.loads((self.folder / snapshot_id / MANIFEST_FILE).read_text(encoding="utf-8"))
        dictionary = pull.dictionary()
        return Snapshot(
            id=snapshot_id,
            study=study,
            taken_at=datetime.fromisoformat(manifest["taken_at"]),
            redcap_version=pull.redcap_version,
            dictionary=dictionary,
            tables=tables_from_records(dictionary, pull.records),
        )

    def latest(self, study: str) -> Snapshot | None:
        """Read the last good snapshot, or None before the first."""
        snapshot_id = self.latest_id()
        return self.load(snapshot_id, study) if snapshot_id else None

    def latest_record_count(self) -> int | None:
        """How many records the last good snapshot holds."""
        snapshot_id = self.latest_id()
        if snapshot_id is None:
            return None
        manifest = json.loads((self.folder / snapshot_id / MANIFEST_FILE).read_text(encoding="utf-8"))
        return int(manifest["records"])

    def _raw(self, snapshot_id: str) -> bytes:
        try:
            return gzip.decompress((self.folder / snapshot_id / RAW_FILE).read_bytes())
        except (OSError, EOFError) as error:
            raise ExportIncomplete(
                f"The snapshot {snapshot_id[:12]} cannot be read ({type(error).__name__}).",
                why="its folder was removed or is damaged on disk",
                remedy="restore the folder from a backup, or pull again",
            ) from None

    def _write(self, snapshot: Snapshot, pull: Pull) -> None:
        beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.folder))
        try:
            # mtime=0: the same data give the same file.
            _write_private(beside / RAW_FILE, gzip.compress(pull.raw_json(), mtime=0))
            for table in snapshot.tables.values():
                _write_table(beside / f"{table.instrument}.parquet", table)
            _write_private(beside / MANIFEST_FILE, json.dumps(_manifest(snapshot), indent=1).encode())
            beside.rename(self.folder / snapshot.id)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def _point_latest(self, snapshot_id: str, taken_at: datetime) -> None:
        beside = self.folder / f".{LATEST_FILE}"
        _write_private(beside, json.dumps({"id": snapshot_id, "taken_at": taken_at.isoformat()}).encode())
        beside.replace(self.folder / LATEST_FILE)


def _manifest(snapshot: Snapshot) -> dict[str, object]:
    records = {record for table in snapshot.tables.values() for record in table.keys["record"]}
    return {
        "id": snapshot.id,
        "study": snapshot.study,
        "taken_at": snapshot.taken_at.isoformat(),
        "redcap_version": snapshot.redcap_version,
        "records": len(records),
        "rows": {name: len(table) for name, table in snapshot.tables.items()},
    }


def _write_private(path: Path, content: bytes) -> None:
    """Write bytes only the owner may read, and wait until they are on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _write_table(path: Path, table: Table) -> None:
    """Write one instrument: keys, typed columns, and `text:<column>` where the text says more than the type."""
    exact = table.text[[c for c in table.text if table.typed[c].dtype.kind in "fM"]].add_prefix("text:")
    frame = pd.concat([table.keys[list(KEY_COLUMNS)], table.typed, exact], axis="columns")
    path.touch(mode=0o600)
    frame.to_parquet(path, engine="pyarrow", index=False)
