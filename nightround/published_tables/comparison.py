"""The comparisons of a table: one variable in one block of columns, with its statistic and P."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, NamedTuple

from nightround.published_tables.document_form import Block, BlockKey, Part, PrintedRow, PrintedTable, lost_decimals
from nightround.published_tables.headers import Design, size_of, symbols_of
from nightround.published_tables.printed_cells import (
    Content,
    Counted,
    Kind,
    PrintedCell,
    Reported,
    kind_of,
    read_content,
    read_p,
    read_statistic,
)
from nightround.published_tables.ranges import plain

Measure = Literal["sd", "sem", "unsaid"]
"""What follows a mean: its standard deviation, its standard error, or a number of which no word says what it is."""
_SEM = re.compile(r"(?<![a-z])s\.?e\.?(?:m\.?)?(?![a-z])|standard errors?|标准误|(?<![a-z])sx̄")
_SD = re.compile(r"(?<![a-z])s\.?d\.?(?![a-z])|standard deviations?|标准差|±\s*s(?![a-z.])")
FEWEST_BY_WORD = 2
"""Two more rows that begin with the same word are levels; a single one may be another variable."""


class Value(NamedTuple):
    """A printed value with what it says; no content where it cannot be read, no cell where nothing is printed."""

    cell: PrintedCell | None
    content: Content | None


@dataclass(frozen=True, eq=False)
class PrintedLine:
    """One row of a comparison: a measurement, or one level of a counted variable."""

    label: str
    values: tuple[Value, ...]
    total: Value | None = None


@dataclass(frozen=True, eq=False)
class PrintedComparison:
    """One variable in one block.

    `firm` says that its rows are the levels of one variable: their labels say so. `sizes` are the numbers of
    patients that the headers state. `symbols` are the statistics the header and the cell allow, none for any.
    `percentages_checked` says that they are of another base than the column, and right.
    """

    table: str
    block: BlockKey
    label: str
    kind: Kind | None
    design: Design
    lines: tuple[PrintedLine, ...]
    sizes: tuple[int | None, ...]
    statistic: Reported | None
    p: Reported | None
    symbols: frozenset[str]
    firm: bool = False
    one_sided: bool = False
    granularity: float | None = None
    measure: Measure = "unsaid"
    percentages_checked: bool = False
    unread: tuple[PrintedCell, ...] = ()

    @property
    def contents(self) -> tuple[Content | None, ...]:
        """What the values of its first row say."""
        return tuple(value.content for value in self.lines[0].values)

    def n(self, place: int) -> int | None:
        """The patients of a column: as its cell says, else as its header does."""
        content = self.contents[place]
        return (content.n if content else None) or self.sizes[place]


class PrintedVariable(NamedTuple):
    """Rows that belong together."""

    rows: tuple[PrintedRow, ...]
    firm: bool


def comparisons(table: PrintedTable) -> Iterator[PrintedComparison]:
    """Every comparison of a table, block by block."""
    rows = [row for part in table.parts for row in part.rows]
    blocks = [block for part in table.parts for block in part.blocks]
    decimals = {
        **lost_decimals(rows, _places(blocks, "statistic")),
        **lost_decimals(rows, _places(blocks, "p")),
    }
    for part in table.parts:
        for variable in variables(part):
            for block in part.blocks:
                made = _comparison(table, block, variable, decimals)
                if made is not None:
                    yield made


def _places(blocks: Sequence[Block], role: str) -> list[int]:
    places = (block.statistic if role == "statistic" else block.p for block in blocks)
    return sorted({place for place in places if place is not None})


def _comparison(
    table: PrintedTable, block: Block, variable: PrintedVariable, decimals: Mapping[PrintedCell, int]
) -> PrintedComparison | None:
    head = variable.rows[0]
    kind = row_kind(head)
    cells = [row.cells[column.place] for row in variable.rows for column in block.columns]
    tested = [head.cells[place] if place is not None else None for place in (block.statistic, block.p)]
    if not any([*cells, *tested]):
        return None
    statistic = read_statistic(tested[0], decimals.get(tested[0], 0)) if tested[0] else None
    p = read_p(tested[1], decimals.get(tested[1], 0)) if tested[1] else None
    read = [one.cell for one in (statistic, p) if one]
    symbols = symbols_of(statistic.symbol) if statistic and statistic.symbol else symbols_of(block.statistic_header)
    own = size_of(head.label)
    return PrintedComparison(
        table=table.name,
        block=block.key,
        label=head.label,
        kind=kind,
        design=block.design,
        lines=tuple(_line(row, block, kind) for row in variable.rows if _has_values(row, block))
        or (_line(head, block, kind),),
        sizes=tuple(own or column.n for column in block.columns),
        statistic=statistic,
        p=p,
        symbols=symbols,
        firm=variable.firm,
        one_sided=table.one_sided,
        granularity=_step(table.granularity or {}, head.label),
        measure=_measure(f"{head.kind} {head.label}", table.words),
        unread=tuple(cell for cell in tested if cell is not None and cell not in read),
    )


def _measure(row: str, table: str) -> Measure:
    """By the words of the row, else by those of the table's title, columns and notes."""
    for words in (plain(row).lower(), plain(table).lower()):
        if _SD.search(words):
            return "sd"
        if _SEM.search(words):
            return "sem"
    return "unsaid"


