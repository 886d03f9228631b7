"""Correct the P values of a declared family for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment (Scand J Stat 1979;6:65): it bounds the chance of any false finding."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, stepped)
    return tuple(adjusted.tolist())


def fdr(p: Sequence[float]) -> tuple[float, ...]:
    """Benjamini and Hochberg's adjustment (J R Stat Soc B 1995;57:289): it bounds the share of false findings."""
    return tuple(stats.false_discovery_control(np.asarray(p, dtype=float), method="bh").tolist()) if p else ()
