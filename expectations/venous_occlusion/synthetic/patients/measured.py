"""Means, standard deviations and t statistics: variables the publication prints as mean and SD.

A start with exactly the printed mean, SD and correlation is built first, then rounded to what an
instrument shows, and the search mends what the rounding broke.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .published import group_size, rounding, t_interval, targets
from .search import Numbers, Problem, SearchFailedError, Steps, settle

ATTEMPTS = 30
TRACING_TOLERANCE = 0.08
"""How far a traced area may lie from the ellipse of its two diameters; the rule CTV-01 allows 0.15."""


@dataclass(frozen=True)
class Pair:
    """One variable before and after in one group, as printed, and the lattice it is measured on."""

    name: str
    group: str
    printed: tuple[str, ...]
    sign: int
    follow: Any
    resolution: float
    floor: Steps
    ceiling: Steps

    @property
    def size(self) -> int:
        """The number of patients."""
        return group_size(self.group)

    def t_range(self) -> tuple[float, float]:
        """The interval of t, in the direction it was printed."""
        return t_interval(self.printed[4], self.printed[5], self.size - 1, self.follow)


def standardised(values: Numbers) -> Numbers:
    """Shift and stretch to mean 0 and sample SD 1."""
    return (values - values.mean()) / values.std(ddof=1)


def bell(rng: np.random.Generator, size: int) -> Numbers:
    """Draw a standardised sample without far outliers, as from a clinic and not from a formula."""
    return standardised(np.clip(rng.normal(size=size), -1.9, 1.9))


def beside(values: Numbers, noise: Numbers) -> Numbers:
    """The part of `noise` that is uncorrelated with `values`, standardised."""
    return standardised(noise - values * (noise @ values) / (values @ values) - noise.mean())


def correlated(values: Numbers, correlation: float, noise: Numbers) -> Numbers:
    """A standardised sample with exactly this correlation to standardised `values`."""
    r = float(np.clip(correlation, -1, 1))
    return r * values + np.sqrt(1 - r * r) * beside(values, noise)


def scales(spread: float) -> list[int]:
    """Step sizes from one unit up to a part of the spread, in lattice units."""
    return [5**power for power in range(6) if 5**power <= max(1.0, spread / 3)]


def moves_of_pair(spread: float) -> Steps:
    """Steps that change one value of a pair, or both alike."""
    directions = ((1, 0), (0, 1), (1, 1))
    return np.array([[s * a * d for d in way] for way in directions for s in scales(spread) for a in (1, -1)])


def moments_of_pair(values: Steps, resolution: float) -> Numbers:
    """x, y, x², y² and d² of (m, 2) lattice values; d is after minus before."""
    x, y = (values * resolution).T
    return np.stack([x, y, x * x, y * y, (y - x) ** 2], axis=-1)


def deviation(total: Numbers, squares: Numbers, size: int) -> Numbers:
    """The sample SD from sums."""
    return np.sqrt(np.maximum(squares - total * total / size, 1e-12) / (size - 1))


def paired_t(sums: Numbers, size: int) -> Numbers:
    """Student's t of after minus before, from the sums of `moments_of_pair`."""
    change = sums[..., 1] - sums[..., 0]
    return change / np.sqrt(size) / deviation(change, sums[..., 4], size)


def _statistics_of_pair(pair: Pair, sums: Numbers) -> Numbers:
    x, y, xx, yy, _ = np.moveaxis(sums, -1, 0)
    n = pair.size
    spread_x, spread_y = deviation(x, xx, n), deviation(y, yy, n)
    return np.stack([x / n, spread_x, y / n, spread_y, pair.sign * paired_t(sums, n)], axis=-1)


def _problem(pair: Pair) -> Problem:
    low, high = np.array([*(rounding(printed) for printed in pair.printed[:4]), pair.t_range()]).T
    return Problem(
        name=f"{pair.name} in {pair.group}",
        features=lambda values, _who: moments_of_pair(values, pair.resolution),
        statistics=lambda sums: _statistics_of_pair(pair, sums),
        low=low,
        high=high,
        floor=pair.floor,
        ceiling=pair.ceiling,
        moves=moves_of_pair(float(pair.printed[1]) / pair.resolution),
    )


def _change(pair: Pair) -> tuple[float, float]:
    """The mean change aimed at, and the SD of the changes that gives the printed t."""
    mean_before, sd_before, mean_after, sd_after = map(float, pair.printed[:4])
    t = pair.sign * float(np.mean(pair.t_range()))
    smallest = rounding(pair.printed[0])[1] - mean_before
    change = np.sign(t) * max(abs(mean_after - mean_before), smallest)
    spread = max(abs(change / t) * np.sqrt(pair.size), abs(sd_after - sd_before))
    return change, spread


def _start(pair: Pair, before: Numbers, noise: Numbers) -> Steps:
    mean, sd_before, _, sd_after = map(float, pair.printed[:4])
    change, spread = _change(pair)
    correlation = (sd_before**2 + sd_after**2 - spread**2) / (2 * sd_before * sd_after)
    after = correlated(before, correlation, noise)
    columns = [mean + sd_before * before, mean + change + sd_after * after]
    return np.rint(np.stack(columns, axis=1) / pair.resolution).astype(np.int64)


