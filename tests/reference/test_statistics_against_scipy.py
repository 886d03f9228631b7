"""What is our own although scipy has something like it, against scipy's on random data.

Results are kept to ten significant digits. Each test says what scipy's lacks, or why its last digits are not ours.
"""

from math import isclose
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator, default_rng
from scipy import stats

from nightround.statistics import change, compare, describe, effect, paired, survival
from nightround.statistics.estimates import NotEstimable
from nightround.statistics.numbers import Numbers
from nightround.study.methods import HypothesisTestName as Name

SEEDS = range(40)
CLOSE = 1e-11
"""Relative; below what the ten digits of a stored number can show."""


def agree(ours: Any, theirs: Any, within: float = CLOSE, least: float = 1e-13) -> None:
    """Two lists of numbers are equal but for the last bits."""
    for one, other in zip(np.atleast_1d(ours), np.atleast_1d(theirs), strict=True):
        assert isclose(one, other, rel_tol=within, abs_tol=least), (ours, theirs)


def samples(random: Generator, count: int) -> list[Numbers]:
    """Samples of some measurement, with as many ties as its digits make."""
    digits = int(random.integers(0, 4))
    sizes = random.integers(3, 70, count)
    return [np.round(random.normal(50 + random.normal(), random.uniform(1, 10), size), digits) for size in sizes]


@pytest.mark.parametrize("seed", SEEDS)
def test_t_tests_and_their_intervals_are_scipys(seed: int) -> None:
    """Student, Welch and the paired t: ours warn of nothing where values differ in their last digits alone."""
    first, second = samples(default_rng(seed), 2)
    for ours, pooled in ((compare.student, True), (compare.welch, False)):
        found, theirs = ours([first, second]), stats.ttest_ind(first, second, equal_var=pooled)
        agree([found.value, found.p, found.df], [theirs.statistic, theirs.pvalue, theirs.df])
        interval, ends = effect.mean_difference(first, second, pooled=pooled), theirs.confidence_interval(0.95)
        agree([interval.low, interval.high], [ends.low, ends.high], least=1e-10)
    size = min(len(first), len(second))
    before, after = first[:size], second[:size]
    one, other = paired.within(Name.PAIRED_T, before, after), stats.ttest_rel(after, before)
    agree([one.value, one.p], [other.statistic, other.pvalue])
    interval, ends = change.mean_change(before, after), other.confidence_interval(0.95)
    agree([interval.low, interval.high], [ends.low, ends.high], least=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_analyses_of_variance_are_scipys(seed: int) -> None:
    """Fisher's from deviations, where scipy subtracts large sums; Welch's with its degrees of freedom next to it."""
    groups = samples(default_rng(seed), 3)
    for ours, equal in ((compare.anova, True), (compare.welch_anova, False)):
        found, theirs = ours(groups), stats.f_oneway(*groups, equal_var=equal)
        agree([found.value, found.p], [theirs.statistic, theirs.pvalue], 1e-9)
        assert found.df_within is not None
        agree(found.p, stats.f.sf(found.value, found.df, found.df_within))


@pytest.mark.parametrize("seed", SEEDS)
def test_rank_tests_give_scipys_p(seed: int) -> None:
    """Mann-Whitney and Wilcoxon: scipy tells no Z of the first and no sign of the second, and both are printed."""
    first, second = samples(default_rng(seed), 2)
    for ours, corrected in ((compare.mann_whitney, False), (compare.mann_whitney_corrected, True)):
        theirs = stats.mannwhitneyu(first, second, method="asymptotic", use_continuity=corrected)
        assert ours([first, second]).p == theirs.pvalue
    size = min(len(first), len(second))
    difference = paired.rankable(first[:size], second[:size])
    for test, corrected, zeros in (
        (paired.wilcoxon, False, "wilcox"),
        (paired.wilcoxon_corrected, True, "wilcox"),
        (paired.wilcoxon_pratt, False, "pratt"),
    ):
        found = test(difference)
        theirs = stats.wilcoxon(difference, method="asymptotic", correction=corrected, zero_method=zeros)
        assert found.value is not None
        agree([abs(found.value), found.p], [abs(theirs.zstatistic), theirs.pvalue])


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_rank_tests_give_scipys_p_where_nothing_is_tied(seed: int) -> None:
    """Ours take ties as well, by midranks; scipy's exact tests do not."""
    random = default_rng(seed)
    first, second = random.normal(0, 1, 17), random.normal(0.4, 1, 17)
    theirs = stats.mannwhitneyu(first, second, method="exact").pvalue
    agree(compare.mann_whitney_exact([first, second]).p, theirs)
    agree(paired.wilcoxon_exact(second - first).p, stats.wilcoxon(second - first, method="exact").pvalue)


@pytest.mark.parametrize("seed", SEEDS)
def test_intervals_of_a_proportion_are_scipys(seed: int) -> None:
    """Wilson without the exact test that scipy computes next to it; Clopper-Pearson without the error of its search."""
    random = default_rng(seed)
    total = int(random.integers(1, 200))
    count = int(random.integers(0, total + 1))
    for ours, method, within in ((describe.wilson, "wilson", CLOSE), (describe.clopper_pearson, "exact", 1e-8)):
        ends = stats.binomtest(count, total).proportion_ci(0.95, method=method)
        found = ours(count, total)
        agree([found.low, found.high], [ends.low, ends.high], within)


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@pytest.mark.parametrize("seed", SEEDS)
def test_curves_and_their_test_are_scipys(seed: int) -> None:
    """Kaplan-Meier with both intervals that scipy has, and the log-rank test of the two groups that it takes.

    Ours has a third interval and the numbers at risk, and compares any number of groups.
    """
    random = default_rng(seed)
    time, event = np.round(random.exponential(10, 60), int(random.integers(0, 3))), random.random(60) < 0.6
    theirs = stats.ecdf(stats.CensoredData(uncensored=time[event], right=time[~event])).sf
    for interval, method in (("log-log", "log-log"), ("plain", "linear")):
        points = survival.kaplan_meier(time, event, interval)  # type: ignore[arg-type]
        steps = [int(np.flatnonzero(theirs.quantiles == point.time)[0]) for point in points]
        agree([point.survival for point in points], theirs.probabilities[steps])
        ends = theirs.confidence_interval(0.95, method=method)
        open_ended = [place for place, point in enumerate(points) if point.survival > 0]
        for ours, limits in (([p.low for p in points], ends.low), ([p.high for p in points], ends.high)):
            agree(np.array(ours)[open_ended], limits.probabilities[steps][open_ended], 1e-9)
    first = random.random(60) < 0.5
    groups = [(time[those], event[those]) for those in (first, ~first)]
    try:
        found = survival.log_rank(groups)
    except NotEstimable:
        return
    other = stats.logrank(*(stats.CensoredData(uncensored=t[e], right=t[~e]) for t, e in groups))
    agree([found.value, found.p], [other.statistic**2, other.pvalue], 1e-9)
