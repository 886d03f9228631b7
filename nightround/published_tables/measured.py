"""What printed means and SDs say of the statistic next to them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy import optimize

from nightround.published_tables.p_values import Distribution, t_with
from nightround.published_tables.printed_cells import MeanSd
from nightround.published_tables.ranges import Range
from nightround.statistics.numbers import Numbers

MOST_GROUPS = 6


class Computed(NamedTuple):
    """Every value a statistic can have, with its distribution."""

    value: Range
    distribution: Distribution


def pooled_t(first: MeanSd, second: MeanSd, m: int, n: int) -> Computed:
    """Student's t of two groups, from every mean and SD that rounds to what is printed."""
    errors = [
        sqrt(((m - 1) * one**2 + (n - 1) * other**2) / (m + n - 2) * (1 / m + 1 / n))
        for one, other in zip(first.sd, second.sd, strict=True)
    ]
    return Computed(_quotient(first.mean.minus(second.mean).magnitude, Range(*errors)), t_with(m + n - 2))


def welch_t(first: MeanSd, second: MeanSd, m: int, n: int) -> Computed:
    """Welch's t of two groups, with the range of its degrees of freedom."""
    errors = [sqrt(one**2 / m + other**2 / n) for one, other in zip(first.sd, second.sd, strict=True)]
    value = _quotient(first.mean.minus(second.mean).magnitude, Range(*errors))
    return Computed(value, t_with(_welch_df(first.sd, second.sd, m, n)))


def _welch_df(first: Range, second: Range, m: int, n: int) -> Range:
    """It rises with the ratio of the two squared errors up to m + n - 2, and falls after that."""

    def df(ratio: float) -> float:
        return n - 1.0 if ratio == 0 else (1 + 1 / ratio) ** 2 / (1 / (m - 1) + 1 / ratio**2 / (n - 1))

    low = (first.low**2 / m) / (second.high**2 / n)
    high = (first.high**2 / m) / (second.low**2 / n) if second.low > 0 else inf
    ends = [df(low), df(high) if high < inf else m - 1.0]
    top = m + n - 2.0 if low <= (m - 1) / (n - 1) <= high else max(ends)
    return Range(min(ends), top)


def paired_t(before: MeanSd, after: MeanSd, n: int) -> Computed:
    """The t of n pairs. The SD of the differences lies between the difference and the sum of the two SDs."""
    closest = before.sd.minus(after.sd).magnitude.low
    spread = Range(closest / sqrt(n), (before.sd.high + after.sd.high) / sqrt(n))
    return Computed(_quotient(after.mean.minus(before.mean).magnitude, spread), t_with(n - 1))


def _quotient(size: Range, error: Range) -> Range:
    """Sizes over errors; an error that can be zero gives a statistic without limit."""
    return Range(
        size.low / error.high if error.high > 0 else 0.0,
        size.high / error.low if error.low > 0 else inf,
    )


def anova_f(groups: Sequence[MeanSd], sizes: Sequence[int]) -> Computed:
    """The F of several groups of equal variance."""
    n, k = np.array(sizes, dtype=float), len(groups)
    within = [
        float(sum((size - 1) * sd**2 for size, sd in zip(n, sds, strict=True)) / (n.sum() - k))
        for sds in zip(*(group.sd for group in groups), strict=True)
    ]
    between = spread([group.mean for group in groups], n, n).times(1 / (k - 1))
    df, df_within = float(k - 1), float(n.sum() - k)
    return Computed(_quotient(between, Range(*within)), Distribution("f", Range(df, df), Range(df_within, df_within)))


def welch_f(groups: Sequence[MeanSd], sizes: Sequence[int]) -> Computed | None:
    """Welch's F of several groups, with the range of its degrees of freedom; None where an SD can be zero."""
    n, k = np.array(sizes, dtype=float), len(groups)
    if any(group.sd.low <= 0 for group in groups):
        return None
    low, high = (n / np.array(sds) ** 2 for sds in zip(*((g.sd.high, g.sd.low) for g in groups), strict=True))
    between = spread([group.mean for group in groups], low, high).times(1 / (k - 1))
    shares = [low / (low + high.sum() - high), high / (high + low.sum() - low)]
    uneven = [float(((1 - share) ** 2 / (n - 1)).sum()) for share in reversed(shares)]
    factors = [1 + 2 * (k - 2) / (k**2 - 1) * one for one in uneven]
    within = Range(*((k**2 - 1) / (3 * one) for one in reversed(uneven)))
    return Computed(_quotient(between, Range(*factors)), Distribution("f", Range(k - 1.0, k - 1.0), within))


def spread(means: Sequence[Range], low: Numbers, high: Numbers) -> Range:
    """The weighted sum of squares around the weighted mean: it grows with each weight and is convex in the means."""

    def squares(at: Numbers, weights: Numbers) -> float:
        centre = float((weights * at).sum() / weights.sum())
        return float((weights * (at - centre) ** 2).sum())

    most = max(squares(np.array(corner), high) for corner in product(*means))
    start = np.array([(one.low + one.high) / 2 for one in means])
    least = optimize.minimize(squares, start, args=(low,), bounds=list(means), method="L-BFGS-B")
    # The optimum is found to a small tolerance; a little less is still a bound.
    return Range(max(0.0, float(least.fun) * (1 - 1e-6) - 1e-12), most)
