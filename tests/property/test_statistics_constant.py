"""Values that are all equal have no test by their spread, no SMD and no interval, whatever decimals they have."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.statistics import change, compare, effect, paired
from nightround.statistics.constant import UNITS, is_constant
from nightround.statistics.estimates import NotEstimable
from nightround.study.methods import HypothesisTestName as Name
from nightround.study.methods import Reason

DECIMALS = st.decimals("-999.99", "999.99", places=2)
SIZES = st.integers(2, 120)
BETWEEN: tuple[Callable[[Any, Any], object], ...] = (
    lambda a, b: compare.between(Name.STUDENT, [a, b]),
    lambda a, b: compare.between(Name.WELCH, [a, b]),
    lambda a, b: compare.between(Name.ANOVA, [a, b]),
    lambda a, b: compare.between(Name.WELCH_ANOVA, [a, b]),
    lambda a, b: effect.mean_difference(a, b, pooled=True),
    lambda a, b: effect.mean_difference(a, b, pooled=False),
    effect.smd,
    effect.hodges_lehmann,
)
RANKS = (Name.MANN_WHITNEY, Name.MANN_WHITNEY_CORRECTED, Name.MANN_WHITNEY_EXACT, Name.KRUSKAL_WALLIS)


def refused(compute: Callable[[], object]) -> Reason:
    """Why it has no value."""
    with pytest.raises(NotEstimable) as stopped:
        compute()
    return stopped.value.reason


@given(DECIMALS, DECIMALS, SIZES, SIZES, st.sampled_from(BETWEEN))
def test_two_groups_that_do_not_vary_have_no_comparison(
    one: Decimal, other: Decimal, m: int, n: int, compute: Callable[[Any, Any], object]
) -> None:
    """0.3 for all of 26 and 0.3, or 0.7, for all of 29: the SD is the noise of the mean, and nothing is made of it."""
    first, second = np.full(m, float(one)), np.full(n, float(other))
    assert refused(lambda: compute(first, second)) is Reason.NO_VARIANCE


@given(DECIMALS, SIZES, SIZES, st.sampled_from(RANKS))
def test_ranks_of_one_value_have_no_test(value: Decimal, m: int, n: int, name: Name) -> None:
    """Values that are all tied, or differ in the last place alone, have no ranks to compare."""
    first, second = np.full(min(m, 90), float(value)), np.full(min(n, 90), np.nextafter(float(value), np.inf))
    assert refused(lambda: compare.between(name, [first, second])) is Reason.NO_VARIANCE


@settings(max_examples=200)
@given(st.lists(DECIMALS, min_size=4, max_size=60), DECIMALS)
def test_a_change_that_is_the_same_in_all_has_no_test_by_its_spread(before: list[Decimal], shift: Decimal) -> None:
    """-0.2 in every patient is a constant, although 4.5 - 4.7 and 8.2 - 8.4 differ as binary fractions."""
    first, second = np.array([float(one) for one in before]), np.array([float(one + shift) for one in before])
    expected = Reason.NO_VARIANCE if shift else Reason.NO_CHANGE
    half = np.arange(len(first)) % 2 == 0
    changes = (second - first)[half], (second - first)[~half]
    assert refused(lambda: paired.within(Name.PAIRED_T, first, second)) is expected
    assert refused(lambda: change.mean_change(first, second)) is expected
    assert refused(lambda: change.hodges_lehmann_change(paired.rankable(first, second))) is expected
    assert refused(lambda: effect.mean_difference(*changes, first, second, pooled=True)) is Reason.NO_VARIANCE
    assert refused(lambda: change.ancova(first, second, half)) in (Reason.NO_VARIANCE, Reason.SINGULAR)


@given(st.lists(DECIMALS, min_size=2, max_size=60, unique=True))
def test_values_that_differ_in_a_printed_digit_are_not_constant(values: list[Decimal]) -> None:
    """Two decimals of two places that are not equal are further apart than the noise of their fractions."""
    assert not is_constant(np.array([float(one) for one in values]))


@given(st.floats(1e-300, 1e300), st.integers(0, 12))
def test_constant_is_a_range_of_at_most_four_units_in_the_last_place(value: float, units: int) -> None:
    """Four units are noise, five are a difference; the unit is that of the largest value that entered."""
    other = value - units * np.spacing(value)
    largest = max(value, other)
    assert is_constant(np.array([value, other])) is bool(value - other <= UNITS * np.spacing(largest))
    assert is_constant(np.array([0.0, 4 * np.spacing(largest)]), np.array([largest]))
    assert not is_constant(np.array([0.0, 5 * np.spacing(largest)]), np.array([largest]))
