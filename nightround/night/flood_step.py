"""Floods of a night: what is held back from tonight on, what ends by itself, and what a person releases."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from nightround.digests.digest_writer import DATA_MANAGER
from nightround.digests.floods import FloodSeen, FloodSince, floods_of
from nightround.model.errors import StudyFilesWrong
from nightround.night.round import NIGHTLY, Round
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from nightround.store.flood_rows import Flood
from nightround.validation.run import Validation
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from nightround.night.steps import Night

log = logging.getLogger(__name__)


def settle_floods(facts: Round, store: Store, validation: Validation) -> tuple[Flood, ...]:
    """Hold what flooded tonight, end what has nothing open any more; returns every flood of the study.

    Nothing is held in the first night, in which everything is new, nor where nobody is there to release it.
    """
    _end_empty(facts, store)
    if _has_manager(facts) and store.outcomes_before(facts.study.id, NIGHTLY, facts.run_id):
        seen = list(_seen(facts, store, validation))
        store.hold_floods(seen)
        for one in seen:
            log.warning(
                "the findings of %s are held back: %d new ones in %d rows", one.rule_id, one.opened, one.checked
            )
    return store.floods(facts.study.id)


def held_floods(floods: Iterable[Flood], run_id: int) -> tuple[FloodSeen, ...]:
    """The floods that are held, as the data manager's mail has them."""
    held = (one for one in floods if one.ended_run is None)
    return tuple(FloodSeen(one.rule_id, one.opened, one.checked, is_new=one.run_id == run_id) for one in held)


def release_flood(night: Night, rule_id: str, *, by: str) -> None:
    """Release what a rule holds back: the next digests of all others have it as new."""
    facts, study = night.facts, night.facts.study.id
    with night.recorder.step("release") as note, facts.only_one(FINDINGS):
        held = _held(night.store, study)
        found = [one for one in held if one.rule_id == rule_id]
        if not found:
            known = ", ".join(one.rule_id for one in held) or Message.of("flood.nothing_held")
            raise StudyFilesWrong("flood.not_held", rule=rule_id, known=known)
        night.store.end_floods(found, run_id=facts.run_id, now=facts.started_at, by=by)
        note(Message.of("step.release", rule=rule_id, count=found[0].opened, by=by))


def _seen(facts: Round, store: Store, validation: Validation) -> Iterator[Flood]:
    """What flooded tonight, of rules whose findings somebody else than the data manager hears of."""
    study = facts.study.id
    position = store.position_before(study, facts.run_id)
    tonight = store.changes_since(study, position).delta
    known = {one.rule_id for one in _held(store, study)} | {
        one.id for one in validation.rules if one.owner == DATA_MANAGER
    }
    for one in floods_of(validation.outcomes, tonight, facts.study.settings.alerts.flood, known):
        yield Flood(study, one.rule_id, facts.run_id, position, facts.started_at, one.opened, one.checked)


def _end_empty(facts: Round, store: Store) -> None:
    """End the floods of which nothing is open any more, so that what their rules find later is held no longer."""
    study = facts.study.id
    over = [
        one
        for one in _held(store, study)
        if not FloodSince(one.rule_id, held=True, changes=store.changes_since(study, one.position).delta).waiting
    ]
    store.end_floods(over, run_id=facts.run_id, now=facts.started_at)


def _held(store: Store, study: str) -> Sequence[Flood]:
    return [one for one in store.floods(study) if one.ended_run is None]


def _has_manager(facts: Round) -> bool:
    return any(one.role == DATA_MANAGER for one in facts.study.settings.people)
