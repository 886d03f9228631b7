"""Tests on all rows together: exact where they can be, quiet on clean studies, and honest about what they can see."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.statistics.monitoring import (
    LOOKS,
    Floats,
    Monitored,
    category_effect,
    copied_rows,
    digit_preference,
    little_spread,
    robust_outliers,
)

NIGHTS = 8
"""So many looks of a simulated year: the least that has the growth of one; `docs/rules.md` has the figures of 365."""
STUDIES = 20
ALPHA = 0.05
PER_LOOK = ALPHA / LOOKS
Look = Callable[[int], Monitored | None]
Study = Callable[[np.random.Generator, int], Look]


def digits(random: np.random.Generator, size: int) -> Look:
    """Last digits by chance."""
    drawn = random.integers(0, 10, size)
    return lambda n: digit_preference(drawn[:n], PER_LOOK)


def weekdays(random: np.random.Generator, size: int) -> Look:
    """Skewed values that know nothing of the weekday."""
    values, days = random.lognormal(size=size), random.integers(0, 5, size)
    return lambda n: category_effect(values[:n], days[:n], PER_LOOK)


def spread(random: np.random.Generator, size: int) -> Look:
    """Skewed values of two groups with one spread."""
    values, own = random.lognormal(size=size), random.random(size) < 0.4
    return lambda n: little_spread(values[:n][own[:n]], values[:n][~own[:n]], PER_LOOK)


def skewed(random: np.random.Generator, size: int) -> Look:
    """A laboratory value as it is distributed often, of one field."""
    values = random.gamma(2.0, size=(size, 1))
    return lambda n: robust_outliers(values[:n], PER_LOOK)


def correlated(random: np.random.Generator, size: int) -> Look:
    """Three fields, two of which belong together."""
    common = random.normal(size=size)
    noise = random.normal(size=(size, 3))
    values = noise + np.column_stack([common, common, np.zeros(size)])
    return lambda n: robust_outliers(values[:n], PER_LOOK)


def stable(random: np.random.Generator, size: int) -> Look:
    """Rows of patients of whom some change little and some much."""
    agreeing = (random.random((size, 4)) < random.beta(0.5, 2.0, size)[:, None]).sum(axis=1)
    return lambda n: copied_rows(agreeing[:n], 4, PER_LOOK)


@pytest.mark.parametrize("study", [digits, weekdays, spread, skewed, correlated, stable])
@pytest.mark.parametrize("size", [62, 300])
def test_a_year_of_looks_at_clean_studies_is_quiet(study: Study, size: int) -> None:
    """The share of studies with any false alarm is not above alpha by more than chance (binomial, P 0.001)."""
    random = np.random.default_rng(size)
    alarms = 0
    for _ in range(STUDIES):
        look = study(random, size)
        seen = (look(int(n)) for n in np.unique(np.linspace(20, size, NIGHTS).astype(int)))
        alarms += any(one is not None and one.p < PER_LOOK for one in seen)
    assert alarms <= 5


@given(st.integers(20, 90), st.data())
def test_the_digits_are_judged_by_exact_fractions(count: int, data: st.DataObject) -> None:
    """P is that of the binomial to ten digits."""
    hits = data.draw(st.integers(0, count))
    drawn = np.array([5] * hits + [3] * (count - hits))
    chance = Fraction(1, 5)
    exact = sum(comb(count, one) * chance**one * (1 - chance) ** (count - one) for one in range(hits, count + 1))
    found = digit_preference(drawn, 0.01)
    assert found is not None
    assert found.p == pytest.approx(float(exact), rel=1e-9)


def rounded(random: np.random.Generator, n: int, share: float) -> Monitored | None:
    """Digits of which a share was rounded."""
    drawn = random.integers(0, 10, n)
    return digit_preference(np.where(random.random(n) < share, 0, drawn), PER_LOOK)


def shifted(random: np.random.Generator, n: int, distance: float) -> Monitored | None:
    """Two examiners so many SD apart."""
    who = np.arange(n) % 2
    return category_effect(random.normal(size=n) + distance * who, who, PER_LOOK)


def narrowed(random: np.random.Generator, n: int, ratio: float) -> Monitored | None:
    """A group whose spread is a part of that of the others."""
    values: Floats = random.normal(size=n)
    return little_spread(values[: n // 2] * ratio, values[n // 2 :], PER_LOOK)


def repeated(random: np.random.Generator, n: int, share: float) -> Monitored | None:
    """Rows of which a share was copied."""
    agreeing = (random.random((n, 4)) < 0.1).sum(axis=1)
    return copied_rows(np.where(random.random(n) < share, 4, agreeing), 4, PER_LOOK)


@pytest.mark.parametrize("planted", [rounded, shifted, narrowed, repeated])
@pytest.mark.parametrize("n", [62, 200])
def test_the_least_effect_it_names_is_seen_in_four_of_five_studies(
    planted: Callable[[np.random.Generator, int, float], Monitored | None], n: int
) -> None:
    """Of sixty studies between half and nearly all; the approximations are no better."""
    random = np.random.default_rng(n)
    first = planted(random, n, 0.5)
    assert first is not None
    assert first.least is not None
    again = [planted(random, n, first.least) for _ in range(60)]
    assert 30 <= sum(one is not None and one.p < PER_LOOK for one in again) <= 58


def test_an_outlier_of_two_fields_together_is_seen_and_named() -> None:
    """Neither height nor weight is unusual alone."""
    random = np.random.default_rng(7)
    height = random.normal(170, 10, 200)
    values = np.column_stack([height, height - 100 + random.normal(0, 1, 200)])
    values[17] = (188, 52)
    found = robust_outliers(values, PER_LOOK)
    assert found is not None
    assert found.rows == (17,)


def test_few_values_say_nothing() -> None:
    """Nineteen values are tested by none of them; a field without spread has no distance."""
    few = np.ones(19)
    whole = few.astype(np.int64)
    assert digit_preference(whole, 0.01) is None
    assert category_effect(few, whole, 0.01) is None
    assert little_spread(few, few, 0.01) is None
    assert copied_rows(whole, 3, 0.01) is None
    assert robust_outliers(np.ones((19, 2)), 0.01) is None
    assert robust_outliers(np.ones((40, 2)), 0.01) is None
