"""The edges of the rules that choose a test: the last case on each side."""

import numpy as np
import pytest
from scipy import stats

from nightround.statistics import categorical, compare, paired
from nightround.study.methods import Caution
from nightround.study.methods import HypothesisTestName as Name


@pytest.mark.parametrize(
    ("m", "n", "ran"),
    [(49, 49, "exact"), (50, 49, "corrected"), (49, 50, "corrected"), (50, 51, "corrected"), (2, 49, "exact")],
)
def test_the_exact_rank_sum_is_of_groups_under_50(m: int, n: int, ran: str) -> None:
    """R's wilcox.test is exact with 49 and corrected with 50 in either group, where nothing is tied."""
    values = np.random.default_rng(1).permutation(np.arange(float(m + n)))
    assert compare.mann_whitney_by_rule([values[:m], values[m:]]).name == f"mann_whitney_{ran}"
    tied = np.append(values[1:], values[1])
    assert compare.mann_whitney_by_rule([tied[:m], tied[m:]]).name == Name.MANN_WHITNEY_CORRECTED


@pytest.mark.parametrize(("pairs", "ran"), [(49, Name.WILCOXON_EXACT), (50, Name.WILCOXON_CORRECTED)])
def test_the_exact_signed_rank_is_of_under_50_pairs(pairs: int, ran: Name) -> None:
    """R's wilcox.test is exact with 49 pairs and corrected with 50, where nothing is tied and nothing zero."""
    values = np.arange(1.0, pairs + 1) * np.where(np.arange(pairs) % 3, 1, -1)
    assert paired.wilcoxon_by_rule(values).name == ran
    assert paired.wilcoxon_by_rule(np.append(values[1:], 0.0)).name == Name.WILCOXON_CORRECTED


def with_expected(least: float, n: int) -> np.ndarray:
    """A 2x2 table of n patients in two equal groups, whose smallest expected count is `least`."""
    rare, half = round(2 * least), n // 2
    first = rare // 2 + rare % 2
    return np.array([[first, rare - first], [half - first, half - rare + first]])


@pytest.mark.parametrize(
    ("least", "n", "ran", "cautioned"),
    [
        (5.0, 40, Name.PEARSON, False),
        (4.5, 40, Name.FISHER, True),
        (5.0, 200, Name.PEARSON, False),
        (4.5, 200, Name.FISHER, True),
    ],
)
def test_pearson_needs_expected_counts_of_five(least: float, n: int, ran: Name, cautioned: bool) -> None:  # noqa: FBT001
    """At exactly 5 Pearson counts and has no warning; under it Fisher counts, and a planned Pearson is warned of."""
    counts = with_expected(least, n)
    assert categorical.expected(counts).min() == pytest.approx(least)
    assert categorical.pearson_by_rule(counts).name == ran
    assert (categorical.pearson(counts).caution == Caution.SMALL_EXPECTED) is cautioned


def of_expected(small: int, cells: int, least: float = 4.0) -> np.ndarray:
    """A table of two equal columns whose expected counts are `least` in `small` of its `cells` cells, else 20."""
    row = [int(least)] * (small // 2) + [20] * ((cells - small) // 2)
    return np.array([row, row]).T


@pytest.mark.parametrize(
    ("counts", "ran"),
    [
        (of_expected(2, 10), Name.PEARSON),  # 20% of the cells
        (of_expected(2, 8), Name.FISHER_FREEMAN_HALTON),  # 25%
        (of_expected(4, 20), Name.PEARSON),
        (of_expected(2, 10, 1.0), Name.PEARSON),  # an expected count of exactly 1
        (np.array([[1, 0], [20, 20], [20, 20], [20, 20], [20, 20]]), Name.FISHER_FREEMAN_HALTON),  # 0.5
    ],
)
def test_cochrans_fifth_of_the_cells_may_be_under_five(counts: np.ndarray, ran: Name) -> None:
    """Exactly a fifth of the expected counts under 5, none under 1, leaves Pearson; more calls for the exact test."""
    assert categorical.pearson_by_rule(counts).name == ran


@pytest.mark.parametrize(
    ("least", "n", "ran"),
    [
        (5.0, 40, Name.PEARSON),
        (4.5, 40, Name.YATES),
        (5.0, 38, Name.FISHER),
        (1.0, 40, Name.YATES),
        (0.5, 40, Name.FISHER),
        (0.5, 400, Name.FISHER),
    ],
)
def test_the_textbook_corrects_from_40_patients_on(least: float, n: int, ran: Name) -> None:
    """With 40 patients T of 5 is Pearson, with T from 1 Yates; fewer patients, or T under 1, are Fisher's."""
    counts = with_expected(least, n)
    assert (counts.sum(), categorical.expected(counts).min()) == (n, pytest.approx(least))
    assert categorical.pearson_cn_textbook(counts).name == ran


def test_39_patients_are_fishers() -> None:
    """The textbook's n is 40: with 39 the exact test counts, whatever is expected."""
    assert categorical.pearson_cn_textbook(np.array([[10, 10], [10, 9]])).name == Name.FISHER


@pytest.mark.parametrize(
    ("left", "entered", "ran"),
    [
        (20, 20, Name.MCNEMAR),
        (25, 15, Name.MCNEMAR),
        (20, 19, Name.MCNEMAR_CORRECTED),
        (13, 12, Name.MCNEMAR_CORRECTED),
    ],
)
def test_the_textbook_corrects_mcnemar_under_40_changes(left: int, entered: int, ran: Name) -> None:
    """With 40 who changed the plain statistic counts, with 39 the corrected one; who did not change does not matter."""
    for stayed in (0, 200):
        assert paired.mcnemar_cn_textbook(np.array([[stayed, left], [entered, stayed]])).name == ran


@pytest.mark.parametrize("counts", [[[10, 11], [10, 10]], [[10, 10], [10, 10]], [[5, 6], [6, 7]], [[3, 3], [4, 4]]])
def test_yates_never_corrects_beyond_the_deviation(counts: list[list[int]]) -> None:
    """Where counts are less than half a patient from what is expected, the statistic is 0 and P is 1."""
    found = categorical.yates(np.array(counts))
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.p == pytest.approx(1.0)
    assert found.value == pytest.approx(stats.chi2_contingency(counts, correction=True).statistic, abs=1e-12)
