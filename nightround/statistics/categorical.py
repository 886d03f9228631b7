"""Compare counts between groups, and draw the interval of a difference of proportions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nightround.statistics.estimates import HypothesisTest, require
from nightround.statistics.exact_tables import fisher_freeman_halton
from nightround.study.methods import Caution, Reason
from nightround.study.methods import HypothesisTestName as Name

Counts = NDArray[np.int64]
"""Levels down, groups across."""
SMALL_EXPECTED = 5
"""Cochran's limit for an expected count (Biometrics 1954;10:417)."""


def association(test: Name, counts: Counts) -> HypothesisTest:
    """Run a test of counts, levels down and groups across. Levels nobody has, and groups of nobody, are left out.

    Raises NotEstimable where fewer than two groups have patients, nobody is left to vary, or only one level occurs.
    """
    require(counts.shape[1] > 1, Reason.GROUPS_MISSING)
    sizes = counts.sum(axis=0)
    used = counts[:, sizes > 0]
    require(1 < used.shape[1] < int(sizes.sum()), Reason.GROUP_UNDER_TWO)
    occurring = used[used.sum(axis=1) > 0]
    require(len(occurring) > 1, Reason.ONE_LEVEL)
    found = _TESTS[test](used if test == Name.TREND else occurring)
    return found if used.shape == counts.shape else replace(found, caution=Caution.GROUP_LEFT_OUT)


def expected(counts: Counts) -> NDArray[np.float64]:
    """The counts expected without association."""
    return np.asarray(stats.contingency.expected_freq(counts), dtype=np.float64)


def pearson(counts: Counts) -> HypothesisTest:
    """Pearson's chi-square without correction (Philos Mag 1900;50:157)."""
    found = stats.chi2_contingency(counts, correction=False)
    return _chi_square(Name.PEARSON, counts, float(found.statistic), float(found.dof))


def yates(counts: Counts) -> HypothesisTest:
    """Chi-square of a 2x2 table with Yates's correction (J R Stat Soc Suppl 1934;1:217), never beyond the deviation.

    Not scipy's: where all counts are as expected, its corrected counts leave noise in place of 0.
    """
    _require_2x2(counts)
    theory = expected(counts)
    deviation = np.abs(counts - theory)
    value = float(((deviation - min(0.5, float(deviation.min()))) ** 2 / theory).sum())
    return _chi_square(Name.YATES, counts, value, 1.0)


def _chi_square(name: Name, counts: Counts, value: float, df: float) -> HypothesisTest:
    caution = Caution.SMALL_EXPECTED if expected(counts).min() < SMALL_EXPECTED else None
    return HypothesisTest(name, float(stats.chi2.sf(value, df)), int(counts.sum()), value, df, caution=caution)


def fisher(counts: Counts) -> HypothesisTest:
    """Fisher's exact test of a 2x2 table, two-sided by probability (J R Stat Soc 1935;98:39)."""
    _require_2x2(counts)
    return HypothesisTest(Name.FISHER, float(stats.fisher_exact(counts).pvalue), int(counts.sum()))


def freeman_halton(counts: Counts) -> HypothesisTest:
    """Fisher's test of any table (Freeman and Halton, Biometrika 1951;38:141), exact or by seeded Monte Carlo."""
    p, sampled = fisher_freeman_halton(counts)
    return HypothesisTest(Name.FISHER_FREEMAN_HALTON, p, int(counts.sum()), monte_carlo=sampled)


def pearson_by_rule(counts: Counts) -> HypothesisTest:
    """Pearson where Cochran's conditions hold, else the exact test.

    2x2: every expected count at least 5. Larger: none below 1 and at most 20% below 5 (Biometrics 1954;10:417).
    """
    theory = expected(counts)
    if counts.shape == (2, 2):
        return pearson(counts) if theory.min() >= SMALL_EXPECTED else fisher(counts)
    fits = theory.min() >= 1 and (theory < SMALL_EXPECTED).mean() <= 0.2  # noqa: PLR2004 - Cochran's 20%
    return pearson(counts) if fits else freeman_halton(counts)


def pearson_cn_textbook(counts: Counts) -> HypothesisTest:
    """The rule of Chinese textbooks (孙振球, 医学统计学, 四格表).

    2x2: n >= 40 and T >= 5 Pearson; n >= 40 and 1 <= T < 5 Yates; n < 40 or T < 1 Fisher.
    Larger tables: as `pearson_by_rule`.
    """
    if counts.shape != (2, 2):
        return pearson_by_rule(counts)
    theory = float(expected(counts).min())
    if counts.sum() < 40 or theory < 1:  # noqa: PLR2004 - the textbook's n
        return fisher(counts)
    return pearson(counts) if theory >= SMALL_EXPECTED else yates(counts)


def trend(counts: Counts) -> HypothesisTest:
    """Cochran and Armitage's trend of two groups over ordered levels scored 1, 2, 3 ... (Biometrics 1955;11:375)."""
    require(counts.shape[1] == 2, Reason.NOT_TWO_GROUPS)  # noqa: PLR2004 - two groups
    n = int(counts.sum())
    sizes, share = counts.sum(axis=1), float(counts[:, 0].sum() / n)
    scores = np.arange(1, len(counts) + 1, dtype=float)
    centred = scores - (sizes * scores).sum() / n
    slope = float((counts[:, 0] * centred).sum())
    value = slope**2 / (share * (1 - share) * float((sizes * centred**2).sum()))
    return HypothesisTest(Name.TREND, float(stats.chi2.sf(value, 1)), n, value, 1.0)


def _require_2x2(counts: Counts) -> None:
    require(counts.shape == (2, 2), Reason.NOT_TWO_LEVELS)


_TESTS: Mapping[Name, Callable[[Counts], HypothesisTest]] = {
    Name.PEARSON: pearson,
    Name.YATES: yates,
    Name.FISHER: fisher,
    Name.FISHER_FREEMAN_HALTON: freeman_halton,
    Name.PEARSON_BY_RULE: pearson_by_rule,
    Name.PEARSON_CN_TEXTBOOK: pearson_cn_textbook,
    Name.TREND: trend,
}
