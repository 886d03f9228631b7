"""Styles in which a table may be printed other than the usual one, recognised before anything is judged.

Percentages of the row or of everybody, percentages of one decimal padded with a nought, and the standard error of the
mean where others print the standard deviation. A table in such a style is right; what was recognised is a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import sqrt
from typing import Literal, NamedTuple

from nightround.published_tables.audit_remarks import AuditNote, noted
from nightround.published_tables.comparison import PrintedComparison, PrintedLine, Value
from nightround.published_tables.count_totals import totals_that_fit
from nightround.published_tables.printed_cells import Counted, MeanSd, PrintedCell, without_marks
from nightround.published_tables.ranges import Range, printed_range

Base = Literal["row", "everybody"]
FEWEST_PERCENTAGES = 2
"""One percentage alone can be of anything."""


class Styled(NamedTuple):
    """Comparisons that can be judged as if they were printed in the usual style, and what was recognised."""

    comparisons: list[PrintedComparison]
    notes: list[AuditNote]


def in_usual_style(found: Sequence[PrintedComparison]) -> Styled:
    """Recognise the style of each comparison of one table; padding is recognised by column."""
    unpadded, notes = _unpadded(found)
    comparisons = []
    for one in unpadded:
        base = base_of(one)
        if base is not None:
            comparisons.append(_of_other_base(one, base))
            notes += _noted(one, f"base_{base}")
        elif one.measure == "sem" and one.kind == "mean":
            comparisons.append(with_deviations(one))
            notes += _noted(one, "sem")
        else:
            comparisons.append(one)
    return Styled(comparisons, notes)


def _noted(comparison: PrintedComparison, note: str) -> list[AuditNote]:
    """The note at the first cell of a comparison."""
    cells = [value.cell for line in comparison.lines for value in line.values if value.cell]
    return [noted(cells[0], note)] if cells else []


def with_deviations(comparison: PrintedComparison) -> PrintedComparison:
    """The same comparison, where what follows the means is read as their standard error: SD = SEM x root of n."""
    sizes = [comparison.n(place) for place in range(len(comparison.sizes))]
    everybody = sum(size for size in sizes if size) if all(sizes) else None
    lines = tuple(
        replace(
            line,
            values=tuple(_deviation(value, n) for value, n in zip(line.values, sizes, strict=True)),
            total=_deviation(line.total, everybody) if line.total else None,
        )
        for line in comparison.lines
    )
    return replace(comparison, lines=lines)


def _deviation(value: Value, n: int | None) -> Value:
    """A value whose n is not known says nothing of a standard deviation."""
    content = value.content
    if not isinstance(content, MeanSd):
        return value
    size = content.n or n
    return Value(value.cell, replace(content, sd=content.sd.times(sqrt(size))) if size else None)


def base_of(comparison: PrintedComparison) -> Base | None:
    """What the percentages are of, where that is not the column: only what makes all of them right is believed."""
    if comparison.kind != "count" or comparison.design != "groups" or len(comparison.sizes) < 2:  # noqa: PLR2004
        return None
    rows = [_counted(line.values) for line in comparison.lines]
    if sum(one.percent is not None for row in rows for one in row) < FEWEST_PERCENTAGES or _of_columns(comparison):
        return None
    if any(len(row) < len(comparison.sizes) for row in rows):
        return None
    sums = [sum(one.count for one in row) for row in rows]
    if all(_are_of(row, total) for row, total in zip(rows, sums, strict=True)):
        return "row"
    everybody = {sum(sums), *([sum(size or 0 for size in comparison.sizes)] if all(comparison.sizes) else [])}
    return "everybody" if any(all(_are_of(row, total) for row in rows) for total in everybody) else None


def _counted(values: Iterable[Value]) -> list[Counted]:
    return [value.content for value in values if isinstance(value.content, Counted)]


def _are_of(counted: Sequence[Counted], total: int) -> bool:
    """Whether each printed percentage is of one total."""
    return total > 0 and all(
        one.percent is None or one.percent.meets(Range(*[100 * one.count / total] * 2)) for one in counted
    )


def _of_columns(comparison: PrintedComparison) -> bool:
    """Whether each percentage can be of its column: of its n or fewer, and of one number where no n is stated."""
    for place, n in enumerate(comparison.sizes):
        column = _counted(line.values[place] for line in comparison.lines)
        fitting = [totals_that_fit(one, n) for one in column if one.percent]
        if not all(fitting):
            return False
        if n is None and fitting and max(one.start for one in fitting) >= min(one.stop for one in fitting):
            return False
        bases = {n, sum(one.count for one in column)}
        if n and comparison.firm and not any(all(base in one for one in fitting) for base in bases):
            return False
    return True


def _of_other_base(comparison: PrintedComparison, base: Base) -> PrintedComparison:
    """The counts alone: their percentages were checked, and say nothing of the columns."""
    lines = tuple(
        replace(
            line,
            values=tuple(_plain_count(value) for value in line.values),
            total=_plain_count(line.total) if line.total and base == "row" else line.total,
        )
        for line in comparison.lines
    )
    return replace(comparison, lines=lines, percentages_checked=True)


def _plain_count(value: Value) -> Value:
    content = value.content
    return Value(value.cell, replace(content, percent=None)) if isinstance(content, Counted) else value


def _unpadded(found: Sequence[PrintedComparison]) -> tuple[list[PrintedComparison], list[AuditNote]]:
    """Percentages without the noughts that a column of them was padded with."""
    columns = list(_columns(found))
    together = [cell for _, cells in columns for cell in cells]
    padded: dict[int, int] = {}
    notes: list[AuditNote] = []
    for _, cells in columns:
        # A single percentage shows no style; that of the whole table is the next best sign.
        noughts = _padding(cells if len(cells) >= FEWEST_PERCENTAGES else together)
        if noughts and any(_is_wrong(one) for one in cells) and not any(_is_wrong(one, noughts) for one in cells):
            padded |= {id(one.cell): noughts for one in cells}
            notes.append(noted(cells[0].cell, "padded", decimals=cells[0].counted.decimals - noughts))
    return [replace(one, lines=tuple(_wider(line, padded) for line in one.lines)) for one in found], notes


class _Percentage(NamedTuple):
    cell: PrintedCell
    counted: Counted
    n: int | None


def _columns(found: Sequence[PrintedComparison]) -> Iterator[tuple[object, list[_Percentage]]]:
    """The percentages of each printed column."""
    columns: dict[object, list[_Percentage]] = {}
    for one in found:
        for line in one.lines:
            everybody = sum(size or 0 for size in one.sizes) if all(one.sizes) else None
            values = [*zip(line.values, one.sizes, strict=True), *([(line.total, everybody)] if line.total else [])]
            for place, (value, n) in enumerate(values):
                if value.cell and isinstance(value.content, Counted) and value.content.percent:
                    columns.setdefault((one.block, place), []).append(_Percentage(value.cell, value.content, n))
    yield from columns.items()


def _padding(cells: Sequence[_Percentage]) -> int:
    """How many noughts every percentage ends with; fewer than its decimals."""
    noughts = []
    for one in cells:
        fraction = _percent_text(one).partition(".")[2]
        noughts.append(len(fraction) - len(fraction.rstrip("0")) if fraction else 0)
    most = min((one.counted.decimals for one in cells), default=0)
    return min([*noughts, most - 1]) if noughts and most > 1 else 0


def _percent_text(one: _Percentage) -> str:
    found = re.search(r"[\(\[]\s*(\d+(?:\.\d+)?)\s*%?\s*[\)\]]", without_marks(one.cell.text))
    return found[1] if found else ""


def _is_wrong(one: _Percentage, noughts: int = 0) -> bool:
    return not totals_that_fit(_shorter(one.counted, one.cell, noughts), one.n)


def _shorter(counted: Counted, cell: PrintedCell, noughts: int) -> Counted:
    """The count with its percentage printed with fewer decimals."""
    if not noughts:
        return counted
    text = _percent_text(_Percentage(cell, counted, None))[:-noughts]
    return replace(counted, percent=printed_range(text), decimals=counted.decimals - noughts)


def _wider(line: PrintedLine, padded: dict[int, int]) -> PrintedLine:
    values = tuple(_wider_value(value, padded) for value in line.values)
    return replace(line, values=values, total=_wider_value(line.total, padded) if line.total else None)


def _wider_value(value: Value, padded: dict[int, int]) -> Value:
    if value.cell is None or not isinstance(value.content, Counted) or id(value.cell) not in padded:
        return value
    return Value(value.cell, _shorter(value.content, value.cell, padded[id(value.cell)]))
