"""Axes whose ticks are round numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""A step between ticks is one of these times a power of ten."""
PERCENT_TICKS = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
ODDS_TICKS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def round_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """At most `most` ticks on round numbers that contain everything from low to high."""
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    span = high - low
    scale = 10.0 ** floor(log10(span / (most - 1)))
    for step in (*(scale * factor for factor in ROUND_STEPS), scale * 20):
        first, last = floor(low / step), ceil(high / step)
        if last - first < most:
            break
    return tuple(round(number * step, 10) for number in range(first, last + 1))


def tick_text(tick: float) -> str:
    """A tick as it is printed, with a true minus sign."""
    return f"{tick:g}".replace("-", "\u2212")


def odds_ticks(values: Iterable[float]) -> tuple[float, ...]:
    """Ticks of a logarithmic axis around 1, as far as the values reach but not beyond ODDS_TICKS."""
    reach = max([2.0, *(max(value, 1 / value) for value in values if value > 0)])
    last = next((tick for tick in ODDS_TICKS if tick >= reach), ODDS_TICKS[-1])
    return tuple(tick for tick in ODDS_TICKS if 1 / last <= tick <= last)


@dataclass(frozen=True)
class Scale:
    """Values from the first to the last tick mapped to a stretch of the figure, in points."""

    ticks: tuple[float, ...]
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies, held within the axis."""
        first, last, here = (self._along(one) for one in (self.ticks[0], self.ticks[-1], self.within(value)))
        return self.start + (here - first) / (last - first) * (self.end - self.start)

    def within(self, value: float) -> float:
        """The value, or the end of the axis it lies beyond."""
        return min(max(value, self.ticks[0]), self.ticks[-1])

    def _along(self, value: float) -> float:
        return log10(value) if self.logarithmic else value
