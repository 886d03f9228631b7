"""Describe one sample: mean, SD, quartiles, proportions with their intervals."""

from __future__ import annotations

from math import inf, isnan, sqrt
from typing import NamedTuple

import numpy as np
from scipy import special

from nightround.statistics.estimates import Estimate, require
from nightround.statistics.numbers import Numbers, quantiles
from nightround.study.methods import Reason
from nightround.study.plan import QuartileType

NORMAL_975 = float(special.ndtri(0.975))


class Quartiles(NamedTuple):
    """The three quartiles of a sample, in its unit."""

    q1: float
    median: float
    q3: float


def mean(values: Numbers) -> float:
    """The arithmetic mean; refused without values, or with one below the limit of detection."""
    require(len(values) > 0, Reason.NO_VALUES)
    require(bool(np.isfinite(values).all()), Reason.BELOW_DETECTION)
    return float(np.mean(values))


def sd(values: Numbers) -> float:
    """The sample standard deviation (divisor n - 1); refused for a single value."""
    require(len(values) > 0, Reason.NO_VALUES)
    require(len(values) > 1, Reason.ONE_VALUE)
    require(bool(np.isfinite(values).all()), Reason.BELOW_DETECTION)
    return float(np.std(values, ddof=1))


def quartiles(values: Numbers, kind: QuartileType) -> Quartiles:
    """The quartiles by Hyndman and Fan's type 2, 6 or 7 (Am Stat 1996;50:361).

    A quartile that falls among values below the limit of detection is minus infinity.
    """
    require(len(values) > 0, Reason.NO_VALUES)
    with np.errstate(invalid="ignore"):  # minus infinity less minus infinity, set right below
        found = quantiles(values, (0.25, 0.5, 0.75), kind)
    return Quartiles(*(-inf if isnan(value) else value for value in found))


def wilson(count: int, total: int) -> Estimate:
    """A proportion with Wilson's score interval (J Am Stat Assoc 1927;22:209), as fractions of 1.

    scipy gives it only together with an exact test, which takes longer than all else of a line.
    """
    require(total > 0, Reason.NO_VALUES)
    p, z = count / total, NORMAL_975
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == total else centre + half
    return Estimate(p, low, high, total, "wilson")


def clopper_pearson(count: int, total: int) -> Estimate:
    """A proportion with the exact interval of Clopper and Pearson (Biometrika 1934;26:404), as fractions of 1.

    From the beta distribution: scipy's `proportion_ci` searches for the ends and is right to nine digits.
    """
    require(total > 0, Reason.NO_VALUES)
    low = 0.0 if count == 0 else float(special.betaincinv(count, total - count + 1, 0.025))
    high = 1.0 if count == total else float(special.betaincinv(count + 1, total - count, 0.975))
    return Estimate(count / total, low, high, total, "clopper_pearson")
