"""A local search over rounded values: small steps until every statistic prints as it should.

Statistics are written as functions of sums over patients, so a step's effect on all of them is an
addition. A search that does not arrive says so; nothing is forced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Steps = NDArray[np.int64]

ROUNDS = 60
PARTNERS = 15
PATIENCE = 3


class SearchFailedError(Exception):
    """The printed numbers were not reached; the message says which problem and how far off it stayed."""


@dataclass(frozen=True)
class Problem:
    """What a search works on.

    `features` turns (m, p) lattice values of patients `who` (m,) into (m, q) numbers to be summed;
    `statistics` turns (..., q) sums into (..., r) statistics, each to lie in [`low`, `high`].
    `floor` and `ceiling` bound the (n, p) lattice values; `moves` are the (k, p) steps tried.
    """

    name: str
    features: Callable[[Steps, Steps], Numbers]
    statistics: Callable[[Numbers], Numbers]
    low: Numbers
    high: Numbers
    floor: Steps
    ceiling: Steps
    moves: Steps

    def loss(self, sums: Numbers) -> Numbers:
        """How far outside their intervals the statistics lie, in half widths; 0 when all are inside."""
        found = self.statistics(sums)
        outside = np.maximum(self.low - found, 0) + np.maximum(found - self.high, 0)
        return (outside / (self.high - self.low)).sum(axis=-1)


@dataclass(frozen=True)
class _Steps:
    """Every allowed single step: whose it is, the new values, and what it adds to the sums."""

    who: Steps
    values: Steps
    gain: Numbers


def settle(problem: Problem, start: Steps, rng: np.random.Generator) -> Steps:
    """Move `start` (n, p) until every statistic lies in its interval; raise SearchFailedError if it cannot."""
    values = np.clip(start, problem.floor, problem.ceiling)
    everyone = np.arange(len(values))
    stuck = 0
    for _ in range(ROUNDS):
        sums = problem.features(values, everyone).sum(axis=0)
        if problem.loss(sums) == 0:
            return values
        better = _improved(problem, values, sums, rng)
        stuck = 0 if better is not None else stuck + 1
        values = better if better is not None else values
        if stuck >= PATIENCE:
            values, stuck = _shaken(problem, values, rng), 0
    raise SearchFailedError(f"{problem.name}: {problem.statistics(sums)} outside {problem.low} .. {problem.high}")


def _singles(problem: Problem, values: Steps) -> _Steps:
    tried = values[:, None, :] + problem.moves[None]
    allowed = ((tried >= problem.floor[:, None]) & (tried <= problem.ceiling[:, None])).all(axis=2)
    who, _ = np.nonzero(allowed)
    new = tried[allowed]
    gain = problem.features(new, who) - problem.features(values, np.arange(len(values)))[who]
    return _Steps(who, new, gain)


def _improved(problem: Problem, values: Steps, sums: Numbers, rng: np.random.Generator) -> Steps | None:
    """Take the best single step, or the best of many pairs of steps, if it brings the loss down."""
    steps = _singles(problem, values)
    now = problem.loss(sums)
    alone = problem.loss(sums + steps.gain)
    best = int(alone.argmin())
    if alone[best] < now * 0.7:
        return _taken(values, steps, [best])
    partners = rng.choice(len(steps.who), size=min(PARTNERS, len(steps.who)), replace=False)
    together = problem.loss(sums + steps.gain[None] + steps.gain[partners][:, None])
    together[steps.who[partners][:, None] == steps.who[None]] = np.inf
    first, second = np.unravel_index(int(together.argmin()), together.shape)
    if together[first, second] < min(now, alone[best]):
        return _taken(values, steps, [int(partners[first]), int(second)])
    return _taken(values, steps, [best]) if alone[best] < now else None


def _taken(values: Steps, steps: _Steps, chosen: list[int]) -> Steps:
    moved = values.copy()
    moved[steps.who[chosen]] = steps.values[chosen]
    return moved


def _shaken(problem: Problem, values: Steps, rng: np.random.Generator) -> Steps:
    """Step aside at random, so that the search leaves a place from which no step helps."""
    steps = _singles(problem, values)
    return _taken(values, steps, [int(i) for i in rng.choice(len(steps.who), size=3, replace=False)])
