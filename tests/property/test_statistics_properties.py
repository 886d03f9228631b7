"""What is true of the statistics on any data."""

from decimal import Decimal
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nightround.statistics import categorical, change, compare, describe, effect, multiplicity, paired, survival
from nightround.statistics.estimates import HypothesisTest, NotEstimable
from nightround.statistics.numbers import MINUS, p_text, quantiles, text_of
from nightround.study.methods import BETWEEN_COUNTS, BETWEEN_MEASUREMENTS, WITHIN_MEASUREMENTS
from nightround.study.methods import HypothesisTestName as Name

small = st.lists(st.integers(0, 6), min_size=2, max_size=6)
values = st.lists(st.integers(-200, 200).map(lambda whole: whole / 8), min_size=2, max_size=30)
counts = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=3), min_size=2, max_size=4).filter(
    lambda rows: len({len(row) for row in rows}) == 1
)


@given(small, small)
def test_exact_rank_sum_is_that_of_every_arrangement(first: list[int], second: list[int]) -> None:
    """With and without ties, the P is the share of arrangements at least as far from the expected rank sum."""
    together = np.array([*first, *second], dtype=float)
    if len(set(together)) == 1:
        return
    doubled = np.rint(2 * np.array([(together < x).sum() + ((together == x).sum() + 1) / 2 for x in together]))
    expected = len(first) * (len(together) + 1)
    observed = abs(doubled[: len(first)].sum() - expected)
    sums = [doubled[list(chosen)].sum() for chosen in combinations(range(len(together)), len(first))]
    listed = np.mean([abs(total - expected) >= observed for total in sums])
    found = compare.mann_whitney_exact([np.array(first, float), np.array(second, float)])
    assert found.p == pytest.approx(listed, rel=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9).filter(any))
def test_exact_signed_rank_is_that_of_every_sign(differences: list[int]) -> None:
    """The P is the share of sign patterns at least as far from the middle."""
    changed = np.array([d for d in differences if d], dtype=float)
    sizes = np.abs(changed)
    ranks = np.array([(sizes < x).sum() + ((sizes == x).sum() + 1) / 2 for x in sizes])
    middle = ranks.sum() / 2
    sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=len(ranks))]
    listed = np.mean([abs(total - middle) >= abs(ranks[changed > 0].sum() - middle) for total in sums])
    assert paired.wilcoxon_exact(np.array(differences, float)).p == pytest.approx(listed, rel=1e-12)


@given(counts)
def test_exact_table_test_does_not_depend_on_order(rows: list[list[int]]) -> None:
    """Transposing or turning a table around leaves the exact P as it is, and it is a probability."""
    table = np.array(rows)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return
    p = categorical.freeman_halton(table).p
    assert 0 < p <= 1
    assert categorical.freeman_halton(table.T[::-1]).p == pytest.approx(p, rel=1e-9)


@given(st.tuples(*[st.integers(0, 12)] * 4))
def test_exact_table_test_of_four_cells_is_fishers(cells: tuple[int, int, int, int]) -> None:
    """On a 2x2 table the general exact test is Fisher's."""
    table = np.array(cells).reshape(2, 2)
    if 0 in table.sum(axis=0) or 0 in table.sum(axis=1):
        return
    assert categorical.freeman_halton(table).p == pytest.approx(categorical.fisher(table).p, rel=1e-9)


@given(values, values, st.sampled_from(sorted(BETWEEN_MEASUREMENTS)))
def test_swapping_the_groups_swaps_the_sign_alone(first: list[float], second: list[float], test: Name) -> None:
    """No test between two groups depends on which comes first, but for the sign of t and Z."""
    a, b = np.array(first), np.array(second)
    try:
        one = compare.between(test, [a, b])
    except NotEstimable:
        with pytest.raises(NotEstimable):
            compare.between(test, [b, a])
        return
    other = compare.between(test, [b, a])
    assert one.p == pytest.approx(other.p, rel=1e-9, abs=1e-300)
    assert 0 <= one.p <= 1
    if one.value is not None and test in {Name.STUDENT, Name.WELCH, Name.MANN_WHITNEY}:
        assert one.value == pytest.approx(-(other.value or 0.0), rel=1e-9, abs=1e-12)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=20), st.randoms())
def test_the_sign_of_a_paired_test_does_not_depend_on_row_order(pairs: list[tuple[int, int]], order: object) -> None:
    """Shuffling the patients changes no paired test; a rise is positive."""
    shuffled = list(pairs)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for test in WITHIN_MEASUREMENTS:
        one, other = _within(test, pairs), _within(test, shuffled)
        assert (one is None) == (other is None)
        if one is None or other is None:
            continue
        assert one.p == pytest.approx(other.p, rel=1e-9, abs=1e-300)
        if one.value is not None:
            assert one.value == pytest.approx(other.value, rel=1e-9, abs=1e-9)
            rise = sum(after - before for before, after in pairs)
            assert test != Name.PAIRED_T or np.sign(round(one.value, 9)) == np.sign(rise)


