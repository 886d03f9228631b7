"""The exact distribution of a table of counts with fixed margins (Fisher, Freeman and Halton)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

LARGEST_NETWORK = 500_000
"""Nodes times columns that are built before Monte Carlo takes over."""
MONTE_CARLO_TABLES = 100_000
MONTE_CARLO_SEED = 20250101
_SAME = 1e-7
"""Tables as probable as the observed one count as extreme; R's fisher.test uses the same relative tolerance."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def fisher_freeman_halton(counts: Ints) -> tuple[float, bool]:
    """The two-sided P of a table, and whether it was sampled.

    Exact by walking the network of tables a column at a time, joining paths of equal length
    (Mehta and Patel, J Am Stat Assoc 1983;78:427); where that grows too large, by Monte Carlo with a fixed seed.
    """
    table = counts if counts.shape[0] <= counts.shape[1] else counts.T
    threshold = _log_probability(table) + np.log1p(_SAME)
    walked = _walk(table.sum(axis=1), np.sort(table.sum(axis=0))[::-1])
    if walked is None:
        return _monte_carlo(table, threshold), True
    lengths, weights = walked
    probabilities = weights * np.exp(lengths + _constant(table))
    return float(min(1.0, probabilities[lengths + _constant(table) <= threshold].sum())), False


def _constant(table: Ints) -> float:
    """The part of the log probability that all tables with these margins share."""
    margins = special.gammaln(table.sum(axis=0) + 1).sum() + special.gammaln(table.sum(axis=1) + 1).sum()
    return float(margins - special.gammaln(table.sum() + 1))


def _log_probability(table: Ints) -> float:
    return _constant(table) - float(special.gammaln(table + 1).sum())


def _walk(rows: Ints, columns: Ints) -> tuple[Floats, Floats] | None:
    """Path lengths (log probability without the constant) and how many tables share each."""
    nodes, lengths, weights = rows[None, :], np.zeros(1), np.ones(1)
    for column in columns[:-1]:
        choices = _compositions(int(column), rows)
        if len(nodes) * len(choices) > LARGEST_NETWORK * 10:
            return None
        left = nodes[:, None, :] - choices[None, :, :]
        allowed = (left >= 0).all(axis=2)
        step = -special.gammaln(choices + 1).sum(axis=1)
        lengths = (lengths[:, None] + step[None, :])[allowed]
        weights = np.repeat(weights, allowed.sum(axis=1))
        nodes, lengths, weights = _join(left[allowed], lengths, weights)
        if len(nodes) > LARGEST_NETWORK:
            return None
    return lengths - special.gammaln(nodes + 1).sum(axis=1), weights


def _join(nodes: Ints, lengths: Floats, weights: Floats) -> tuple[Ints, Floats, Floats]:
    """Merge paths that reached the same node with the same length."""
    labels = np.column_stack([nodes, np.rint(lengths * 1e9).astype(np.int64)])
    _, first, where = np.unique(labels, axis=0, return_index=True, return_inverse=True)
    summed: Floats = np.bincount(where.ravel(), weights=weights).astype(np.float64)
    return nodes[first], lengths[first], summed


def _compositions(total: int, limits: Ints) -> Ints:
    """Every way to spread a column's total over the rows, none above its row's limit."""
    found = np.zeros((1, 0), dtype=np.int64)
    for limit, room in zip(limits[:-1], np.cumsum(limits[::-1])[::-1][1:], strict=True):
        used = found.sum(axis=1)
        options = np.arange(min(int(limit), total) + 1)
        left = total - used[:, None] - options[None, :]
        row, option = np.nonzero((left >= 0) & (left <= room))
        found = np.column_stack([found[row], options[option]])
    return np.column_stack([found, total - found.sum(axis=1)])


def _monte_carlo(table: Ints, threshold: float) -> float:
    """Share of random tables at most as probable, the observed one counted in (Besag and Clifford 1991)."""
    margins = stats.random_table(table.sum(axis=1), table.sum(axis=0))
    constant = _constant(table)
    extreme = 0
    generator = np.random.default_rng(MONTE_CARLO_SEED)
    for _ in range(10):
        drawn = margins.rvs(size=MONTE_CARLO_TABLES // 10, random_state=generator)
        extreme += int((constant - special.gammaln(drawn + 1).sum(axis=(1, 2)) <= threshold).sum())
    return (extreme + 1) / (MONTE_CARLO_TABLES + 1)
