"""Rows and answers that are suspect: kept apart, once each, until something clears them."""

import pytest

from nightround.store.database import Store, open_store
from nightround.store.suspect_rows import Cleared
from redcap_sync.rows.tables import CellKey, Gone, RowKey
from tests.made_findings import STUDY, night

ROW = RowKey("1", "month_6", "", 0)
CELL = CellKey("1", "month_6", "labs", 0, "weight")
OTHER = CELL._replace(record="2")


def suspected(store: Store) -> set[Gone]:
    """Everything that is suspect."""
    return {*store.suspects(STUDY), *store.suspect_cells(STUDY)}


@pytest.mark.parametrize("why", Cleared)
def test_what_is_gone_is_suspect_once_until_it_is_cleared(store_at: str, why: Cleared) -> None:
    """A row and cells of it, also twice in one night and again the next; what is cleared may become suspect again."""
    with open_store(store_at) as store:
        first, second = (store.start_run(STUDY, "nightly", night(number)) for number in (1, 2))
        gone: list[Gone] = [ROW, CELL, OTHER]
        store.suspect(STUDY, first, gone, night(1))
        store.suspect(STUDY, second, gone, night(2))
        assert suspected(store) == {ROW, CELL, OTHER}
        assert store.suspects("another") == store.suspect_cells("another") == frozenset()
        cleared: list[Gone] = [ROW, CELL]
        store.clear_suspects(STUDY, cleared, why, now=night(2), by="Dr. Data")
        assert suspected(store) == {OTHER}
        store.suspect(STUDY, second, gone, night(2))
        assert suspected(store) == {ROW, CELL, OTHER}
