"""Ratios that a benchmark holds to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

ALLOWED = 1.1
"""A ratio may be so many times its aim before the benchmark fails: machines differ, and moments do."""


class Aim(NamedTuple):
    """A ratio, what it should be at most, and what it is."""

    name: str
    at_most: float
    measured: float

    @property
    def verdict(self) -> str:
        """Whether it is met, and by how much it is missed."""
        over = self.measured / self.at_most - 1
        return "met" if over <= 0 else f"missed by {over:.0%}"


def check(aims: Sequence[Aim]) -> None:
    """Print the aims as a table; exit with 1 where one is missed by more than a tenth."""
    if not aims:
        return
    print("\n| ratio | aim | measured | |")
    print("|---|---|---|---|")
    for one in aims:
        print(f"| {one.name} | at most {one.at_most} | {one.measured:.2f} | {one.verdict} |")
    if any(one.measured > one.at_most * ALLOWED for one in aims):
        raise SystemExit(1)
