"""The manifest of a night: which parts its snapshot has, in which files, and how it was pulled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from nightround.model.snapshot import Snapshot, questions_apart
from redcap_sync.messages import Message
from redcap_sync.pulling.pulled import READ_IN_LOG, Proof, PullSummary
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.pulling.record_groups import Groups
from redcap_sync.rows.tables import Table, Unseen


@dataclass(frozen=True)
class Manifest:
    """What one night's snapshot is made of. It contains no value of a patient and no record id."""

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
    summary: PullSummary

    @property
    def instruments(self) -> list[str]:
        """The instruments that have a part."""
        return [name for name in self.parts if not name.startswith("*")]

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
        summary = asdict(self.summary) | {"why": self.summary.why.document() if self.summary.why else None}
        return {**asdict(self), "taken_at": self.taken_at.isoformat(), "unseen": unseen, "summary": summary}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Manifest:
        """Read back what `document` wrote; an earlier version called the summary `told`."""
        own = {"summary" if name == "told" else name: part for name, part in document.items()}
        summary, proof = own["summary"], own["summary"]["proof"]
        return cls(
            **{
                **own,
                "taken_at": datetime.fromisoformat(document["taken_at"]),
                "unseen": tuple(
                    Unseen(one["instrument"], tuple(one["columns"]), Message.read(one["reason"]))
                    for one in document["unseen"]
                ),
                "summary": PullSummary(
                    **{
                        **summary,
                        "why": Message.read(summary["why"]) if summary["why"] else None,
                        "proof": Proof(proof["records"], tuple(proof["instruments"])) if proof else None,
                    }
                ),
            }
        )


def snapshot_of(
    manifest: Manifest,
    structure: RawStructure,
    tables: Mapping[str, Table],
    groups: Groups | None,
    study: str | None = None,
) -> Snapshot:
    """The snapshot of a night, of its parts as they were read."""
    whole = Snapshot(
        id=manifest.id,
        study=study or manifest.study,
        taken_at=manifest.taken_at,
        redcap_version=manifest.redcap_version,
        dictionary=structure.dictionary,
        tables=tables,
        unseen=manifest.unseen,
        groups=groups,
        log_read=manifest.summary.stable == READ_IN_LOG,
        parts=manifest.parts,
    )
    return questions_apart(whole)
