"""The snapshot that a person names on the command line: a name that no snapshot has is theirs to correct."""

from __future__ import annotations

from nightround.model.errors import UsageWrong
from nightround.snapshots.manifest import Manifest
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.errors import ExportIncomplete


def manifest_asked_for(store: SnapshotStore, named: str) -> Manifest:
    """The manifest of a snapshot as `SnapshotStore.manifest_of`; UsageWrong where the name fits none, or several."""
    try:
        return store.manifest_of(named)
    except ExportIncomplete as error:
        if error.code != "snapshot.not_one":
            raise
        raise UsageWrong("snapshot.not_one", name=named[:16]) from error
