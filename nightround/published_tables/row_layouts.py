"""What the rows of one counted variable can be: all its levels, some of them, a total with its parts, or a slip.

Before a statistic is accused, each layout is tried that the printed counts and percentages allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from nightround.published_tables.comparison import PrintedComparison, PrintedLine, Value
from nightround.published_tables.count_totals import totals_that_fit
from nightround.published_tables.printed_cells import Counted, PrintedCell

LayoutName = Literal["levels", "level_not_printed", "total_with_parts", "slip"]


class Slip(NamedTuple):
    """A count that was mistyped: the cell, and the count that percentage, levels or both make of it."""

    cell: PrintedCell
    counted: Counted
    by_levels: bool


class RowLayout(NamedTuple):
    """One way to understand the rows: the comparison whose rows are the levels that are tested."""

    name: LayoutName
    comparison: PrintedComparison
    slip: Slip | None = None

    @property
    def surely(self) -> bool:
        """Whether the counts themselves allow it; a slip that only one number speaks for is tried last."""
        return self.slip is None or (self.slip.by_levels and self.slip.counted.percent is not None)


def layouts(printed: PrintedComparison) -> list[RowLayout]:
    """Every layout the counts allow, the likeliest first; of anything but counts only the printed one."""
    as_printed = RowLayout("levels", printed)
    if printed.kind != "count" or not all(_all_counted(line) for line in printed.lines):
        return [as_printed]
    totals = list(_without_total(printed))
    slips = list(_slips(printed))
    certain = [one for one in slips if one.surely]
    completed = list(_completed(printed))
    as_levels = [*completed, as_printed] if _leave_out(printed) else [as_printed, *completed]
    return [*certain, *totals, *as_levels, *(one for one in slips if not one.surely)]


def _leave_out(printed: PrintedComparison) -> bool:
    """Whether the levels of every column leave patients out, of whom the percentages are all the same."""
    if len(printed.lines) < 2 or not all(printed.sizes):  # noqa: PLR2004 - a single row is no list of levels
        return False
    for place, (n, counted) in enumerate(zip(printed.sizes, _sums(printed.lines), strict=True)):
        column = [line.values[place].content for line in printed.lines]
        fitting = [totals_that_fit(one, n) for one in column if isinstance(one, Counted) and one.percent]
        if counted >= (n or 0) or not fitting or not all(n in one for one in fitting):
            return False
        if all(counted in one for one in fitting):
            return False
    return True


def _all_counted(line: PrintedLine) -> bool:
    return all(isinstance(value.content, Counted) for value in line.values)


def _counts(line: PrintedLine) -> list[int]:
    return [value.content.count for value in line.values if isinstance(value.content, Counted)]


def _sums(lines: Sequence[PrintedLine]) -> list[int]:
    return [sum(column) for column in zip(*(_counts(line) for line in lines), strict=True)]


def _without_total(printed: PrintedComparison) -> Iterator[RowLayout]:
    """One row is the sum of the others in every column: it is tested as a whole, or its parts are."""
    lines = printed.lines
    if len(lines) < 3:  # noqa: PLR2004 - of two rows none is a sum of parts
        return
    for place, line in enumerate(lines):
        others = (*lines[:place], *lines[place + 1 :])
        if _counts(line) == _sums(others) and any(_counts(line)):
            if place == 0:
                yield RowLayout("total_with_parts", replace(printed, lines=(line,)))
            yield RowLayout("total_with_parts", replace(printed, lines=others))


def _completed(printed: PrintedComparison) -> Iterator[RowLayout]:
    """The levels with one more that is not printed, of everybody they leave out; or the first row against the rest."""
    if len(printed.lines) < 2 or not all(printed.sizes):  # noqa: PLR2004 - a single row is completed anyway
        return
    rest = [(n or 0) - counted for n, counted in zip(printed.sizes, _sums(printed.lines), strict=True)]
    if min(rest) >= 0 and max(rest) > 0:
        missing = PrintedLine("", tuple(Value(None, Counted(count)) for count in rest))
        yield RowLayout("level_not_printed", replace(printed, lines=(*printed.lines, missing)))
        yield RowLayout("level_not_printed", replace(printed, lines=printed.lines[:1]))


def _slips(printed: PrintedComparison) -> Iterator[RowLayout]:
    """Each single count whose percentage, or whose level, says that it is another one."""
    for row, line in enumerate(printed.lines):
        for place, value in enumerate(line.values):
            for slip in _slips_of(printed, value, place):
                values = (*line.values[:place], Value(value.cell, slip.counted), *line.values[place + 1 :])
                changed = replace(line, values=values)
                lines = (*printed.lines[:row], changed, *printed.lines[row + 1 :])
                yield RowLayout("slip", replace(printed, lines=lines), slip)


def _slips_of(printed: PrintedComparison, value: Value, place: int) -> Iterator[Slip]:
    counted, n = value.content, printed.sizes[place]
    if not isinstance(counted, Counted) or value.cell is None or n is None or counted.n not in (None, n):
        return
    column = [line.values[place].content for line in printed.lines]
    left = n - sum(one.count for one in column if isinstance(one, Counted))
    levels = len(printed.lines) > 1 and printed.firm
    if counted.percent is None:
        if levels and left and counted.count + left >= 0:
            yield Slip(value.cell, replace(counted, count=counted.count + left), by_levels=True)
        return
    if totals_that_fit(counted, n):
        return
    for count in _counts_of(counted, n):
        yield Slip(value.cell, replace(counted, count=count), by_levels=levels and count == counted.count + left)


def _counts_of(counted: Counted, n: int) -> list[int]:
    """The count of n patients that is the printed percentage, where there is exactly one."""
    if counted.percent is None:
        return []
    near = round((counted.percent.low + counted.percent.high) / 200 * n)
    found = [count for count in (near - 1, near, near + 1) if 0 <= count <= n]
    fitting = [count for count in found if counted.percent.low <= 100 * count / n <= counted.percent.high]
    return fitting if len(fitting) == 1 else []
