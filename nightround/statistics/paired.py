"""Compare two measurements of the same patients. Every difference is after minus before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nightround.statistics.categorical import Counts
from nightround.statistics.compare import EXACT_UNDER, LARGEST_EXACT, tie_term
from nightround.statistics.constant import is_constant, unchanged
from nightround.statistics.estimates import HypothesisTest, require
from nightround.statistics.numbers import Numbers
from nightround.study.methods import HypothesisTestName as Name
from nightround.study.methods import Reason

MCNEMAR_DISCORDANT = 40
"""Chinese textbooks correct McNemar's test where fewer patients than this changed (孙振球, 医学统计学)."""


def within(test: Name, before: Numbers, after: Numbers) -> HypothesisTest:
    """Run a paired test. Both arrays hold the same patients in the same order, without missing values.

    Raises NotEstimable with fewer than two pairs, or where the test has no value.
    """
    require(len(before) > 1, Reason.NO_PAIRS)
    require(bool(np.isfinite(before).all() and np.isfinite(after).all()), Reason.BELOW_DETECTION)
    if test == Name.PAIRED_T:
        return paired_t(before, after)
    return _TESTS[test](rankable(before, after))


def rankable(before: Numbers, after: Numbers) -> Numbers:
    """After minus before, without the noise of binary fractions.

    7.3 - 7.1 and 5.2 - 5.0 are both 0.2 and must tie; what is under 1e-12 of the largest value is noise.
    """
    scale = max(float(np.abs(before).max()), float(np.abs(after).max())) or 1.0
    return np.asarray(np.round(after - before, 11 - int(np.floor(np.log10(scale)))), dtype=np.float64)


def paired_t(before: Numbers, after: Numbers) -> HypothesisTest:
    """The paired t test (Student, Biometrika 1908;6:1); scipy's warns where values hardly differ."""
    difference = after - before
    require(not unchanged(difference, before, after), Reason.NO_CHANGE)
    require(not is_constant(difference, before, after), Reason.NO_VARIANCE)
    n, spread = len(difference), float(np.std(difference, ddof=1))
    t = float(np.mean(difference)) / (spread / sqrt(n))
    return HypothesisTest(Name.PAIRED_T, float(2 * stats.t.sf(abs(t), n - 1)), n, t, n - 1.0)


def wilcoxon(difference: Numbers) -> HypothesisTest:
    """Wilcoxon's signed-rank test, zeros dropped, normal approximation, ties corrected (Biometrics 1945;1:80)."""
    return _signed_rank(Name.WILCOXON, difference, correction=0.0)


def wilcoxon_corrected(difference: Numbers) -> HypothesisTest:
    """The same with continuity correction, as R's wilcox.test computes it for ties or zeros."""
    return _signed_rank(Name.WILCOXON_CORRECTED, difference, correction=0.5)


def wilcoxon_pratt(difference: Numbers) -> HypothesisTest:
    """Zeros take part in the ranking and are dropped after it (Pratt, J Am Stat Assoc 1959;54:655)."""
    return _signed_rank(Name.WILCOXON_PRATT, difference, correction=0.0, pratt=True)


def _signed_rank(name: Name, difference: Numbers, *, correction: float, pratt: bool = False) -> HypothesisTest:
    """The same P as scipy's `wilcoxon`, whose Z has no sign; corrected, its last digits are others."""
    changed = difference[difference != 0]
    require(len(changed) > 0, Reason.NO_CHANGE)
    ranked = difference if pratt else changed
    ranks = stats.rankdata(np.abs(ranked))
    n, zeros = len(ranked), len(ranked) - len(changed)
    expected = (n * (n + 1) - zeros * (zeros + 1)) / 4
    spread = n * (n + 1) * (2 * n + 1) - zeros * (zeros + 1) * (2 * zeros + 1)
    variance = spread / 24 - tie_term(ranks[ranked != 0]) / 48
    excess = float(ranks[ranked > 0].sum()) - expected
    z = (excess - float(np.sign(excess)) * correction) / sqrt(variance)
    return HypothesisTest(name, float(2 * stats.norm.sf(abs(z))) if z else 1.0, len(difference), z)


def wilcoxon_exact(difference: Numbers) -> HypothesisTest:
    """Wilcoxon's signed-rank test by its exact distribution, zeros dropped, midranks for ties."""
    changed = difference[difference != 0]
    require(len(changed) > 0, Reason.NO_CHANGE)
    require(len(changed) <= LARGEST_EXACT, Reason.TOO_LARGE)
    doubled = np.rint(2 * stats.rankdata(np.abs(changed))).astype(np.int64)
    ways = signed_rank_ways(doubled)
    centred = np.abs(2 * np.arange(len(ways)) - len(ways) + 1)
    observed = abs(2 * int(doubled[changed > 0].sum()) - len(ways) + 1)
    p = float(ways[centred >= observed].sum() / ways.sum())
    return HypothesisTest(Name.WILCOXON_EXACT, p, len(difference))


