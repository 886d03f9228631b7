"""Rows that say the same: groups of them that are equal in some columns and near one another in others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.model.rule import Between

Positions = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.int64]
MANY = -1
"""Stands for several records."""
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
    roots = _joined(buckets, near, records, between) if near else buckets
    together = pd.DataFrame({"root": roots, "record": records}).groupby("root", sort=False)
    large = (together["record"].transform("nunique" if between == "records" else "size") > 1).to_numpy(dtype=bool)
    rows = np.flatnonzero(large)
    together_again = pd.Series(roots[rows]).groupby(roots[rows], sort=False).indices
    return [np.array(rows[found], dtype=np.int64) for found in together_again.values()]


def _buckets(equal: Sequence[npt.NDArray[Any]], length: int) -> Numbers:
    """A number for each row, the same for rows that agree in every column."""
    if not equal:
        return np.zeros(length, dtype=np.int64)
    columns = pd.DataFrame(dict(enumerate(equal)))
    return np.array(columns.groupby(list(columns), sort=False).ngroup(), dtype=np.int64)


def _joined(buckets: Numbers, near: Sequence[Near], records: Numbers, between: Between) -> Numbers:
    """A number for each row, the same for rows that hang together. Rows of equal values are looked at once."""
    points = pd.DataFrame(
        {"bucket": buckets, "record": records, **{str(n): one.measured for n, one in enumerate(near)}}
    )
    of_row = _buckets([buckets, *(one.measured for one in near)], len(records))
    apart = points.groupby(of_row)["record"]
    own = (
        np.where(apart.min() == apart.max(), apart.first(), MANY)
        if between == "records"
        else np.full(apart.ngroups, MANY)
    )
    first = points.groupby(of_row).first()
    measured = [Near(first[str(n)].to_numpy(), one.largest) for n, one in enumerate(near)]
    roots: Numbers = np.arange(len(first), dtype=np.int64)
    for one, other in _pairs(first["bucket"].to_numpy(), measured, own):
        roots[_root(roots, other)] = _root(roots, one)
    joined = np.array([_root(roots, point) for point in range(len(roots))], dtype=np.int64)
    return joined[of_row]


def _pairs(buckets: Numbers, near: Sequence[Near], own: Numbers) -> Iterator[tuple[int, int]]:
    """Every pair of points that are alike: each with those that follow it, until they are too far.

    Two points of one and the same record, which is their `own`, are none.
    """
    order = np.lexsort((near[0].measured, buckets))
    for step in range(1, len(order)):
        first, second = order[:-step], order[step:]
        close = (buckets[first] == buckets[second]) & _within(near[0], first, second)
        if not close.any():
            return
        for one in near[1:]:
            close &= _within(one, first, second)
        close &= (own[first] != own[second]) | (own[first] == MANY)
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
