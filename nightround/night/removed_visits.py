"""Which visits REDCap's log says were deleted since findings were brought up to date last.

A visit that is deleted with a line in the log closes its findings, and whether another one asks for it depends on what
makes it due. So the data manager reads of each such visit once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from nightround.findings.lineage import final_names
from nightround.model.snapshot import Snapshot
from nightround.night.renamed_records import edits_since, renames_in
from nightround.night.round import Round
from nightround.store.database import Store
from redcap_sync.pulling.change_log import Edit, Removes
from redcap_sync.pulling.record_fates import events_named


def visits_removed_since_last(facts: Round, store: Store, snapshot: Snapshot) -> Mapping[str, int]:
    """How many records lost a visit, by the visit's label, in all pulls that no run before this one has reported."""
    edits = edits_since(facts.snapshots, snapshot, store.reconciled_at(facts.study.id, facts.run_id))
    return visits_removed(snapshot, edits)


def visits_removed(snapshot: Snapshot, edits: Iterable[Edit]) -> Mapping[str, int]:
    """The same of lines of the log: of records that are still there, and have nothing left in that event."""
    lines, dictionary = tuple(edits), snapshot.dictionary
    names = final_names(tuple(renames_in(lines, dictionary.record_id_field)))
    removed = {
        (names.get(line.record, line.record), event)
        for line in lines
        if line.removes is Removes.PART
        for event in events_named(line, dictionary)
    }
    if not removed:
        return {}
    there = {
        place for table in snapshot.tables.values() for place in _places(table.keys["record"], table.keys["event"])
    }
    records = {record for record, _ in there}
    gone = Counter(event for record, event in removed - there if record in records)
    return {event.in_both: gone[event.unique_name] for event in dictionary.events if gone[event.unique_name]}


def _places(records: Iterable[str], events: Iterable[str]) -> Iterable[tuple[str, str]]:
    return zip(records, events, strict=True)
