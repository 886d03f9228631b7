"""Which tests can be behind a comparison of two visits of the same patients.

Printed are the counts at each visit, not who moved. Every way in which the patients can have moved is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from nightround.published_tables.comparison import PrintedComparison
from nightround.published_tables.count_totals import tables_of
from nightround.published_tables.group_readings import allowed
from nightround.published_tables.measured import paired_t
from nightround.published_tables.p_values import chi2_with, normal, t_with
from nightround.published_tables.printed_cells import MeanSd
from nightround.published_tables.ranges import Range, point
from nightround.published_tables.readings import Reading
from nightround.statistics.categorical import Counts
from nightround.statistics.estimates import HypothesisTest, NotEstimable, require
from nightround.statistics.numbers import Numbers
from nightround.statistics.paired import turnover, within
from nightround.study.methods import HypothesisTestName as Name
from nightround.study.methods import Reason

MOST_MOVES = 20_000
"""Ways to move that are tried; where there are more, the statistic is not compared with the counts."""
MOST_DISTINCT = 3_000

Moves = NDArray[np.int64]
"""Every table of levels before (down) by levels after (across) with the printed margins."""


def pairs_of(comparison: PrintedComparison) -> range | None:
    """How many pairs there can be: all patients, or fewer where a visit's cell says that values are missing."""
    sizes = [comparison.n(place) for place in range(len(comparison.sizes))]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) or min(known) < 2:  # noqa: PLR2004 - a test needs two pairs
        return None
    everybody = max([*known, *(size for size in comparison.sizes if size is not None)])
    return range(max(2, sum(known) - everybody), min(known) + 1)


def complete(comparison: PrintedComparison) -> bool:
    """Whether every patient has both visits."""
    pairs = pairs_of(comparison)
    return pairs is not None and len(pairs) == 1 and all(size in (None, pairs.start) for size in comparison.sizes)


def visit_readings(comparison: PrintedComparison) -> Iterator[Reading]:
    """The readings of two visits, the likeliest first; of three or more none."""
    if len(comparison.sizes) != 2:  # noqa: PLR2004 - before and after
        return
    if comparison.kind == "count":
        yield from _counted(comparison)
        return
    pairs = pairs_of(comparison)
    measured = [one for one in comparison.contents if isinstance(one, MeanSd)]
    if comparison.kind == "mean" and pairs and complete(comparison) and len(measured) == 2:  # noqa: PLR2004
        found = paired_t(measured[0], measured[1], pairs.start)
        yield Reading("paired_t", found.distribution, (found.value,))
    elif comparison.kind == "mean" or allowed(comparison, "t"):
        df = Range(pairs.start - 1.0, pairs.stop - 2.0) if pairs else Range(1.0, np.inf)
        yield Reading("paired_t", t_with(df), weak=pairs is None)
    if comparison.kind == "median" or allowed(comparison, "z"):
        yield Reading("wilcoxon", normal())


def _counted(comparison: PrintedComparison) -> Iterator[Reading]:
    """The paired tests of levels. Where their moves are too many, only P is compared with the statistic."""
    tables = tables_of(comparison)
    whole = all(_whole(table, comparison) for table in tables)
    moves = [_moves(table) if whole else None for table in tables]
    if not tables or any(one is None for one in moves):
        yield Reading("wilcoxon", normal())
        yield from (Reading("mcnemar_or_homogeneity", chi2_with(df)) for df in _homogeneity_df(comparison))
        return
    every = [one for one in moves if one is not None]
    differences = _distinct_differences(every)
    for code, test in _RANKED:
        yield _reading_of(code, test, differences)
    for code, name in _TURNOVER if every[0].shape[1] == 2 else _TURNOVER[-1:]:  # noqa: PLR2004 - two levels
        yield from _turnover_reading(code, name, every)
    for code, name in _EXACT:
        yield Reading(code, exact=tuple(point(p) for p in _p_values(name, differences)))


def _whole(table: Counts, comparison: PrintedComparison) -> bool:
    """Whether everybody the column states is counted: else the pairs are fewer than the counts."""
    return all(size in (None, total) for size, total in zip(comparison.sizes, table.sum(axis=0), strict=True))


def _homogeneity_df(comparison: PrintedComparison) -> Iterator[int]:
    levels = len(comparison.lines) if len(comparison.lines) > 1 else 2
    yield from range(1, levels)


def _moves(table: Counts) -> Moves | None:
    """All square tables whose margins are the two columns; None where the visits differ in number or are too many."""
    before, after = table[:, 0], table[:, 1]
    if before.sum() != after.sum():
        return None
    found: list[list[NDArray[np.int64]]] = [[]]
    for size in before[:-1]:
        every = ([*rows, np.array(row)] for rows in found for row in _spread(int(size), _left(after, rows)))
        longer = list(islice(every, MOST_MOVES + 1))
        if len(longer) > MOST_MOVES:
            return None
        found = longer
    return np.array([[*rows, _left(after, rows)] for rows in found], dtype=np.int64)