def solve_pair(pair: Pair, rng: np.random.Generator, like: tuple[Numbers, float] | None = None) -> Numbers:
    """Values (n, 2) before and after that print as the publication does.

    `like` is another variable and the correlation its values before shall have with these.
    """
    for attempt in range(ATTEMPTS):
        before = bell(rng, pair.size)
        if like is not None:
            before = correlated(standardised(like[0]), like[1], before)
        try:
            return settle(_problem(pair), _start(pair, before, bell(rng, pair.size)), rng) * pair.resolution
        except SearchFailedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError


def _bounds(low: float, high: float, resolution: float, size: int) -> tuple[Steps, Steps]:
    edges = (np.ceil(low / resolution), np.floor(high / resolution))
    return tuple(np.full((size, 2), int(edge)) for edge in edges)


def pair_of(name: str, spec: dict[str, Any], group: str) -> Pair:
    """Read one variable of one group from the targets."""
    resolution = spec["resolution"]
    floor, ceiling = _bounds(spec["low"], spec["high"], resolution, group_size(group))
    follow = spec.get("follow", {}).get(group, "both")
    return Pair(name, group, tuple(spec[group]), spec["sign"], follow, resolution, floor, ceiling)


def solve_paired(group: str, rng: np.random.Generator) -> dict[str, Numbers]:
    """Every variable under `paired` in one group: name to values (n, 2)."""
    solved: dict[str, Numbers] = {}
    for name, spec in targets()["paired"].items():
        like = spec.get("like")
        beside_it = (solved[like["field"]][:, 0], like["correlation"]) if like else None
        solved[name] = solve_pair(pair_of(name, spec, group), rng, beside_it)
    return solved


def ellipse(transverse: Numbers, anteroposterior: Numbers) -> Numbers:
    """The area of an ellipse with these two diameters."""
    return np.pi / 4 * transverse * anteroposterior


def solve_vein(group: str, rng: np.random.Generator) -> dict[str, Numbers]:
    """Diameters and areas of every level in one group: `level_trans`, `level_ap`, `level_area` to (n, 2)."""
    solved: dict[str, Numbers] = {}
    for level, printed in targets()["vein"].items():
        for values in _solve_level(level, printed, group, rng):
            solved.update(values)
    return solved


def _solve_level(level: str, printed: dict[str, Any], group: str, rng: np.random.Generator) -> list[dict[str, Numbers]]:
    for attempt in range(ATTEMPTS):
        try:
            across = solve_pair(_caliper(level, "trans", printed, group), rng)
            like = (across[:, 0], _correlation_of_diameters(printed, group))
            deep = solve_pair(_caliper(level, "ap", printed, group), rng, like)
            area = _solve_area(level, printed["area"], group, ellipse(across, deep), rng)
            _refuse_copies(level, group, np.stack([across, deep, area]))
        except SearchFailedError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return [{f"{level}_trans": across, f"{level}_ap": deep, f"{level}_area": area}]
    raise AssertionError


def _refuse_copies(level: str, group: str, measured: Numbers) -> None:
    """Refuse a level (3, n, 2) of which somebody has the same three numbers at both visits, as a copied form has."""
    copied = int((measured[..., 0] == measured[..., 1]).all(axis=0).sum())
    if copied:
        raise SearchFailedError(f"{level} in {group}: {copied} with the same measurements at both visits")


def _caliper(level: str, direction: str, printed: dict[str, Any], group: str) -> Pair:
    return pair_of(f"{level}_{direction}", {"resolution": 0.01, "low": 6.0, "high": 32.0, **printed[direction]}, group)


def _correlation_of_diameters(printed: dict[str, Any], group: str) -> float:
    """The correlation that makes the mean of the ellipses the mean of the printed areas."""
    (mean_1, sd_1, *_), (mean_2, sd_2, *_) = (tuple(map(float, printed[d][group][:2])) for d in ("trans", "ap"))
    covariance = float(printed["area"][group][0]) * 4 / np.pi - mean_1 * mean_2
    size = group_size(group)
    return float(covariance * size / (size - 1) / (sd_1 * sd_2))


def _solve_area(level: str, spec: dict[str, Any], group: str, drawn: Numbers, rng: np.random.Generator) -> Numbers:
    """Areas near the ellipses `drawn` (n, 2), changing as the ellipses changed."""
    pair = pair_of(f"{level}_area", {"resolution": 0.01, "low": 0, "high": 1000, **spec}, group)
    floor = np.ceil(drawn * (1 - TRACING_TOLERANCE) / 0.01).astype(np.int64)
    ceiling = np.floor(drawn * (1 + TRACING_TOLERANCE) / 0.01).astype(np.int64)
    near = Pair(pair.name, group, pair.printed, pair.sign, pair.follow, pair.resolution, floor, ceiling)
    start = _start(near, standardised(drawn[:, 0]), drawn[:, 1] - drawn[:, 0])
    return settle(_problem(near), start, rng) * 0.01