def signed_rank_ways(ranks: NDArray[np.int64]) -> Numbers:
    """In how many ways the ranks of the positive differences add up to 0, 1, 2 ..."""
    ways = np.zeros(int(ranks.sum()) + 1)
    ways[0] = 1.0
    for rank in ranks:
        ways[rank:] += ways[:-rank]
    return ways


def wilcoxon_by_rule(difference: Numbers) -> HypothesisTest:
    """R's rule (wilcox.test): exact under 50 pairs without ties or zeros, else the corrected normal."""
    sizes = np.abs(difference)
    clean = len(np.unique(sizes)) == len(sizes) and bool((sizes > 0).all())
    return wilcoxon_exact(difference) if clean and len(sizes) < EXACT_UNDER else wilcoxon_corrected(difference)


def sign(difference: Numbers) -> HypothesisTest:
    """The sign test, exact (Arbuthnott, Phil Trans 1710;27:186): zeros take no part."""
    up, changed = int((difference > 0).sum()), int((difference != 0).sum())
    require(changed > 0, Reason.NO_CHANGE)
    return HypothesisTest(Name.SIGN, float(stats.binomtest(up, changed).pvalue), len(difference))


def turnover(test: Name, counts: Counts) -> HypothesisTest:
    """Run a test of paired levels: before down, after across, in the same order.

    Raises NotEstimable with fewer than two pairs, or where nobody changed.
    """
    require(int(counts.sum()) > 1, Reason.NO_PAIRS)
    require(int(counts.sum()) > int(np.trace(counts)), Reason.NO_CHANGE)
    return _TURNOVER_TESTS[test](counts)


def mcnemar(counts: Counts) -> HypothesisTest:
    """McNemar's test without correction (Psychometrika 1947;12:153)."""
    return _mcnemar(Name.MCNEMAR, counts, correction=0)


def mcnemar_corrected(counts: Counts) -> HypothesisTest:
    """McNemar's test with Edwards's continuity correction (Psychometrika 1948;13:185)."""
    return _mcnemar(Name.MCNEMAR_CORRECTED, counts, correction=1)


def _mcnemar(name: Name, counts: Counts, *, correction: int) -> HypothesisTest:
    left, entered = _discordant(counts)
    value = max(0, abs(left - entered) - correction) ** 2 / (left + entered)
    return HypothesisTest(name, float(stats.chi2.sf(value, 1)), int(counts.sum()), value, 1.0)


def mcnemar_exact(counts: Counts) -> HypothesisTest:
    """McNemar's test by the binomial distribution of those who changed."""
    left, entered = _discordant(counts)
    return HypothesisTest(Name.MCNEMAR_EXACT, float(stats.binomtest(left, left + entered).pvalue), int(counts.sum()))


def mcnemar_cn_textbook(counts: Counts) -> HypothesisTest:
    """Chinese textbooks: corrected where fewer than 40 changed (孙振球, 医学统计学)."""
    return mcnemar(counts) if sum(_discordant(counts)) >= MCNEMAR_DISCORDANT else mcnemar_corrected(counts)


def _discordant(counts: Counts) -> tuple[int, int]:
    require(counts.shape == (2, 2), Reason.NOT_TWO_LEVELS)
    return int(counts[0, 1]), int(counts[1, 0])


def marginal_homogeneity(counts: Counts) -> HypothesisTest:
    """Stuart and Maxwell's test that the levels are as frequent after as before (Biometrika 1955;42:412)."""
    used = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    table = counts[np.ix_(used, used)].astype(float)
    shift = (table.sum(axis=1) - table.sum(axis=0))[:-1]
    covariance = np.diag(table.sum(axis=1) + table.sum(axis=0)) - table - table.T
    covariance = covariance[:-1, :-1]
    require(int(np.linalg.matrix_rank(covariance)) == len(shift), Reason.SINGULAR)
    value, df = float(shift @ np.linalg.solve(covariance, shift)), float(len(shift))
    return HypothesisTest(Name.MARGINAL_HOMOGENEITY, float(stats.chi2.sf(value, df)), int(counts.sum()), value, df)


_TESTS: Mapping[Name, Callable[[Numbers], HypothesisTest]] = {
    Name.WILCOXON: wilcoxon,
    Name.WILCOXON_CORRECTED: wilcoxon_corrected,
    Name.WILCOXON_PRATT: wilcoxon_pratt,
    Name.WILCOXON_EXACT: wilcoxon_exact,
    Name.WILCOXON_BY_RULE: wilcoxon_by_rule,
    Name.SIGN: sign,
}
_TURNOVER_TESTS: Mapping[Name, Callable[[Counts], HypothesisTest]] = {
    Name.MCNEMAR: mcnemar,
    Name.MCNEMAR_CORRECTED: mcnemar_corrected,
    Name.MCNEMAR_EXACT: mcnemar_exact,
    Name.MCNEMAR_CN_TEXTBOOK: mcnemar_cn_textbook,
    Name.MARGINAL_HOMOGENEITY: marginal_homogeneity,
}
