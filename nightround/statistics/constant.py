"""When values are all equal but for the noise of binary fractions: one rule for tests, effects, intervals and SMD."""

from __future__ import annotations

import numpy as np

from nightround.statistics.numbers import Numbers

UNITS = 4
"""Units in the last place of the largest value: what a few subtractions and sums of equal decimals can differ by."""


def is_constant(values: Numbers, *entered: Numbers) -> bool:
    """Whether all values are one: their range is at most 4 units in the last place of the largest that entered.

    `entered` are the values before any differencing: the change of 110.2 to 110.0 and of 7.3 to 7.1 is 0.2 in both,
    up to the last place of 110.2. Stricter than R on purpose: t.test lets a change of 0.2 around 110 in all of 26
    pass, with t = 2e14. Values that are not finite are one only where they are equal.
    """
    if not len(values):
        return True
    if not np.isfinite(values).all():
        return bool((values == values[0]).all())
    largest = max(float(np.abs(one).max()) for one in (entered or (values,)) if len(one))
    return bool(np.ptp(values) <= UNITS * np.spacing(largest))


def unchanged(difference: Numbers, before: Numbers, after: Numbers) -> bool:
    """Whether every difference of two visits is zero, by the same rule."""
    return is_constant(np.append(difference, 0.0), before, after)
