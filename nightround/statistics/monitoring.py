"""Tests on all rows of a study together, as central statistical monitoring makes them. Pure.

Each takes plain arrays and the probability of a false alarm that this look may have, and says what it saw and the
least that it would have seen in four of five cases. Sources: Buyse et al., Stat Med 1999;18:3435 (digits, weekdays,
spread); Kirkwood et al., Clin Trials 2013;10:783 (little spread, outliers); Kuriakose and Robbins, Stat J IAOS
2016;32:283 (rows that agree).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import pi, sqrt, tan

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
LOOKS = 100
"""So many independent looks a year of nightly ones is worth. Of data that grow from n to R n, all looks together cross
a limit z with about z^2 / 2 ln R times the probability of one look (Siegmund, Sequential Analysis, 1985): 100 for z of
5, which is a P of 6e-7, and R of 3,000."""
POWER = 0.8
"""What is called seen is seen in four of five cases."""
LEAST_VALUES = 20
"""Of fewer values nothing is said."""
LEAST_IN_GROUP = 5
"""A weekday or an examiner with fewer values is left out (Cochran's rule for the approximation of the rank test)."""
FEWEST_CATEGORIES = 2
ROUNDED = 0.2
"""Two last digits of ten, 0 and 5."""
TAIL_FREEDOM = 8
"""Robust distances are judged by a multivariate t of so many degrees of freedom: tails heavier than normal are common
in clean data (Lange et al., JASA 1989;84:881)."""
LOG_SHAPES = (-5.0, 7.0)
"""Bounds of the logarithms of the two shapes of a beta-binomial."""
STEPS = 60
"""Halvings of an interval, which leave nothing of it."""


@dataclass(frozen=True)
class Monitored:
    """What one look saw: `p` of the data by chance, numbers for its sentence, and the least it would have seen.

    `least` is None where not even the largest effect would have been seen. `rows` are positions of what stands out.
    """

    p: float
    n: int
    facts: dict[str, float] = field(default_factory=dict)
    least: float | None = None
    rows: tuple[int, ...] = ()


def digit_preference(last_digits: Labels, alpha: float) -> Monitored | None:
    """Whether more last digits are 0 or 5 than chance allows; `least` is the share of values that are rounded."""
    n = len(last_digits)
    if n < LEAST_VALUES:
        return None
    hits = int(np.isin(last_digits, (0, 5)).sum())
    needed = _needed(n, ROUNDED, alpha)
    least = _least(lambda share: float(stats.binom.sf(needed - 1, n, share + (1 - share) * ROUNDED)), 1.0)
    return Monitored(float(stats.binom.sf(hits - 1, n, ROUNDED)), n, {"hits": hits, "expected": n * ROUNDED}, least)


def category_effect(values: Floats, categories: Labels, alpha: float) -> Monitored | None:
    """Whether values differ between weekdays, or examiners (Kruskal and Wallis); `least` is a difference in SD.

    It is that of two halves of the values.
    """
    often = [one for one in np.unique(categories) if np.count_nonzero(categories == one) >= LEAST_IN_GROUP]
    known = np.isin(categories, often)
    values, categories = values[known], categories[known]
    n, k = len(values), len(often)
    if n < LEAST_VALUES or k < FEWEST_CATEGORIES or np.ptp(values) == 0:
        return None
    p = float(stats.kruskal(*(values[categories == one] for one in often)).pvalue)
    limit = float(stats.chi2.isf(alpha, k - 1))
    least = _least(lambda d: float(stats.ncx2.sf(limit, k - 1, max(n * d * d / 4, 1e-12))), 10.0)
    return Monitored(p, n, {"categories": k}, least)


def little_spread(values: Floats, others: Floats, alpha: float) -> Monitored | None:
    """Whether values lie nearer to their median than others do to theirs (ranks of the distances, one-sided).

    `least` is the ratio of the two SD, of normal values.
    """
    n, m = len(values), len(others)
    if min(n, m) < LEAST_VALUES:
        return None
    near, far = np.abs(values - np.median(values)), np.abs(others - np.median(others))
    p = float(stats.mannwhitneyu(near, far, alternative="less", method="asymptotic").pvalue)
    spread = sqrt((n + m + 1) / (12 * n * m))
    share = 0.5 + spread * float(stats.norm.isf(alpha) + stats.norm.ppf(POWER))
    least = 1 / tan(pi * share / 2) if share < 1 else None
    ratio = float(np.median(near) / np.median(far)) if np.median(far) > 0 else 0.0
    return Monitored(p, n, {"others": m, "ratio": ratio}, least)


def copied_rows(agreeing: Labels, fields: int, alpha: float) -> Monitored | None:
    """Whether more rows repeat the one before in every field than those that do not let expect.

    `agreeing` says of each row in how many of `fields` it repeats the one before. How often all agree by chance is
    taken from a beta-binomial that is fitted to those that differ somewhere, and is one row at least. `least` is
    the share of rows that are copied.
    """
    n = len(agreeing)
    if n < LEAST_VALUES:
        return None
    hits = int(np.count_nonzero(agreeing == fields))
    chance = max(_all_agree(agreeing[agreeing < fields], fields), 1 / n)
    needed = _needed(n, chance, alpha)
    least = _least(lambda share: float(stats.binom.sf(needed - 1, n, share + (1 - share) * chance)), 1.0)
    rows = tuple(np.flatnonzero(agreeing == fields).tolist())
    return Monitored(float(stats.binom.sf(hits - 1, n, chance)), n, {"hits": hits, "expected": n * chance}, least, rows)


def robust_outliers(values: Floats, alpha: float) -> Monitored | None:
    """Whether rows lie further from the middle than chance allows; `values` has a row a patient, a column a field.

    Middle and spread are median and median distance; fields are correlated by their ranks (Spearman, as a normal
    correlation). A row stands out that does so on the plain scale and on that of logarithms. `least` is a distance in
    robust SD.
    """
    n, fields = values.shape
    if n < LEAST_VALUES:
        return None
    scales = [values, np.column_stack([np.log(one) if one.min() > 0 else one for one in values.T])]
    squared = [_robust_distances(scale) for scale in scales]
    nearer = np.minimum(*squared) if all(len(one) for one in squared) else np.zeros(0)
    if not len(nearer):
        return None
    of_row = stats.f.sf(nearer / fields, fields, TAIL_FREEDOM)
    limit = sqrt(fields * float(stats.f.isf(alpha / n, fields, TAIL_FREEDOM)))
    rows = tuple(np.flatnonzero(of_row < alpha / n).tolist())
    facts = {"hits": len(rows), "distance": sqrt(float(nearer.max()))}
    return Monitored(min(1.0, n * float(of_row.min())), n, facts, limit, rows)


def _robust_distances(values: Floats) -> Floats:
    """The squared robust distance of each row; empty where half of a field is one value."""
    middles = np.median(values, axis=0)
    spreads = np.median(np.abs(values - middles), axis=0)
    if spreads.min() == 0:
        return np.zeros(0)
    unit = float(stats.t.ppf(0.75, TAIL_FREEDOM))
    z = (values - middles) / (spreads / unit)
    squared: Floats = np.einsum("ij,jk,ik->i", z, np.linalg.pinv(_rank_correlation(z)), z)
    return squared


def _needed(n: int, chance: float, alpha: float) -> int:
    """So many hits are the fewest that are less likely than alpha."""
    return int(stats.binom.isf(alpha, n, chance)) + 1


def _least(power: Callable[[float], float], largest: float) -> float | None:
    """The smallest effect whose power is enough, by halving; power rises with the effect."""
    if power(largest) < POWER:
        return None
    low, high = 0.0, largest
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def _all_agree(agreeing: Labels, fields: int) -> float:
    """The probability that all fields agree, by a beta-binomial that is fitted to rows that differ somewhere."""
    if not len(agreeing):
        return 0.0
    counts = np.bincount(agreeing, minlength=fields)
    points = np.arange(fields)

    def unlikely(logs: Floats) -> float:
        chances = _beta_binomial(points, fields, logs)
        return -float(np.sum(special.xlogy(counts, chances / chances.sum())))

    fitted = optimize.minimize(unlikely, np.zeros(2), method="Nelder-Mead", bounds=[LOG_SHAPES] * 2)
    return float(_beta_binomial(np.array([fields]), fields, fitted.x)[0])


def _beta_binomial(points: Labels, fields: int, logs: Floats) -> Floats:
    """Its probabilities, of logarithms of the shapes; scipy's own checks of arguments take most of the time."""
    a, b = np.exp(logs)
    spread: Floats = special.betaln(points + a, fields - points + b) - special.betaln(a, b)
    return np.asarray(special.binom(fields, points) * np.exp(spread))


def _rank_correlation(columns: Floats) -> Floats:
    """The correlation of normal columns that have these ranks (Pearson 1907)."""
    if columns.shape[1] == 1:
        return np.ones((1, 1))
    ranks = np.column_stack([stats.rankdata(one) for one in columns.T])
    found: Floats = 2 * np.sin(pi / 6 * np.corrcoef(ranks, rowvar=False))
    np.fill_diagonal(found, 1.0)
    return found
