"""Forgets old snapshots: every night of some days is kept, then the last one of each week, and always the latest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from nightround.snapshots.manifest import Manifest
from nightround.snapshots.snapshot_store import OBJECTS, TAKEN, SnapshotStore
from nightround.study.settings import SnapshotsTable

T = TypeVar("T")


def prune(
    snapshots: SnapshotStore, settings: SnapshotsTable, now: datetime, *, needed: Collection[str] = ()
) -> list[Manifest]:
    """Remove manifests that are no longer kept, then every part that none names; returns what was forgotten.

    The last night of each snapshot whose id is `needed` stays, because a report was made of it.

    The caller has the lock of pulls. Broken off at any moment, the next call removes the rest. Nothing is removed
    while somebody reads snapshots, and where a manifest cannot be read, because nobody knows which parts it names.
    """
    with snapshots.removing() as free:
        return _prune(snapshots, settings, now, needed) if free else []


def _prune(
    snapshots: SnapshotStore, settings: SnapshotsTable, now: datetime, needed: Collection[str]
) -> list[Manifest]:
    manifests, damaged = snapshots.readable_manifests()
    if damaged:
        return []
    kept = to_keep(manifests, now=now, days=settings.keep_days, weeks=settings.keep_weeks)
    latest = snapshots.latest_manifest()
    by_id = {one.id: one for one in manifests}
    reported = [by_id[one] for one in needed if one in by_id]
    kept_names = {one.name for one in (*kept, *reported, *([latest] if latest else []))}
    forgotten = [one for one in manifests if one.name not in kept_names]
    _hand_on_edits(snapshots, manifests, kept_names)
    for manifest in forgotten:
        (snapshots.folder / TAKEN / manifest.name).unlink()
    left = snapshots.manifests() if forgotten else manifests
    _remove_others(snapshots, {file for one in left for file in one.objects.values()})
    return forgotten


def _hand_on_edits(snapshots: SnapshotStore, manifests: Iterable[Manifest], kept_names: Collection[str]) -> None:
    """Give the log's edits of nights that are forgotten to the next one that is kept.

    A diff over both would else name somebody who edited a cell earlier. Before the first night that is kept nothing
    is left to compare with.
    """
    waiting: list[Manifest] = []
    begun = False
    for manifest in manifests:
        if manifest.name not in kept_names:
            waiting.append(manifest)
            continue
        if begun and waiting:
            snapshots.take_edits(manifest, waiting)
        begun, waiting = True, []


def to_keep(manifests: Sequence[Manifest], *, now: datetime, days: int, weeks: int) -> list[Manifest]:
    """Choose what is kept of manifests given oldest first."""
    return kept_of([(one.taken_at, one) for one in manifests], now=now, days=days, weeks=weeks)


def kept_of(dated: Iterable[tuple[datetime, T]], *, now: datetime, days: int, weeks: int) -> list[T]:
    """Choose everything of some days, and of the weeks before them the last one of each."""
    ordered = sorted(dated, key=lambda one: one[0])
    recent = [one for one in ordered if one[0] > now - timedelta(days=days)]
    weekly = {one[0].isocalendar()[:2]: one for one in ordered if one[0] > now - timedelta(days=days, weeks=weeks)}
    chosen = {id(one): one for one in (*weekly.values(), *recent)}
    return [one for _, one in chosen.values()]


def _remove_others(snapshots: SnapshotStore, named: Iterable[str]) -> None:
    """Remove parts that no manifest names, and those that a crash left half written."""
    keep = set(named)
    for path in (snapshots.folder / OBJECTS).iterdir():
        if path.name not in keep:
            path.unlink()
