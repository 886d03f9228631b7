"""Which tests can be behind a comparison of groups of different patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log, pi, sqrt

import numpy as np
from scipy import special, stats

from nightround.published_tables.comparison import PrintedComparison
from nightround.published_tables.count_totals import tables_of
from nightround.published_tables.measured import MOST_GROUPS, Computed, anova_f, pooled_t, welch_f, welch_t
from nightround.published_tables.p_values import Distribution, Family, chi2_with, normal, t_with
from nightround.published_tables.printed_cells import MeanSd
from nightround.published_tables.ranges import Range, point
from nightround.published_tables.readings import Reading
from nightround.statistics.categorical import Counts, association
from nightround.statistics.compare import between
from nightround.statistics.estimates import HypothesisTest, NotEstimable, require
from nightround.statistics.exact_tables import MONTE_CARLO_TABLES, fisher_freeman_halton
from nightround.study.methods import HypothesisTestName as Name
from nightround.study.methods import Reason

LARGEST_RANKED = 200_000
LARGEST_EXACT = 20_000
LARGEST_EXACT_RANKED = 120
SAMPLED_TABLES = 10_000
"""Statistics programs sample so many tables by default; four standard errors of it are allowed."""


def allowed(comparison: PrintedComparison, family: Family) -> bool:
    """Whether the header lets a statistic of this family are there."""
    return not comparison.symbols or bool({family, *(("h",) if family == "chi2" else ())} & comparison.symbols)


def sizes_of(comparison: PrintedComparison) -> list[int] | None:
    """The n of every column, or None where one is not known or too small for a test."""
    sizes = [comparison.n(place) for place in range(len(comparison.sizes))]
    found = [size for size in sizes if size is not None and size > 1]
    return found if len(found) == len(sizes) else None


def group_readings(comparison: PrintedComparison) -> Iterator[Reading]:
    """The readings of a comparison of groups, the likeliest first; of a single column there are none."""
    if len(comparison.sizes) < 2:  # noqa: PLR2004 - nothing to compare
        return
    if comparison.kind == "count":
        yield from count_readings(tables_of(comparison))
        return
    sizes = sizes_of(comparison)
    if len(comparison.sizes) == 2:  # noqa: PLR2004 - two groups
        yield from _two_groups(comparison, sizes)
    elif sizes is not None:
        yield from _several_groups(comparison, sizes)


def _two_groups(comparison: PrintedComparison, sizes: list[int] | None) -> Iterator[Reading]:
    measured = [one for one in comparison.contents if isinstance(one, MeanSd)]
    if comparison.kind == "median" or (allowed(comparison, "z") and "z" in comparison.symbols):
        yield Reading("rank", normal())
    if comparison.kind == "median" and allowed(comparison, "chi2"):
        yield Reading("kruskal_wallis", chi2_with(1))
    if comparison.kind == "mean" and sizes and len(measured) == 2:  # noqa: PLR2004 - two groups
        for test, compute in (("t", pooled_t), ("welch_t", welch_t)):
            found = compute(measured[0], measured[1], sizes[0], sizes[1])
            yield Reading(test, found.distribution, (found.value,))
            if allowed(comparison, "f"):
                yield _squared(found)
        if not comparison.symbols:
            yield Reading("rank", normal())
    elif comparison.kind == "mean" or allowed(comparison, "t"):
        df = Range(min(sizes) - 1.0, sum(sizes) - 2.0) if sizes else Range(1.0, np.inf)
        yield Reading("t", t_with(df), weak=sizes is None)


def _squared(found: Computed) -> Reading:
    """The F of two groups is the square of their t."""
    squared = Distribution("f", Range(1.0, 1.0), found.distribution.df)
    return Reading("anova", squared, (Range(found.value.low**2, found.value.high**2),))


def _several_groups(comparison: PrintedComparison, sizes: list[int]) -> Iterator[Reading]:
    measured = [one for one in comparison.contents if isinstance(one, MeanSd)]
    k = len(sizes)
    if comparison.kind == "mean" and len(measured) == k <= MOST_GROUPS:
        found = anova_f(measured, sizes)
        yield Reading("anova", found.distribution, (found.value,))
        welch = welch_f(measured, sizes)
        if welch is not None:
            yield Reading("welch_anova", welch.distribution, (welch.value,))
    elif allowed(comparison, "f"):
        withins = Range(min(sizes) - 1.0, float(sum(sizes) - k))
        yield Reading("anova", Distribution("f", Range(k - 1.0, k - 1.0), withins))
    if comparison.kind == "median" or allowed(comparison, "chi2"):
        yield Reading("kruskal_wallis", chi2_with(k - 1))


def count_readings(tables: Sequence[Counts]) -> Iterator[Reading]:
    """The tests of a table of counts; each of the tables is one that fits what is printed."""
    used = [table[table.sum(axis=1) > 0] for table in tables]
    if not used or any(len(table) < 2 or table.sum(axis=0).min() < 2 for table in used):  # noqa: PLR2004 - no test
        return
    for code, compute in _COUNT_TESTS:
        yield from _reading_of(code, compute, used)
    yield from exact_readings(used)


def exact_readings(tables: Sequence[Counts]) -> Iterator[Reading]:
    """Fisher's P, and the statistic that SPSS prints next to it for larger tables; of very many patients neither."""
    if all(table.shape == (2, 2) for table in tables):
        yield Reading("fisher", exact=tuple(point(association(Name.FISHER, one).p) for one in tables))
        return
    if max(int(table.sum()) for table in tables) > LARGEST_EXACT:
        yield Reading("fisher")
        return
    found = [_exact(table) for table in tables]
    yield Reading("fisher", exact=tuple(found))
    values = tuple(point(_spss_statistic(table)) for table in tables)
    yield Reading("fisher", values=values, exact=tuple(found))
    if tables[0].shape[1] == 2 and max(int(table.sum()) for table in tables) <= LARGEST_EXACT_RANKED:  # noqa: PLR2004
        ranked = (between(Name.MANN_WHITNEY_EXACT, ranks_of(table)) for table in tables)
        yield Reading("mann_whitney_exact", exact=tuple(point(one.p) for one in ranked))


