"""What the statistical functions give back, and how they say that a number cannot be estimated."""

from __future__ import annotations

from dataclasses import dataclass

from nightround.study.methods import Caution, HypothesisTestName, Reason


class NotEstimable(Exception):
    """A statistic has no value here; `reason` says why. It ends on the result row, never in a traceback."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class HypothesisTest:
    """A hypothesis test that ran.

    `name` is the test that ran in the end, also where a rule picked it. `value` is its statistic,
    None for an exact test; `n` the values it used; `p` two-sided.
    """

    name: HypothesisTestName
    p: float
    n: int
    value: float | None = None
    df: float | None = None
    df_within: float | None = None
    caution: Caution | None = None
    monte_carlo: bool = False


@dataclass(frozen=True)
class Estimate:
    """An effect with its 95% confidence interval. `method` is a key of METHODS; `p` the P of the same model."""

    value: float
    low: float
    high: float
    n: int
    method: str = ""
    p: float | None = None


def require(condition: bool, reason: Reason) -> None:  # noqa: FBT001 - reads as a sentence: require(n > 1, ...)
    """Refuse with a reason unless the condition is true."""
    if not condition:
        raise NotEstimable(reason)
