"""The last column of a table: how many values of a line are in doubt, and what they could move."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.report.numbers.facts import Line, LineTrust, LineVerdict, Trust
from nightround.report.tables.views import Cell, Note, TableColumn
from nightround.texts.catalogue import Wording

MARKS = {LineVerdict.UNTOUCHED: "", LineVerdict.STANDS: "", LineVerdict.ESTIMATE: " ○", LineVerdict.CONCLUSION: " ●"}
"""Beside the count of values in doubt: an estimate moves, a conclusion moves."""


def trust_columns(trust: Trust, say: Wording) -> tuple[TableColumn, ...]:
    """The column, where anything was looked at."""
    return (TableColumn(say("trust_column"), kind="trust"),) if trust.lines else ()


def trust_cells(trust: Trust, line: Line | None) -> tuple[Cell, ...]:
    """The cell of a line; blank for a line that is part of another one's, or that nothing is told of."""
    if not trust.lines:
        return ()
    found = trust.of(line) if line else None
    return (Cell(trust_mark(found)) if found else Cell(),)


def trust_mark(line: LineTrust) -> str:
    """`2 ●`: two values in doubt, which could turn a conclusion."""
    return f"{line.open_values}{MARKS[line.verdict] if line.verdict else ''}"


def trust_notes(trust: Trust, say: Wording) -> Iterator[Note]:
    """What the column counts, and its marks where they are told."""
    if any(line.verdict for line in trust.lines):
        yield Note(say("trust_column_note"))
    elif trust.lines:
        yield Note(say("trust_column_note_open"))
