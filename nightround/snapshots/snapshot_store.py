"""Snapshots on disk: immutable, named by their content, and an unchanged instrument is never written twice.

    objects/<hash>-<types>.parquet, <hash>.json   the parts, each named by its content
    taken/<time>_<id>.json                        one manifest a night: which parts, and how they were pulled
    renamed.json                                  the new id of each snapshot that a record was taken out of
    accepted.json                                 the structure that was accepted; see dictionary_drift
    latest.json                                   the last good snapshot, the SHA-256 of its instruments' files, and
                                                  where the next pull may go on
    unfinished/                                   the finished batches of a pull under way

Parts first, then the manifest, then `latest.json`, each written next to its place and renamed into it:
a crash at any moment leaves the last good snapshot the last good one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from nightround.model.snapshot import Snapshot
from nightround.snapshots.damage import changed, opened, prove, unreadable
from nightround.snapshots.manifest import Manifest, snapshot_of
from nightround.snapshots.pull_checkpoint import checkpoint_document, read_checkpoint
from nightround.snapshots.renamed_ids import RenamedIds
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
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.file_locks import lock_shared, lock_tried
from redcap_sync.messages import Message
from redcap_sync.private_files import private_folder
from redcap_sync.pulling.change_log import Edit
from redcap_sync.pulling.content_hash import digest_of, frame_pieces, snapshot_id, table_pieces
from redcap_sync.pulling.pulled import GROUPS, ROWS, STRUCTURE, Pull
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.pulling.record_groups import groups_frame, groups_of_frame
from redcap_sync.pulling.resume import ResumeFolder
from redcap_sync.rows.tables import Table, UnreadTable, own_keys, positions_by_instrument
from redcap_sync.write_back.query_instrument import without_queries

OBJECTS, TAKEN, UNFINISHED, LATEST, ACCEPTED = "objects", "taken", "unfinished", "latest.json", "accepted.json"
RENAMED = "renamed.json"
READERS = ".readers.lock"


class _TableFile(NamedTuple):
    """The file of an instrument, and the SHA-256 of its content."""

    file: str
    sha256: str


@dataclass(frozen=True)
class SnapshotStore:
    """The snapshots of one study, in one folder that only the owner may read."""

    folder: Path
    vault: Vault = field(default_factory=Vault)

    def save(self, study: str, pull: Pull, taken_at: datetime) -> Snapshot:
        """Write a pull and make it the latest snapshot. What is there already is not written again."""
        for folder in (self.folder, self.folder / OBJECTS, self.folder / TAKEN):
            private_folder(folder)
        tables = self._write_tables(pull)
        files = {**self._write_other_parts(pull), **{name: one.file for name, one in tables.items()}}
        manifest = self._manifest(study, pull, taken_at, files)
        self.vault.write(self.folder / TAKEN / manifest.name, _json(manifest.document()))
        latest = {
            "manifest": manifest.name,
            "checkpoint": checkpoint_document(pull.checkpoint),
            "files": {one.file: one.sha256 for one in tables.values()},
        }
        self.vault.write(self.folder / LATEST, _json(latest))
        return snapshot_of(manifest, pull.structure, pull.tables, pull.groups)

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
        """The last good snapshot as the pull that the next one may go on from; None before the first.

        The files of its instruments are proven to be those that were written; the cells in them are read, and proven
        by the name of their part, when they are first asked for.
        """
        with self.reading():
            return self._base()

    def _base(self) -> Pull | None:
        latest = self._latest()
        if latest is None:
            return None
        manifest = self.manifest_named(latest["manifest"])
        structure, rows = self._proven_structure(manifest), self.rows_of(manifest)
        tables = self._unread_tables(manifest, latest.get("files", {}), structure.dictionary, rows)
        pull = self._pull(manifest, structure, rows, tables)
        return replace(pull, checkpoint=read_checkpoint(latest["checkpoint"]))

    def pull_of(self, manifest: Manifest) -> Pull:
        """The snapshot of a night as the pull that it was, without where the next may go on. It takes no lock."""
        structure = self._proven_structure(manifest)
        tables = {name: self.table(manifest, name) for name in manifest.instruments}
        return replace(self._pull(manifest, structure, self.rows_of(manifest), tables), edits=self.edits(manifest))

    def _pull(
        self, manifest: Manifest, structure: RawStructure, rows: pd.DataFrame, tables: Mapping[str, Table]
    ) -> Pull:
        return Pull(
            structure=structure,
            rows=rows,
            tables=tables,
            redcap_version=manifest.redcap_version,
            unseen=manifest.unseen,
            groups=self.groups(manifest),
            summary=manifest.summary,
            carried=manifest.parts,
        )

    def put_in_place(self, old: Manifest, pull: Pull) -> None:
        """Write a snapshot in the place of one, as taken at the same moment."""
        tables = {
            name: old.objects[name] if name in pull.carried else self._write_table(pull, name).file
            for name in pull.tables
        }
        files = {**self._write_other_parts(pull), **tables}
        new = replace(self._manifest(old.study, pull, old.taken_at, files), summary=old.summary)
        self.vault.write(self.folder / TAKEN / new.name, _json(new.document()))
        latest = self._latest()
        if latest is not None and latest["manifest"] == old.name:
            document = {**latest, "manifest": new.name, "files": {}}
            self.vault.write(self.folder / LATEST, _json(document))
        if new.name != old.name:
            (self.folder / TAKEN / old.name).unlink()

    def objects(self) -> list[Path]:
        """The files of all parts."""
        return list((self.folder / OBJECTS).glob("*"))

    @property
    def renamed_ids(self) -> RenamedIds:
        """Which snapshots have another id now."""
        return RenamedIds(self.folder / RENAMED, self.vault)

    def last_rows(self) -> pd.DataFrame | None:
        """The keys of the rows of the newest snapshot of which they can be read, whatever of it is damaged."""
        with self.reading():
            for manifest in reversed(self.readable_manifests()[0]):
                with suppress(ExportIncomplete):
                    return self.rows_of(manifest)
        return None

    def latest_id(self) -> str | None:
        """The id of the last good snapshot, or None before the first."""
        return manifest.id if (manifest := self.latest_manifest()) else None

    def latest(self, study: str) -> Snapshot | None:
        """Read the last good snapshot, or None before the first."""
        with self.reading():
            manifest = self.latest_manifest()
            return self.load_night(manifest, study) if manifest else None

    def records_of_damaged(self) -> int | None:
        """How many records the last good snapshot had, also where its parts cannot be read any more."""
        try:
            manifest = self.latest_manifest()
        except ExportIncomplete:
            return None
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
        renamed = {new for old, new in self.renamed_ids.read().items() if old.startswith(named)}
        found = [one for one in readable if one.id.startswith(named) or one.hour.startswith(named) or one.id in renamed]
        if damaged and not found:
            raise damaged[0]
        if not found or len({one.id for one in found}) > 1:
            raise ExportIncomplete("snapshot.not_one", name=named[:16])
        return found[-1]

    def last_full(self, now: datetime) -> datetime | None:
        """When a full pull was last made; None where none is known.

        One that is still to come was dated by a clock that was wrong: to wait for it could take years.
        """
        full = [one.taken_at for one in self.readable_manifests()[0] if one.summary.kind != "incremental"]
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
            raise unreadable(path, Message.of("snapshot.reason.no_manifest")) from None

    def structure(self, manifest: Manifest) -> RawStructure:
        """The structure of a snapshot, without its tables."""
        document = self._object(manifest, STRUCTURE)
        prove(manifest, STRUCTURE, digest_of([document]))
        return RawStructure.from_json(document)

    def dictionary(self, manifest: Manifest) -> Dictionary:
        """The project of a snapshot as a study sees it: without the instrument that questions are written to."""
        return without_queries(self.structure(manifest).dictionary)

    def accepted(self) -> RawStructure | None:
        """The structure that a person, or the first pull, has accepted; None before that."""
        path = self.folder / ACCEPTED
        return RawStructure.from_json(self._read(path)) if path.exists() else None

    def accepted_dictionary(self) -> Dictionary | None:
        """The same as a study sees it."""
        return without_queries(accepted.dictionary) if (accepted := self.accepted()) else None

    def accept(self, snapshot_id: str) -> None:
        """Accept the structure of a snapshot: what it changed stops no rule any more."""
        self.vault.write(self.folder / ACCEPTED, self.structure(self.manifest_of(snapshot_id)).json())

    def edits(self, manifest: Manifest) -> tuple[Edit, ...]:
        """What the log said of the time between the pull before and this one."""
        return opened(manifest, read_edits, self._object(manifest, "*edits"))

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
        structure = self._proven_structure(manifest)
        tables = {name: self.table(manifest, name) for name in manifest.instruments}
        return snapshot_of(manifest, structure, tables, self.groups(manifest), study)

    def _write_tables(self, pull: Pull) -> dict[str, _TableFile]:
        """Write the file of each instrument, unless it was proven tonight or those very bytes lie there."""
        proven = self._proven_files(pull)
        return {name: proven.get(name) or self._write_table(pull, name) for name in pull.tables}

    def _proven_files(self, pull: Pull) -> dict[str, _TableFile]:
        """The files of what an increment carries over; they were proven as its base was read."""
        latest = self._latest() if pull.carried else None
        if latest is None:
            return {}
        manifest, known = self.manifest_named(latest["manifest"]), latest.get("files", {})
        return {
            name: _TableFile(manifest.objects[name], known[manifest.objects[name]])
            for name in pull.tables
            if manifest.parts.get(name) == pull.carried.get(name, "") and manifest.objects[name] in known
        }

    def _write_table(self, pull: Pull, name: str) -> _TableFile:
        table = pull.tables[name].read()
        content = table_file(table)
        file = self._write_other(f"{pull.parts[name]}-{types_of(table)}.parquet", lambda: content)
        return _TableFile(file, digest_of([content]))

    def _write_other_parts(self, pull: Pull) -> dict[str, str]:
        """Write what else is not there yet; returns the file of each part.

        The base of an increment was read and proven tonight. A full pull looks at what lies there already, so that a
        part which was damaged on disk is whole again.
        """
        edits = edits_file(pull.edits)
        write = self._write_missing if pull.summary.kind == "incremental" else self._write_other
        contents = {
            STRUCTURE: (f"{pull.parts[STRUCTURE]}.json", pull.structure.json),
            ROWS: (f"{pull.parts[ROWS]}.parquet", lambda: keys_file(pull.rows)),
            "*edits": (f"{digest_of([edits])}.json", lambda: edits),
        }
        if (groups := pull.groups) is not None:
            contents[GROUPS] = (f"{pull.parts[GROUPS]}.parquet", lambda: keys_file(groups_frame(groups)))
        return {name: write(file, make) for name, (file, make) in contents.items()}

    def _write_missing(self, file: str, make: Callable[[], bytes]) -> str:
        path = self.folder / OBJECTS / file
        if not path.exists():
            self.vault.write(path, make())
        return file

    def _write_other(self, file: str, make: Callable[[], bytes]) -> str:
        """Write a part unless those very bytes lie there."""
        path, content = self.folder / OBJECTS / file, make()
        try:
            stored = self.vault.read(path)
        except (OSError, ExportIncomplete):
            stored = None
        if stored != content:
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
            summary=pull.summary,
        )

    def _proven_structure(self, manifest: Manifest) -> RawStructure:
        """Read the structure, once the manifest is proven to name the parts of its snapshot."""
        if snapshot_id(manifest.parts) != manifest.id:
            raise changed(manifest)
        return self.structure(manifest)

    def table(self, manifest: Manifest, name: str) -> Table:
        """Read an instrument's table, and prove it."""
        table = opened(manifest, partial(read_table, name), self._object(manifest, name))
        prove(manifest, name, digest_of(table_pieces(table)))
        return table

    def _table_later(self, manifest: Manifest, name: str) -> Table:
        """The same while nothing may be removed."""
        with self.reading():
            return self.table(manifest, name)

    def _unread_tables(
        self, manifest: Manifest, known: Mapping[str, str], dictionary: Dictionary, rows: pd.DataFrame
    ) -> dict[str, Table]:
        """The tables, whose files are proven now, and whose cells when they are read.

        A file whose hash is not known, because a version before wrote it, is read to be proven.
        """
        positions = dict(positions_by_instrument(dictionary, rows))
        tables: dict[str, Table] = {}
        for name in manifest.instruments:
            read = partial(self._table_later, manifest, name)
            if (sha256 := known.get(manifest.objects[name])) is None:
                read()
            elif sha256 != digest_of([self._object(manifest, name)]):
                raise changed(manifest)
            keys = own_keys(rows, name, positions[name])
            tables[name] = UnreadTable(name, keys, dictionary.columns_of(name), read)
        return tables

    def rows_of(self, manifest: Manifest) -> pd.DataFrame:
        """The keys of the flat rows of a snapshot, proven."""
        return self._keys(manifest, ROWS)

    def groups(self, manifest: Manifest) -> dict[str, str] | None:
        """The groups of the records; None where they were not shown, or nobody asked for them yet."""
        return groups_of_frame(self._keys(manifest, GROUPS)) if GROUPS in manifest.parts else None

    def _keys(self, manifest: Manifest, part: str) -> pd.DataFrame:
        keys = opened(manifest, read_keys, self._object(manifest, part))
        prove(manifest, part, digest_of(frame_pieces(keys)))
        return keys

    def _object(self, manifest: Manifest, part: str) -> bytes:
        return self._read(self.folder / OBJECTS / manifest.objects[part])

    def _document(self, path: Path) -> dict[str, Any]:
        try:
            return dict(json.loads(self._read(path)))
        except ValueError:
            raise unreadable(path, Message.of("snapshot.reason.no_json")) from None

    def _read(self, path: Path) -> bytes:
        try:
            return self.vault.read(path)
        except OSError as error:
            raise unreadable(path, type(error).__name__) from None


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
