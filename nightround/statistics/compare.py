"""Compare a measurement between two or more groups of different patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nightround.statistics.constant import is_constant
from nightround.statistics.estimates import HypothesisTest, require
from nightround.statistics.numbers import Numbers
from nightround.study.methods import Caution, Reason
from nightround.study.methods import HypothesisTestName as Name

Samples = Sequence[Numbers]
EXACT_UNDER = 50
"""R's wilcox.test computes the exact distribution where both groups are smaller than this and nothing is tied."""
LARGEST_EXACT = 200


def between(test: Name, samples: Samples) -> HypothesisTest:
    """Run a test between groups. Each sample contains one group's values, without missing ones.

    A group of one value takes part unless the test needs its own variance; a group that cannot is left out of three or
    more, and the test says so. Raises NotEstimable where fewer than two groups are left or the test has no value.
    """
    require(len(samples) > 1, Reason.GROUPS_MISSING)
    fewest = 2 if test in (Name.WELCH, Name.WELCH_ANOVA) else 1
    used = [sample for sample in samples if len(sample) >= fewest]
    require(1 < len(used) < sum(map(len, used)), Reason.GROUP_UNDER_TWO)
    found = _TESTS[test](used)
    return found if len(used) == len(samples) else replace(found, caution=Caution.GROUP_LEFT_OUT)


def student(samples: Samples) -> HypothesisTest:
    """Student's t test with pooled variance (Biometrika 1908;6:1)."""
    return _t(Name.STUDENT, samples, pooled=True)


def welch(samples: Samples) -> HypothesisTest:
    """Welch's t test, variances not assumed equal (Biometrika 1947;34:28)."""
    return _t(Name.WELCH, samples, pooled=False)


def _t(name: Name, samples: Samples, *, pooled: bool) -> HypothesisTest:
    """From means and SDs: scipy's `ttest_ind` warns where values differ in their last digits alone."""
    first, second = _two(samples)
    _require_finite(samples)
    require(not all_constant(samples), Reason.NO_VARIANCE)
    spread = [float(np.std(sample, ddof=1)) if len(sample) > 1 else 0.0 for sample in (first, second)]
    found = stats.ttest_ind_from_stats(
        float(np.mean(first)), spread[0], len(first), float(np.mean(second)), spread[1], len(second), equal_var=pooled
    )
    df = len(first) + len(second) - 2.0 if pooled else welch_df(first, second)
    return HypothesisTest(name, float(found.pvalue), len(first) + len(second), float(found.statistic), df)


def welch_df(first: Numbers, second: Numbers) -> float:
    """Degrees of freedom by Welch and Satterthwaite (Biometrics 1946;2:110)."""
    a, b = (float(np.var(sample, ddof=1)) / len(sample) for sample in (first, second))
    return (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))


def mann_whitney(samples: Samples) -> HypothesisTest:
    """Mann-Whitney U by the normal approximation, ties corrected (Ann Math Stat 1947;18:50). As SPSS computes it."""
    return _rank_sum(Name.MANN_WHITNEY, samples, correction=0.0)


def mann_whitney_corrected(samples: Samples) -> HypothesisTest:
    """Mann-Whitney U by the normal approximation, with continuity correction, as R computes it for ties."""
    return _rank_sum(Name.MANN_WHITNEY_CORRECTED, samples, correction=0.5)


def _rank_sum(name: Name, samples: Samples, *, correction: float) -> HypothesisTest:
    """The same P as scipy's `mannwhitneyu`, which does not give the Z that is printed next to it."""
    first, second = _two(samples)
    m, n = len(first), len(second)
    together = np.concatenate([first, second])
    require(not is_constant(together), Reason.NO_VARIANCE)
    ranks = stats.rankdata(together)
    excess = float(ranks[:m].sum()) - m * (m + n + 1) / 2
    variance = m * n / 12 * (m + n + 1 - tie_term(ranks) / ((m + n) * (m + n - 1)))
    z = (excess - float(np.sign(excess)) * correction) / sqrt(variance)
    return HypothesisTest(name, float(2 * stats.norm.sf(abs(z))) if z else 1.0, m + n, z)


def tie_term(ranks: Numbers) -> float:
    """The sum of t^3 - t over groups of t tied values."""
    _, sizes = np.unique(ranks, return_counts=True)
    sizes = sizes.astype(np.float64)
    return float((sizes**3 - sizes).sum())


def mann_whitney_exact(samples: Samples) -> HypothesisTest:
    """Mann-Whitney U by the exact permutation distribution, midranks for ties.

    The distribution is built by the shift algorithm of Streitberg and Röhmel (Stat Software Newsletter 1986;12:10);
    scipy's exact test knows no ties.
    """
    first, second = _two(samples)
    m, total = len(first), len(first) + len(second)
    require(total <= LARGEST_EXACT, Reason.TOO_LARGE)
    together = np.concatenate([first, second])
    require(not is_constant(together), Reason.NO_VARIANCE)
    doubled = np.rint(2 * stats.rankdata(together)).astype(np.int64)
    ways = rank_sum_ways(doubled, m)
    expected = m * (total + 1)  # of the doubled rank sum
    extreme = np.abs(np.arange(len(ways)) - expected) >= abs(int(doubled[:m].sum()) - expected)
    return HypothesisTest(Name.MANN_WHITNEY_EXACT, float(ways[extreme].sum() / ways.sum()), total)


