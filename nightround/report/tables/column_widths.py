"""Columns in which ± and brackets are under one another, as wide as what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nightround.report.printing.cleaning import spaced
from nightround.report.printing.metrics import FontMetrics
from nightround.report.tables.views import Cell, Row, TableColumn, TableView

PIVOT = re.compile(r"\s*[±(]|(?<=\d)\.|$")
"""Where the cells of a column meet: before ± or a bracket, else before the decimal point."""
KINDS = re.compile(r"(?P<spread>±)|(?P<range>[(（].*[~–～,，])|(?P<share>[(（])")
"""Cells of one kind are brought under one another; a mean, a median and a count are not."""

PORTRAIT_EM = 61.0
"""The measure of 170 mm in em of the 7.9 pt table type."""
LANDSCAPE_EM = 95.8
"""The same for 267 mm."""
HALF_EM = 32.8
"""The measure of half a page, less the gap, in em of the 7.1 pt type of halved tables."""
COLUMN_ROOM = 1.6
"""Em between the widest cells of two columns."""
TIGHT_ROOM = 1.2
"""The same where many columns share a wide page, or half a page is all there is."""
NARROWEST = 4.2
WIDEST_TEXT = 20.0
"""Em: a longer text is broken into lines. Numbers never are."""
LEAST_LABEL_SHARE = 22.0
NOTE_SIZE = 0.62
DEPTH_INDENT = 1.1


def in_columns(table: TableView, metrics: FontMetrics) -> TableView:
    """The table with its cells aligned and its columns as wide as they need to be."""
    rows = list(table.rows)
    for number, column in enumerate(table.columns):
        if column.kind in {"value", "p"}:
            rows = align(rows, number, metrics)
    return with_widths(replace(table, rows=tuple(rows)), metrics)


def kind_of(cell: Cell) -> str:
    """What a cell holds, by its form: spread, range, share, or a plain number."""
    found = KINDS.search(cell.text)
    return str(found.lastgroup) if found else "plain"


def halves(cell: Cell, metrics: FontMetrics) -> tuple[float, float]:
    """The widths in em of a cell before and after the place where the cells of a column meet."""
    found = PIVOT.search(cell.text)
    place = found.start() if found else len(cell.text)
    letters = NOTE_SIZE * metrics.width(cell.notes)
    return metrics.width(cell.text[:place], bold=cell.strong), metrics.width(cell.text[place:]) + letters


def align(rows: Sequence[Row], column: int, metrics: FontMetrics) -> list[Row]:
    """Give each cell of a column room so that all of its kind meet at one place, their block in the middle."""
    sizes: dict[str, tuple[float, float]] = {}
    for cell in cells_of(rows, column):
        widest = sizes.get(kind_of(cell), (0.0, 0.0))
        left, right = halves(cell, metrics)
        sizes[kind_of(cell)] = (max(widest[0], left), max(widest[1], right))
    return [with_cell(row, column, sizes, metrics) for row in rows]


def cells_of(rows: Sequence[Row], column: int) -> list[Cell]:
    """The filled cells of a column."""
    cells = (row.cells[column] for row in rows if len(row.cells) > column)
    return [cell for cell in cells if cell.text]


def with_cell(row: Row, column: int, sizes: Mapping[str, tuple[float, float]], metrics: FontMetrics) -> Row:
    """The row with one cell's room filled in."""
    if len(row.cells) <= column or not row.cells[column].text:
        return row
    cell = row.cells[column]
    widest, own = sizes[kind_of(cell)], halves(cell, metrics)
    roomy = replace(cell, before=round(widest[0] - own[0], 3), after=round(widest[1] - own[1], 3))
    return replace(row, cells=(*row.cells[:column], roomy, *row.cells[column + 1 :]))


def cell_width(cell: Cell, metrics: FontMetrics) -> float:
    """The whole width of a cell in em."""
    letters = NOTE_SIZE * metrics.width(cell.notes)
    text = metrics.width(f"{cell.symbol} = {cell.text}" if cell.symbol else cell.text, bold=cell.strong)
    return cell.before + text + cell.after + letters


def with_widths(table: TableView, metrics: FontMetrics) -> TableView:
    """Each column's share of the page in percent; the labels take what is left."""
    measure = HALF_EM if table.halved else LANDSCAPE_EM if table.landscape else PORTRAIT_EM
    room = TIGHT_ROOM if table.halved or table.landscape else COLUMN_ROOM
    needs = [column_need(table, number, column, metrics) + room for number, column in enumerate(table.columns)]
    labels = label_need(table, metrics) + room
    spare = max(measure - labels - sum(needs), 0.0)
    shares = [100 * (need + spare * need / (sum(needs) + labels)) / measure for need in needs]
    label_share = max(100 - sum(shares), LEAST_LABEL_SHARE)
    fit = min(1.0, (100 - label_share) / sum(shares))
    columns = tuple(
        replace(column, width=round(share * fit, 2)) for column, share in zip(table.columns, shares, strict=True)
    )
    return replace(table, columns=columns, label_width=round(100 - sum(column.width for column in columns), 2))


def column_need(table: TableView, number: int, column: TableColumn, metrics: FontMetrics) -> float:
    """The width in em that a column needs."""
    heads = (metrics.width(spaced(column.head), bold=True), metrics.width(spaced(column.under)))
    cells = (cell_width(row.cells[number], metrics) for row in table.rows if len(row.cells) > number)
    need = max(*heads, *cells, NARROWEST)
    return min(need, WIDEST_TEXT) if column.kind == "text" else need


def label_need(table: TableView, metrics: FontMetrics) -> float:
    """The width in em that the labels need to stay on one line."""
    needs = (metrics.width(spaced(row.label), bold=row.heading) + row.depth * DEPTH_INDENT for row in table.rows)
    return max(needs, default=0.0)
