"""Percentiles, rounding and the printed form of numbers."""

import math

import numpy as np
import pytest

from nightround.statistics.numbers import count_text, interval_text, p_text, quantiles, text_of, trimmed_text_of
from nightround.study.plan import QuartileType


@pytest.mark.parametrize(("kind", "q1", "q3"), [(2, 3.0, 8.0), (6, 2.75, 8.25), (7, 3.25, 7.75)])
def test_quartiles_of_one_to_ten_by_type(kind: QuartileType, q1: float, q3: float) -> None:
    """Types 2, 6 and 7 give the three known answers for 1 to 10."""
    assert quantiles(np.arange(1.0, 11.0), (0.25, 0.75), kind) == (q1, q3)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (12.5, 0, "13"),
        (87.5, 0, "88"),
        (0.125, 2, "0.13"),
        (0.285, 2, "0.29"),
        (2.675, 2, "2.68"),
        (12.449999999999999, 1, "12.5"),
        (-1.25, 1, "−1.3"),
        (-0.04, 1, "0.0"),
        (-1.234e30, 1, "−1.23e+30"),
        (math.nan, 1, "–"),
    ],
)
def test_halves_round_away_from_zero(value: float, digits: int, text: str) -> None:
    """Rounding is half-up on the decimal number a reader sees, with a true minus and no minus zero."""
    assert text_of(value, digits) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0009999, "<0.001"),
        (0.001, "0.001"),
        (0.0305656, "0.031"),
        (0.0496, "0.0496"),
        (0.04996, "0.04996"),
        (0.05, "0.050"),
        (0.9996, ">0.999"),
        (1.0, "1.000"),
    ],
)
def test_p_values_are_never_printed_as_zero_or_lifted_to_the_limit(p: float, text: str) -> None:
    """P has three decimals, <0.001 below, and never reads 0.050 when it is smaller."""
    assert p_text(p) == text


def test_cells_are_printed_in_one_form() -> None:
    """Counts carry their percentage and estimates their interval."""
    assert count_text(29, 43) == "29 (67.4)"
    assert interval_text(-0.25, -1.5, 1.0, 1) == "−0.3 (−1.5, 1.0)"


@pytest.mark.parametrize(("value", "text"), [(13.0, "13"), (9.6, "9.6"), (10.0, "10"), (0.04, "0")])
def test_trailing_zeros_can_be_dropped(value: float, text: str) -> None:
    """Medians may be printed as SPSS does, 13 for 13.0, and 10 stays 10."""
    assert trimmed_text_of(value, 1) == text
