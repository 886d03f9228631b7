"""Counts against their percentages, their totals and the number of patients a column states."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.published_tables.audit_remarks import (
    AuditRemark,
    because,
    consistent,
    inconsistent,
    must_be,
    unverifiable,
)
from nightround.published_tables.comparison import PrintedComparison, Value
from nightround.published_tables.count_totals import totals_that_fit
from nightround.published_tables.printed_cells import Counted
from nightround.published_tables.ranges import Range, exactly, said
from nightround.published_tables.row_layouts import RowLayout, Slip
from redcap_sync.messages import Message


def percentage_remarks(printed: PrintedComparison, layout: RowLayout) -> Iterator[AuditRemark]:
    """Each count against its percentage, and the levels of each column against their total."""
    if layout.slip is not None:
        yield from _slip_remarks(layout.slip)
    for place, n in enumerate(printed.sizes):
        column = [line.values[place] for line in printed.lines]
        remarks = [
            remark for value in column for remark in _cell_remarks(value, n, checked=printed.percentages_checked)
        ]
        yield from remarks
        wrong = any(remark.must for remark in remarks)
        if not wrong and len(column) > 1 and printed.firm and layout.name == "levels":
            yield from _total_remarks(column, n)


def _slip_remarks(slip: Slip) -> Iterator[AuditRemark]:
    """The one count that percentage, levels and test exclude together."""
    counted = slip.counted
    must = exactly(counted.count)
    if counted.percent is not None:
        middle = Range(*[(counted.percent.low + counted.percent.high) / 2] * 2)
        must = must_be("count_of_percent", count=counted.count, percent=said(middle, counted.decimals))
    why = because("slip_by_levels" if slip.by_levels else "slip", count=counted.count)
    yield from inconsistent(slip.cell, must, why)


def _cell_remarks(value: Value, n: int | None, *, checked: bool) -> Iterator[AuditRemark]:
    counted = value.content
    if not isinstance(counted, Counted):
        return
    if checked and (n is None or counted.count <= n):
        yield from consistent(value.cell)
        return
    known = counted.n or n
    if known is not None and counted.count > known:
        yield from inconsistent(
            value.cell, Message.of("audit.number.at_most", high=known), because("count_too_large", n=known)
        )
    elif counted.percent is None:
        yield from unverifiable(value.cell, "no_percentage")
    elif totals_that_fit(counted, n):
        yield from consistent(value.cell)
    else:
        yield from _wrong_percentage(value, counted, known)


def _wrong_percentage(value: Value, counted: Counted, n: int | None) -> Iterator[AuditRemark]:
    if n is None:
        yield from inconsistent(value.cell, None, because("no_whole_number", count=counted.count))
        return
    share = 100 * counted.count / n
    must = said(Range(share, share), counted.decimals)
    why = because("wrong_percentage", count=counted.count, n=n, percent=must)
    yield from inconsistent(value.cell, must_be("count_of_percent", count=counted.count, percent=must), why)


def _total_remarks(column: list[Value], n: int | None) -> Iterator[AuditRemark]:
    """Levels of one variable: one total for all of them, and it is their sum or the n."""
    counted = [value.content for value in column if isinstance(value.content, Counted)]
    total = sum(one.count for one in counted)
    if len(counted) < len(column):
        return
    if n is not None and total > n:
        why = because("levels_above_n", total=total, n=n)
        yield from inconsistent(column[0].cell, must_be("levels_sum", n=n), why)
    elif all(total in totals_that_fit(one, n) for one in counted if one.percent):
        yield from consistent(*(value.cell for value in column))
    else:
        must = must_be("levels_sum", n=n) if n else must_be("levels_sum_alike")
        yield from inconsistent(column[0].cell, must, because("levels_not_base", total=total))
