"""Exact tests and order statistics against whole-number arithmetic: every arrangement is counted, nothing is rounded.

R's own exact tests add logarithms or floats and are off by up to 6e-11 (a table of 1,100 patients);
here the true value is a fraction of two whole numbers.
"""

from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from math import comb, factorial, prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nightround.statistics import categorical, change, compare, effect, paired
from nightround.statistics.describe import clopper_pearson
from nightround.statistics.exact_tables import fisher_freeman_halton

EXACT = 1e-12
"""What is left is the last digits of floating point."""
TAIL = Fraction(1, 40)
small_counts = st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=3), min_size=2, max_size=4)
tied_values = st.lists(st.integers(0, 6).map(float), min_size=2, max_size=6)


def compositions(total: int, limits: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Every way to spread a total over cells with limits."""
    ranges = [range(min(total, limit) + 1) for limit in limits[:-1]]
    whole = ((*cells, total - sum(cells)) for cells in product(*ranges))
    return [cells for cells in whole if 0 <= cells[-1] <= limits[-1]]


def exact_p(table: categorical.Counts) -> float:
    """Fisher, Freeman and Halton's P by counting: of all tables with these margins those at most as probable.

    A table's probability goes with one over the product of its cells' factorials, a whole number.
    """
    rows, columns = (tuple(int(total) for total in table.sum(axis=axis)) for axis in (1, 0))
    ways = Counter({(rows, 1): 1})
    for column in columns:
        longer = Counter[tuple[tuple[int, ...], int]]()
        for (left, product_so_far), number in ways.items():
            for cells in compositions(column, left):
                after = tuple(a - b for a, b in zip(left, cells, strict=True))
                longer[after, product_so_far * prod(map(factorial, cells))] += number
        ways = longer
    observed = prod(factorial(int(cell)) for cell in table.ravel())
    weights = [(whole, Fraction(number, whole)) for (_, whole), number in ways.items()]
    extreme = sum((weight for whole, weight in weights if whole >= observed), Fraction(0))
    return float(extreme / sum((weight for _, weight in weights), Fraction(0)))


@settings(max_examples=60, deadline=None)
@given(small_counts)
def test_the_exact_test_of_any_small_table_is_exact(cells: list[list[int]]) -> None:
    """Every table with the same margins is listed; equally probable ones are distinguished by whole numbers."""
    assume(len({len(row) for row in cells}) == 1)
    table = np.array(cells, dtype=np.int64)
    assume(bool((table.sum(axis=0) > 0).all() and (table.sum(axis=1) > 0).all()))
    p, sampled = fisher_freeman_halton(table)
    assert not sampled
    assert p == pytest.approx(exact_p(table), rel=EXACT)
    if table.shape == (2, 2):
        assert categorical.fisher(table).p == pytest.approx(exact_p(table), rel=EXACT)


def test_the_exact_test_of_a_large_table_is_exact() -> None:
    """3x2 with 1,100 patients, where P is 1e-19: 3e-13 from the truth, where R's fisher.test is 6e-11 from it."""
    table = np.array([[120, 310], [260, 190], [75, 145]])
    first, second, third = (int(total) for total in table.sum(axis=1))
    drawn = int(table[:, 0].sum())
    observed = comb(first, 120) * comb(second, 260) * comb(third, 75)
    ways = (
        comb(first, i) * comb(second, j) * comb(third, drawn - i - j)
        for i in range(first + 1)
        for j in range(second + 1)
        if 0 <= drawn - i - j <= third
    )
    truth = Fraction(sum(way for way in ways if way <= observed), comb(first + second + third, drawn))
    assert categorical.freeman_halton(table).p == pytest.approx(float(truth), rel=1e-12)


def doubled_ranks(values: list[float]) -> list[int]:
    """Twice the midranks: whole numbers."""
    return [2 * sum(one < value for one in values) + values.count(value) + 1 for value in values]


@settings(max_examples=40, deadline=None)
@given(tied_values, tied_values)
def test_the_exact_rank_sum_test_is_exact_with_ties(first: list[float], second: list[float]) -> None:
    """Every choice of who is in the first group is listed."""
    together = [*first, *second]
    assume(len(set(together)) > 1)
    ranks, size = doubled_ranks(together), len(first)
    centre = size * (len(together) + 1)
    observed = abs(sum(ranks[:size]) - centre)
    sums = [abs(sum(chosen) - centre) for chosen in combinations(ranks, size)]
    truth = Fraction(sum(one >= observed for one in sums), len(sums))
    found = compare.mann_whitney_exact([np.array(first), np.array(second)])
    assert found.p == pytest.approx(float(truth), rel=EXACT)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=9))
