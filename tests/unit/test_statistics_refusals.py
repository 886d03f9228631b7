"""Small-n honesty: what is refused, and with which reason."""

from collections.abc import Callable

import numpy as np
import pytest

from nightround.statistics import categorical, change, compare, describe, effect, paired, regression, survival
from nightround.statistics.estimates import NotEstimable
from nightround.study.methods import HypothesisTestName as Name
from nightround.study.methods import Reason

EMPTY, ONE, PAIR, SAME = np.array([]), np.array([1.0]), np.array([1.0, 2.0]), np.array([3.0, 3.0])
BELOW = np.array([-np.inf, 2.0, 3.0])
FOUR = np.arange(4.0)
CASES = np.array([0.0, 0, 0, 0, 1, 1, 0, 1])
FIRST_GROUP = np.array([True, True, False, False])


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda: describe.mean(EMPTY), Reason.NO_VALUES),
        (lambda: describe.sd(ONE), Reason.ONE_VALUE),
        (lambda: describe.mean(BELOW), Reason.BELOW_DETECTION),
        (lambda: describe.wilson(0, 0), Reason.NO_VALUES),
        (lambda: compare.between(Name.WELCH, [PAIR]), Reason.GROUPS_MISSING),
        (lambda: compare.between(Name.WELCH, [PAIR, ONE]), Reason.GROUP_UNDER_TWO),
        (lambda: compare.between(Name.WELCH, [SAME, SAME]), Reason.NO_VARIANCE),
        (lambda: compare.between(Name.STUDENT, [BELOW, PAIR]), Reason.BELOW_DETECTION),
        (lambda: compare.between(Name.MANN_WHITNEY, [SAME, SAME]), Reason.NO_VARIANCE),
        (lambda: compare.between(Name.MANN_WHITNEY_EXACT, [SAME, SAME]), Reason.NO_VARIANCE),
        (lambda: compare.between(Name.MANN_WHITNEY_EXACT, [np.arange(150.0)] * 2), Reason.TOO_LARGE),
        (lambda: compare.between(Name.STUDENT, [PAIR, PAIR, PAIR]), Reason.NOT_TWO_GROUPS),
        (lambda: compare.between(Name.ANOVA, [SAME, SAME]), Reason.NO_VARIANCE),
        (lambda: compare.between(Name.WELCH_ANOVA, [SAME, PAIR]), Reason.NO_VARIANCE),
        (lambda: compare.between(Name.KRUSKAL_WALLIS, [SAME, SAME]), Reason.NO_VARIANCE),
        (lambda: categorical.association(Name.PEARSON, np.array([[3, 4], [0, 0]])), Reason.ONE_LEVEL),
        (lambda: categorical.association(Name.PEARSON, np.array([[3, 0], [2, 0]])), Reason.GROUP_UNDER_TWO),
        (lambda: categorical.association(Name.FISHER, np.array([[3, 2], [2, 1], [1, 4]])), Reason.NOT_TWO_LEVELS),
        (lambda: paired.within(Name.PAIRED_T, ONE, ONE), Reason.NO_PAIRS),
        (lambda: paired.within(Name.PAIRED_T, PAIR, PAIR), Reason.NO_CHANGE),
        (lambda: paired.within(Name.PAIRED_T, PAIR, PAIR + 1), Reason.NO_VARIANCE),
        (lambda: paired.within(Name.WILCOXON, PAIR, PAIR), Reason.NO_CHANGE),
        (lambda: paired.within(Name.SIGN, PAIR, PAIR), Reason.NO_CHANGE),
        (lambda: paired.turnover(Name.MCNEMAR, np.array([[3, 0], [0, 4]])), Reason.NO_CHANGE),
        (lambda: paired.turnover(Name.MCNEMAR, np.array([[1, 0], [0, 0]])), Reason.NO_PAIRS),
        (lambda: effect.smd_of_levels(np.array([[5, 0], [3, 0], [0, 4]])), Reason.DISJOINT_LEVELS),
        (lambda: effect.smd_of_levels(np.array([[5, 3], [0, 0]])), Reason.ONE_LEVEL),
        (lambda: effect.smd(SAME, SAME), Reason.NO_VARIANCE),
        (lambda: effect.odds_ratio(np.array([[3, 0], [2, 5]])), Reason.ZERO_CELL),
        (lambda: effect.hodges_lehmann(BELOW, PAIR), Reason.BELOW_DETECTION),
        (lambda: change.mean_change(ONE, ONE), Reason.NO_PAIRS),
        (lambda: change.hodges_lehmann_change(np.arange(5000.0)), Reason.TOO_LARGE),
        (lambda: change.ancova(np.ones(4), FOUR, FIRST_GROUP), Reason.SINGULAR),
        (lambda: survival.kaplan_meier(EMPTY, EMPTY.astype(bool)), Reason.NO_VALUES),
        (lambda: survival.median_time(survival.kaplan_meier(PAIR, np.array([False, False]))), Reason.NOT_REACHED),
        (lambda: survival.log_rank([(PAIR, np.zeros(2, dtype=bool))] * 2), Reason.NO_EVENTS),
        (lambda: regression.logistic(np.array([0.0, 0, 1, 1]), FOUR), Reason.SEPARATION),
        (lambda: regression.logistic(np.array([0.0, 0, 1, 1]), np.ones(4)), Reason.NO_VARIANCE),
        (lambda: regression.firth(np.array([1.0, 0, 0, 1]), np.array([0, 1e-8, 0, 1e-8])), Reason.UNIT_TOO_LARGE),
        (lambda: regression.logistic(CASES, np.array([1.1, 1, 3, 0, 1.1, 0, 1.1, 1e8])), Reason.NO_CONVERGENCE),
        (lambda: regression.logistic(np.array([0.0, 0, 0, 1]), FOUR), Reason.GROUP_UNDER_TWO),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_its_reason(compute: Callable[[], object], reason: Reason) -> None:
    """No statistic crashes, warns or invents a number where there is none."""
    with pytest.raises(NotEstimable) as refused:
        compute()
    assert refused.value.reason == reason


