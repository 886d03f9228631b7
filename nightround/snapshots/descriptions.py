"""Snapshots described by counts and hashes: no value and no record id."""

from __future__ import annotations

from typing import Any

from nightround.model.snapshot import Snapshot
from nightround.snapshots.manifest import Manifest


def summary(manifest: Manifest) -> dict[str, Any]:
    """When and how a snapshot was taken."""
    pull = manifest.summary
    return {
        "id": manifest.id,
        "taken_at": manifest.taken_at.isoformat(),
        "records": manifest.records,
        "pull": pull.kind,
        "why": str(pull.why or ""),
        "requests": pull.requests,
        "stable": pull.stable,
        "gone_without_log": pull.unlogged,
        "proof": {"differing_records": pull.proof.records, "instruments": list(pull.proof.instruments)}
        if pull.proof
        else None,
    }


def contents(manifest: Manifest, snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot's summary and the size of each of its instruments."""
    return {
        **summary(manifest),
        "title": snapshot.dictionary.title,
        "redcap_version": manifest.redcap_version,
        "instruments": [
            {"instrument": name, "rows": len(table), "columns": len(table.text.columns), "hash": manifest.parts[name]}
            for name, table in snapshot.tables.items()
        ],
        "unseen": [{"instrument": one.instrument, "reason": str(one.reason)} for one in manifest.unseen],
    }
