"""Which rows of an earlier pull are gone, and which of those the project's log explains.

A row that is gone proves nothing: a server that leaves rows out looks like a person who deleted them. What
tells the two apart is a line of the log about exactly that: the deletion or renaming of the record, or the
deletion of a part of it that the row belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.change_log import Edit
from redcap_sync.pulling.record_fates import RecordFates, covers
from redcap_sync.rows.tables import KEY_COLUMNS, RowKey


class RowsUnexplained(ExportIncomplete):
    """Rows of an export lie where the project's structure has no place for them."""


def check_places(dictionary: Dictionary, rows: pd.DataFrame) -> None:
    """Raise RowsUnexplained for flat rows of an event or instrument that the structure does not have.

    The same of an instance of what does not repeat. Such rows would belong to no instrument, and to leave them out
    would look like a deletion.
    """
    kinds = rows[["event", "instrument"]].assign(repeats=rows["instance"].gt(0)).value_counts(sort=False)
    strange = {kind: int(count) for kind, count in kinds.items() if not _has_place(dictionary, *kind)}  # type: ignore[misc]
    if strange:
        raise RowsUnexplained("pull.rows_unexplained", count=sum(strange.values()))


def _has_place(dictionary: Dictionary, event: str, instrument: str, repeats: bool) -> bool:  # noqa: FBT001
    if event not in dictionary.event_names:
        return False
    if instrument:
        return dictionary.repeats(event, instrument) and instrument in {one.name for one in dictionary.instruments}
    return not repeats or dictionary.event_repeats(event)


def gone_rows(before: pd.DataFrame, now: pd.DataFrame) -> frozenset[RowKey]:
    """The flat rows that were there before and are not now; the instrument is '' unless one repeats alone."""
    keys = list(KEY_COLUMNS)
    if before is now or before[keys].equals(now[keys]):
        return frozenset()
    both = before[keys].merge(now[keys], how="left", on=keys, indicator="found")
    left = both.loc[both["found"] == "left_only", keys]
    return frozenset(_key(*row) for row in left.itertuples(index=False, name=None))


def kept_rows(known: Iterable[RowKey], now: pd.DataFrame) -> frozenset[RowKey]:
    """Those of some flat rows that are there now."""
    wanted = frozenset(known)
    mine = now[now["record"].isin({row.record for row in wanted})] if wanted else now[:0]
    return wanted & {_key(*row) for row in mine[list(KEY_COLUMNS)].itertuples(index=False, name=None)}


def _key(record: str, event: str, instrument: str, instance: int) -> RowKey:
    return RowKey(str(record), str(event), str(instrument), int(instance))


def unexplained_rows(
    gone: Iterable[RowKey], edits: Sequence[Edit], dictionary: Dictionary, now: pd.DataFrame
) -> frozenset[RowKey]:
    """Those of the rows that are gone of which the log, oldest line first, does not say that they were removed.

    The row of a record that was renamed is looked for under the new name, and is missed under that.
    """
    rows = frozenset(gone)
    if not rows:
        return rows
    fates = RecordFates.of(edits, dictionary)
    moved = {row: row._replace(record=fates.names.get(row.record, row.record)) for row in rows - fates.deleted(rows)}
    there = kept_rows(moved.values(), now)
    return frozenset(
        after
        for before, after in moved.items()
        if after not in there and not any(covers(edit, before, dictionary) for edit in fates.parts_of(before, after))
    )
