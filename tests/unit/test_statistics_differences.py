"""Order statistics of all differences between two samples, and the analysis of variance of almost equal means."""

import numpy as np
import pytest

from nightround.statistics import compare, differences, effect
from nightround.statistics.numbers import Numbers


def two_samples(seed: int) -> tuple[Numbers, Numbers]:
    """Two small samples; of every second seed rounded to one decimal, so that differences are tied."""
    random = np.random.default_rng(seed)
    first, second = (random.normal(0, 3, random.integers(2, 40)) for _ in range(2))
    return (first.round(1), second.round(1)) if seed % 2 else (first, second)


@pytest.mark.parametrize("seed", range(40))
def test_thresholds_find_what_a_sorted_list_holds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rank of small samples, by the way that large samples go."""
    monkeypatch.setattr(differences, "LISTED", 20)
    first, second = two_samples(seed)
    listed = np.sort(np.subtract.outer(first, second).ravel())
    found = differences.ordered_differences(first, second, range(1, len(listed) + 1))
    assert found == pytest.approx(listed, rel=1e-14, abs=1e-14)


def test_many_equal_differences_end() -> None:
    """A threshold cannot part equal differences: a million of them are one value."""
    values = np.arange(3000.0)
    low, middle, high = differences.ordered_differences(values, values, (1, 4_500_000, 9_000_000))
    assert (low, middle, high) == (-2999, 0, 2999)
    assert differences.ordered_differences(values + 1e16, values / 1e9, (1,)) == (1e16,)


def test_a_difference_that_rounding_hides_is_found() -> None:
    """0.4 - 0.5 is above -0.1 in floating point; the largest difference of these values is 0.5 all the same."""
    found = effect.hodges_lehmann(np.array([0.0, 0.4]), np.array([0.0, -0.1]))
    assert (found.low, found.value, found.high) == (0.0, 0.25, 0.5)


def test_groups_of_equal_means_have_an_f_of_nought() -> None:
    """Sums of squares taken from one another gave a negative F here, and no P."""
    found = compare.anova([np.array([0.25, 0.0, -0.125]), np.array([0.0, 0.0, 0.125])])
    assert found.value == pytest.approx(0, abs=1e-30)
    assert found.p == pytest.approx(1)
