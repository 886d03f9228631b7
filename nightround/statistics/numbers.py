"""Percentiles, rounding and the printed form of numbers: one definition of each, named.

Text uses the true minus sign (U+2212) and the same form in both languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightround.study.plan import QuartileType

Numbers = NDArray[np.float64]

NOT_ESTIMABLE = "–"
MINUS = "\u2212"
PERCENT_DIGITS = 1
STATISTIC_DIGITS = 3
P_DIGITS = 3
LARGEST_PLAIN = 1e15
"""From here on the 15 significant digits of a float no longer reach its last whole digit."""

_QUANTILE_METHODS: dict[QuartileType, Any] = {2: "averaged_inverted_cdf", 6: "weibull", 7: "linear"}


def quantiles(values: Numbers, fractions: Sequence[float], kind: QuartileType) -> tuple[float, ...]:
    """Sample quantiles by Hyndman and Fan (Am Stat 1996;50:361).

    Type 2 is SAS's default, type 6 is SPSS's (HAVERAGE), type 7 is R's and Excel's.
    """
    return tuple(np.quantile(values, fractions, method=_QUANTILE_METHODS[kind]).tolist())


def rounded(value: float, digits: int) -> Decimal:
    """Round half away from zero, in decimal arithmetic.

    It rounds what the float means to a reader, its 15 significant digits: 0.285 is stored as
    0.28499999999999998 and must give 0.29, also where a sum left noise in the last bits.
    """
    return Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def text_of(value: float, digits: int) -> str:
    """Print a number with fixed decimals, a true minus sign, and no minus before a zero."""
    if not isfinite(value):
        return NOT_ESTIMABLE
    if abs(value) >= LARGEST_PLAIN:
        return f"{value:.3g}".replace("-", MINUS)
    found = rounded(value, digits)
    return f"{abs(found) if found == 0 else found:f}".replace("-", MINUS)


def trimmed_text_of(value: float, digits: int) -> str:
    """The same without trailing zeros: 13 for 13.0, as SPSS prints a median."""
    text = text_of(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def p_text(p: float) -> str:
    """Print a P value: three decimals, then <0.001 or >0.999.

    A P just below 0.05 gets as many decimals as keep it below: 0.0496, never 0.050.
    """
    if p < 10**-P_DIGITS:
        return "<0.001"
    if 1 > p >= 1 - 10**-P_DIGITS / 2:
        return ">0.999"
    digits = P_DIGITS
    while p < 0.05 and rounded(p, digits) >= Decimal("0.05"):  # noqa: PLR2004 - the customary 5% level
        digits += 1
    return text_of(p, digits)


def percent(count: int, total: int) -> float:
    """A percentage whose halves are exact: one division of two whole numbers."""
    return 100 * count / total


def count_text(count: int, total: int) -> str:
    """Print a count with its percentage: 29 (67.4)."""
    return f"{count} ({text_of(percent(count, total), PERCENT_DIGITS)})"


def interval_text(value: float, low: float, high: float, digits: int) -> str:
    """Print an estimate with its interval: 1.2 (−0.3, 2.7)."""
    return f"{text_of(value, digits)} ({text_of(low, digits)}, {text_of(high, digits)})"
