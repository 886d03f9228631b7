"""Printed numbers as intervals: which unrounded values would have been printed like this."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import stats

Interval = tuple[float, float]
Follow = Literal["both", "t", "p"]
GROUPS = ("patency", "occlusion")
MARGIN = 0.02
"""The part of an interval left free at each end, so that no value sits on a rounding boundary."""


@cache
def targets() -> dict[str, Any]:
    """Read `targets.toml`, the numbers the cohort aims at."""
    return tomllib.loads(Path(__file__).parents[1].joinpath("targets.toml").read_text(encoding="utf-8"))


def group_size(group: str) -> int:
    """The number of patients of a group who completed three sessions."""
    return int(targets()["groups"][group])


def rounding(printed: str) -> Interval:
    """The values that print as `printed`: half a unit of its last digit either way."""
    decimals = len(printed.partition(".")[2])
    half = 0.5 * 10.0**-decimals * (1 - MARGIN)
    return float(printed) - half, float(printed) + half


def t_interval(t: str, p: str, degrees: float, follow: Follow = "both") -> Interval:
    """The statistics that print as `t` with a two-sided P that prints as `p`.

    `degrees` of freedom may be infinite (a Z). `follow` keeps only one of the two where they exclude each other.
    """
    from_t, from_p = rounding(t), _from_p(p, degrees, negative=t.startswith("-"))
    if follow != "both":
        return from_t if follow == "t" else from_p
    low, high = max(from_t[0], from_p[0]), min(from_t[1], from_p[1])
    if low >= high:
        raise ValueError(f"t={t} and P={p} exclude each other at {degrees} degrees of freedom")
    return low, high


def _from_p(p: str, degrees: float, *, negative: bool) -> Interval:
    distribution = stats.norm if np.isinf(degrees) else stats.t(degrees)
    smallest, largest = (0.0, 0.001) if p.startswith("<") else rounding(p)
    near, far = (float(distribution.isf(tail / 2)) for tail in (largest, smallest))
    return (-far, -near) if negative else (near, far)
