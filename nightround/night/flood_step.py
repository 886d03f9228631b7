"""Floods of a night: what is held back from tonight on, what ends by itself, and what a person releases."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from nightround.digests.digest_writer import DATA_MANAGER
from nightround.digests.floods import FloodSeen, FloodSince, floods_of
from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import LedgerDelta
from nightround.night.round import NIGHTLY, Round
from nightround.night.study_locks import FINDINGS
from nightround.store.database import Store
from nightround.store.flood_rows import Flood
from nightround.validation.run import Validation
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from nightround.night.steps import Night

log = logging.getLogger(__name__)

FloodWatch = Callable[[int, LedgerDelta], Iterable[Flood]]
"""Gives the floods among the changes since a position of the history."""


def flood_watch(facts: Round, store: Store, validation: Validation) -> FloodWatch:
    """What sees in the changes of a night which rules flooded, those aside of which the data manager alone hears.

    Nothing is held in the first night, in which everything is new, nor where nobody is there to release it.
    """
    study = facts.study.id
    if not _has_manager(facts) or not store.outcomes_before(study, NIGHTLY, facts.run_id):
        return lambda *_: ()
    known = {one.rule_id for one in _held(store, study)}
    known |= {one.id for one in validation.rules if one.owner == DATA_MANAGER}

    def seen(position: int, changes: LedgerDelta) -> Iterator[Flood]:
        for one in floods_of(validation.outcomes, changes, facts.study.settings.alerts.flood, known):
            log.warning(
                "the findings of %s are held back: %d new ones in %d rows", one.rule_id, one.opened, one.checked
            )
            yield Flood(study, one.rule_id, facts.run_id, position, facts.started_at, one.opened, one.checked)

    return seen


def end_empty_floods(facts: Round, store: Store) -> tuple[Flood, ...]:
    """End the floods of which nothing is open any more, so that what their rules find later is held no longer.

    Returns every flood of the study.
    """
    study = facts.study.id
    over = [
        one
        for one in _held(store, study)
        if not FloodSince(one.rule_id, held=True, changes=store.changes_since(study, one.position).delta).waiting
    ]
    store.end_floods(over, run_id=facts.run_id, now=facts.started_at)
    return store.floods(study)


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


def _held(store: Store, study: str) -> Sequence[Flood]:
    return [one for one in store.floods(study) if one.ended_run is None]


def _has_manager(facts: Round) -> bool:
    return any(one.role == DATA_MANAGER for one in facts.study.settings.people)
