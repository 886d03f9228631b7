"""Limits beyond which a value is implausible, from the values themselves: Tukey's outer fences.

Three times the interquartile range beyond the quartiles (Tukey JW, Exploratory Data Analysis, 1977, chapter 2: "far
out"): of normal data one value in 400,000 lies there, and errors do not move the quartiles. Positive values are taken
as logarithms, where measurements of patients are not far from normal and a limit is a factor, as a slip of unit is.
"""

from __future__ import annotations

from math import exp, floor, log, log10
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

FACTOR = 3.0
LEAST_DIFFERENT = 8
"""Different values: fewer are codes, doses or steps of a device, which have no fences."""
WIDTH = 2 * FACTOR + 1
"""Interquartile ranges between the two fences."""
MOST_TIMES = 500.0
"""A range whose end is more times its beginning finds nothing but slips that anybody sees."""
DIGITS = 2
"""Significant digits of a suggested limit."""


class Fences(NamedTuple):
    """The lowest and the highest plausible value."""

    low: float
    high: float


def fences(values: pd.Series[float]) -> Fences | None:
    """The outer fences, rounded away from the values; None where the values are too few or too alike to say."""
    if values.nunique() < LEAST_DIFFERENT:
        return None
    positive = bool((values > 0).all())
    lower, upper = quartiles(np.log(values.to_numpy(float)) if positive else values)
    reach = FACTOR * (upper - lower)
    if not reach > 0:
        return None
    if positive and reach * WIDTH / FACTOR > log(MOST_TIMES):
        return None
    low, high = lower - reach, upper + reach
    found = Fences(_rounded(exp(low) if positive else low, -1), _rounded(exp(high) if positive else high, 1))
    return found._replace(low=max(0.0, found.low)) if bool((values >= 0).all()) else found


def quartiles(values: pd.Series[float] | npt.NDArray[np.float64]) -> tuple[float, float]:
    """The lower and the upper quartile."""
    lower, upper = (float(one) for one in np.quantile(values, [0.25, 0.75]))
    return lower, upper


def _rounded(value: float, direction: int) -> float:
    """A limit in two significant digits, away from the values."""
    if not value:
        return 0.0
    step = 10.0 ** (floor(log10(abs(value))) - DIGITS + 1)
    whole = np.floor(value / step) if direction < 0 else np.ceil(value / step)
    return float(f"{whole * step:.12g}")


def as_logic(limit: float) -> str:
    """A limit as logic writes it."""
    return np.format_float_positional(limit, trim="-")
