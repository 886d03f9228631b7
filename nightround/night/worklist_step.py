"""A worklist made of the findings of a study, and one that came back written down: under the study's lock, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nightround.digests.due_dates import DueDates
from nightround.findings.worklist_lines import LineReader, LineReceipt, ReturnedLine, WorklistLine, lines_for
from nightround.model.errors import StudyFilesWrong, UsageWrong
from nightround.model.finding import Finding, FindingState
from nightround.model.links import Places
from nightround.night.answer_step import author_of, terms_of
from nightround.night.finding_places import rules_and_places
from nightround.night.round import Round
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from nightround.night.steps import Night


def worklist_of(facts: Round, store: Store, whom: str) -> tuple[list[WorklistLine], Places]:
    """The lines of a role, of a data access group, or with '' of everybody, and the places that they lead to.

    Raises UsageWrong for a name that is neither, StudyFilesWrong before the first snapshot.
    """
    study = facts.study
    rules, places = rules_and_places(study, facts.snapshots, facts.redcap_url)
    if places is None:
        raise StudyFilesWrong("worklist.no_places", variable=study.settings.redcap.url_env)
    findings = store.findings(study.id)
    versions = store.versions(study.id)
    mine = [one for one in _of(facts, findings, whom) if one.state is FindingState.OPEN]
    if unread := sum(one.id not in versions for one in mine):
        raise StudyFilesWrong("night.sealed_findings", count=unread)
    due = due_dates_of(facts, store)
    return lines_for(mine, versions, rules, places, {one.id: due.due_on(one) for one in mine}), places


def due_dates_of(facts: Round, store: Store) -> DueDates:
    """Until when findings should be answered, as of this run."""
    today, back = facts.hospital_time, store.back_since(facts.study.id)
    return DueDates(facts.study.settings.due, today.date(), today.tzinfo, back)


def _of(facts: Round, findings: tuple[Finding, ...], whom: str) -> list[Finding]:
    """The findings that a role has to correct, or those of the records of a group."""
    roles = {one.owner for one in findings} | {person.role for person in facts.study.settings.people}
    if not whom or whom in roles:
        return [one for one in findings if whom in ("", one.owner)]
    manifest = facts.snapshots.latest_manifest()
    groups = (facts.snapshots.groups(manifest) if manifest else None) or {}
    structure = facts.snapshots.dictionary(manifest) if manifest else None
    known = {one.unique_name for one in (structure.groups if structure else None) or ()} | set(groups.values())
    if whom not in known:
        raise UsageWrong("worklist.nobody", known=", ".join(sorted(roles | known)))
    return [one for one in findings if any(groups.get(row.record) == whom for row in one.rows)]


def take_lines(night: Night, lines: Sequence[ReturnedLine], *, by: str) -> list[LineReceipt]:
    """Write down what a person answered on the lines of a list: all of it in one change of the store, or nothing."""
    facts = night.facts
    author, receipts = author_of(facts, by), list[LineReceipt]()

    def decide(known: tuple[Finding, ...]) -> list[Finding]:
        receipts[:], moves = lines_read(facts, known, night.store.versions(facts.study.id), lines, by=author.by)
        return moves

    with night.recorder.step("worklist") as note, facts.only_one(FINDINGS):
        moves = night.store.record_moves(facts.study.id, facts.run_id, decide, facts.started_at)
        note(Message.of("step.answers", count=len({one.id for one in moves})))
    return receipts


def lines_read(
    facts: Round, known: Sequence[Finding], versions: Mapping[str, str], lines: Sequence[ReturnedLine], *, by: str
) -> tuple[list[LineReceipt], list[Finding]]:
    """What becomes of the lines of a list, and what they change; `by` is the role or name of who answered.

    Raises StudyFilesWrong where values are sealed and their key is not given: nobody could say whether they changed.
    """
    if sealed := sum(one.state.live and one.id not in versions for one in known):
        raise StudyFilesWrong("night.sealed_findings", count=sealed)
    reader = LineReader({one.id: one for one in known}, versions, by, facts.started_at, terms_of(facts))
    return reader.read(lines), reader.moves