def rank_sum_ways(ranks: NDArray[np.int64], size: int) -> Numbers:
    """In how many ways `size` of the ranks add up to 0, 1, 2 ..., by the shift algorithm."""
    ways = np.zeros((size + 1, int(np.sort(ranks)[-size:].sum()) + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank]
    return np.asarray(ways[size], dtype=np.float64)


def mann_whitney_by_rule(samples: Samples) -> HypothesisTest:
    """R's rule (wilcox.test): exact where both groups are under 50 and no value is tied, else corrected normal."""
    first, second = _two(samples)
    tied = len(np.unique(np.concatenate([first, second]))) < len(first) + len(second)
    small = len(first) < EXACT_UNDER and len(second) < EXACT_UNDER
    return mann_whitney_exact(samples) if small and not tied else mann_whitney_corrected(samples)


def anova(samples: Samples) -> HypothesisTest:
    """One-way analysis of variance (Fisher, Statistical Methods for Research Workers, 1925).

    From deviations, not from sums of squares: scipy's f_oneway takes large sums from each other, and of groups with
    equal means may make a negative F without a P of it.
    """
    _require_finite(samples)
    require(not all_constant(samples), Reason.NO_VARIANCE)
    centre, sizes = float(np.mean(np.concatenate(list(samples)))), [len(sample) for sample in samples]
    between_groups = sum(len(sample) * (float(np.mean(sample)) - centre) ** 2 for sample in samples)
    within_groups = sum(float(((sample - np.mean(sample)) ** 2).sum()) for sample in samples)
    df, df_within = len(samples) - 1.0, float(sum(sizes) - len(samples))
    f = (between_groups / df) / (within_groups / df_within)
    return HypothesisTest(Name.ANOVA, float(stats.f.sf(f, df, df_within)), sum(sizes), f, df, df_within)


def welch_anova(samples: Samples) -> HypothesisTest:
    """Welch's analysis of variance, variances not assumed equal (Biometrika 1951;38:330).

    F and P are scipy's; its degrees of freedom within groups are not given, and are needed to check the P.
    """
    _require_finite(samples)
    together = np.concatenate(list(samples))
    require(not any(is_constant(sample, together) for sample in samples), Reason.NO_VARIANCE)
    sizes = np.array([len(sample) for sample in samples], dtype=float)
    weights = sizes / np.array([np.var(sample, ddof=1) for sample in samples])
    k, unevenness = len(samples), ((1 - weights / weights.sum()) ** 2 / (sizes - 1)).sum()
    df = float((k**2 - 1) / (3 * unevenness))
    found = stats.f_oneway(*samples, equal_var=False)
    f, p = float(found.statistic), float(found.pvalue)
    return HypothesisTest(Name.WELCH_ANOVA, p, int(sizes.sum()), f, k - 1.0, df)


def kruskal_wallis(samples: Samples) -> HypothesisTest:
    """Kruskal and Wallis's test, ties corrected (J Am Stat Assoc 1952;47:583)."""
    together = np.concatenate(list(samples))
    require(not is_constant(together), Reason.NO_VARIANCE)
    found = stats.kruskal(*samples)
    return HypothesisTest(
        Name.KRUSKAL_WALLIS, float(found.pvalue), len(together), float(found.statistic), len(samples) - 1.0
    )


def all_constant(samples: Samples, *entered: Numbers) -> bool:
    """Whether no group varies; `entered` are the values before any differencing, else those of all groups."""
    together = entered or tuple(samples)
    return all(is_constant(sample, *together) for sample in samples)


def _two(samples: Samples) -> tuple[Numbers, Numbers]:
    require(len(samples) == 2, Reason.NOT_TWO_GROUPS)  # noqa: PLR2004 - two groups
    return samples[0], samples[1]


def _require_finite(samples: Samples) -> None:
    require(all(bool(np.isfinite(sample).all()) for sample in samples), Reason.BELOW_DETECTION)


_TESTS: Mapping[Name, Callable[[Samples], HypothesisTest]] = {
    Name.STUDENT: student,
    Name.WELCH: welch,
    Name.MANN_WHITNEY: mann_whitney,
    Name.MANN_WHITNEY_CORRECTED: mann_whitney_corrected,
    Name.MANN_WHITNEY_EXACT: mann_whitney_exact,
    Name.MANN_WHITNEY_BY_RULE: mann_whitney_by_rule,
    Name.ANOVA: anova,
    Name.WELCH_ANOVA: welch_anova,
    Name.KRUSKAL_WALLIS: kruskal_wallis,
}
