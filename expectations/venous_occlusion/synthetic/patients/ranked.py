"""Medians, quartiles, ranks and scores: what the publication prints as M (Q1-Q3).

Quartiles are SPSS's (weighted average, type 6): with 43 or 19 patients they are the values at the
ranks 11, 22, 33 or 5, 10, 15. Each patient gets a slot between two of them, and moves inside it only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .measured import deviation, moments_of_pair, paired_t
from .published import GROUPS, group_size, t_interval, targets
from .search import Numbers, Problem, SearchFailedError, Steps, settle

ATTEMPTS = 200
"""About one start in eight arrives at the VCSS totals: with 30 starts one cohort in fifty could not be made."""
STEPS = 30_000
NEAR = 0.05
"""How far from the Z aimed at the search for durations may stray."""
GRADE_LIMITS = ((0, 4), (5, 9), (10, 14), (15, 24))
"""Villalta points of no, mild, moderate and severe PTS (paper, 1.5.3; Kahn SR, J Thromb Haemost 2009;7:879-83)."""
ULCER_LIMITS = (11, 14)
"""Points of a patient whose PTS is severe by an ulcer alone."""


def slots(quartiles: list[int], size: int, low: int, high: int) -> Steps:
    """Bounds (n, 2) of the values at rank 1 to n that give these quartiles (Q1, median, Q3) by SPSS."""
    ranks = [(size + 1) * part // 4 for part in (1, 2, 3)]
    edges = [low, *quartiles, high]
    bounds = np.empty((size, 2), dtype=np.int64)
    for rank in range(1, size + 1):
        below = sum(rank >= r for r in ranks)
        bounds[rank - 1] = (edges[below], edges[below]) if rank in ranks else (edges[below], edges[below + 1])
    return bounds


def inside(bounds: Steps, rng: np.random.Generator, lean: float = 1.6) -> Steps:
    """Draw one whole number inside each bound, leaning to the low end."""
    low, high = bounds.T
    return low + np.floor((high - low + 1) * rng.random(len(low)) ** lean * 0.999999).astype(np.int64)


def follow_up_order(size: int, rng: np.random.Generator, noise: float = 0.5) -> Steps:
    """For each patient in order of the value before, the rank of the value after: alike, but not the same."""
    return np.argsort(np.argsort(np.arange(size) / size + noise * rng.normal(size=size)))


def solve_skewed(group: str, rng: np.random.Generator) -> dict[str, Numbers]:
    """Every variable under `skewed` in one group: name to values (n, 2), before and after."""
    return {name: _solve_skewed(name, spec, group, rng) for name, spec in targets()["skewed"].items()}


def _solve_skewed(name: str, spec: dict[str, Any], group: str, rng: np.random.Generator) -> Numbers:
    unit, size = spec["resolution"], group_size(group)
    *printed, t, p = spec[group]
    steps = [round(float(value) / unit) for value in printed]
    edges = (round(spec["low"] / unit), round(spec["high"] / unit))
    interval = t_interval(t, p, size - 1, spec.get("follow", {}).get(group, "both"))
    for _ in range(ATTEMPTS):
        order = follow_up_order(size, rng)
        bounds = np.stack([slots(steps[:3], size, *edges), slots(steps[3:], size, *edges)[order]], axis=1)
        problem = _t_problem(f"{name} in {group}", bounds, unit, interval)
        start = np.stack([inside(bounds[:, column], rng) for column in (0, 1)], axis=1)
        try:
            return settle(problem, start, rng)[rng.permutation(size)] * unit
        except SearchFailedError:
            continue
    raise SearchFailedError(f"{name} in {group}: the quartiles leave no room for t={t}")


def _t_problem(name: str, bounds: Steps, unit: float, interval: tuple[float, float]) -> Problem:
    return Problem(
        name=name,
        features=lambda values, _who: moments_of_pair(values, unit),
        statistics=lambda sums: paired_t(sums, len(bounds))[..., None],
        low=np.array(interval[:1]),
        high=np.array(interval[1:]),
        floor=bounds[:, :, 0],
        ceiling=bounds[:, :, 1],
        moves=np.array([(a * s, 0) for s in (1, 4) for a in (1, -1)] + [(0, a * s) for s in (1, 4) for a in (1, -1)]),
    )


def rank_sum_z(first: Numbers, second: Numbers) -> float:
    """Z of the Wilcoxon rank-sum test: normal, variance corrected for ties, no continuity correction."""
    n, m = len(first), len(second)
    ordered = np.sort(second)
    wins = (np.searchsorted(ordered, first, "left") + np.searchsorted(ordered, first, "right")).sum() / 2
    _, ties = np.unique(np.concatenate([first, second]), return_counts=True)
    variance = n * m / 12 * (n + m + 1 - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return float((wins - n * m / 2) / np.sqrt(variance))


def solve_durations(rng: np.random.Generator) -> dict[str, list[Numbers]]:
    """Every variable under `ranked`: name to days of [patency (n,), occlusion (m,)]."""
    return {name: _solve_duration(name, spec, rng) for name, spec in targets()["ranked"].items()}


def _solve_duration(name: str, spec: dict[str, Any], rng: np.random.Generator) -> list[Numbers]:
    """Change one patient's days at a time: first nearer to the printed Z, then to and fro around it until it is met."""
    bounds = [slots(spec[group], group_size(group), spec["low"], spec["high"]) for group in GROUPS]
    low, high = sorted(abs(z) for z in t_interval(spec["z"], spec["p"], np.inf))
    days = [_days(bound, spec["grid"], rng) for bound in bounds]
    aim = (low + high) / 2
    z = rank_sum_z(days[0], days[1])
    for _ in range(STEPS):
        if low <= z <= high:
            return [values[rng.permutation(len(values))] for values in days]
        group = int(rng.integers(2))
        one = int(rng.integers(len(days[group])))
        kept = days[group][one]
        days[group][one] = _days(bounds[group][one : one + 1], spec["grid"], rng)[0]
        tried = rank_sum_z(days[0], days[1])
        if abs(tried - aim) <= max(abs(z - aim), NEAR):
            z = tried
        else:
            days[group][one] = kept
    raise SearchFailedError(f"{name}: no Z between {low} and {high}")


