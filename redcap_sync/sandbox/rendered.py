"""CSV lines of records that were rendered before and have not changed since.

Pulls ask for the same columns night after night while few records change; rendering is what costs.
"""

from __future__ import annotations

from collections.abc import Hashable

from redcap_sync.project.flat import Selection, Templates
from redcap_sync.project.layout import Layout
from redcap_sync.sandbox.rendering import QuotedCells

MOST_SHAPES = 8
"""So many different column sets are remembered for a project; the oldest is forgotten."""


class RenderedLines:
    """What was rendered of a project, by the shape of the export and by record."""

    def __init__(self) -> None:
        self._known: dict[Hashable, dict[str, tuple[int, bytes]]] = {}
        self._layout: Layout | None = None

    def lines(self, selection: Selection, delimiter: str) -> list[bytes]:
        """Return the lines of each record of a selection; a selection with a filter is never remembered."""
        known = self._of_shape(selection, delimiter)
        templates, quoted = Templates(selection), QuotedCells(delimiter)
        values, wordy, parts = selection.project.values, _wordy_names(selection), []
        for record in selection.records:
            version, lines = known.get(record, (-1, b""))
            if version != values[record].version:
                lines = "".join(_line(row.cells, wordy, quoted) for row in templates.rows_of(record)).encode()
                known[record] = (values[record].version, lines)
            parts.append(lines)
        return parts

    def _of_shape(self, selection: Selection, delimiter: str) -> dict[str, tuple[int, bytes]]:
        if selection.keep is not None:
            return {}
        if self._layout is not selection.project.layout:
            self._known, self._layout = {}, selection.project.layout
        shape = (selection.names, selection.event_ids, selection.gray_status_blank, selection.hashed_ids, delimiter)
        known = self._known.pop(shape, {})
        self._known[shape] = known
        while len(self._known) > MOST_SHAPES:
            del self._known[next(iter(self._known))]
        return known


def _wordy_names(selection: Selection) -> tuple[str, ...]:
    """Columns whose cells may need quotes; in the others no stored value ever did, and the defaults never do."""
    project = selection.project
    by_name, wordy = project.layout.by_name, project.values.wordy
    plain = {name for name, column in by_name.items() if name not in wordy and not column.is_file}
    return tuple(name for name in selection.names if name not in plain or name == project.id_field)


def _line(cells: dict[str, str], wordy: tuple[str, ...], quoted: QuotedCells) -> str:
    for name in wordy:
        cells[name] = quoted[cells[name]]
    return quoted.delimiter.join(cells.values()) + "\n"