def _has_values(row: PrintedRow, block: Block) -> bool:
    return any(row.cells[column.place] for column in block.columns)


def _step(granularity: Mapping[str, float], label: str) -> float | None:
    return next((step for name, step in granularity.items() if label.lower().startswith(name.lower())), None)


def _line(row: PrintedRow, block: Block, kind: Kind | None) -> PrintedLine:
    values = tuple(_value(row.cells[column.place], kind) for column in block.columns)
    return PrintedLine(row.label, values, _value(row.cells[block.total.place], kind) if block.total else None)


def _value(cell: PrintedCell | None, kind: Kind | None) -> Value:
    return Value(cell, read_content(cell.text, kind) if cell and kind else None)


def row_kind(row: PrintedRow) -> Kind | None:
    """What the cells of a row are."""
    return kind_of(row.kind, next((cell.text for cell in row.cells if cell), ""))


def variables(part: Part) -> list[PrintedVariable]:
    """Rows by variable: levels follow the row that carries the statistic and print none of their own."""
    found: list[PrintedVariable] = []
    rows = list(part.rows)
    while rows:
        head = rows.pop(0)
        below, firm = _levels_below(head, rows, part.blocks)
        del rows[: len(below)]
        found.append(PrintedVariable((head, *below), firm))
    return found


def _levels_below(
    head: PrintedRow, rows: Sequence[PrintedRow], blocks: Sequence[Block]
) -> tuple[tuple[PrintedRow, ...], bool]:
    """The next rows that are further levels of this one, and whether their labels say so."""
    without_tests = all(block.statistic is None and block.p is None for block in blocks)
    if row_kind(head) != "count" or not (_tested(head, blocks) or without_tests):
        return (), False
    untested = tuple(
        takewhile(lambda row: row_kind(row) == "count" and any(row.cells) and not _tested(row, blocks), rows)
    )
    named = tuple(takewhile(lambda row: _same_variable(head.label, row.label), untested))
    if without_tests:
        # Without a shared statistic the labels may head several variables: only what adds up belongs together.
        return (named, False) if named and _adds_up((head, *named), blocks) else ((), False)
    if len(named) >= (1 if ":" in plain(head.label) else FEWEST_BY_WORD):
        return named, True
    fitting = (size for size in range(1, len(untested) + 1) if _adds_up((head, *untested[:size]), blocks))
    return untested[: next(fitting, 0)], False


def _tested(row: PrintedRow, blocks: Sequence[Block]) -> bool:
    places = (place for block in blocks for place in (block.statistic, block.p) if place is not None)
    return any(row.cells[place] for place in places)


def _same_variable(label: str, other: str) -> bool:
    """`filter: A` and `filter: B`, or `PTS mild` and `PTS severe`."""
    first, second = (plain(one).lower() for one in (label, other))
    if ":" in first or ":" in second:
        return first.rpartition(":")[0] == second.rpartition(":")[0] != ""
    words, others = first.split(), second.split()
    return len(words) > 1 and len(others) > 1 and words[0] == others[0]


def _adds_up(rows: Sequence[PrintedRow], blocks: Sequence[Block]) -> bool:
    """Whether levels that do not say so in their labels add up to every n."""
    sums = []
    for column in (column for block in blocks for column in block.columns):
        contents = [read_content(cell.text, "count") for row in rows if (cell := row.cells[column.place])]
        counts = [content.count for content in contents if isinstance(content, Counted)]
        sums.append(bool(counts) and sum(counts) == column.n)
    return all(sums)
