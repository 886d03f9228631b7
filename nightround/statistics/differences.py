"""The k-th smallest of all differences between two samples, without listing them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightround.statistics.numbers import Numbers

LISTED = 1 << 14
"""So many differences are listed and sorted; of more, thresholds first cut away those too small and too large."""

Places = NDArray[np.int64]


class _Counted(NamedTuple):
    """The distinct values of a sample, ascending, and how often each is in it."""

    values: Numbers
    counts: Places


class _Threshold(NamedTuple):
    """A value; for each x the first y whose difference does not exceed it; how many differences do not."""

    value: float
    places: Places
    reached: int


def ordered_differences(first: Numbers, second: Numbers, ranks: Sequence[int]) -> tuple[float, ...]:
    """Those of all `first - second` that have these ranks, counted from 1 for the smallest.

    Equal values are taken together. Counting what lies below a threshold takes a binary search for each value
    (Monahan, ACM Trans Math Softw 1984;10:265), so the work grows with n log n. Right to the last bit where at most
    LISTED pairs of distinct values exist, else to the rounding of a single subtraction.
    """
    x, y = (_Counted(*np.unique(sample, return_counts=True)) for sample in (first, second))
    found = {rank: _of_rank(x, y, rank) for rank in set(ranks)}
    return tuple(found[rank] for rank in ranks)


def _of_rank(x: _Counted, y: _Counted, rank: int) -> float:
    below = _Threshold(float(x.values[0] - y.values[-1]), np.full(len(x.values), len(y.values)), 0)
    above = _Threshold(float(x.values[-1] - y.values[0]), np.zeros(len(x.values), dtype=np.int64), _pairs(x, y))
    halved = True
    while int((below.places - above.places).sum()) > LISTED:
        middle = (below.value + above.value) / 2
        if not below.value < middle < above.value:  # neighbours among floats: all that is left are equal
            return above.value
        threshold = _threshold(x, y, _even(below, above, rank) if halved else middle)
        below, above = (below, threshold) if threshold.reached >= rank else (threshold, above)
        halved = not halved
    return _listed(x, y, below, above, rank)


def _pairs(x: _Counted, y: _Counted) -> int:
    return int(x.counts.sum()) * int(y.counts.sum())


def _even(below: _Threshold, above: _Threshold, rank: int) -> float:
    """Where the rank would be if differences lay evenly: near it at once, while halving alone makes it end."""
    share = (rank - 0.5 - below.reached) / (above.reached - below.reached)
    return below.value + (above.value - below.value) * share


def _threshold(x: _Counted, y: _Counted, value: float) -> _Threshold:
    places = np.searchsorted(y.values, x.values - value)
    least = np.concatenate([np.cumsum(y.counts[::-1])[::-1], [0]])
    return _Threshold(value, places, int((x.counts * least[places]).sum()))


def _listed(x: _Counted, y: _Counted, below: _Threshold, above: _Threshold, rank: int) -> float:
    """List the differences between two thresholds and take the one of the rank."""
    lengths = below.places - above.places
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths - above.places, lengths)
    differences = x.values[rows] - y.values[columns]
    order = np.argsort(differences)
    reached = below.reached + np.cumsum((x.counts[rows] * y.counts[columns])[order])
    return float(differences[order[np.searchsorted(reached, rank)]])
