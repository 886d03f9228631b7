"""What a template sees of a table: ready text, with the letters of its notes and the room around it."""

from __future__ import annotations

from dataclasses import dataclass
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

    `mark` stands in the margin before the label, and in no copy of the table.
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


MOST_KEPT_TOGETHER = 36
"""Lines; a table of more is broken over pages, between its sections."""


@dataclass(frozen=True)
class TableView:
    """A table, ready to print. Tables of the plan have figures for a number, those of the engine letters.

    A `halved` table stands in two halves side by side: for many short lines.
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
        """Whether it is short enough to stand on one page with its caption and its notes."""
        return len(self.rows) <= MOST_KEPT_TOGETHER

    @property
    def stretches(self) -> tuple[tuple[Row, ...], ...]:
        """The rows, or where the table is halved its two halves: they part at the heading nearest to the middle."""
        if not self.halved:
            return (self.rows,)
        middle = len(self.rows) / 2
        headings = [number for number, row in enumerate(self.rows) if row.heading and number]
        cut = min(headings, key=lambda number: abs(number - middle), default=round(middle))
        return (self.rows[:cut], self.rows[cut:])

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the table in reading order."""
        heads = (self.title, self.label_head, *(spanner.head for spanner in self.spanners))
        columns = (text for column in self.columns for text in (column.head, column.under))
        rows = (text for row in self.rows for text in (row.label, *(cell.printed for cell in row.cells)))
        return (*heads, *columns, *rows, *(note.letter + note.text for note in self.notes))


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
