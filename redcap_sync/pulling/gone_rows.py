"""Which rows of an earlier pull are gone, and which of those the project's log explains.

A row that is gone proves nothing: a server that leaves rows out looks like a person who deleted them. What
tells the two apart is a line of the log about exactly that: the deletion or renaming of the record, or the
deletion of a part of it that the row belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.change_log import Edit, Removes
from redcap_sync.rows.tables import KEY_COLUMNS, RowKey

FIRST_INSTANCE = 1
STATUS = "_complete"
"""The end of the name of each instrument's completion status."""


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
    fates = _Fates.of(edits, dictionary)
    moved = {row: row._replace(record=fates.names.get(row.record, row.record)) for row in rows - fates.deleted(rows)}
    there = kept_rows(moved.values(), now)
    return frozenset(
        after
        for before, after in moved.items()
        if after not in there and not any(_covers(edit, before, dictionary) for edit in fates.parts_of(before, after))
    )


@dataclass
class _Fates:
    """What lines of the log say became of records that were there before them."""

    names: dict[str, str] = field(default_factory=dict)
    """The present name of each record that was renamed, through chains and swaps."""
    gone: set[str] = field(default_factory=set)
    """Records that were deleted and not made again."""
    parts: dict[str, list[Edit]] = field(default_factory=dict)
    """The lines about deleted parts, by the name that the record had then."""

    @classmethod
    def of(cls, edits: Iterable[Edit], dictionary: Dictionary) -> _Fates:
        """Read the lines, oldest first."""
        fates = cls()
        holders: dict[str, str] = {}
        left: set[str] = set()

        def leave(name: str) -> str:
            """Take whoever has a name away from it; '' for a record that is newer than the lines."""
            first = holders.pop(name, "" if name in left else name)
            left.add(name)
            return first

        for edit in edits:
            of_id = edit.fields == (dictionary.record_id_field,)
            if edit.removes is Removes.RECORD:
                fates.gone.add(leave(edit.record))
            elif edit.removes is Removes.NAME and of_id:
                holders[edit.renamed_to] = leave(edit.record)
            elif edit.removes is Removes.PART and (of_id or edit.verb.startswith("delet") or _statuses(edit)):
                fates.parts.setdefault(edit.record, []).append(edit)
            elif edit.verb.startswith(("creat", "updat")):
                fates.gone.discard(edit.record)
        fates.names = {first: name for name, first in holders.items() if first}
        return fates

    def deleted(self, rows: Iterable[RowKey]) -> frozenset[RowKey]:
        """Those of some rows whose record was deleted."""
        return frozenset(row for row in rows if row.record in self.gone)

    def parts_of(self, before: RowKey, after: RowKey) -> Iterator[Edit]:
        """The lines about deleted parts of a record, under its first and its present name."""
        for name in dict.fromkeys((before.record, after.record)):
            yield from self.parts.get(name, ())


def _covers(edit: Edit, row: RowKey, dictionary: Dictionary) -> bool:
    """Whether a line about a deleted part of a record names where a row lay.

    A line that names no event could be about any of them, and so explains none.
    """
    if edit.instance and edit.instance != row.instance:
        return False
    if (statuses := _statuses(edit)) and not edit.verb.startswith("delet"):
        if row.instance > FIRST_INSTANCE and not edit.instance:
            return False  # the log names every instance but the first
        if row.instrument and row.instrument not in statuses:
            return False
    said = edit.action.replace(edit.record, " ", 1)
    events = _named(said, {one.unique_name: (one.unique_name, one.label) for one in dictionary.events})
    if dictionary.longitudinal and row.event not in events:
        return False
    instruments = _named(said, {one.name: (one.name, one.label) for one in dictionary.instruments})
    if not (dictionary.longitudinal or instruments or edit.instance):
        return False
    return not (row.instrument and instruments) or row.instrument in instruments


def _statuses(edit: Edit) -> set[str]:
    """The instruments whose completion status the line names."""
    return {name.removesuffix(STATUS) for name in edit.fields if name.endswith(STATUS)}


def _named(said: str, names: dict[str, tuple[str, str]]) -> set[str]:
    """Which of some things a text names; the longest names first, because 'Month 1' is in 'Month 12'."""
    found: set[str] = set()
    pairs = [(text, key) for key, texts in names.items() for text in texts if text]
    for text, key in sorted(pairs, key=lambda pair: -len(pair[0])):
        if text in said:
            found |= {other for same, other in pairs if same == text} | {key}
            said = said.replace(text, " ")
    return found