def _exact(table: Counts) -> Range:
    p, sampled = fisher_freeman_halton(table)
    error = 4 * sqrt(p * (1 - p) / min(SAMPLED_TABLES, MONTE_CARLO_TABLES)) if sampled else 0.0
    return Range(max(0.0, point(p).low - error), point(p).high + error)


def _spss_statistic(table: Counts) -> float:
    """-2 ln(gamma p) of the observed table (IBM SPSS Exact Tests, chapter 9, after Freeman and Halton)."""
    rows, columns = (table.sum(axis=axis).astype(float) for axis in (1, 0))
    n, (r, c) = float(table.sum()), table.shape
    log_gamma = (r - 1) * (c - 1) / 2 * log(2 * pi) - (r * c - 1) / 2 * log(n)
    log_gamma += (c - 1) / 2 * float(np.log(rows).sum()) + (r - 1) / 2 * float(np.log(columns).sum())
    margins = float(special.gammaln(rows + 1).sum() + special.gammaln(columns + 1).sum())
    log_p = margins - float(special.gammaln(n + 1)) - float(special.gammaln(table + 1).sum())
    return float(-2 * (log_gamma + log_p))


def _reading_of(code: str, compute: Callable[[Counts], Computed], tables: Sequence[Counts]) -> Iterator[Reading]:
    try:
        found = [compute(table) for table in tables]
    except NotEstimable:
        return
    yield Reading(code, found[0].distribution, tuple(one.value for one in found))


def ranks_of(table: Counts) -> list[np.ndarray]:
    """Each column's patients by the number of their level."""
    return [np.repeat(np.arange(len(table), dtype=np.float64), table[:, group]) for group in range(table.shape[1])]


def _computed(tested: HypothesisTest) -> Computed:
    value = abs(tested.value or 0.0)
    return Computed(point(value), chi2_with(tested.df) if tested.df else normal())


def _named(name: Name) -> Callable[[Counts], Computed]:
    return lambda table: _computed(association(name, table))


def _ranked(name: Name) -> Callable[[Counts], Computed]:
    def compute(table: Counts) -> Computed:
        require(int(table.sum()) <= LARGEST_RANKED, Reason.TOO_LARGE)
        return _computed(between(name, ranks_of(table)))

    return compute


def _likelihood_ratio(table: Counts) -> Computed:
    found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    return Computed(point(float(found.statistic)), chi2_with(float(found.dof)))


def _linear(table: Counts) -> Computed:
    """Linear by linear association: (N - 1) r squared of the numbers of level and group (Mantel 1963)."""
    levels, groups = np.indices(table.shape)
    weights = table.ravel()
    cov = np.cov(levels.ravel(), groups.ravel(), fweights=weights)
    require(bool(cov[0, 0] * cov[1, 1] > 0), Reason.NO_VARIANCE)
    return Computed(point(float((weights.sum() - 1) * cov[0, 1] ** 2 / (cov[0, 0] * cov[1, 1]))), chi2_with(1))


def _root(name: Name) -> Callable[[Counts], Computed]:
    """The Z of two proportions is the root of chi-square."""
    return lambda table: Computed(point(sqrt(association(name, table).value or 0.0)), _only_2x2(table))


def _only_2x2(table: Counts) -> Distribution:
    require(table.shape == (2, 2), Reason.NOT_TWO_LEVELS)
    return normal()


def _unpooled(table: Counts) -> Computed:
    """The Z of two proportions with the errors of each."""
    distribution = _only_2x2(table)
    n = table.sum(axis=0)
    share = table[0] / n
    require(bool((share * (1 - share)).any()), Reason.NO_VARIANCE)
    return Computed(point(abs(share[0] - share[1]) / sqrt(float((share * (1 - share) / n).sum()))), distribution)


_COUNT_TESTS: tuple[tuple[str, Callable[[Counts], Computed]], ...] = (
    ("pearson", _named(Name.PEARSON)),
    ("yates", _named(Name.YATES)),
    ("mann_whitney", _ranked(Name.MANN_WHITNEY)),
    ("mann_whitney_corrected", _ranked(Name.MANN_WHITNEY_CORRECTED)),
    ("kruskal_wallis", _ranked(Name.KRUSKAL_WALLIS)),
    ("likelihood_ratio", _likelihood_ratio),
    ("linear_trend", _linear),
    ("trend", _named(Name.TREND)),
    ("two_proportions", _root(Name.PEARSON)),
    ("two_proportions_corrected", _root(Name.YATES)),
    ("two_proportions_unpooled", _unpooled),
)
