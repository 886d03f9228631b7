"""What lines of a project's log say became of its records, and of the parts of them that were deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from redcap_sync.dictionary import Dictionary
from redcap_sync.pulling.change_log import Edit, Removes
from redcap_sync.rows.tables import RowKey

FIRST_INSTANCE = 1
STATUS = "_complete"
"""The end of the name of each instrument's completion status."""


@dataclass
class RecordFates:
    """What lines of the log say became of records that were there before them."""

    names: dict[str, str] = field(default_factory=dict)
    """The present name of each record that was renamed, through chains and swaps."""
    gone: set[str] = field(default_factory=set)
    """Records that were deleted and not made again."""
    deleted_once: set[str] = field(default_factory=set)
    """Records that were deleted, also where they were made again."""
    parts: dict[str, list[Edit]] = field(default_factory=dict)
    """The lines about deleted parts, by the name that the record had then."""
    lines: dict[str, list[Edit]] = field(default_factory=dict)
    """Every line, by the name that the record had then."""

    @classmethod
    def of(cls, edits: Iterable[Edit], dictionary: Dictionary) -> RecordFates:
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
            fates.lines.setdefault(edit.record, []).append(edit)
            of_id = edit.fields == (dictionary.record_id_field,)
            if edit.removes is Removes.RECORD:
                first = leave(edit.record)
                fates.gone.add(first)
                fates.deleted_once.add(first)
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

    def lines_of(self, before: str) -> Iterator[Edit]:
        """Every line about a record, under its first and its present name."""
        for name in dict.fromkeys((before, self.names.get(before, before))):
            yield from self.lines.get(name, ())


def covers(edit: Edit, row: RowKey, dictionary: Dictionary) -> bool:
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
    events = events_named(edit, dictionary)
    if dictionary.longitudinal and row.event not in events:
        return False
    instruments = _named(_said(edit), {one.name: (one.name, one.label) for one in dictionary.instruments})
    if not (dictionary.longitudinal or instruments or edit.instance):
        return False
    return not (row.instrument and instruments) or row.instrument in instruments


def events_named(edit: Edit, dictionary: Dictionary) -> set[str]:
    """The events that the line names, by their unique names or their labels."""
    return _named(_said(edit), {one.unique_name: (one.unique_name, one.label) for one in dictionary.events})


def _said(edit: Edit) -> str:
    return edit.action.replace(edit.record, " ", 1)


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
