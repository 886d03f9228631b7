"""Time to an event: Kaplan-Meier estimate with its interval and numbers at risk, and the log-rank test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nightround.statistics.describe import NORMAL_975
from nightround.statistics.estimates import HypothesisTest, require
from nightround.statistics.numbers import Numbers
from nightround.study.methods import HypothesisTestName, Reason

Interval = Literal["log-log", "log", "plain"]
Events = NDArray[np.bool_]


@dataclass(frozen=True)
class Point:
    """The estimate from `time` on: how many were at risk just before it, how many had the event at it."""

    time: float
    at_risk: int
    events: int
    survival: float
    low: float
    high: float


def kaplan_meier(time: Numbers, event: Events, interval: Interval = "log-log") -> tuple[Point, ...]:
    """The product-limit estimate at every time of an event (Kaplan and Meier, J Am Stat Assoc 1958;53:457).

    Variance by Greenwood (1926); the interval on the log-log scale stays within 0 and 1 (Kalbfleisch and Prentice).
    scipy's `ecdf` has no interval on the log scale, and keeps to itself how many were at risk.
    """
    require(len(time) > 0, Reason.NO_VALUES)
    points, survival, greenwood = [], 1.0, 0.0
    for moment in np.unique(time[event]):
        at_risk, events = int((time >= moment).sum()), int((event & (time == moment)).sum())
        survival *= 1 - events / at_risk
        greenwood += events / (at_risk * (at_risk - events)) if at_risk > events else inf
        points.append(Point(float(moment), at_risk, events, survival, *_ends(survival, greenwood, interval)))
    return tuple(points)


def _ends(survival: float, greenwood: float, interval: Interval) -> tuple[float, float]:
    if survival <= 0:
        return 0.0, 0.0
    half = NORMAL_975 * sqrt(greenwood)
    if interval == "plain":
        return max(0.0, survival - survival * half), min(1.0, survival + survival * half)
    if interval == "log":
        return survival * exp(-half), min(1.0, survival * exp(half))
    width = half / abs(log(survival))
    return survival ** exp(width), survival ** exp(-width)


def at_time(points: Sequence[Point], time: float) -> Point | None:
    """The estimate that holds at a time; None before the first event, where everybody is still free of it."""
    passed = [point for point in points if point.time <= time]
    return passed[-1] if passed else None


def at_risk(time: Numbers, moment: float) -> int:
    """How many were still followed just before a time."""
    return int((time >= moment).sum())


def median_time(points: Sequence[Point]) -> float:
    """The first time at which half have had the event; refused where it was not reached."""
    reached = [point.time for point in points if point.survival <= 0.5]  # noqa: PLR2004 - the median
    require(bool(reached), Reason.NOT_REACHED)
    return reached[0]


def log_rank(samples: Sequence[tuple[Numbers, Events]]) -> HypothesisTest:
    """The log-rank test of two or more groups (Mantel, Cancer Chemother Rep 1966;50:163); scipy's takes two."""
    require(len(samples) > 1, Reason.GROUPS_MISSING)
    require(all(len(time) > 1 for time, _ in samples), Reason.GROUP_UNDER_TWO)
    moments = np.unique(np.concatenate([time[event] for time, event in samples]))
    require(len(moments) > 0, Reason.NO_EVENTS)
    excess, covariance = np.zeros(len(samples)), np.zeros((len(samples), len(samples)))
    for moment in moments:
        risk = np.array([(time >= moment).sum() for time, _ in samples], dtype=float)
        died = np.array([(event & (time == moment)).sum() for time, event in samples], dtype=float)
        n, d = risk.sum(), died.sum()
        excess += died - d * risk / n
        if n > 1:
            covariance += d * (n - d) / (n - 1) * (np.diag(risk / n) - np.outer(risk, risk) / n**2)
    require(int(np.linalg.matrix_rank(covariance[:-1, :-1])) == len(samples) - 1, Reason.SINGULAR)
    value = float(excess[:-1] @ np.linalg.solve(covariance[:-1, :-1], excess[:-1]))
    df = len(samples) - 1.0
    total = sum(len(time) for time, _ in samples)
    return HypothesisTest(HypothesisTestName.LOG_RANK, float(stats.chi2.sf(value, df)), total, value, df)
