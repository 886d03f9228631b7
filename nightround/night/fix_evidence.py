"""What snapshots and REDCap's log have to prove the findings that a night closes: the one reader of both for that."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nightround.findings.lineage import Rename, final_names
from nightround.findings.proofs import SeenSince, fields_read, proof_of
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.snapshots.manifest import Manifest
from nightround.snapshots.snapshot_diff import CellChange, cells_that_differ
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.change_log import Edit
from redcap_sync.write_back.query_instrument import concerns_queries_alone

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FixEvidence:
    """The snapshots of a study up to tonight's, and the rules and renames of the night."""

    snapshots: SnapshotStore
    tonight: Snapshot
    rules: Mapping[str, Rule]
    renames: Sequence[Rename] = ()

    def proven(self, known: Iterable[Finding], delta: LedgerDelta) -> LedgerDelta:
        """The delta, in which each closed finding has its proof. Nothing is read where none was closed."""
        if not delta.resolved:
            return delta
        seen_at = {one.id: one.last_seen_at for one in known}
        by_night: dict[datetime, list[Finding]] = {}
        for one in delta.resolved:
            by_night.setdefault(seen_at[one.id], []).append(one)
        proofs = {
            one.id: proof_of(one, self.rules.get(one.rule_id), since)
            for moment, found in by_night.items()
            for since in [self._since(moment, found)]
            for one in found
        }
        return replace(delta, resolved=tuple(replace(one, fix=proofs[one.id]) for one in delta.resolved))

    def _since(self, moment: datetime, found: Sequence[Finding]) -> SeenSince:
        """What became of the records of some findings since the night that saw them last."""
        try:
            nights = self.snapshots.manifests()
            later = [one for one in nights if moment < one.taken_at <= self.tonight.taken_at]
            edits = (edit for night in later for edit in self.snapshots.edits(night))
            lines = [edit for edit in edits if not self._is_of_questions(edit)]
        except ExportIncomplete as damaged:
            log.warning("the log's lines of earlier nights prove nothing: %s", damaged.what)
            return SeenSince(None, (), whole=False)
        base = [one for one in nights if one.taken_at <= moment][-1:]
        return SeenSince(
            self._changes(next((one for one in base if one.taken_at == moment), None), found),
            lines,
            whole=bool(later) and all(one.summary.log_whole for one in later),
            own=frozenset(one.summary.account for one in (*base, *later)) - {""},
            names=final_names(self.renames),
        )

    def _is_of_questions(self, edit: Edit) -> bool:
        """Whether a line is about a question, which is no data: neither it nor an answer to it corrects anything."""
        return self.tonight.questions is not None and concerns_queries_alone(edit.fields)

    def _changes(self, seen: Manifest | None, found: Sequence[Finding]) -> list[CellChange] | None:
        """The cells of their records that are others than on the night that saw the findings; None without it."""
        if seen is None:
            return None
        try:
            with self.snapshots.reading():
                return list(self.differing(seen, found))
        except (ExportIncomplete, OSError) as damaged:
            log.warning("an earlier snapshot proves nothing: %s", type(damaged).__name__)
            return None

    def differing(self, seen: Manifest, found: Sequence[Finding]) -> Iterator[CellChange]:
        """The cells that decide about some findings and are others tonight than in an earlier snapshot."""
        fields: set[str] = set()
        everything = False
        for one in found:
            read = fields_read(one, self.rules.get(one.rule_id))
            everything, fields = everything or read is None, fields | (read or frozenset())
        records = {row.record for one in found for row in one.rows}
        names = final_names(self.renames)
        before = (one.name for one in self.snapshots.dictionary(seen).instruments if one.name in seen.parts)
        for name in dict.fromkeys([*self.tonight.tables, *before]):
            if seen.parts.get(name) == self.tonight.parts.get(name) is not None:
                continue
            old = self.snapshots.table(seen, name) if name in seen.parts else None
            new = self.tonight.tables.get(name)
            yield from cells_that_differ(old, new, records, None if everything else fields, names)
