"""Whether last digits prefer 0 and 5, as numbers do that were guessed or rounded when they were read off."""

from __future__ import annotations

from math import exp, lgamma, log

CHANCE = 0.2
"""Two digits of ten."""


def prefers(hits: int, count: int, alpha: float) -> bool:
    """Whether so many of the numbers end in 0 or 5 that chance explains it with less than the alpha of this look.

    With n numbers that is alpha / (n (n + 1)). These sum up to alpha over all n, so that a night for each new number
    raises a false alarm with no more than that probability, however many nights there are.
    """
    return count > 0 and upper_tail(hits, count) < alpha / (count * (count + 1))


def upper_tail(hits: int, count: int) -> float:
    """The exact probability of so many hits or more by chance."""
    return min(1.0, sum(exp(_log_probability(one, count)) for one in range(hits, count + 1)))


def _log_probability(hits: int, count: int) -> float:
    ways = lgamma(count + 1) - lgamma(hits + 1) - lgamma(count - hits + 1)
    return ways + hits * log(CHANCE) + (count - hits) * log(1 - CHANCE)
