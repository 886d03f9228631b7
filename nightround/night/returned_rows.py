"""Rows that were gone and are back: which of their answers they came back without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from nightround.snapshots.manifest import Manifest
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ExportIncomplete
from redcap_sync.pulling.blanked_cells import blanked_cells, unexplained_cells
from redcap_sync.pulling.change_log import Edit
from redcap_sync.pulling.pulled import Pull
from redcap_sync.pulling.record_fates import RecordFates
from redcap_sync.rows.tables import KEY_COLUMNS, CellKey, RowKey


def blanked_while_gone(snapshots: SnapshotStore, pulled: Pull, back: Iterable[RowKey]) -> frozenset[CellKey]:
    """The answers that flat rows had when they were last seen, and have not now that they are back, unexplained.

    The last snapshot does not have the rows, so that nothing else would miss what they lost. A night that is damaged
    on disk proves nothing, and one before it is asked.
    """
    missing, edits = set(back), tuple(pulled.edits)
    found: set[CellKey] = set()
    for manifest in reversed(snapshots.readable_manifests()[0]) if missing else ():
        with suppress(ExportIncomplete):
            had = missing & _rows_of(snapshots, manifest, RecordFates.of(edits, pulled.dictionary).names)
            if had:
                lost = _lost_since(snapshots, manifest, pulled, edits)
                found.update(cell for cell in lost if _flat_row(cell.row, pulled.dictionary) in had)
                missing -= had
            edits = (*snapshots.edits(manifest), *edits)
        if not missing:
            break
    return frozenset(found)


def _rows_of(snapshots: SnapshotStore, manifest: Manifest, names: Mapping[str, str]) -> set[RowKey]:
    """The flat rows of a night, under the names that their records have now."""
    keys = snapshots.rows_of(manifest)[list(KEY_COLUMNS)].itertuples(index=False, name=None)
    return {RowKey(names.get(str(record), str(record)), *place) for record, *place in keys}


def _lost_since(
    snapshots: SnapshotStore, manifest: Manifest, pulled: Pull, edits: Sequence[Edit]
) -> frozenset[CellKey]:
    """The answers of a night that are blank now, and that no line of the log since then explains."""
    tables = {name: snapshots.table(manifest, name) for name in manifest.instruments}
    blanked = blanked_cells(tables, pulled.tables, pulled.dictionary, edits, pulled.unseen)
    return unexplained_cells(blanked, edits, pulled.dictionary, pulled.tables)


def _flat_row(row: RowKey, dictionary: Dictionary) -> RowKey:
    """The row of a flat export that has an instrument's row: it names the instrument where one repeats alone."""
    return row if dictionary.repeats(row.event, row.instrument) else row._replace(instrument="")
