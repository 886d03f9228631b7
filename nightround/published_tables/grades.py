"""Medians, quartiles and means of a score against the counts of its grades; GRIM and GRIMMER."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, inf

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
from nightround.published_tables.known_scores import Band, bands_of, is_whole, score_of, source_of
from nightround.published_tables.printed_cells import Counted, MeanSd, MedianQuartiles
from nightround.published_tables.ranges import Range, point, said
from nightround.scores.score_data import ScoreSheet
from redcap_sync.messages import Message

MOST_SUMS = 10_000
MOST_SIZES = 3


def grade_remarks(comparisons: Sequence[PrintedComparison]) -> Iterator[AuditRemark]:
    """Every score of a table against the rows that count its grades in the same column."""
    for measured in comparisons:
        score = score_of(measured.label)
        if score is None or measured.kind not in ("median", "mean"):
            continue
        for counted in comparisons:
            if counted.block == measured.block and counted.kind == "count" and len(counted.lines) > 1:
                bands = bands_of(score, [line.label for line in counted.lines])
                if bands:
                    yield from _held(measured, counted, bands, score)


def _held(
    measured: PrintedComparison, counted: PrintedComparison, bands: list[Band], score: ScoreSheet
) -> Iterator[AuditRemark]:
    for place, value in enumerate(measured.lines[0].values):
        grades = [line.values[place].content for line in counted.lines]
        counts = [one.count for one in grades if isinstance(one, Counted)]
        total, n = sum(counts), measured.n(place)
        if len(counts) == len(bands) and total and n in (None, total):
            yield from _against_grades(value, counts, bands, score)


def _against_grades(value: Value, counts: list[int], bands: list[Band], score: ScoreSheet) -> Iterator[AuditRemark]:
    lows = np.sort(np.repeat([band.low for band in bands], counts))
    highs = np.sort(np.repeat([band.high for band in bands], counts))
    content = value.content
    if isinstance(content, MeanSd):
        parts = [("mean", content.mean, Range(float(lows.mean()), float(highs.mean())))]
    elif isinstance(content, MedianQuartiles):
        parts = [
            (name, printed, _quantile(lows, highs, share))
            for name, printed, share in (
                ("q1", content.q1, 0.25),
                ("median", content.median, 0.5),
                ("q3", content.q3, 0.75),
            )
            if printed is not None
        ]
    else:
        return
    for name, printed, possible in parts:
        if not printed.meets(possible):
            average = Message.of(f"audit.average.{name}")
            must = must_be("average", name=average, range=said(possible, 0))
            why = because("grades", n=sum(counts), name=average, source=source_of(score))
            yield from inconsistent(value.cell, must, why)
    yield from consistent(value.cell)


def _quantile(lows: np.ndarray, highs: np.ndarray, share: float) -> Range:
    """Between which values a quartile lies, whatever definition (Hyndman and Fan's nine types, Tukey's hinges)."""
    n = len(lows)
    first, last = ((n + 1) // 2, n // 2 + 1) if share == 0.5 else (floor(n * share - 0.5), ceil(n * share + 1))  # noqa: PLR2004
    first, last = max(1, first), min(n, last)
    if share == 0.5:  # noqa: PLR2004 - the middle value, or the mean of the two middle ones
        middle = [first - 1, last - 1]
        return Range(point(float(lows[middle].mean())).low, point(float(highs[middle].mean())).high)
    return Range(point(float(lows[first - 1])).low, point(float(highs[last - 1])).high)


def value_remarks(comparison: PrintedComparison) -> Iterator[AuditRemark]:
    """Each mean or median by itself: the order of quartiles, and what values of known step allow."""
    step = comparison.granularity or (1.0 if is_whole(comparison.label) else None)
    for place, value in enumerate(comparison.lines[0].values):
        n = comparison.n(place)
        if isinstance(value.content, MedianQuartiles):
            yield from _median_remarks(value, value.content, n, step)
        elif isinstance(value.content, MeanSd):
            yield from _grim(value, value.content, n, step)
        elif value.cell is not None and value.content is None:
            yield from unverifiable(value.cell, f"not_{comparison.kind or 'value'}")


def _median_remarks(value: Value, content: MedianQuartiles, n: int | None, step: float | None) -> Iterator[AuditRemark]:
    low, high = content.q1 or Range(-inf, inf), content.q3 or Range(-inf, inf)
    if content.q1 and content.q3 and (low.low > content.median.high or high.high < content.median.low):
        yield from inconsistent(value.cell, must_be("quartile_order"), because("median_outside"))
    elif step and not _has_multiple(content.median, step if n is not None and n % 2 else step / 2):
        why = because("no_median", n=n, step=f"{step:g}") if n else because("no_median_of_any", step=f"{step:g}")
        yield from inconsistent(value.cell, None, why)
    else:
        yield from unverifiable(value.cell, "median_open")


def _has_multiple(found: Range, step: float) -> bool:
    return floor(point(found.high / step).high) * step >= point(found.low).low


def _grim(value: Value, content: MeanSd, n: int | None, step: float | None) -> Iterator[AuditRemark]:
    if content.sd.high < 0:
        yield from inconsistent(value.cell, must_be("sd_positive"), because("negative_sd"))
    elif step is None or n is None or n < 2:  # noqa: PLR2004 - an SD needs two values
        yield from unverifiable(value.cell, "mean_open")
    elif not _sums(content.mean, n, step):
        near = round((content.mean.low + content.mean.high) / 2 * n / step) * step / n
        fewer = [str(size) for size in range(n - 1, 1, -1) if _sums(content.mean, size, step)][:MOST_SIZES]
        why = because("grim", n=n, step=f"{step:g}")
        if fewer:
            why = because("listed", parts=(why, because("grim_fewer", sizes=", ".join(fewer))))
        yield from inconsistent(value.cell, must_be("mean_such_as", mean=f"{near:.{content.decimals + 1}f}"), why)
    elif not _squares_exist(content, n, step):
        yield from inconsistent(value.cell, must_be("other_sd"), because("grimmer", n=n, step=f"{step:g}"))
    else:
        yield from consistent(value.cell)


def _sums(mean: Range, n: int, step: float) -> range:
    """The whole numbers of steps that all values can add up to."""
    low, high = (point(end * n / step) for end in mean)
    return range(ceil(low.low), floor(high.high) + 1)


def _squares_exist(content: MeanSd, n: int, step: float) -> bool:
    """Whether a sum of squares of whole steps fits mean and SD: it is as odd or even as the sum itself."""
    sums = _sums(content.mean, n, step)
    if len(sums) > MOST_SUMS:
        return True
    for total in sums:
        low, high = (point((n - 1) * (sd / step) ** 2 + total**2 / n) for sd in content.sd)
        first = ceil(max(low.low, total**2 / n))
        first += (first - total) % 2
        if first <= floor(high.high):
            return True
    return False
