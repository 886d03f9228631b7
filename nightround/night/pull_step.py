"""Takes tonight's pull of a study: from the last good snapshot where that can be, whole where it must be."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from nightround.night.project_identity import known_structure, refuse_another
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.settings import RedcapTable
from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import ExportIncomplete
from redcap_sync.messages import Message
from redcap_sync.pulling.pull import Progress, PullSettings, missed_since, pull_project
from redcap_sync.pulling.pulled import Pull
from redcap_sync.rows.tables import Table

log = logging.getLogger(__name__)

KINDS = {"full": "pulled.full", "resumed": "pulled.resumed", "incremental": "pulled.increment"}
"""What each kind of pull is called."""


def take_pull(
    client: RedcapClient,
    snapshots: SnapshotStore,
    settings: RedcapTable,
    now: datetime,
    *,
    study: str,
    doubted: Iterable[str] = (),
    progress: Progress | None = None,
) -> Pull:
    """Pull what changed since the last good snapshot, and every `full_pull_days` everything, as a proof.

    `doubted` are records with answers that are gone without a line in the log; they are fetched in any case.
    Raises AnotherProject where the project that answers is not the one of the snapshots.
    """
    known = known_structure(snapshots)
    base = _base(snapshots)
    for error in snapshots.readable_manifests()[1]:
        log.warning("no old snapshot is removed until this file is restored or deleted: %s", error.what)
    pulled = pull_project(
        client,
        PullSettings(
            batch_records=settings.batch_records,
            workers=settings.workers,
            largest_loss_percent=settings.largest_loss_percent,
            records_before=None if base else snapshots.records_of_damaged(),
        ),
        base=base,
        full=full_is_due(snapshots.last_full(now), now, settings.full_pull_days),
        resume=snapshots.resume(),
        accept=refuse_another(study, known) if known else None,
        doubted=doubted,
        progress=progress,
    )
    if pulled.summary.proof and pulled.summary.proof.records:
        log.warning(
            "%d records (in %s) had changed without a line in REDCap's log; the full pull has them now",
            pulled.summary.proof.records,
            ", ".join(pulled.summary.proof.instruments),
        )
    if invented := pulled.structure.invented:
        log.warning(
            "the texts of choices seem to have %s, which REDCap has not: its own codes are used", ", ".join(invented)
        )
    for one in pulled.unseen:
        log.warning("%s: %d columns are not seen", one.reason, len(one.columns))
    return pulled if base else _missed_since_damage(snapshots, pulled)


def _missed_since_damage(snapshots: SnapshotStore, pulled: Pull) -> Pull:
    """The pull with what is gone of what can still be read of earlier snapshots; no log is known from there on."""
    rows = snapshots.last_rows()
    if rows is None:
        return pulled
    missed = missed_since(rows, _last_tables(snapshots), replace(pulled, edits=()))
    return replace(pulled, gone=missed.gone, blanked=missed.blanked)


def _last_tables(snapshots: SnapshotStore) -> dict[str, Table]:
    """The newest table of each instrument of which the cells can be read, whatever of its snapshot is damaged."""
    found: dict[str, Table] = {}
    with snapshots.reading():
        for manifest in reversed(snapshots.readable_manifests()[0]):
            for name in set(manifest.instruments) - found.keys():
                with suppress(ExportIncomplete):
                    found[name] = snapshots.table(manifest, name)
    return found


def full_is_due(last: datetime | None, now: datetime, days: int) -> bool:
    """Say whether everything is to be pulled; half a day is given, so that a weekly pull stays on its weekday."""
    return last is None or now - last >= timedelta(days=days) - timedelta(hours=12)


def pull_summary(pulled: Pull) -> tuple[Message, ...]:
    """How a pull went, in counts."""
    pull = pulled.summary
    said = [
        Message.of(KINDS[pull.kind]),
        Message.of("pulled.records", records=pulled.record_count()),
        Message.of("pulled.requests", requests=pull.requests),
    ]
    if pull.why:
        said.append(pull.why)
    if pull.proof is not None:
        said.append(Message.of("pulled.proof", records=pull.proof.records))
    if pull.unlogged:
        said.append(Message.of("pulled.unlogged", records=pull.unlogged))
    if pulled.unseen:
        said.append(Message.of("pulled.unseen", instruments=len(pulled.unseen)))
    return tuple(said)


def _base(snapshots: SnapshotStore) -> Pull | None:
    try:
        return snapshots.base()
    except ExportIncomplete as damaged:
        log.warning("everything is pulled anew: %s", damaged.what)
        return None
