"""Rows that say the same: groups of them that are equal in some columns and near one another in others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.model.rule import Between

Positions = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.int64]
ROUNDING = 1e-9
"""Relative difference below which a distance is no larger than the largest one allowed."""


class Near(NamedTuple):
    """A measured column, and how far apart two values may be."""

    measured: npt.NDArray[np.float64]
    largest: float


def alike_rows(
    equal: Sequence[Numbers], near: Sequence[Near], records: Numbers, between: Between
) -> list[npt.NDArray[np.int64]]:
    """The groups of rows, in the order of their first rows, each in order.

    Two rows are alike where they agree in every column of `equal`, and are no further apart than allowed in each of
    `near`. A group is what hangs together by such pairs, directly or through others.
    """
    agreeing = [*equal, records] if between == "rows_of_a_record" else list(equal)
    buckets = _buckets(agreeing, len(records))
    roots: Numbers = np.arange(len(records), dtype=np.int64)
    if near:
        for first, second in _pairs(buckets, near, records, between):
            roots[_root(roots, second)] = _root(roots, first)
        roots = np.array([_root(roots, row) for row in range(len(roots))], dtype=np.int64)
    else:
        roots = buckets
    together = pd.DataFrame({"root": roots, "record": records}).groupby("root", sort=False)
    large = (together["record"].transform("nunique" if between == "records" else "size") > 1).to_numpy(dtype=bool)
    rows = np.flatnonzero(large)
    together_again = pd.Series(roots[rows]).groupby(roots[rows], sort=False).indices
    return [np.array(rows[found], dtype=np.int64) for found in together_again.values()]


def _buckets(equal: Sequence[Numbers], length: int) -> Numbers:
    """A number for each row, the same for rows that agree in every column."""
    if not equal:
        return np.zeros(length, dtype=np.int64)
    columns = pd.DataFrame(dict(enumerate(equal)))
    return np.array(columns.groupby(list(columns), sort=False).ngroup(), dtype=np.int64)


def _pairs(buckets: Numbers, near: Sequence[Near], records: Numbers, between: Between) -> Iterator[tuple[int, int]]:
    """Every pair of rows that are alike: each row with those that follow it, until they are too far."""
    order = np.lexsort((near[0].measured, buckets))
    for step in range(1, len(order)):
        first, second = order[:-step], order[step:]
        close = (buckets[first] == buckets[second]) & _within(near[0], first, second)
        if not close.any():
            return
        for one in near[1:]:
            close &= _within(one, first, second)
        if between == "records":
            close &= records[first] != records[second]
        yield from zip(first[close].tolist(), second[close].tolist(), strict=True)


def _within(near: Near, first: Positions, second: Positions) -> npt.NDArray[np.bool_]:
    apart = np.abs(near.measured[first] - near.measured[second])
    found: npt.NDArray[np.bool_] = apart <= near.largest * (1 + ROUNDING)
    return found


def _root(roots: Numbers, row: int) -> int:
    while roots[row] != row:
        roots[row] = roots[roots[row]]
        row = int(roots[row])
    return row