def test_firth_is_finite_where_maximum_likelihood_is_not() -> None:
    """A factor that separates the outcomes has an odds ratio by Firth, with an interval around it."""
    found = regression.firth(np.array([0.0, 0, 0, 1, 1, 1]), np.array([0.0, 0, 0, 1, 1, 1]))
    assert 1 < found.value < np.inf
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("counts", "ran"),
    [
        ([[30, 20], [25, 30]], Name.PEARSON),
        ([[4, 40], [11, 60]], Name.PEARSON),
        ([[2, 41], [4, 60]], Name.YATES),
        ([[2, 6], [7, 3]], Name.FISHER),
        ([[1, 60], [0, 19]], Name.FISHER),
    ],
)
def test_the_textbook_rule_goes_by_n_and_expected_count(counts: list[list[int]], ran: Name) -> None:
    """From n >= 40: T >= 5 Pearson, 1 <= T < 5 Yates; otherwise Fisher."""
    assert categorical.pearson_cn_textbook(np.array(counts)).name == ran


def test_the_recommended_rule_turns_to_the_exact_test_on_thin_tables() -> None:
    """Cochran's conditions decide between Pearson and the exact test, in 2x2 and in larger tables."""
    thin = categorical.pearson_by_rule(np.array([[34, 11], [5, 3], [2, 2], [2, 2], [0, 1]]))
    assert thin.name == Name.FISHER_FREEMAN_HALTON
    assert categorical.pearson_by_rule(np.array([[22, 10], [15, 7], [16, 12]])).name == Name.PEARSON
    assert categorical.pearson_by_rule(np.array([[2, 2], [41, 17]])).name == Name.FISHER


def test_a_table_too_large_to_enumerate_is_sampled_with_a_fixed_seed() -> None:
    """Monte Carlo says that it sampled, gives the same P every night, and is close to the chi-square P."""
    rows = np.array([[40, 32, 28, 35, 20], [30, 41, 22, 25, 33], [25, 30, 38, 29, 31], [28, 21, 36, 40, 24]])
    counts = np.vstack([rows, rows[:, ::-1]])
    first, again = categorical.freeman_halton(counts), categorical.freeman_halton(counts)
    assert first.monte_carlo
    assert first.p == again.p
    assert first.p == pytest.approx(categorical.pearson(counts).p, abs=0.01)


@pytest.mark.parametrize(("ties", "ran"), [(False, Name.WILCOXON_EXACT), (True, Name.WILCOXON_CORRECTED)])
def test_the_rank_rule_is_that_of_r(ties: bool, ran: Name) -> None:  # noqa: FBT001 - a parameter of the table above
    """Without ties and zeros the exact test runs, with them the corrected approximation."""
    after = np.array([2.0, 4.5, 3.1, 9.0]) if not ties else np.array([2.0, 3.0, 3.1, 9.0])
    assert paired.within(Name.WILCOXON_BY_RULE, np.array([1.0, 2.0, 0.0, 4.0]), after).name == ran


def test_differences_tie_as_a_reader_sees_them() -> None:
    """7.3 - 7.1 and 5.2 - 5.0 are the same rise, although their binary fractions differ."""
    found = paired.rankable(np.array([7.1, 5.0]), np.array([7.3, 5.2]))
    assert found[0] == found[1]


@pytest.mark.parametrize(("m", "n"), [(3, 4), (40, 30), (60, 50)])
def test_hodges_lehmann_finds_the_middle_difference(m: int, n: int) -> None:
    """The halving search gives the median and ends of the sorted table of all differences, ties or not."""
    generator = np.random.default_rng(m)
    first, second = generator.integers(0, 30, m) / 4, generator.integers(0, 25, n) / 4
    listed = np.sort(np.subtract.outer(first, second).ravel())
    found, cut = effect.hodges_lehmann(first, second), effect.rank_sum_cut(first, second)
    assert (found.value, found.low, found.high) == (np.median(listed), listed[cut - 1], listed[-cut])
