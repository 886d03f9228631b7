"""Slips of the decimal point and of units: values that fit their field only after a known factor.

Robust z-scores on the logarithm: (log10 x - median) / (1.4826 * MAD), as in Iglewicz and Hoaglin,
"How to Detect and Handle Outliers" (ASQC Quality Press 1993), whose limit for an outlier is 3.5.
The logarithm, because a slip multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nightround.validation.stored import Floats

OUTLYING = 3.5
"""Robust z beyond which a value does not fit. Source: Iglewicz and Hoaglin 1993."""
FITTING = 2.0
"""Robust z up to which the corrected value fits well: about 95 percent of a normal distribution. Our choice."""
MAD_TO_SD = 1.4826
"""1 / the upper quartile of the standard normal distribution, so that the MAD of normal values is their SD."""
LEAST_SPREAD = 0.02
"""Smallest spread of log10, about 5 percent: rounded or nearly constant fields must not make slips of noise."""
LEAST_VALUES = 10
"""Fewer positive values say nothing about what fits. Our choice."""


def slipped(values: Floats, factors: Sequence[float]) -> Floats:
    """The factor that makes each value fit, 1 where it fits already or nothing helps; zero and below never slip."""
    found = np.ones(len(values))
    positive = values > 0
    if positive.sum() < LEAST_VALUES or not factors:
        return found
    logs = np.log10(values[positive])
    middle = np.median(logs)
    spread = max(MAD_TO_SD * float(np.median(np.abs(logs - middle))), LEAST_SPREAD)
    moved = np.abs(logs[:, None] + np.log10(np.asarray(factors)) - middle) / spread
    best = moved.argmin(axis=1)
    helps = (np.abs(logs - middle) / spread > OUTLYING) & (moved.min(axis=1) <= FITTING)
    found[positive] = np.where(helps, np.asarray(factors)[best], 1.0)
    return found
