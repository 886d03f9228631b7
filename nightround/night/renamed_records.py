"""Which records REDCap's log says were renamed since findings were brought up to date last."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from nightround.findings.lineage import Rename
from nightround.model.snapshot import Snapshot
from nightround.night.round import Round
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import Store
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.change_log import Edit, Removes

log = logging.getLogger(__name__)


def edits_since(snapshots: SnapshotStore, snapshot: Snapshot, since: datetime | None) -> tuple[Edit, ...]:
    """The log's lines of all pulls after a moment, up to that of a snapshot, oldest first; () before the first night.

    A night that failed after its pull has taken lines from the log that a later pull does not see again.
    """
    if since is None:
        return ()
    try:
        nights = [one for one in snapshots.manifests() if since < one.taken_at <= snapshot.taken_at]
        return tuple(edit for night in nights for edit in snapshots.edits(night))
    except ExportIncomplete as damaged:
        log.warning("no finding goes with a record that was renamed, no deleted visit is named: %s", damaged.what)
        return ()


def renamed_since_last(facts: Round, store: Store, snapshot: Snapshot) -> tuple[Rename, ...]:
    """The renames of all pulls that no run before this one has brought the findings up to date with."""
    edits = edits_since(facts.snapshots, snapshot, store.reconciled_at(facts.study.id, facts.run_id))
    return tuple(renames_in(edits, snapshot.dictionary.record_id_field))


def renames_in(edits: Iterable[Edit], id_field: str) -> Iterable[Rename]:
    """The renames among lines of the log: the record id is the one field that they name."""
    return (
        Rename(edit.record, edit.renamed_to)
        for edit in edits
        if edit.removes is Removes.NAME and edit.fields == (id_field,)
    )
