"""The structure that a person, or the first pull, has accepted: what differs tonight, and what that stops or keeps.

Structure that went may have been deleted, or left out by a fault of the server. Until a person accepts it, its rules
stop and its findings stay open; once it is accepted, they are withdrawn, because no data say that they were fixed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nightround.findings.reconcile import withdraw
from nightround.model.doubts import LostStructure
from nightround.model.finding import Finding, LedgerDelta, Resolution
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.night.round import Round
from nightround.night.structure_drift import (
    Drift,
    Touched,
    drift_between,
    reads_lost,
    reads_removed,
    touched_by_drift,
    touched_by_rights,
    why_stopped,
)
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import Store
from nightround.store.suspect_rows import Cleared
from nightround.study.plan import Plan
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message
from redcap_sync.rows.tables import Gone

log = logging.getLogger(__name__)

RulesOf = Callable[[Dictionary], Sequence[Rule]]


@dataclass(frozen=True)
class StructureTonight:
    """The rules of a night, those among them that stop, and what of the structure went without being accepted."""

    rules: tuple[Rule, ...]
    """Those of tonight's dictionary, and those of the accepted one that it no longer has."""
    stopped: Mapping[str, Message] = field(default_factory=dict)
    lost: LostStructure | None = None
    reading: frozenset[str] = frozenset()
    """Rules that are judged and read what was lost."""


@dataclass(frozen=True)
class Acceptance:
    """Who accepted a structure, when, and in which run; nobody where nothing depended on what changed."""

    study: str
    run_id: int
    at: datetime
    by: str = ""


def settle_structure(facts: Round, store: Store, snapshot: Snapshot, rules: Sequence[Rule]) -> StructureTonight:
    """Accept a changed structure at once where nothing depends on what changed; say what it stops where something does.

    What depends on it are rules of the study, planned variables, and findings that would lose their rule or place.
    """
    accepted, plan = facts.snapshots.accepted_dictionary(), facts.study.plan
    drift = drift_between(accepted, snapshot.dictionary) if accepted else Drift()
    for line in drift.lines():
        log.warning("the project's structure changed: %s", line)
    if accepted is None or not drift:
        if accepted is None and facts.snapshots.latest_id() == snapshot.id:
            facts.snapshots.accept(snapshot.id)
        return StructureTonight(tuple(rules))
    gone = tuple(line for lines in (drift.events, drift.instruments, drift.fields) for line in lines.values())
    lost = LostStructure(accepted, snapshot.dictionary, gone)
    touched = touched_by_drift(drift, rules, plan)
    before = _rules_or_none(facts.rules, accepted)
    vanished = _vanished(before or (), rules)
    loses = _loss(lost, {rule.id for rule in vanished}, frozenset())
    live = [one for one in store.findings(facts.study.id) if one.state.live]
    ids = {rule.id for rule in rules}
    # Where the files no longer fit the accepted structure, it is not known which rules went with it.
    unknown = frozenset(one.rule_id for one in live if one.rule_id not in ids) if before is None else frozenset()
    kept = bool(unknown) or any(loses(one) for one in live)
    if not touched and not kept:
        if facts.snapshots.latest_id() == snapshot.id:
            by_itself = Acceptance(facts.study.id, facts.run_id, facts.started_at)
            accept_structure(store, facts.snapshots, by_itself, facts.rules)
        return StructureTonight(tuple(rules))
    log.warning(
        "%d rules and %d planned variables stop until the structure is accepted: "
        "nightround snapshots accept STUDY --structure --by WHO",
        len(touched.rules) + len(vanished),
        len(touched.variables),
    )
    stopped = {**touched.rules, **{one.id: why_stopped(drift, one) for one in vanished}}
    judged = [rule for rule in rules if rule.id not in stopped]
    reading = frozenset(one.id for one in judged if reads_lost(lost, one)) if lost else frozenset()
    return StructureTonight((*rules, *vanished), stopped, lost or None, reading | unknown)


def accept_structure(store: Store, snapshots: SnapshotStore, acceptance: Acceptance, rules_of: RulesOf) -> LedgerDelta:
    """Accept the structure of the last snapshot, and withdraw the findings that it leaves without rule, field or place.

    The findings first: a process that ends in between leaves them withdrawn and the structure to be accepted again.
    """
    manifest, accepted = snapshots.latest_manifest(), snapshots.accepted_dictionary()
    if manifest is None:
        return LedgerDelta()
    delta = LedgerDelta()
    if accepted is not None:
        lost = LostStructure(accepted, snapshots.dictionary(manifest))
        before, after = (_rules_or_none(rules_of, one) for one in (lost.before, lost.now))
        vanished = {one.id for one in _vanished(before or (), after)} if after is not None else set()
        broken = {one.id for one in after or () if lost and reads_removed(lost, one)}
        reason = _loss(lost, vanished, frozenset(broken))
        study, now = acceptance.study, acceptance.at
        delta = store.record_night(study, acceptance.run_id, (), lambda known: withdraw(known, reason, now), now)
        waiting: list[Gone] = [*store.suspects(study), *store.suspect_cells(study)]
        left = {one for one in waiting if lost.loses_suspect(one)}
        store.clear_suspects(study, left, Cleared.WITHDRAWN, now=now, by=acceptance.by)
    snapshots.accept(manifest.id)
    return delta


def _loss(lost: LostStructure, vanished: set[str], broken: frozenset[str]) -> Callable[[Finding], Resolution | None]:
    """Why a finding loses what it needs, if it does."""

    def reason(finding: Finding) -> Resolution | None:
        if not lost.fields.isdisjoint(finding.fields):
            return Resolution.FIELD_WITHDRAWN
        without_rule = finding.rule_id in vanished or finding.rule_id in broken or lost.loses(finding.row)
        return Resolution.RULE_WITHDRAWN if without_rule else None

    return reason


def _vanished(before: Sequence[Rule], after: Sequence[Rule]) -> tuple[Rule, ...]:
    known = {rule.id for rule in after}
    return tuple(rule for rule in before if rule.id not in known)


def _rules_or_none(rules_of: RulesOf, dictionary: Dictionary) -> Sequence[Rule] | None:
    """The rules of a study on a dictionary; None where its files name what that dictionary does not have."""
    try:
        return rules_of(dictionary)
    except ExplainedError:
        return None


def blocked_plan(snapshots: SnapshotStore, snapshot: Snapshot, plan: Plan) -> Touched:
    """What of a plan cannot be reported on a snapshot: its structure is not accepted, or the user may not export it."""
    accepted = snapshots.accepted_dictionary()
    drift = drift_between(accepted, snapshot.dictionary) if accepted else Drift()
    changed, unseen = touched_by_drift(drift, (), plan), touched_by_rights(snapshot.unseen, (), plan)
    return Touched(
        variables={**changed.variables, **unseen.variables},
        tables={**changed.tables, **unseen.tables},
        plan=unseen.plan or changed.plan,
    )
