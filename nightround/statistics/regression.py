"""Logistic regression of a yes-or-no outcome, by maximum likelihood and by Firth's penalised likelihood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from scipy import optimize, special, stats

from nightround.statistics.constant import is_constant
from nightround.statistics.describe import NORMAL_975
from nightround.statistics.estimates import Estimate, NotEstimable, require
from nightround.statistics.numbers import Numbers
from nightround.study.methods import Reason

STEPS = 200
TOLERANCE = 1e-10
LARGEST_STEP = 5.0
LARGEST_LOG_ODDS = 700.0
LARGEST_CONDITION = 1e14
"""Beyond this the information matrix tells no slope from the intercept in double precision."""
CHI2_95 = float(stats.chi2.ppf(0.95, 1))


@dataclass(frozen=True)
class Fitted:
    """The slope of the factor with its standard error, and the (penalised) log likelihood."""

    slope: float
    error: float
    log_likelihood: float


def logistic(outcome: Numbers, factor: Numbers, *, per: float = 1.0) -> Estimate:
    """The odds ratio of `per` units of a factor by maximum likelihood, Wald interval (Cox, J R Stat Soc B 1958;20:215).

    `outcome` is 0 or 1. Refused where the factor separates the outcomes, because the estimate is then infinite.
    """
    design, unit = _design(outcome, factor, per)
    require(not _separates(outcome, factor), Reason.SEPARATION)
    fitted = _newton(outcome, design, penalised=False)
    value, error = fitted.slope, fitted.error
    ends = ((value - NORMAL_975 * error) * unit, (value + NORMAL_975 * error) * unit)
    p = float(2 * stats.norm.sf(abs(value / error)))
    return _odds(value * unit, ends, len(outcome), "logistic", p)


def firth(outcome: Numbers, factor: Numbers, *, per: float = 1.0) -> Estimate:
    """The odds ratio of `per` units of a factor by Firth's penalised likelihood (Biometrika 1993;80:27).

    Finite also under separation; interval and P by the profile penalised likelihood (Heinze and
    Schemper, Stat Med 2002;21:2409).
    """
    design, unit = _design(outcome, factor, per)
    fitted = _newton(outcome, design, penalised=True)
    profile = _profile(outcome, design, fitted)
    ends = [_where(profile, fitted.slope, side * fitted.error) * unit for side in (-1, 1)]
    p = float(stats.chi2.sf(max(0.0, profile(0.0) + CHI2_95), 1))
    return _odds(fitted.slope * unit, ends, len(outcome), "firth", p)


def _odds(slope: float, ends: Sequence[float], n: int, method: str, p: float) -> Estimate:
    """The odds ratio, unless one unit is so far beyond the data that it overflows."""
    require(max(abs(slope), *(abs(end) for end in ends)) < LARGEST_LOG_ODDS, Reason.UNIT_TOO_LARGE)
    return Estimate(exp(slope), exp(min(ends)), exp(max(ends)), n, method, p=p)


def _design(outcome: Numbers, factor: Numbers, per: float) -> tuple[Numbers, float]:
    """An intercept and the standardised factor, and how many of its SDs `per` units are."""
    require(len(outcome) > 1, Reason.NO_VALUES)
    require(bool(np.isfinite(factor).all()), Reason.BELOW_DETECTION)
    require(not is_constant(factor), Reason.NO_VARIANCE)
    require(min(int((outcome == 0).sum()), int((outcome == 1).sum())) > 1, Reason.GROUP_UNDER_TWO)
    spread = float(np.std(factor))
    return np.column_stack([np.ones(len(outcome)), (factor - factor.mean()) / spread]), per / spread


def _separates(outcome: Numbers, factor: Numbers) -> bool:
    """One group lies wholly at or beyond the other's edge."""
    cases, others = factor[outcome == 1], factor[outcome == 0]
    return bool(cases.min() >= others.max() or others.min() >= cases.max())


def _newton(outcome: Numbers, design: Numbers, *, penalised: bool, fixed: float | None = None) -> Fitted:
    """Climb the (penalised) log likelihood; `fixed` keeps the slope at a value."""
    coefficients = np.array([0.0, fixed or 0.0])
    free = [0] if fixed is not None else [0, 1]
    best = _log_likelihood(outcome, design, coefficients, penalised=penalised)
    for _ in range(STEPS):
        score, information = _score(outcome, design, coefficients, penalised=penalised)
        step = np.zeros(2)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        step /= max(1.0, float(np.abs(step).max()) / LARGEST_STEP)
        found = _log_likelihood(outcome, design, coefficients + step, penalised=penalised)
        while found < best - 1e-12 * abs(best) and float(np.abs(step).max()) > TOLERANCE:
            step /= 2
            found = _log_likelihood(outcome, design, coefficients + step, penalised=penalised)
        coefficients, best = coefficients + step, found
        if float(np.abs(step).max()) < TOLERANCE:
            break
    else:
        raise NotEstimable(Reason.NO_CONVERGENCE)
    _, information = _score(outcome, design, coefficients, penalised=penalised)
    error = float(np.sqrt(np.linalg.inv(information)[1, 1]))
    return Fitted(float(coefficients[1]), error, best)


def _score(outcome: Numbers, design: Numbers, coefficients: Numbers, *, penalised: bool) -> tuple[Numbers, Numbers]:
    chance = special.expit(design @ coefficients)
    weights = chance * (1 - chance)
    information = np.asarray(design.T @ (design * weights[:, None]), dtype=np.float64)
    require(float(np.linalg.cond(information)) < LARGEST_CONDITION, Reason.NO_CONVERGENCE)
    residual = outcome - chance
    if penalised:
        leverage = weights * np.einsum("ij,jk,ik->i", design, np.linalg.inv(information), design)
        residual = residual + leverage * (0.5 - chance)
    return np.asarray(design.T @ residual, dtype=np.float64), information


def _log_likelihood(outcome: Numbers, design: Numbers, coefficients: Numbers, *, penalised: bool) -> float:
    linear = design @ coefficients
    found = float((outcome * linear - np.logaddexp(0, linear)).sum())
    if penalised:
        chance = special.expit(linear)
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        found += 0.5 * float(np.linalg.slogdet(information)[1])
    return found


def _profile(outcome: Numbers, design: Numbers, fitted: Fitted) -> Callable[[float], float]:
    """Twice the loss of penalised log likelihood at a fixed coefficient, less the 95% limit."""

    def beyond(value: float) -> float:
        fixed_at = _newton(outcome, design, penalised=True, fixed=value)
        return 2 * (fitted.log_likelihood - fixed_at.log_likelihood) - CHI2_95

    return beyond


def _where(profile: Callable[[float], float], value: float, step: float) -> float:
    """Where the profile crosses the limit, looking from the estimate to one side."""
    far = value + 2 * step
    while profile(far) < 0:
        far += 2 * step
    return float(optimize.brentq(profile, value, far, xtol=1e-12, rtol=1e-12))
