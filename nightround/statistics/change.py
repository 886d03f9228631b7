"""The size of a change within the same patients, with its 95% confidence interval: after minus before."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import stats

from nightround.statistics.categorical import Counts
from nightround.statistics.cohort import Mask
from nightround.statistics.compare import EXACT_UNDER, all_constant
from nightround.statistics.constant import is_constant, unchanged
from nightround.statistics.describe import NORMAL_975, wilson
from nightround.statistics.effect import TAIL
from nightround.statistics.estimates import Estimate, require
from nightround.statistics.numbers import Numbers
from nightround.statistics.paired import signed_rank_ways
from nightround.study.methods import Reason

LARGEST_WALSH = 4000
"""Pairs whose averages are listed: their number grows with the square."""


def mean_change(before: Numbers, after: Numbers) -> Estimate:
    """Mean change with its t interval, after minus before; none of a change that is the same in all."""
    with np.errstate(invalid="ignore"):  # both below the limit of detection
        difference = after - before
    require(len(difference) > 1, Reason.NO_PAIRS)
    require(bool(np.isfinite(difference).all()), Reason.BELOW_DETECTION)
    require(not unchanged(difference, before, after), Reason.NO_CHANGE)
    require(not is_constant(difference, before, after), Reason.NO_VARIANCE)
    n, value = len(difference), float(np.mean(difference))
    half = float(stats.t.isf(TAIL, n - 1)) * float(np.std(difference, ddof=1)) / sqrt(n)
    return Estimate(value, value - half, value + half, n, "mean_change")


def hodges_lehmann_change(difference: Numbers) -> Estimate:
    """Median of the Walsh averages of paired differences, with Tukey's interval (Hollander and Wolfe, 3.2 and 3.3)."""
    n = len(difference)
    require(n > 1, Reason.NO_PAIRS)
    require(n <= LARGEST_WALSH, Reason.TOO_LARGE)
    require(bool(difference.any()), Reason.NO_CHANGE)
    require(not is_constant(difference), Reason.NO_VARIANCE)
    if n < EXACT_UNDER:
        ways = signed_rank_ways(np.arange(1, n + 1))
        cut = max(1, int(np.searchsorted(np.cumsum(ways) / ways.sum(), TAIL)))
    else:
        cut = max(1, round(n * (n + 1) / 4 - NORMAL_975 * sqrt(n * (n + 1) * (2 * n + 1) / 24)))
    pairs = n * (n + 1) // 2
    low, left, right, high = ordered_averages(difference, (cut, (pairs + 1) // 2, pairs // 2 + 1, pairs + 1 - cut))
    return Estimate((left + right) / 2, low, high, n, "hodges_lehmann_change")


def ordered_averages(values: Numbers, ranks: Sequence[int]) -> tuple[float, ...]:
    """Those of all averages of two of the values, each also with itself, that have these ranks, counted from 1.

    Equal values are taken together: measurements have few digits, so that few of their averages are distinct.
    """
    distinct, counts = np.unique(values, return_counts=True)
    first, second = np.triu_indices(len(distinct))
    averages = (distinct[first] + distinct[second]) / 2
    times = np.where(first == second, counts[first] * (counts[first] + 1) // 2, counts[first] * counts[second])
    order = np.argsort(averages)
    found = averages[order[np.searchsorted(np.cumsum(times[order]), ranks)]]
    return tuple(found.tolist())


def risk_change(counts: Counts) -> Estimate:
    """Change of a paired proportion, after minus before, by Newcombe (Stat Med 1998;17:2635, method 10), as fractions.

    Before down, after across; the first row and column hold those with the level.
    """
    (a, b), (c, d) = counts.tolist()
    n = a + b + c + d
    require(n > 1, Reason.NO_PAIRS)
    before, after = wilson(a + b, n), wilson(a + c, n)
    phi = _newcombe_phi(a, b, c, d)
    value = after.value - before.value
    down = (after.value - after.low, before.high - before.value)
    up = (after.high - after.value, before.value - before.low)
    low, high = (sqrt(p**2 - 2 * phi * p * q + q**2) for p, q in (down, up))
    return Estimate(value, value - low, value + high, n, "risk_change")


def _newcombe_phi(a: int, b: int, c: int, d: int) -> float:
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if not margins:
        return 0.0
    covered = float(a * d - b * c)
    return (max(covered - (a + b + c + d) / 2, 0.0) if covered > 0 else covered) / sqrt(margins)


def ancova(before: Numbers, after: Numbers, first: Mask) -> Estimate:
    """Difference after, first group minus second, at equal values before (least squares, one slope)."""
    n = len(after)
    require(n > 3, Reason.GROUP_UNDER_TWO)  # noqa: PLR2004 - three coefficients and a residual
    require(min(int(first.sum()), int((~first).sum())) > 1, Reason.GROUP_UNDER_TWO)
    require(bool(np.isfinite(before).all() and np.isfinite(after).all()), Reason.BELOW_DETECTION)
    both = np.concatenate([before, after])
    design = np.column_stack([first.astype(float), np.ones(n), before - before.mean()])
    require(int(np.linalg.matrix_rank(design)) == 3, Reason.SINGULAR)  # noqa: PLR2004 - three coefficients
    q, r = np.linalg.qr(design)
    coefficients = np.linalg.solve(r, q.T @ after)
    residual = after - design @ coefficients
    error = sqrt(float(residual @ residual) / (n - 3) * float((np.linalg.inv(r)[0] ** 2).sum()))
    same = is_constant(residual, before, after) or all_constant(
        ((after - before)[first], (after - before)[~first]), both
    )
    require(error > 0 and not same, Reason.NO_VARIANCE)
    value, half = float(coefficients[0]), float(stats.t.isf(TAIL, n - 3)) * error
    p = float(2 * stats.t.sf(abs(value / error), n - 3))
    return Estimate(value, value - half, value + half, n, "ancova", p=p)
