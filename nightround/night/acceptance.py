"""What a person accepts: the structure of the last snapshot, or that rows which are gone were removed on purpose."""

from __future__ import annotations

from nightround.model.errors import StudyFilesWrong
from nightround.night.accepted_structure import Acceptance, accept_structure
from nightround.night.steps import Night
from nightround.night.study_locks import FINDINGS
from nightround.store.suspect_rows import Cleared
from redcap_sync.messages import Message
from redcap_sync.rows.tables import Gone


def accept_whole_structure(night: Night, *, by: str) -> None:
    """Accept the structure that the last snapshot has: its rules run again, and what went is withdrawn."""
    facts = night.facts
    with night.recorder.step("accept") as note, facts.only_one(FINDINGS):
        latest = facts.snapshots.latest_manifest()
        if latest is None:
            raise StudyFilesWrong("night.no_snapshot", study=facts.study.id)
        acceptance = Acceptance(facts.study.id, facts.run_id, facts.started_at, by)
        delta = accept_structure(night.store, facts.snapshots, acceptance, facts.rules)
        night.recorder.snapshot_id = latest.id
        note(Message.of("step.accept_structure", snapshot=latest.id[:12], findings=len(delta.resolved), by=by))


def accept_rows(night: Night, *, by: str, record: str | None) -> None:
    """Accept that suspect rows and answers, of one record or of all, were removed; the next round closes findings."""
    facts, study = night.facts, night.facts.study.id
    with night.recorder.step("accept") as note, facts.only_one(FINDINGS):
        rows = {row for row in night.store.suspects(study) if record in {None, row.record}}
        cells = {cell for cell in night.store.suspect_cells(study) if record in {None, cell.record}}
        gone: list[Gone] = [*rows, *cells]
        if not gone:
            raise StudyFilesWrong("night.no_suspects")
        night.store.clear_suspects(study, gone, Cleared.ACCEPTED, now=facts.started_at, by=by)
        counts = {"rows": len(rows), "records": len({one.record for one in gone})}
        if cells:
            note(Message.of("step.accept_gone", **counts, answers=len(cells), by=by))
        else:
            note(Message.of("step.accept_rows", **counts, by=by))
