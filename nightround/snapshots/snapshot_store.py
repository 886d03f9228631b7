"""Snapshots on disk: immutable, named by what they hold, and an unchanged instrument is never written twice.

    objects/<hash>-<types>.parquet, <hash>.json   the parts, each named by its content
    taken/<time>_<id>.json                        one manifest a night: which parts, and how they were pulled
    accepted.json                                 the structure that was accepted; see dictionary_drift
    latest.json                                   the last good snapshot and where the next pull may go on
    unfinished/                                   the finished batches of a pull under way

Parts first, then the manifest, then `latest.json`, each written beside its place and renamed into it:
a crash at any moment leaves the last good snapshot the last good one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from nightround.model.snapshot import Snapshot
from nightround.snapshots.pull_checkpoint import checkpoint_document, read_checkpoint
from nightround.snapshots.snapshot_files import (
    edits_file,
    keys_file,
    read_edits,
    read_keys,
    read_table,
    table_file,
    types_of,
)
from nightround.snapshots.vault import Vault
from redcap_sync.errors import ExportIncomplete
from redcap_sync.file_locks import lock_shared, lock_tried
from redcap_sync.messages import Message
from redcap_sync.private_files import private_folder
from redcap_sync.pulling.change_log import Edit
from redcap_sync.pulling.content_hash import digest_of, frame_pieces, snapshot_id, table_pieces
from redcap_sync.pulling.pulled import GROUPS, ROWS, STRUCTURE, Proof, Pull, Told
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.pulling.record_groups import Groups, groups_frame, groups_of_frame
from redcap_sync.pulling.resume import ResumeFolder
from redcap_sync.rows.tables import Table, Unseen

OBJECTS, TAKEN, UNFINISHED, LATEST, ACCEPTED = "objects", "taken", "unfinished", "latest.json", "accepted.json"

READERS = ".readers.lock"

T = TypeVar("T")


@dataclass(frozen=True)
class Manifest:
    """What one night's snapshot is made of. It holds no value of a patient and no record id."""

    id: str
    study: str
    taken_at: datetime
    redcap_version: str
    records: int
    rows: Mapping[str, int]
    parts: Mapping[str, str]
    """Hash of the content of each part, in their order."""
    objects: Mapping[str, str]
    """File of each part, and of the edits."""
    unseen: tuple[Unseen, ...]
    told: Told

    @property
    def hour(self) -> str:
        """When it was taken, as lists show it."""
        return f"{self.taken_at:%Y-%m-%d %H:%M}"

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.taken_at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}_{self.id[:12]}.json"

    def document(self) -> dict[str, Any]:
        """The manifest as JSON."""
        unseen = [
            {"instrument": one.instrument, "columns": one.columns, "reason": one.reason.document()}
            for one in self.unseen
        ]
        told = asdict(self.told) | {"why": self.told.why.document() if self.told.why else None}
        return {**asdict(self), "taken_at": self.taken_at.isoformat(), "unseen": unseen, "told": told}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Manifest:
        """Read back what `document` wrote."""
        told, proof = document["told"], document["told"]["proof"]
        return cls(
            **{
                **document,
                "taken_at": datetime.fromisoformat(document["taken_at"]),
                "unseen": tuple(
                    Unseen(one["instrument"], tuple(one["columns"]), Message.read(one["reason"]))
                    for one in document["unseen"]
                ),
                "told": Told(
                    **{
                        **told,
                        "why": Message.read(told["why"]) if told["why"] else None,
                        "proof": Proof(proof["records"], tuple(proof["instruments"])) if proof else None,
                    }
                ),
            }
        )