def test_the_exact_signed_rank_and_sign_tests_are_exact_with_ties(differences: list[float]) -> None:
    """Every way to put the signs is listed; zeros take no part."""
    changed = [one for one in differences if one]
    assume(bool(changed))
    ranks = doubled_ranks([abs(one) for one in changed])
    up = sum(rank for rank, one in zip(ranks, changed, strict=True) if one > 0)
    sums = [sum(chosen) for chosen in product(*((0, rank) for rank in ranks))]
    extreme = sum(abs(2 * one - sum(ranks)) >= abs(2 * up - sum(ranks)) for one in sums)
    found = paired.wilcoxon_exact(np.array(differences))
    assert found.p == pytest.approx(float(Fraction(extreme, len(sums))), rel=EXACT)
    n, positive = len(changed), sum(one > 0 for one in changed)
    as_far = sum(comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(2 * positive - n))
    truth = float(Fraction(as_far, 2**n))
    assert paired.sign(np.array(differences)).p == pytest.approx(truth, rel=EXACT)
    fourfold = np.array([[3, positive], [n - positive, 2]])
    assert paired.mcnemar_exact(fourfold).p == pytest.approx(truth, rel=EXACT)


@given(st.integers(1, 60), st.data())
def test_clopper_and_pearson_s_ends_have_tails_of_a_fortieth(total: int, data: st.DataObject) -> None:
    """At each end the binomial tail, summed in fractions, is 0.025."""
    count = data.draw(st.integers(0, total))
    found = clopper_pearson(count, total)
    tails = ((found.low, range(count, total + 1), 0), (found.high, range(count + 1), total))
    for end, outcomes, certain in tails:
        p = Fraction(end)
        if count == certain:
            assert p == Fraction(count, total)
        else:
            tail = sum(comb(total, k) * p**k * (1 - p) ** (total - k) for k in outcomes)
            assert float(tail / TAIL) == pytest.approx(1, rel=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-400, 400), min_size=2, max_size=25), st.lists(st.integers(-400, 400), min_size=2, max_size=25)
)
def test_the_hodges_lehmann_difference_is_one_of_all_differences(first: list[int], second: list[int]) -> None:
    """Median and both ends are those of the sorted list of all differences, to the last bit."""
    assume(len(set(first)) > 1 or len(set(second)) > 1)
    x, y = np.array(first) / 10, np.array(second) / 10
    listed = sorted(float(a - b) for a in x for b in y)
    found, cut, size = effect.hodges_lehmann(x, y), effect.rank_sum_cut(x, y), len(listed)
    assert found.value == (listed[(size - 1) // 2] + listed[size // 2]) / 2
    assert (found.low, found.high) == (listed[cut - 1], listed[size - cut])


def place_of_a_fortieth(ways: Counter[int], smallest: int, all_ways: int) -> int:
    """The first place at which the share of all ways passes 0.025, counted in whole numbers."""
    below, place = 0, 0
    while (below := below + ways[smallest + place]) < TAIL * all_ways:
        place += 1
    return max(1, place)


@given(st.integers(2, 14), st.integers(2, 14))
def test_the_exact_interval_of_a_rank_sum_starts_at_the_right_difference(m: int, n: int) -> None:
    """Its place is the first at which the exact distribution of U passes 0.025."""
    by_size = [Counter({0: 1}), *(Counter[int]() for _ in range(m))]
    for rank in range(1, m + n + 1):
        for size in range(min(rank, m), 0, -1):
            for total, number in by_size[size - 1].items():
                by_size[size][total + rank] += number
    untied = np.arange(m + n, dtype=float)
    expected = place_of_a_fortieth(by_size[m], m * (m + 1) // 2, comb(m + n, m))
    assert effect.rank_sum_cut(untied[:m], untied[m:]) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-300, 300), min_size=2, max_size=25))
def test_the_hodges_lehmann_change_is_one_of_all_averages(differences: list[int]) -> None:
    """Median and ends of all averages of two changes, each also with itself; the place of the ends is counted."""
    assume(len(set(differences)) > 1)
    values, ways = np.array(differences) / 10, Counter({0: 1})
    for rank in range(1, len(values) + 1):
        ways += Counter({total + rank: number for total, number in ways.items()})
    cut = place_of_a_fortieth(ways, 0, 2 ** len(values))
    listed = sorted(float((a + b) / 2) for number, a in enumerate(values) for b in values[number:])
    found, size = change.hodges_lehmann_change(values), len(listed)
    assert found.value == pytest.approx((listed[(size - 1) // 2] + listed[size // 2]) / 2, rel=EXACT, abs=1e-15)
    assert (found.low, found.high) == (listed[cut - 1], listed[size - cut])
