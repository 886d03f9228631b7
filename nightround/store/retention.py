"""Forgets old snapshots: every night of some days is kept, then the last one of each week, and always the latest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from nightround.store.snapshots import OBJECTS, TAKEN, Manifest, SnapshotStore
from nightround.study.study_toml import SnapshotsTable


def prune(snapshots: SnapshotStore, settings: SnapshotsTable, now: datetime) -> list[Manifest]:
    """Remove manifests that are no longer kept, then every part that none names; returns what was forgotten.

    The caller holds the study's lock. Broken off at any moment, the next call removes the rest.
    """
    manifests = snapshots.manifests()
    kept = to_keep(manifests, now=now, days=settings.keep_days, weeks=settings.keep_weeks)
    latest = snapshots.latest_manifest()
    kept_names = {one.name for one in kept} | ({latest.name} if latest else set())
    forgotten = [one for one in manifests if one.name not in kept_names]
    for manifest in forgotten:
        (snapshots.folder / TAKEN / manifest.name).unlink()
    named = {file for one in manifests if one.name in kept_names for file in one.objects.values()}
    _remove_others(snapshots, named)
    return forgotten


def to_keep(manifests: Sequence[Manifest], *, now: datetime, days: int, weeks: int) -> list[Manifest]:
    """Choose what is kept of manifests given oldest first."""
    recent = [one for one in manifests if one.taken_at > now - timedelta(days=days)]
    older = [one for one in manifests if now - timedelta(days=days, weeks=weeks) < one.taken_at]
    weekly = {one.taken_at.isocalendar()[:2]: one for one in older}
    return list({one.name: one for one in (*weekly.values(), *recent)}.values())


def _remove_others(snapshots: SnapshotStore, named: Iterable[str]) -> None:
    """Remove parts that no manifest names, and what a crash left half written."""
    keep = set(named)
    for path in (snapshots.folder / OBJECTS).iterdir():
        if path.name not in keep:
            path.unlink()
    for folder in (snapshots.folder, snapshots.folder / TAKEN):
        for path in folder.glob(".writing-*"):
            path.unlink()
