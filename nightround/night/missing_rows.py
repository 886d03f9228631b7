"""Suspects of a night: rows and answers that the last good snapshot had and tonight's pull has not, unexplained.

They are written before the snapshot without them is kept: a process that ends in between leaves suspects that are
there, which the next pull clears. The other way round would leave rows and answers that nobody misses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from nightround.night.returned_rows import blanked_while_gone
from nightround.night.round import Round
from nightround.store.database import Store
from nightround.store.suspect_rows import Cleared
from redcap_sync.pulling.blanked_cells import answered_cells, unexplained_cells
from redcap_sync.pulling.gone_rows import kept_rows, unexplained_rows
from redcap_sync.pulling.pulled import Pull
from redcap_sync.rows.tables import Gone
from redcap_sync.write_back.query_instrument import INSTRUMENT, is_query_instrument

log = logging.getLogger(__name__)


def note_gone(facts: Round, store: Store, pulled: Pull) -> None:
    """Write down which rows and answers are gone, and which of those gone before a line of the log explains now."""
    _note_gone_rows(facts, store, pulled)
    _note_blanked_cells(facts, store, pulled)


def _note_gone_rows(facts: Round, store: Store, pulled: Pull) -> None:
    study = facts.study.id
    known = store.suspects(study)
    remain = unexplained_rows(known - kept_rows(known, pulled.rows), pulled.edits, pulled.dictionary, pulled.rows)
    if new := frozenset(filter(_is_data(pulled), pulled.gone | remain)) - known:
        log.warning(
            "%d rows of %d records are gone, and no line of REDCap's log explains it: their findings stay open",
            len(new),
            len({row.record for row in new}),
        )
        store.suspect(study, facts.run_id, new, facts.started_at)
    if logged := known - remain - kept_rows(known, pulled.rows):
        store.clear_suspects(study, logged, Cleared.LOGGED, now=facts.started_at)


def _note_blanked_cells(facts: Round, store: Store, pulled: Pull) -> None:
    study = facts.study.id
    known = store.suspect_cells(study)
    answered = answered_cells(known, pulled.tables, pulled.dictionary)
    remain = unexplained_cells(known - answered, pulled.edits, pulled.dictionary, pulled.tables)
    back = kept_rows(store.suspects(study), pulled.rows)
    lost = pulled.blanked | remain | blanked_while_gone(facts.snapshots, pulled, back)
    if new := frozenset(filter(_is_data(pulled), lost)) - known:
        log.warning(
            "%d answers of %d records are blank, and no line of REDCap's log explains it: their findings stay open",
            len(new),
            len({cell.record for cell in new}),
        )
        store.suspect(study, facts.run_id, new, facts.started_at)
    if logged := known - remain - answered:
        store.clear_suspects(study, logged, Cleared.LOGGED, now=facts.started_at)


def _is_data(pulled: Pull) -> Callable[[Gone], bool]:
    """Which rows and answers are data: those of the instrument of questions may go without a word."""
    questions = is_query_instrument(pulled.dictionary)
    return lambda gone: not (questions and gone.instrument == INSTRUMENT)


def note_back(facts: Round, store: Store, pulled: Pull) -> None:
    """Clear the suspects that are in the snapshot, which must be kept by now."""
    study = facts.study.id
    rows = kept_rows(store.suspects(study), pulled.rows)
    cells = answered_cells(store.suspect_cells(study), pulled.tables, pulled.dictionary)
    if rows or cells:
        back: list[Gone] = [*rows, *cells]
        store.clear_suspects(study, back, Cleared.BACK, now=facts.started_at)
