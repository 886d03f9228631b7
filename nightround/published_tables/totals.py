"""A column of all patients against the groups it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from nightround.published_tables.audit_remarks import AuditRemark, because, consistent, inconsistent, must_be
from nightround.published_tables.comparison import PrintedComparison, PrintedLine
from nightround.published_tables.count_totals import totals_that_fit
from nightround.published_tables.group_readings import sizes_of
from nightround.published_tables.measured import spread
from nightround.published_tables.printed_cells import Counted, MeanSd, MedianQuartiles
from nightround.published_tables.ranges import Range, exactly, said
from redcap_sync.messages import Message


def total_remarks(comparison: PrintedComparison) -> Iterator[AuditRemark]:
    """Counts add up; means average; a median lies between those of the groups."""
    if comparison.design == "groups":
        for line in comparison.lines:
            if line.total is not None and line.total.cell is not None:
                yield from _line_remarks(line, comparison)


def _line_remarks(line: PrintedLine, comparison: PrintedComparison) -> Iterator[AuditRemark]:
    if line.total is None:
        return
    content, cell = line.total.content, line.total.cell
    sizes = sizes_of(comparison)
    wrong: Message | None = None
    if isinstance(content, Counted):
        counted = [value.content for value in line.values if isinstance(value.content, Counted)]
        if len(counted) < len(line.values):
            return
        wrong = _wrong_count(content, counted, sum(sizes) if sizes else None)
    elif isinstance(content, MeanSd):
        measured = [value.content for value in line.values if isinstance(value.content, MeanSd)]
        if sizes is None or len(measured) < len(sizes):
            return
        wrong = _wrong_mean(content, measured, sizes)
    elif isinstance(content, MedianQuartiles):
        medians = [value.content.median for value in line.values if isinstance(value.content, MedianQuartiles)]
        if not medians or len(medians) < len(line.values):
            return
        wrong = _outside(content.median, Range(min(m.low for m in medians), max(m.high for m in medians)), 1)
    else:
        return
    yield from inconsistent(cell, wrong, because("of_groups")) if wrong else consistent(cell)


def _wrong_count(total: Counted, parts: list[Counted], n: int | None) -> Message | None:
    count = sum(part.count for part in parts)
    if count != total.count:
        return exactly(count)
    if totals_that_fit(total, n):
        return None
    if not n:
        return exactly(count)
    return must_be("count_of_percent", count=count, percent=said(Range(*[100 * count / n] * 2), total.decimals))


def _wrong_mean(total: MeanSd, parts: list[MeanSd], sizes: list[int]) -> Message | None:
    n = sum(sizes)
    means = Range(
        *(
            sum(size * end for size, end in zip(sizes, ends, strict=True)) / n
            for ends in zip(*(p.mean for p in parts), strict=True)
        )
    )
    weights = np.array(sizes, dtype=np.float64)
    between = spread([part.mean for part in parts], weights, weights)
    within = [
        sum((size - 1) * sd**2 for size, sd in zip(sizes, sds, strict=True))
        for sds in zip(*(p.sd for p in parts), strict=True)
    ]
    sds = Range(sqrt((within[0] + between.low) / (n - 1)), sqrt((within[1] + between.high) / (n - 1)))
    wrong_mean = _outside(total.mean, means, total.decimals)
    return wrong_mean or _outside(total.sd, sds, total.decimals)


def _outside(printed: Range, possible: Range, decimals: int) -> Message | None:
    return None if printed.meets(possible) else said(possible, decimals)