def _days(bounds: Steps, grid: list[int], rng: np.random.Generator) -> Numbers:
    """Days inside each bound: from the grid where it has any, else evenly on a log scale."""
    found = []
    for low, high in bounds:
        likely = [day for day in grid if low <= day <= high]
        drawn = (
            rng.choice(likely) if likely else np.clip(round(np.exp(rng.uniform(np.log(low), np.log(high)))), low, high)
        )
        found.append(float(drawn))
    return np.array(found)


def solve_vcss(rng: np.random.Generator) -> dict[str, Steps]:
    """VCSS totals of both groups: group to (n, 2)."""
    spec = targets()["scores"]["vcss_total"]
    bounds = {group: _score_slots(spec, group) for group in GROUPS}
    solved = _settle_scores("vcss_total", spec, bounds, rng)
    return {group: _paired_up(solved[group], follow_up_order(len(solved[group]), rng), rng) for group in GROUPS}


def _score_slots(spec: dict[str, Any], group: str) -> Steps:
    quartiles, size = spec[group], group_size(group)
    edges = (size, spec["low"], spec["high"])
    return np.stack([slots(quartiles[:3], *edges), slots(quartiles[3:], *edges)], axis=1)


def _paired_up(values: Steps, order: Steps, rng: np.random.Generator) -> Steps:
    """Give each patient a value before and, by `order`, one after; then mix the patients."""
    return np.stack([values[:, 0], values[order, 1]], axis=1)[rng.permutation(len(values))]


def _settle_scores(
    name: str, spec: dict[str, Any], bounds: dict[str, Steps], rng: np.random.Generator
) -> dict[str, Steps]:
    """Find values in the slots (n, 2, 2) of both groups with the printed t of independent samples."""
    both = np.concatenate([bounds[group] for group in GROUPS])
    low, high = _score_intervals(spec)
    problem = Problem(
        name=name,
        features=_score_features,
        statistics=_score_statistics if "t_before" in spec else lambda sums: _score_statistics(sums)[..., :2],
        low=low,
        high=high,
        floor=both[:, :, 0],
        ceiling=both[:, :, 1],
        moves=np.array([(1, 0), (-1, 0), (0, 1), (0, -1)]),
    )
    for _ in range(ATTEMPTS):
        start = np.stack([inside(both[:, column], rng, 1.0) for column in (0, 1)], axis=1)
        try:
            found = _second_then_first(problem, start, rng)
        except SearchFailedError:
            continue
        return dict(zip(GROUPS, np.split(found, [group_size(GROUPS[0])]), strict=True))
    raise SearchFailedError(f"{name}: the slots leave no room for the printed t")


def _second_then_first(problem: Problem, start: Steps, rng: np.random.Generator) -> Steps:
    """Settle the occlusion group, which is small and leaves few ways, then the patency group beside it."""
    first = (np.arange(len(start)) < group_size(GROUPS[0]))[:, None]
    only = np.arange(len(problem.low)) == 1
    found = settle(
        replace(
            problem,
            low=np.where(only, problem.low, -np.inf),
            high=np.where(only, problem.high, np.inf),
            floor=np.where(first, start, problem.floor),
            ceiling=np.where(first, start, problem.ceiling),
        ),
        start,
        rng,
    )
    floor, ceiling = np.where(first, problem.floor, found), np.where(first, problem.ceiling, found)
    return settle(replace(problem, floor=floor, ceiling=ceiling), found, rng)


