"""Counts against their percentages, their totals and the number of patients a column states."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import islice, product
from math import ceil, floor

import numpy as np

from nightround.published_tables.audit_remarks import (
    AuditRemark,
    because,
    consistent,
    inconsistent,
    must_be,
    unverifiable,
)
from nightround.published_tables.comparison import PrintedComparison, Value
from nightround.published_tables.printed_cells import Counted
from nightround.published_tables.ranges import Range, said
from nightround.statistics.categorical import Counts
from redcap_sync.messages import Message

MOST_PATIENTS = 1_000_000
MOST_TABLES = 60
"""Combinations of totals that are tried where a percentage leaves several open."""


def totals_that_fit(counted: Counted, n: int | None) -> range:
    """Every total of which a count is the printed percentage; without a percentage only the n."""
    largest = counted.n or n or MOST_PATIENTS
    smallest = counted.n or max(counted.count, 1)
    if counted.percent is None:
        return range(max(smallest, n or smallest), largest + 1)
    low, high = counted.percent
    if counted.count == 0:
        return range(smallest, largest + 1) if low <= 0 else range(0)
    if high <= 0:
        return range(0)
    upper = largest if low <= 0 else min(largest, floor(100 * counted.count / low))
    return range(max(smallest, ceil(100 * counted.count / high)), upper + 1)


def percentage_remarks(comparison: PrintedComparison) -> Iterator[AuditRemark]:
    """Each count against its percentage, and the levels of each column against their total."""
    for place, n in enumerate(comparison.sizes):
        column = [line.values[place] for line in comparison.lines]
        remarks = [remark for value in column for remark in _cell_remarks(value, n)]
        yield from remarks
        wrong = any(remark.must for remark in remarks)
        if not wrong and len(column) > 1 and comparison.firm:
            yield from _total_remarks(column, n)


def _cell_remarks(value: Value, n: int | None) -> Iterator[AuditRemark]:
    counted = value.content
    if not isinstance(counted, Counted):
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


def tables_of(comparison: PrintedComparison) -> list[Counts]:
    """The tables of counts, levels down and columns across, that fit what is printed; [] where none can be made.

    A single row is completed by those without it; its total is the n where the percentage allows that.
    """
    rows = [[value.content for value in line.values] for line in comparison.lines]
    counts = [[one.count for one in row if isinstance(one, Counted)] for row in rows]
    if any(len(found) < len(comparison.sizes) for found in counts):
        return []
    if len(counts) > 1:
        return [np.array(counts, dtype=np.int64)]
    single = [one for one in rows[0] if isinstance(one, Counted)]
    if any(one.n is None and n is None for one, n in zip(single, comparison.sizes, strict=True)):
        return []
    options = [_likely(one, n) for one, n in zip(single, comparison.sizes, strict=True)]
    top = np.array(counts[0], dtype=np.int64)
    return [
        np.array([top, np.array(totals) - top], dtype=np.int64) for totals in islice(product(*options), MOST_TABLES)
    ]


def _likely(counted: Counted, n: int | None) -> list[int]:
    fitting = totals_that_fit(counted, n)
    stated = counted.n or n
    return [stated] if stated is not None and stated in fitting else list(fitting)


def size_from_levels(places: list[list[Value]]) -> int | None:
    """The n of a column that states none: the sum that its variables' levels share, as their percentages confirm."""
    sums = set()
    for column in places:
        counted = [value.content for value in column if isinstance(value.content, Counted)]
        total = sum(one.count for one in counted)
        if all(total in totals_that_fit(one, None) for one in counted):
            sums.add(total)
    return sums.pop() if len(sums) == 1 else None


def size_from_percentages(counted: list[Counted]) -> int | None:
    """The n that all percentages of a column allow, where only one is left."""
    ranges = [totals_that_fit(one, None) for one in counted if one.percent and one.count]
    if not ranges:
        return None
    shared = reduce(lambda one, other: range(max(one.start, other.start), min(one.stop, other.stop)), ranges)
    return shared.start if len(shared) == 1 else None
