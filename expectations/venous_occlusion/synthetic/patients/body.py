"""Age, height, weight and BMI: Table 1's means and SDs in both groups, and the t between them.

Height, weight and BMI hang together, because BMI is weight over height squared: of all the numbers
that print alike only a corner is possible, and BMI's rounding to one decimal is part of it. Newton's
method walks a random sample to a point in that corner, then the search mends the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .measured import bell, deviation, standardised
from .published import GROUPS, group_size, rounding, t_interval, targets
from .search import Numbers, Problem, SearchFailedError, Steps, settle

ATTEMPTS = 40
UNIT = 0.1
"""Heights in cm and weights in kg are read to one decimal."""


def body_mass_index(height_cm: Numbers, weight_kg: Numbers) -> Numbers:
    """kg/m², rounded half up to one decimal, as it is written on a chart."""
    return np.floor(weight_kg / (height_cm / 100) ** 2 * 10 + 0.5) / 10


def _group_of(who: Steps) -> Steps:
    return (who >= group_size(GROUPS[0])).astype(np.int64)


def by_group(columns: Numbers, who: Steps) -> Numbers:
    """Columns (m, v) to (m, 4v): first power then square of each, apart for the two groups."""
    both = np.concatenate([columns, columns * columns], axis=-1)
    second = _group_of(who)[:, None]
    return np.concatenate([both * (1 - second), both * second], axis=-1)


def statistics_between(sums: Numbers) -> Numbers:
    """Means, SDs and Student's t of v variables from the sums of `by_group`; t is first minus second group."""
    n1, n2 = map(group_size, GROUPS)
    total_1, squares_1, total_2, squares_2 = np.split(sums, 4, axis=-1)
    mean_1, mean_2 = total_1 / n1, total_2 / n2
    sd_1, sd_2 = deviation(total_1, squares_1, n1), deviation(total_2, squares_2, n2)
    pooled = ((n1 - 1) * sd_1**2 + (n2 - 1) * sd_2**2) / (n1 + n2 - 2)
    t = (mean_1 - mean_2) / np.sqrt(pooled * (1 / n1 + 1 / n2))
    return np.concatenate([mean_1, mean_2, sd_1, sd_2, t], axis=-1)


def _between_limits(specs: list[dict[str, Any]]) -> tuple[Numbers, Numbers]:
    printed = [rounding(spec[kind][group]) for kind in ("mean", "sd") for group in (0, 1) for spec in specs]
    degrees = sum(map(group_size, GROUPS)) - 2
    intervals = np.array(printed + [t_interval(spec["t"], spec["p"], degrees) for spec in specs])
    return intervals[:, 0], intervals[:, 1]


def _between_problem(names: list[str], columns: Any, moves: Steps) -> Problem:
    """A problem over both groups at once; `columns` turns lattice values into one column per name."""
    specs = [targets()["between"][name] for name in names]
    low, high = _between_limits(specs)
    size = sum(map(group_size, GROUPS))
    free = specs[: moves.shape[1]]
    return Problem(
        name=" and ".join(names),
        features=lambda values, who: by_group(columns(values), who),
        statistics=statistics_between,
        low=low,
        high=high,
        floor=np.array([[round(spec["low"] / spec["resolution"]) for spec in free]] * size),
        ceiling=np.array([[round(spec["high"] / spec["resolution"]) for spec in free]] * size),
        moves=moves,
    )