def _score_intervals(spec: dict[str, Any]) -> tuple[Numbers, Numbers]:
    sizes = [group_size(group) for group in GROUPS]
    printed = [t_interval(t, p, 2 * n - 2) for t, p, n in zip(spec["t"], spec["p"], sizes, strict=True)]
    if "t_before" in spec:
        printed.append(t_interval(spec["t_before"], spec["p_before"], sum(sizes) - 2))
    intervals = np.array(printed)
    return intervals[:, 0], intervals[:, 1]


def _score_features(values: Steps, who: Steps) -> Numbers:
    """(m, 8): sum and squares before and after in the first group, then in the second."""
    four = np.concatenate([values, values * values], axis=1).astype(float)
    second = (who >= group_size(GROUPS[0]))[:, None]
    return np.concatenate([four * ~second, four * second], axis=1)


def _score_statistics(sums: Numbers) -> Numbers:
    """Give t of before against after in each group, then of the groups before treatment; independent samples."""
    means, variances = [], []
    for group, size in enumerate(map(group_size, GROUPS)):
        four = sums[..., 4 * group : 4 * group + 4]
        means.append(four[..., :2] / size)
        variances.append(deviation(four[..., :2], four[..., 2:], size) ** 2)
    n, m = map(group_size, GROUPS)
    within = [
        (mean[..., 0] - mean[..., 1]) / np.sqrt(variance.sum(axis=-1) / size)
        for mean, variance, size in zip(means, variances, (n, m), strict=True)
    ]
    pooled = ((n - 1) * variances[0][..., 0] + (m - 1) * variances[1][..., 0]) / (n + m - 2)
    between = (means[0][..., 0] - means[1][..., 0]) / np.sqrt(pooled * (1 / n + 1 / m))
    return np.stack([*within, between], axis=-1)


def solve_villalta(rng: np.random.Generator) -> dict[str, tuple[Steps, Steps, Steps]]:
    """Villalta totals, PTS grades and ulcers of both groups: group to three arrays (n, 2).

    In the occlusion group one patient is severe by an ulcer and not by points, before and after.
    """
    spec = targets()["scores"]["villalta_total"]
    grades = {group: _grades(group) for group in GROUPS}
    bounds = {group: _graded_slots(spec, group, grades[group]) for group in GROUPS}
    solved = _settle_scores("villalta_total", spec, bounds, rng)
    return {group: _with_grades(group, solved[group], grades[group], rng) for group in GROUPS}


def _grades(group: str) -> Steps:
    """Grades (n, 2) in order of rank, before and after."""
    table = np.array(targets()["transition"][group])
    return np.stack([np.repeat(np.arange(4), table.sum(axis=1 - way)) for way in (0, 1)], axis=1)


def _graded_slots(spec: dict[str, Any], group: str, grades: Steps) -> Steps:
    bounds = _score_slots(spec, group)
    limits = np.array(GRADE_LIMITS)[grades]
    ulcers = _ulcers(grades)
    limits[ulcers] = ULCER_LIMITS
    return np.stack([np.maximum(bounds[..., 0], limits[..., 0]), np.minimum(bounds[..., 1], limits[..., 1])], axis=-1)


def _ulcers(grades: Steps) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The lowest ranked severe patient of each visit has the ulcer."""
    severe = grades == 3  # noqa: PLR2004 - the code of severe PTS
    return severe & (np.cumsum(severe, axis=0) == 1)


def _with_grades(group: str, totals: Steps, grades: Steps, rng: np.random.Generator) -> tuple[Steps, Steps, Steps]:
    """Pair values before and after so that the grades change as the transition table says."""
    table = np.array(targets()["transition"][group])
    ulcers = _ulcers(grades)
    free = {grade: list(np.flatnonzero(grades[:, 1] == grade)) for grade in range(4)}
    order = np.empty(len(totals), dtype=np.int64)
    for before in range(4):
        after = rng.permutation(np.repeat(np.arange(4), table[before]))
        for patient, grade in zip(np.flatnonzero(grades[:, 0] == before), after, strict=True):
            order[patient] = free[grade].pop(0 if before == 3 else -1)  # noqa: PLR2004 - who has an ulcer keeps it
    mixed = rng.permutation(len(totals))
    pairs = [np.stack([column[:, 0], column[order, 1]], axis=1)[mixed] for column in (totals, grades, ulcers)]
    return pairs[0], pairs[1], pairs[2]
