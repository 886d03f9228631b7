"""What a template sees of a table: ready text, with the letters of its notes and the room around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from nightround.report.figures.drawing import Drawing


@dataclass(frozen=True)
class Cell:
    """One printed cell. `symbol` is set in italics before the text; `notes` are letters after it.

    `before` and `after` are em of room that bring ± and brackets of a column under one another.
    """

    text: str = ""
    symbol: str = ""
    notes: str = ""
    strong: bool = False
    shade: str = ""
    """A tint behind the text, of a table that is read as a heat map; the text says the same."""
    before: float = 0.0
    after: float = 0.0

    @property
    def printed(self) -> str:
        """The text as it is read: symbol, text and letters."""
        return f"{self.symbol}{self.text}{self.notes}"


@dataclass(frozen=True)
class Row:
    """One line of a table. `depth` 0 is a heading's place, 1 a variable's, 2 a level's; a `total` is printed bold.

    `mark` is in the margin before the label, and in no copy of the table.
    """

    label: str
    cells: tuple[Cell, ...] = ()
    depth: int = 1
    heading: bool = False
    total: bool = False
    mark: str = ""


@dataclass(frozen=True)
class TableColumn:
    """One column after the labels: its head, the small line under it, and its width in percent."""

    head: str
    under: str = ""
    kind: Literal["text", "value", "statistic", "p"] = "value"
    width: float = 0.0


@dataclass(frozen=True)
class Spanner:
    """A head over several columns; '' where there is none."""

    head: str
    columns: int


@dataclass(frozen=True)
class Note:
    """A note under a table. Without a letter it is about the whole table."""

    text: str
    letter: str = ""


MOST_KEPT_TOGETHER = 18
"""Lines, with caption and notes half a page; what is longer may be broken, so that no page is left half empty."""
MOST_OF_HALVES = 40
"""Lines of a halved table that stand side by side on one page; more go on below."""
LEAST_OF_BODY = 6
"""Lines of a long section between two places where it may be broken."""


@dataclass(frozen=True)
class TableView:
    """A table, ready to print. Tables of the plan have figures for a number, those of the engine letters.

    A `halved` table is in two halves side by side: for many short lines.
    """

    id: str
    number: str
    title: str
    label_head: str
    columns: tuple[TableColumn, ...]
    rows: tuple[Row, ...]
    spanners: tuple[Spanner, ...] = ()
    notes: tuple[Note, ...] = ()
    landscape: bool = False
    halved: bool = False
    label_width: float = 0.0
    kind: ClassVar[str] = "table"

    @property
    def planned(self) -> bool:
        """Whether it is a table of the plan; those of the engine have letters."""
        return self.number.isdigit()

    @property
    def whole(self) -> bool:
        """Whether it is short enough to be on one page with its caption and its notes."""
        return len(self.rows) <= MOST_KEPT_TOGETHER

    @property
    def stretches(self) -> tuple[tuple[tuple[Row, ...], ...], ...]:
        """The rows in what is kept together: all in one, or where the table is halved pairs of halves."""
        if not self.halved:
            return ((self.rows,),)
        return tuple(halves_of(rows) for rows in pieces_of(self.rows, MOST_OF_HALVES))

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the table in reading order."""
        heads = (self.title, self.label_head, *(spanner.head for spanner in self.spanners))
        columns = (text for column in self.columns for text in (column.head, column.under))
        rows = (text for row in self.rows for text in (row.label, *(cell.printed for cell in row.cells)))
        return (*heads, *columns, *rows, *(note.letter + note.text for note in self.notes))


def halves_of(rows: tuple[Row, ...]) -> tuple[tuple[Row, ...], ...]:
    """Two halves, which part at the heading nearest to the middle."""
    middle = len(rows) / 2
    headings = [number for number, row in enumerate(rows) if row.heading and number]
    cut = min(headings, key=lambda number: abs(number - middle), default=round(middle))
    return (rows[:cut], rows[cut:])


def sections_of(rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    """The rows from each heading to the next."""
    starts = [0, *(number for number, row in enumerate(rows) if row.heading and number), len(rows)]
    return (tuple(rows[start:end]) for start, end in pairwise(starts) if start < end)


def pieces_of(rows: Sequence[Row], most: int) -> Iterator[tuple[Row, ...]]:
    """The rows in pieces of at most so many, parted between sections where these are short enough."""
    piece: tuple[Row, ...] = ()
    for section in sections_of(rows):
        if piece and len(piece) + len(section) > most:
            yield piece
            piece = ()
        piece += section
        while len(piece) > most:
            yield piece[:most]
            piece = piece[most:]
    if piece:
        yield piece


def bodies_of(rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    """The rows in what is never broken over pages: short sections whole, long ones a few lines at a time."""
    for section in sections_of(rows):
        if len(section) <= 2 * LEAST_OF_BODY:
            yield section
            continue
        count = len(section) // LEAST_OF_BODY
        starts = [len(section) * number // count for number in range(count + 1)]
        yield from (section[start:end] for start, end in pairwise(starts))


@dataclass(frozen=True)
class Figure:
    """A figure with its title, its number and a note; two that are `half` as wide stand side by side."""

    title: str
    drawing: Drawing
    note: str = ""
    half: bool = False
    number: int = 0
    kind: ClassVar[str] = "figure"


Part = TableView | Figure
"""What a chapter shows."""