def _within(test: Name, pairs: list[tuple[int, int]]) -> HypothesisTest | None:
    before, after = np.array(pairs, dtype=float).T
    try:
        return paired.within(test, before, after)
    except NotEstimable:
        return None


@given(counts, st.sampled_from(sorted(BETWEEN_COUNTS)))
def test_a_count_test_gives_a_probability_or_a_reason(rows: list[list[int]], test: Name) -> None:
    """No table of counts makes a test crash, warn or leave the unit interval."""
    try:
        found = categorical.association(test, np.array(rows))
    except NotEstimable:
        return
    assert 0 <= found.p <= 1


@given(st.integers(0, 60), st.integers(1, 60))
def test_intervals_of_a_proportion_hold_it(count: int, total: int) -> None:
    """Both intervals lie within 0 and 1 around the proportion, and the exact one is never shorter at the ends."""
    count = min(count, total)
    for found in (describe.wilson(count, total), describe.clopper_pearson(count, total)):
        assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.tuples(*[st.integers(0, 20)] * 4).filter(lambda cells: sum(cells) > 1))
def test_a_paired_risk_change_lies_within_its_interval(cells: tuple[int, int, int, int]) -> None:
    """Newcombe's paired interval contains the change and stays within -1 and 1."""
    found = change.risk_change(np.array(cells).reshape(2, 2))
    assert -1 - 1e-12 <= found.low <= found.value <= found.high <= 1 + 1e-12


@given(st.tuples(*[st.integers(0, 20)] * 4).filter(lambda cells: cells[1] + cells[2] > 0 and sum(cells) > 1))
def test_marginal_homogeneity_of_two_levels_is_mcnemar(cells: tuple[int, int, int, int]) -> None:
    """Stuart and Maxwell's test of two levels is McNemar's without correction."""
    table = np.array(cells).reshape(2, 2)
    found, plain = paired.marginal_homogeneity(table), paired.mcnemar(table)
    assert found.value == pytest.approx(plain.value, rel=1e-9, abs=1e-12)


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_printed_numbers_read_back_within_half_a_unit(value: float, digits: int) -> None:
    """A printed number is at most half a unit of its last digit away, and never a minus zero."""
    text = text_of(value, digits)
    back = Decimal(text.replace(MINUS, "-"))
    assert abs(back - Decimal(value)) <= Decimal(1).scaleb(-digits) / 2 + Decimal("1e-5")
    assert back != 0 or MINUS not in text


@given(st.floats(0, 1))
def test_a_printed_p_is_on_the_same_side_of_the_level(p: float) -> None:
    """What is printed below 0.05 is below, what is not is not, and nothing reads 0.000."""
    text = p_text(p)
    assert text != "0.000"
    assert (float(text.strip("<>")) < 0.05) == (p < 0.05)


@given(values, st.sampled_from([2, 6, 7]))
def test_quartiles_are_ordered_and_within_the_data(sample: list[float], kind: int) -> None:
    """Q1, median and Q3 are in order between the smallest and largest value, whatever the type."""
    low, middle, high = quantiles(np.array(sample), (0.25, 0.5, 0.75), kind)  # type: ignore[arg-type]
    assert min(sample) <= low <= middle <= high <= max(sample)


@given(values, values)
def test_hodges_lehmann_lies_within_its_interval(first: list[float], second: list[float]) -> None:
    """The estimate lies within its interval, and swapping the groups turns it around."""
    a, b = np.array(first), np.array(second)
    assume(not compare.all_constant((a, b)))
    found, turned = effect.hodges_lehmann(a, b), effect.hodges_lehmann(b, a)
    assert found.low <= found.value <= found.high
    assert (found.value, found.low, found.high) == pytest.approx((-turned.value, -turned.high, -turned.low), abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_are_never_smaller(p: list[float]) -> None:
    """Holm and FDR only raise P, and Holm at least as much as FDR."""
    for plain, strict, mild in zip(p, multiplicity.holm(p), multiplicity.fdr(p), strict=True):
        assert plain <= mild * (1 + 1e-12) <= strict * (1 + 1e-9) + 1e-15 <= 1 + 1e-8


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=30))
def test_survival_falls_from_one_within_its_interval(followed: list[tuple[int, bool]]) -> None:
    """The curve never rises, and each point lies within its interval."""
    time, event = np.array([t for t, _ in followed], float), np.array([e for _, e in followed], bool)
    points = survival.kaplan_meier(time, event)
    curve = [1.0, *(point.survival for point in points)]
    assert curve == sorted(curve, reverse=True)
    assert all(point.low <= point.survival <= point.high for point in points)
