"""Which totals printed counts can be of, and the tables of counts that fit what is printed."""

from __future__ import annotations

from functools import reduce
from itertools import islice, product
from math import ceil, floor

import numpy as np

from nightround.published_tables.comparison import PrintedComparison, Value
from nightround.published_tables.printed_cells import Counted
from nightround.statistics.categorical import Counts

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