def _settled_in_turn(problem: Problem, start: Callable[[], Steps], rng: np.random.Generator) -> Steps:
    """Settle from one start after another until one arrives."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _one_after_the_other(problem, start(), rng)
        except SearchFailedError:
            continue
    return _one_after_the_other(problem, start(), rng)


def _one_after_the_other(problem: Problem, start: Steps, rng: np.random.Generator) -> Steps:
    """Settle the second group by its own means and SDs, then the first against it and the printed t.

    The groups are taken one after the other because the second is the tighter one, being small.
    """
    first = (_group_of(np.arange(len(start))) == 0)[:, None]
    unbounded = np.arange(len(problem.low)) // (len(problem.low) // 5)
    own = np.isin(unbounded, (1, 3))
    alone = replace(
        problem,
        low=np.where(own, problem.low, -np.inf),
        high=np.where(own, problem.high, np.inf),
        floor=np.where(first, start, problem.floor),
        ceiling=np.where(first, start, problem.ceiling),
    )
    values = settle(alone, np.clip(start, problem.floor, problem.ceiling), rng)
    against = replace(
        problem,
        floor=np.where(first, problem.floor, values),
        ceiling=np.where(first, problem.ceiling, values),
    )
    return settle(against, values, rng)


def solve_age(rng: np.random.Generator) -> Numbers:
    """Ages (n,) of both groups, patency first; an upper limit of 70 and an SD of 15 make them lean to the old."""
    spec = targets()["between"]["age"]
    problem = _between_problem(["age"], lambda v: v.astype(float), np.array([[s] for s in (1, -1, 4, -4)]))

    def start() -> Steps:
        shapes = [standardised(-rng.beta(1.2, 2.0, size=group_size(group))) for group in GROUPS]
        parts = [float(m) + float(s) * z for m, s, z in zip(spec["mean"], spec["sd"], shapes, strict=True)]
        return np.rint(np.concatenate(parts)).astype(np.int64)[:, None]

    return _settled_in_turn(problem, start, rng)[:, 0].astype(float)


def _height_weight_bmi(values: Steps) -> Numbers:
    height, weight = values[:, 0] * UNIT, values[:, 1] * UNIT
    return np.stack([height, weight, body_mass_index(height, weight)], axis=-1)


def solve_body(rng: np.random.Generator) -> Numbers:
    """Heights, weights and BMIs (n, 3) of both groups, patency first."""
    ways = [way for s in (1, 2, 5, 15) for way in ((s, 0), (-s, 0), (0, s), (0, -s))]
    problem = _between_problem(["height_cm", "weight_kg", "bmi"], _height_weight_bmi, np.array(ways))
    for _ in range(ATTEMPTS):
        body = _height_weight_bmi(_settled_in_turn(problem, lambda: _body_start(rng), rng))
        if on_the_chart(body[:, 2]):
            return body
    raise SearchFailedError("height, weight and BMI: every body found has a BMI that the chart refuses")


def on_the_chart(bmi: Numbers) -> bool:
    """Whether every BMI is one that the data dictionary accepts."""
    spec = targets()["between"]["bmi"]
    return bool(((bmi >= spec["low"]) & (bmi <= spec["high"])).all())


def _body_start(rng: np.random.Generator) -> Steps:
    parts = [_aimed_body(targets()["between_aim"][group], group_size(group), rng) for group in GROUPS]
    return np.rint(np.concatenate(parts) / UNIT).astype(np.int64)


def _aimed_body(aim: dict[str, list[float]], size: int, rng: np.random.Generator) -> Numbers:
    """Heights and weights (n, 2) whose means and SDs, and those of their BMIs, are exactly the ones aimed at."""
    goal = np.array([*aim["height_cm"], *aim["weight_kg"], *aim["bmi"]])
    height = goal[0] + goal[1] * bell(rng, size)
    weight = (goal[4] + goal[5] * bell(rng, size)) * (height / 100) ** 2
    body = np.stack([height, weight], axis=1)
    for _ in range(40):
        found, slope = _body_moments(body)
        step = (np.linalg.pinv(slope) @ (goal - found)).reshape(body.shape)
        body = body + step * min(1.0, 2.0 / np.abs(step).max(initial=1e-9))
    return body


def _body_moments(body: Numbers) -> tuple[Numbers, Numbers]:
    """Mean and SD of height, weight and BMI (6,), and their derivatives by every height and weight (6, 2n)."""
    height, weight = body.T
    bmi = weight / (height / 100) ** 2
    none = np.zeros_like(height)
    ways = [(height, none + 1, none), (weight, none, none + 1), (bmi, -2 * bmi / height, 1e4 / height**2)]
    moments = [m for values, *_ in ways for m in (values.mean(), values.std(ddof=1))]
    slopes = []
    for values, by_height, by_weight in ways:
        mean_slope = none + 1 / len(values)
        sd_slope = (values - values.mean()) / ((len(values) - 1) * values.std(ddof=1))
        slopes += [np.stack([s * by_height, s * by_weight], axis=1).ravel() for s in (mean_slope, sd_slope)]
    return np.array(moments), np.array(slopes)