def _left(after: NDArray[np.int64], rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.asarray(after - np.sum(rows, axis=0, dtype=np.int64) if rows else after)


def _spread(total: int, room: NDArray[np.int64]) -> Iterator[tuple[int, ...]]:
    """Every way to spread a number over cells of limited room."""
    if len(room) == 1:
        if total <= room[0]:
            yield (total,)
        return
    rest = int(room[1:].sum())
    for here in range(max(0, total - rest), min(total, int(room[0])) + 1):
        for others in _spread(total - here, room[1:]):
            yield (here, *others)


def _distinct_differences(every: Sequence[Moves]) -> list[Numbers]:
    """The differences in level of all patients, once for every distinct way; at most MOST_DISTINCT."""
    found: list[Numbers] = []
    for moves in every:
        size = moves.shape[1]
        steps = np.subtract.outer(np.arange(size), np.arange(size)).T
        profiles = np.stack([moves[:, steps == step].sum(axis=1) for step in range(1 - size, size)], axis=1)
        values = np.arange(1 - size, size, dtype=np.float64)
        found += [np.repeat(values, profile) for profile in np.unique(profiles, axis=0)]
    return found[:MOST_DISTINCT] if len(found) <= MOST_DISTINCT else []


def _reading_of(code: str, test: Callable[[Numbers], float], differences: Sequence[Numbers]) -> Reading:
    values = []
    for one in differences:
        try:
            values.append(point(abs(test(one))))
        except NotEstimable:
            continue
    return Reading(code, normal(), tuple(values) if differences else None)


def _named(name: Name) -> Callable[[Numbers], float]:
    return lambda difference: _value(within(name, np.zeros(len(difference)), difference))


def _value(tested: HypothesisTest) -> float:
    return tested.value or 0.0


def _marginal_z(difference: Numbers) -> float:
    """SPSS's standardised marginal homogeneity statistic: the sum of differences over the root of their squares."""
    require(bool(difference.any()), Reason.NO_CHANGE)
    return float(difference.sum() / sqrt(float((difference**2).sum())))


def _sign_z(correction: float) -> Callable[[Numbers], float]:
    """The normal form of the sign test; SPSS corrects it for continuity."""

    def compute(difference: Numbers) -> float:
        up, down = int((difference > 0).sum()), int((difference < 0).sum())
        require(up + down > 0, Reason.NO_CHANGE)
        return max(0.0, abs(up - down) - correction) / sqrt(up + down)

    return compute


def _turnover_reading(code: str, name: Name, every: Sequence[Moves]) -> Iterator[Reading]:
    by_df: dict[float, list[Range]] = {}
    for table in (table for moves in every for table in _distinct_turnover(moves)):
        try:
            tested = turnover(name, table)
        except NotEstimable:
            continue
        by_df.setdefault(tested.df or 1.0, []).append(point(_value(tested)))
    for df, values in by_df.items():
        yield Reading(code, chi2_with(df), tuple(values))


def _distinct_turnover(moves: Moves) -> Moves:
    """The tables once for every number that left or entered between two levels: with fixed margins no more counts."""
    size = moves.shape[1]
    pairs = (moves + moves.transpose(0, 2, 1))[:, *np.triu_indices(size)]
    _, first = np.unique(pairs, axis=0, return_index=True)
    return moves[first]


def _p_values(name: Name, differences: Sequence[Numbers]) -> Iterator[float]:
    for one in differences:
        try:
            yield within(name, np.zeros(len(one)), one).p
        except NotEstimable:
            continue


_RANKED: tuple[tuple[str, Callable[[Numbers], float]], ...] = (
    ("wilcoxon", _named(Name.WILCOXON)),
    ("wilcoxon_corrected", _named(Name.WILCOXON_CORRECTED)),
    ("wilcoxon_pratt", _named(Name.WILCOXON_PRATT)),
    ("homogeneity", _marginal_z),
    ("sign", _sign_z(0.0)),
    ("sign_corrected", _sign_z(1.0)),
)
_TURNOVER: tuple[tuple[str, Name], ...] = (
    ("mcnemar", Name.MCNEMAR),
    ("mcnemar_corrected", Name.MCNEMAR_CORRECTED),
    ("homogeneity", Name.MARGINAL_HOMOGENEITY),
)
_EXACT: tuple[tuple[str, Name], ...] = (
    ("sign_or_mcnemar_exact", Name.SIGN),
    ("wilcoxon_exact", Name.WILCOXON_EXACT),
)
