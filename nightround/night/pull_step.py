"""Takes tonight's pull of a study: from the last good snapshot where that can be, whole where it must be."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.night.project_identity import known_structure, refuse_another
from nightround.night.structure_drift import Drift, Touched, drift_between, touched_by_drift, touched_by_rights
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.plan import Plan
from nightround.study.settings import RedcapTable
from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import ExportIncomplete
from redcap_sync.messages import Message
from redcap_sync.pulling.pull import PullSettings, pull_project
from redcap_sync.pulling.pulled import Pull

log = logging.getLogger(__name__)

KINDS = {"full": "pulled.full", "resumed": "pulled.resumed", "incremental": "pulled.increment"}
"""What each kind of pull is called."""


def take_pull(
    client: RedcapClient, snapshots: SnapshotStore, settings: RedcapTable, now: datetime, *, study: str
) -> Pull:
    """Pull what changed since the last good snapshot, and every `full_pull_days` everything, as a proof.

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
    )
    if pulled.told.proof and pulled.told.proof.records:
        log.warning(
            "%d records (in %s) had changed without a line in REDCap's log; the full pull has them now",
            pulled.told.proof.records,
            ", ".join(pulled.told.proof.instruments),
        )
    if pulled.told.unlogged:
        log.warning("%d records are gone, and REDCap's log tells of no deletion", pulled.told.unlogged)
    if invented := pulled.structure.invented:
        log.warning(
            "the texts of choices seem to have %s, which REDCap has not: its own codes are used", ", ".join(invented)
        )
    for one in pulled.unseen:
        log.warning("%s: %d columns are not seen", one.reason, len(one.columns))
    return pulled


def blocked(snapshots: SnapshotStore, snapshot: Snapshot, rules: Sequence[Rule], plan: Plan | None) -> Touched:
    """The rules and planned variables that cannot be judged or reported on a snapshot, each with the reason."""
    changed = _touched(_drift(snapshots, snapshot), rules, plan)
    unseen = touched_by_rights(snapshot.unseen, rules, plan)
    return Touched(
        rules={**changed.rules, **unseen.rules},
        variables={**changed.variables, **unseen.variables},
        tables={**changed.tables, **unseen.tables},
        plan=unseen.plan or changed.plan,
    )


def accept_harmless_drift(
    snapshots: SnapshotStore, snapshot: Snapshot, rules: Sequence[Rule], plan: Plan | None
) -> None:
    """Accept a changed structure at once where no rule and no planned variable depends on what changed.

    Any other change waits until a person accepts it; the log says what it is.
    """
    drift = _drift(snapshots, snapshot)
    for line in drift.lines():
        log.warning("the project's structure changed: %s", line)
    touched = _touched(drift, rules, plan)
    if touched:
        log.warning(
            "%d rules and %d planned variables stop until the structure is accepted: nightround snapshots accept STUDY",
            len(touched.rules),
            len(touched.variables),
        )
    elif (drift or snapshots.accepted() is None) and snapshots.latest_id() == snapshot.id:
        snapshots.accept(snapshot.id)


def _touched(drift: Drift, rules: Sequence[Rule], plan: Plan | None) -> Touched:
    return touched_by_drift(drift, rules, plan) if drift else Touched()  # every rule's logic would be read for nothing


def _drift(snapshots: SnapshotStore, snapshot: Snapshot) -> Drift:
    accepted = snapshots.accepted()
    return drift_between(accepted.dictionary, snapshot.dictionary) if accepted else Drift()


def full_is_due(last: datetime | None, now: datetime, days: int) -> bool:
    """Say whether everything is to be pulled; half a day is given, so that a weekly pull stays on its weekday."""
    return last is None or now - last >= timedelta(days=days) - timedelta(hours=12)


def pull_summary(pulled: Pull) -> tuple[Message, ...]:
    """How a pull went, in counts."""
    told = pulled.told
    said = [
        Message.of(KINDS[told.kind]),
        Message.of("pulled.records", records=pulled.record_count()),
        Message.of("pulled.requests", requests=told.requests),
    ]
    if told.why:
        said.append(told.why)
    if told.proof is not None:
        said.append(Message.of("pulled.proof", records=told.proof.records))
    if told.unlogged:
        said.append(Message.of("pulled.unlogged", records=told.unlogged))
    if pulled.unseen:
        said.append(Message.of("pulled.unseen", instruments=len(pulled.unseen)))
    return tuple(said)


def gone_unlogged(records: int) -> tuple[Message, ...]:
    """That records are gone of which REDCap's log says nothing, and what it means."""
    if not records:
        return ()
    return Message.of("pulled.gone", records=records), Message.of("pulled.gone_on_purpose")


def _base(snapshots: SnapshotStore) -> Pull | None:
    try:
        return snapshots.base()
    except ExportIncomplete as damaged:
        log.warning("everything is pulled anew: %s", damaged.what)
        return None
