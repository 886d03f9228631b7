"""Suspects of a night: rows that the last good snapshot had and tonight's pull has not, with nothing that explains it.

They are written before the snapshot without them is kept: a process that ends in between leaves rows that are
suspect and there, which the next pull clears. The other way round would leave rows that nobody misses.
"""

from __future__ import annotations

import logging

from nightround.night.round import Round
from nightround.store.database import Store
from nightround.store.suspect_rows import Cleared
from redcap_sync.pulling.gone_rows import kept_rows, unexplained_rows
from redcap_sync.pulling.pulled import Pull

log = logging.getLogger(__name__)


def note_gone(facts: Round, store: Store, pulled: Pull) -> None:
    """Write down which rows are gone, and which of those that were gone before a line of the log explains now."""
    study = facts.study.id
    known = store.suspects(study)
    remain = unexplained_rows(known - kept_rows(known, pulled.rows), pulled.edits, pulled.dictionary, pulled.rows)
    if new := (pulled.gone | remain) - known:
        log.warning(
            "%d rows of %d records are gone, and no line of REDCap's log explains it: their findings stay open",
            len(new),
            len({row.record for row in new}),
        )
        store.suspect(study, facts.run_id, new, facts.started_at)
    if logged := known - remain - kept_rows(known, pulled.rows):
        store.clear_suspects(study, logged, Cleared.LOGGED, now=facts.started_at)


def note_back(facts: Round, store: Store, pulled: Pull) -> None:
    """Clear the suspects that are in the snapshot, which must be kept by now."""
    known = store.suspects(facts.study.id)
    if back := kept_rows(known, pulled.rows):
        store.clear_suspects(facts.study.id, back, Cleared.BACK, now=facts.started_at)
