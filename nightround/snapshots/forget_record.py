"""Takes a record out of every kept snapshot. Each gets a new id, and a map keeps which one it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nightround.snapshots.manifest import Manifest
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.change_log import Edit
from redcap_sync.pulling.pulled import Pull
from redcap_sync.rows.tables import Table


@dataclass(frozen=True)
class ForgottenSnapshots:
    """What came of it."""

    renamed: Mapping[str, str]
    """The new id of each snapshot that had the record, by the old one."""
    left: tuple[str, ...]
    """Files of snapshots that cannot be read, so that nobody knows whether they have the record."""


def names_of(store: SnapshotStore, record: str) -> dict[str, str]:
    """What a record was called in each kept snapshot, by the name of its manifest: the log says how it was renamed."""
    found: dict[str, str] = {}
    for manifest in reversed(store.readable_manifests()[0]):
        found[manifest.name] = record
        for edit in reversed(_edits(store, manifest)):
            if edit.renamed_to == record:
                record = edit.record
    return found


def forget_record(store: SnapshotStore, record: str) -> ForgottenSnapshots:
    """Take a record out of every snapshot; the caller has the lock of pulls, and nobody reads meanwhile.

    Broken off at any moment, the next call does the rest: the oldest goes first, because the newer ones say what the
    record was called before.
    """
    manifests, damaged = store.readable_manifests()
    left = [error.what for error in damaged]
    renamed: dict[str, str] = {}
    names, before = names_of(store, record), ""
    store.resume().clear()
    for manifest in manifests:
        name = names[manifest.name]
        try:
            pull = store.pull_of(manifest)
            without = _without(pull, name, before or name)
        except ExportIncomplete as error:
            left.append(error.what)
            continue
        finally:
            before = name
        if without is None:
            continue
        if without.id != manifest.id:
            renamed[manifest.id] = without.id
            store.renamed_ids.note(manifest.id, without.id)
        store.put_in_place(manifest, without)
    _remove_unnamed(store, [] if damaged else store.manifests())
    return ForgottenSnapshots(renamed, tuple(left))


def _edits(store: SnapshotStore, manifest: Manifest) -> tuple[Edit, ...]:
    try:
        return store.edits(manifest)
    except ExportIncomplete:  # which is said where the snapshot itself is read
        return ()


def has_record(store: SnapshotStore, record: str) -> bool:
    """Whether the last good snapshot has a record."""
    base = store.base()
    return base is not None and bool((base.rows["record"] == record).any())


def _without(pull: Pull, record: str, before: str) -> Pull | None:
    """The pull without a record, which the pull before may have under another name; None where it does not name it."""
    edits = tuple(edit for edit in pull.edits if not {edit.record, edit.renamed_to} & {record, before})
    named = bool((pull.rows["record"] == record).any()) or record in (pull.groups or {})
    if not named and len(edits) == len(pull.edits):
        return None
    tables = {name: _table_without(table, record) for name, table in pull.tables.items()}
    return replace(
        pull,
        rows=pull.rows[pull.rows["record"] != record].reset_index(drop=True),
        tables=tables,
        groups=None if pull.groups is None else {one: group for one, group in pull.groups.items() if one != record},
        edits=edits,
        summary=replace(pull.summary, kind="incremental"),
        carried={name: pull.carried[name] for name, table in tables.items() if table is pull.tables[name]},
    )


def _table_without(table: Table, record: str) -> Table:
    kept = np.flatnonzero(table.keys["record"] != record)
    if len(kept) == len(table):
        return table
    return Table(
        table.instrument,
        table.keys.iloc[kept].reset_index(drop=True),
        table.cells.take(kept),
        table.typed.iloc[kept].reset_index(drop=True),
    )


def _remove_unnamed(store: SnapshotStore, manifests: list[Manifest]) -> None:
    """Remove the parts that no manifest names any more."""
    named = {file for one in manifests for file in one.objects.values()}
    for path in store.objects() if manifests else ():
        if path.name not in named:
            path.unlink()