@dataclass(frozen=True)
class SnapshotStore:
    """The snapshots of one study, in one folder that only the owner may read."""

    folder: Path
    vault: Vault = field(default_factory=Vault)

    def save(self, study: str, pull: Pull, taken_at: datetime) -> Snapshot:
        """Write a pull and make it the latest snapshot. What is there already is not written again."""
        for folder in (self.folder, self.folder / OBJECTS, self.folder / TAKEN):
            private_folder(folder)
        manifest = self._manifest(study, pull, taken_at, self._write_parts(pull))
        self.vault.write(self.folder / TAKEN / manifest.name, _json(manifest.document()))
        self.vault.write(
            self.folder / LATEST, _json({"manifest": manifest.name, "checkpoint": checkpoint_document(pull.checkpoint)})
        )
        return _snapshot(manifest, pull.structure, pull.tables, pull.groups)

    def resume(self) -> ResumeFolder:
        """Where the finished batches of a pull under way are kept."""
        return ResumeFolder(self.folder / UNFINISHED, write=self.vault.write, read=self.vault.read)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep retention from removing anything while several snapshots, or several parts of one, are read."""
        if not self.folder.is_dir():
            yield
            return
        with lock_shared(self.folder / READERS):
            yield

    @contextmanager
    def removing(self) -> Iterator[bool]:
        """Give whether snapshots may be removed now, which is while nobody reads them."""
        with lock_tried(self.folder / READERS) as free:
            yield free

    def base(self) -> Pull | None:
        """The last good snapshot as the pull that the next one may go on from; None before the first."""
        with self.reading():
            return self._base()

    def _base(self) -> Pull | None:
        latest = self._latest()
        if latest is None:
            return None
        manifest = self.manifest_named(latest["manifest"])
        structure, tables = self._parts(manifest)
        return Pull(
            structure=structure,
            rows=self._rows(manifest),
            tables=tables,
            redcap_version=manifest.redcap_version,
            unseen=manifest.unseen,
            groups=self._groups(manifest),
            checkpoint=read_checkpoint(latest["checkpoint"]),
            told=manifest.told,
            carried=manifest.parts,
        )

    def latest_id(self) -> str | None:
        """The id of the last good snapshot, or None before the first."""
        manifest = self.latest_manifest()
        return manifest.id if manifest else None

    def latest(self, study: str) -> Snapshot | None:
        """Read the last good snapshot, or None before the first."""
        with self.reading():
            manifest = self.latest_manifest()
            return self.load_night(manifest, study) if manifest else None

    def records_of_damaged(self) -> int | None:
        """How many records the last good snapshot held, also where its parts cannot be read any more."""
        try:
            return self.latest_record_count()
        except ExportIncomplete:
            return None

    def latest_record_count(self) -> int | None:
        """How many records the last good snapshot holds."""
        manifest = self.latest_manifest()
        return manifest.records if manifest else None

    def load(self, snapshot_id: str, study: str) -> Snapshot:
        """Read a snapshot back, after proving that its parts still are what their names say."""
        with self.reading():
            return self.load_night(self.manifest_of(snapshot_id), study)

    def manifests(self) -> list[Manifest]:
        """The manifests of all nights, oldest first; raises ExportIncomplete where one cannot be read."""
        readable, damaged = self.readable_manifests()
        if damaged:
            raise damaged[0]
        return readable

    def readable_manifests(self) -> tuple[list[Manifest], list[ExportIncomplete]]:
        """The manifests that can be read, oldest first, and what is wrong with the others."""
        readable: list[Manifest] = []
        damaged: list[ExportIncomplete] = []
        for path in sorted((self.folder / TAKEN).glob("[!.]*.json")):
            try:
                readable.append(self.manifest_named(path.name))
            except ExportIncomplete as error:
                damaged.append(error)
        return readable, damaged

    def manifest_of(self, named: str) -> Manifest:
        """The newest manifest of a snapshot, named by its id, by the hour it was taken, or by the beginning of either.

        Where the same state comes back after others, its id names the last night that had it; the hour names each.
        """
        readable, damaged = self.readable_manifests()
        found = [one for one in readable if one.id.startswith(named) or one.hour.startswith(named)]
        if damaged and not found:
            raise damaged[0]
        if not found or len({one.id for one in found}) > 1:
            raise ExportIncomplete("snapshot.not_one", name=named[:16])
        return found[-1]

    def last_full(self, now: datetime) -> datetime | None:
        """When a full pull was last made; None where none is known.

        One that is still to come was dated by a clock that was wrong: to wait for it could take years.
        """
        full = [one.taken_at for one in self.readable_manifests()[0] if one.told.kind != "incremental"]
        return max((moment for moment in full if moment <= now), default=None)

    def latest_manifest(self) -> Manifest | None:
        """The manifest of the last good snapshot, or None before the first."""
        latest = self._latest()
        return self.manifest_named(latest["manifest"]) if latest else None

    def manifest_named(self, name: str) -> Manifest:
        """Read one manifest."""
        path = self.folder / TAKEN / name
        try:
            return Manifest.read(self._document(path))
        except (KeyError, TypeError, ValueError):
            raise _unreadable(path, Message.of("snapshot.reason.no_manifest")) from None

    def structure(self, manifest: Manifest) -> RawStructure:
        """The structure of a snapshot, without its tables."""
        document = self._object(manifest, STRUCTURE)
        _prove(manifest, STRUCTURE, digest_of([document]))
        return RawStructure.from_json(document)

    def accepted(self) -> RawStructure | None:
        """The structure that a person, or the first pull, has accepted; None before that."""
        path = self.folder / ACCEPTED
        return RawStructure.from_json(self._read(path)) if path.exists() else None

    def accept(self, snapshot_id: str) -> None:
        """Accept the structure of a snapshot: what it changed stops no rule any more."""
        self.vault.write(self.folder / ACCEPTED, self.structure(self.manifest_of(snapshot_id)).json())

    def edits(self, manifest: Manifest) -> tuple[Edit, ...]:
        """What the log said of the time between the pull before and this one."""
        return _opened(manifest, read_edits, self._object(manifest, "*edits"))

    def take_edits(self, manifest: Manifest, earlier: Iterable[Manifest]) -> None:
        """Put the edits of earlier nights, which are about to be forgotten, before those of a night that is kept."""
        own = self._edits_of(manifest)
        new = [edit for one in earlier for edit in self._edits_of(one)]
        known = set(own)  # of a call that was broken off
        content = edits_file([*(edit for edit in new if edit not in known), *own])
        file = self._write_missing(f"{digest_of([content])}.json", lambda: content)
        kept = replace(manifest, objects={**manifest.objects, "*edits": file})
        self.vault.write(self.folder / TAKEN / manifest.name, _json(kept.document()))

    def _edits_of(self, manifest: Manifest) -> tuple[Edit, ...]:
        """The edits of a night; none where they are damaged, which must keep nothing from being forgotten."""
        try:
            return self.edits(manifest)
        except ExportIncomplete:
            return ()

    def _latest(self) -> dict[str, Any] | None:
        path = self.folder / LATEST
        return self._document(path) if path.exists() else None

    def load_night(self, manifest: Manifest, study: str) -> Snapshot:
        """Read the snapshot of one night back, after proving its parts."""
        structure, tables = self._parts(manifest)
        return _snapshot(manifest, structure, tables, self._groups(manifest), study)

    def _write_parts(self, pull: Pull) -> dict[str, str]:
        """Write what is not there yet; returns the file of each part.

        The base of an increment was read and proven tonight. A full pull looks at what lies there already, so that a
        part which was damaged on disk is whole again.
        """
        edits = edits_file(pull.edits)
        write = self._write_missing if pull.told.kind == "incremental" else self._write_other
        contents = {
            STRUCTURE: (f"{pull.parts[STRUCTURE]}.json", pull.structure.json),
            ROWS: (f"{pull.parts[ROWS]}.parquet", lambda: keys_file(pull.rows)),
            "*edits": (f"{digest_of([edits])}.json", lambda: edits),
        }
        if (groups := pull.groups) is not None:
            contents[GROUPS] = (f"{pull.parts[GROUPS]}.parquet", lambda: keys_file(groups_frame(groups)))
        files = {name: write(file, make) for name, (file, make) in contents.items()}
        for name, table in pull.tables.items():
            file = f"{pull.parts[name]}-{types_of(table)}.parquet"
            files[name] = write(file, partial(table_file, table))
        return files

    def _write_missing(self, file: str, make: Callable[[], bytes]) -> str:
        path = self.folder / OBJECTS / file
        if not path.exists():
            self.vault.write(path, make())
        return file

    def _write_other(self, file: str, make: Callable[[], bytes]) -> str:
        """Write a part unless those very bytes lie there."""
        path, content = self.folder / OBJECTS / file, make()
        try:
            held = self.vault.read(path)
        except (OSError, ExportIncomplete):
            held = None
        if held != content:
            self.vault.write(path, content)
        return file

    def _manifest(self, study: str, pull: Pull, taken_at: datetime, objects: Mapping[str, str]) -> Manifest:
        return Manifest(
            id=pull.id,
            study=study,
            taken_at=taken_at,
            redcap_version=pull.redcap_version,
            records=pull.record_count(),
            rows={name: len(table) for name, table in pull.tables.items()},
            parts=dict(pull.parts),
            objects=dict(objects),
            unseen=pull.unseen,
            told=pull.told,
        )

    def _parts(self, manifest: Manifest) -> tuple[RawStructure, dict[str, Table]]:
        """Read structure and tables, and prove them."""
        if snapshot_id(manifest.parts) != manifest.id:
            raise _changed(manifest)
        structure = self.structure(manifest)
        tables = {
            name: _opened(manifest, partial(read_table, name), self._object(manifest, name))
            for name in manifest.parts
            if not name.startswith("*")
        }
        for name, table in tables.items():
            _prove(manifest, name, digest_of(table_pieces(table)))
        return structure, tables

    def _rows(self, manifest: Manifest) -> pd.DataFrame:
        return self._keys(manifest, ROWS)

    def _groups(self, manifest: Manifest) -> dict[str, str] | None:
        """The groups of the records; None where they were not shown, or nobody asked for them yet."""
        return groups_of_frame(self._keys(manifest, GROUPS)) if GROUPS in manifest.parts else None

    def _keys(self, manifest: Manifest, part: str) -> pd.DataFrame:
        keys = _opened(manifest, read_keys, self._object(manifest, part))
        _prove(manifest, part, digest_of(frame_pieces(keys)))
        return keys

    def _object(self, manifest: Manifest, part: str) -> bytes:
        return self._read(self.folder / OBJECTS / manifest.objects[part])

    def _document(self, path: Path) -> dict[str, Any]:
        try:
            return dict(json.loads(self._read(path)))
        except ValueError:
            raise _unreadable(path, Message.of("snapshot.reason.no_json")) from None

    def _read(self, path: Path) -> bytes:
        try:
            return self.vault.read(path)
        except OSError as error:
            raise _unreadable(path, type(error).__name__) from None


def _snapshot(
    manifest: Manifest,
    structure: RawStructure,
    tables: Mapping[str, Table],
    groups: Groups | None,
    study: str | None = None,
) -> Snapshot:
    return Snapshot(
        id=manifest.id,
        study=study or manifest.study,
        taken_at=manifest.taken_at,
        redcap_version=manifest.redcap_version,
        dictionary=structure.dictionary,
        tables=tables,
        unseen=manifest.unseen,
        groups=groups,
        unlogged=manifest.told.unlogged,
        parts=manifest.parts,
    )


def _prove(manifest: Manifest, part: str, digest: str) -> None:
    if manifest.parts[part] != digest:
        raise _changed(manifest)


def _opened(manifest: Manifest, read: Callable[[bytes], T], content: bytes) -> T:
    """Read a part; one that is damaged may be no Parquet or JSON at all."""
    try:
        return read(content)
    except (ValueError, KeyError, OSError, pa.ArrowException):
        raise _changed(manifest) from None


def _unreadable(path: Path, error: Message | str) -> ExportIncomplete:
    return ExportIncomplete("snapshot.unreadable", file=path.name[:40], error=error)


def _changed(manifest: Manifest) -> ExportIncomplete:
    return ExportIncomplete("snapshot.changed", name=manifest.id[:12])


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
