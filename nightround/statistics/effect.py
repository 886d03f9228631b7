"""The size of a difference, with its 95% confidence interval. Between groups it is the first minus the second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from scipy import stats

from nightround.statistics.categorical import Counts
from nightround.statistics.compare import EXACT_UNDER, all_constant, rank_sum_ways, tie_term, welch_df
from nightround.statistics.describe import NORMAL_975, mean, sd, wilson
from nightround.statistics.differences import ordered_differences
from nightround.statistics.estimates import Estimate, require
from nightround.statistics.numbers import Numbers
from nightround.study.methods import Reason

TAIL = 0.025
CONFIDENCE = 0.95


def mean_difference(first: Numbers, second: Numbers, *entered: Numbers, pooled: bool) -> Estimate:
    """Difference of means with Student's (pooled) or Welch's interval (Altman, Statistics with Confidence, ch. 4).

    Of changes, `entered` are the values of both visits.
    """
    fewest = min(len(first), len(second))
    require(fewest > 1 or (pooled and fewest > 0 and len(first) + len(second) > 2), Reason.GROUP_UNDER_TWO)  # noqa: PLR2004
    require(not all_constant((first, second), *entered), Reason.NO_VARIANCE)
    spread = [sd(sample) if len(sample) > 1 else 0.0 for sample in (first, second)]
    m, n = len(first), len(second)
    df = m + n - 2.0 if pooled else welch_df(first, second)
    common = ((m - 1) * spread[0] ** 2 + (n - 1) * spread[1] ** 2) / (m + n - 2)
    error = sqrt(common * (1 / m + 1 / n) if pooled else spread[0] ** 2 / m + spread[1] ** 2 / n)
    value, half = mean(first) - mean(second), float(stats.t.isf(TAIL, df)) * error
    return Estimate(value, value - half, value + half, m + n, "mean_difference" if pooled else "mean_difference_welch")


def smd(first: Numbers, second: Numbers) -> Estimate:
    """Standardised mean difference over the root of the mean variance (Austin, Stat Med 2009;28:3083)."""
    require(len(first) > 1 and len(second) > 1, Reason.GROUP_UNDER_TWO)
    require(not all_constant((first, second)), Reason.NO_VARIANCE)
    spread = sqrt((sd(first) ** 2 + sd(second) ** 2) / 2)
    return _standardised((mean(first) - mean(second)) / spread, len(first), len(second))


def largest_smd(pairs: Sequence[Callable[[], Estimate]]) -> Estimate:
    """The largest standardised difference of any two of several groups, without sign.

    McCaffrey et al (Stat Med 2013;32:3388) judge the balance of several groups by it. It has no interval: the pair was
    chosen for its size. Not estimable where one of the pairs is not.
    """
    found = [pair() for pair in pairs]
    largest = max(found, key=lambda one: abs(one.value))
    size = abs(largest.value)
    return Estimate(size, size, size, largest.n, "smd_largest")


def smd_of_levels(counts: Counts) -> Estimate:
    """Standardised difference of a categorical variable (Yang and Dalton, SAS Global Forum 2012, paper 335).

    Levels down, two groups across. Never negative beyond two levels, where the first level's share gives the sign.
    Not estimable on groups that share no level, or where the levels determine one another.
    """
    require(counts.shape[1] == 2, Reason.NOT_TWO_GROUPS)  # noqa: PLR2004 - two groups
    m, n = (int(size) for size in counts.sum(axis=0))
    require(min(m, n) > 1, Reason.GROUP_UNDER_TWO)
    used = counts[counts.sum(axis=1) > 0]
    require(len(used) > 1, Reason.ONE_LEVEL)
    require(bool((used.min(axis=1) > 0).any()), Reason.DISJOINT_LEVELS)
    first, second = used[:-1, 0] / m, used[:-1, 1] / n
    covariance = (_multinomial(first) + _multinomial(second)) / 2
    require(int(np.linalg.matrix_rank(covariance, hermitian=True)) == len(first), Reason.SINGULAR)
    difference = first - second
    distance = sqrt(float(difference @ np.linalg.solve(covariance, difference)))
    negative = len(difference) == 1 and difference[0] < 0
    return _standardised(-distance if negative else distance, m, n)


def _multinomial(shares: Numbers) -> Numbers:
    return np.asarray(np.diag(shares) - np.outer(shares, shares), dtype=np.float64)


def _standardised(value: float, m: int, n: int) -> Estimate:
    """Interval by Hedges and Olkin (Statistical Methods for Meta-Analysis, 1985, p. 86)."""
    half = NORMAL_975 * sqrt((m + n) / (m * n) + value**2 / (2 * (m + n)))
    return Estimate(value, value - half, value + half, m + n, "smd")


def risk_difference(counts: Counts) -> Estimate:
    """Difference of two proportions, Newcombe's hybrid score interval (Stat Med 1998;17:873, method 10), as fractions.

    The first row contains those with the level, the second those without; groups across.
    """
    first, second = (wilson(int(counts[0, group]), int(counts[:, group].sum())) for group in (0, 1))
    value = first.value - second.value
    low = value - sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    high = value + sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Estimate(value, low, high, int(counts.sum()), "risk_difference")


def odds_ratio(counts: Counts) -> Estimate:
    """Odds ratio of a 2x2 table with Woolf's interval (Ann Hum Genet 1955;19:251); none with an empty cell."""
    require(bool((counts > 0).all()), Reason.ZERO_CELL)
    found = stats.contingency.odds_ratio(counts, kind="sample")
    interval = found.confidence_interval(CONFIDENCE)
    return Estimate(float(found.statistic), float(interval.low), float(interval.high), int(counts.sum()), "odds_ratio")


def hodges_lehmann(first: Numbers, second: Numbers) -> Estimate:
    """Median of all differences first - second (Hodges and Lehmann, Ann Math Stat 1963;34:598).

    Interval by Moses (Hollander and Wolfe, Nonparametric Statistical Methods, 4.3): exact where both
    groups are under 50 and nothing is tied, as R does, else by the normal approximation with ties.
    """
    require(len(first) > 1 and len(second) > 1, Reason.GROUP_UNDER_TWO)
    require(bool(np.isfinite(first).all() and np.isfinite(second).all()), Reason.BELOW_DETECTION)
    require(not all_constant((first, second)), Reason.NO_VARIANCE)
    pairs, cut = len(first) * len(second), rank_sum_cut(first, second)
    middles = (pairs + 1) // 2, pairs // 2 + 1
    low, left, right, high = ordered_differences(first, second, (cut, *middles, pairs + 1 - cut))
    return Estimate((left + right) / 2, low, high, len(first) + len(second), "hodges_lehmann")


def rank_sum_cut(first: Numbers, second: Numbers) -> int:
    """Which of the ordered differences is the lower end of the 95% interval, counted from 1."""
    m, n = len(first), len(second)
    ranks = stats.rankdata(np.concatenate([first, second]))
    ties = tie_term(ranks)
    if m < EXACT_UNDER and n < EXACT_UNDER and not ties:
        ways = rank_sum_ways(np.arange(1, m + n + 1), m)[m * (m + 1) // 2 :]
        return max(1, int(np.searchsorted(np.cumsum(ways) / ways.sum(), TAIL)))
    variance = m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1)))
    return max(1, round(m * n / 2 - NORMAL_975 * sqrt(variance)))
