"""From a printed statistic to the P it can have, and back to the degrees of freedom a printed P needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Literal

from scipy import special

from nightround.published_tables.ranges import Range, exactly, point
from redcap_sync.messages import Message

Family = Literal["t", "z", "chi2", "f"]
SIGNED: frozenset[Family] = frozenset({"t", "z"})
GRID = 16
MOST_DF = 500
"""Beyond, a t differs from a normal Z by less than a printed P shows."""


@dataclass(frozen=True)
class Distribution:
    """The distribution of a statistic without its test. `df` is a range: Welch's is known only as one."""

    family: Family
    df: Range = Range(inf, inf)
    df_within: Range = Range(inf, inf)

    def p(self, value: Range) -> Range:
        """The two-sided P of a statistic; P falls with its size, and of a t with the degrees of freedom."""
        ends = [
            self._tail(size, df, within) for size in value.magnitude for df in {*self.df} for within in self._withins
        ]
        return Range(point(min(ends)).low, point(max(ends)).high)

    @property
    def _withins(self) -> list[float]:
        """The second degrees of freedom of an F: a grid, because P need not fall with them everywhere."""
        low, high = self.df_within
        return [low] if low == high else [low + (high - low) * step / GRID for step in range(GRID + 1)]

    # The plain functions: scipy.stats takes fifty times as long for one value.
    def _tail(self, value: float, df: float, within: float) -> float:
        if value == inf:
            return 0.0
        if self.family == "chi2":
            return float(special.chdtrc(df, value))
        if self.family == "f":
            return float(special.fdtrc(df, within, value))
        return float(2 * (special.ndtr(-value) if df == inf else special.stdtr(df, -value)))

    @property
    def words(self) -> Message:
        """Its name with the degrees of freedom."""
        if self.family == "z":
            return Message.of("audit.distribution.z")
        name = Message.of(f"audit.statistic.{self.family}")
        low, high = self.df
        if high - low == inf:
            return Message.of("audit.distribution.any_df", name=name)
        df = exactly(f"{low:g}")
        if abs(high - low) >= 1e-6:  # noqa: PLR2004 - noise
            df = Message.of("audit.distribution.df_range", low=f"{low:.1f}", high=f"{high:.1f}")
        if self.family == "f":
            df = Message.of("audit.distribution.df_pair", df=df, within=f"{self.df_within.low:g}")
        return Message.of("audit.distribution.with_df", name=name, df=df)


def normal() -> Distribution:
    """The standard normal distribution."""
    return Distribution("z")


def t_with(df: Range | float) -> Distribution:
    """Student's t."""
    return Distribution("t", df if isinstance(df, Range) else Range(df, df))


def chi2_with(df: float) -> Distribution:
    """Chi-square."""
    return Distribution("chi2", Range(df, df))


def df_that_fit(family: Family, value: Range, p: Range, candidates: Iterable[int] = range(1, MOST_DF)) -> list[int]:
    """The whole degrees of freedom at which a statistic and its P can stand side by side."""
    make: Callable[[float], Distribution] = chi2_with if family == "chi2" else t_with
    return [df for df in candidates if make(df).p(value).meets(p)]
