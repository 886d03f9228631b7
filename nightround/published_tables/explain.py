"""What else a statistic or a P that does not fit could be. Said beside the cell; it acquits nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scipy import stats

from nightround.published_tables.comparison import PrintedComparison
from nightround.published_tables.group_readings import allowed, group_readings
from nightround.published_tables.p_values import Distribution, df_that_fit, normal, t_with
from nightround.published_tables.printed_cells import Reported
from nightround.published_tables.ranges import Range, said
from nightround.published_tables.readings import Reading, fit
from nightround.published_tables.visit_readings import pairs_of
from nightround.statistics.numbers import rounded


def explanations(comparison: PrintedComparison, reading: Reading) -> Iterator[str]:
    """Each thing that would make the printed statistic and P agree."""
    statistic, p = comparison.statistic, comparison.p
    if comparison.design == "visits":
        yield from _as_independent(comparison)
    if p is None:
        return
    if comparison.kind == "count":
        yield from _other_test_of_counts(comparison, p)
    if statistic is not None and reading.distribution is not None and not fit(reading, statistic, p).pair:
        yield from _other_df(comparison, reading.distribution, statistic, p)
        yield from _statistic_of_p(reading.distribution, statistic, p)


def _as_independent(comparison: PrintedComparison) -> Iterator[str]:
    """The two visits compared as if they were two groups of different patients."""
    as_groups = replace(comparison, design="groups", symbols=comparison.symbols or frozenset({"t", "z"}))
    for one in group_readings(as_groups):
        if one.weak or (one.family == "z" and one.values is None):
            continue
        if fit(one, comparison.statistic, comparison.p).whole:
            exact = _exactly_pooled(comparison) or one.distribution
            of = f", {exact.words}" if exact and exact.family != "z" else ""
            yield f"it is what a test of two independent samples gives ({one.test}{of}), and the two visits are paired"
            return


def _exactly_pooled(comparison: PrintedComparison) -> Distribution | None:
    sizes = [comparison.n(place) or 0 for place in range(len(comparison.sizes))]
    pooled = t_with(sum(sizes) - 2) if comparison.kind != "count" else None
    return pooled if pooled and fit(Reading("", pooled), comparison.statistic, comparison.p).pair else None


def _other_test_of_counts(comparison: PrintedComparison, p: Reported) -> Iterator[str]:
    if comparison.design == "visits":
        return
    for one in group_readings(comparison):
        if (one.distribution is None or one.test.startswith("Yates")) and fit(one, None, p).direct:
            yield f"{p.cell.text} is the P of {one.test} on the same counts"
            return


def _other_df(
    comparison: PrintedComparison, distribution: Distribution, statistic: Reported, p: Reported
) -> Iterator[str]:
    """The degrees of freedom, and so the patients, that the printed P needs."""
    if distribution.family not in ("t", "chi2"):
        return
    found = df_that_fit(distribution.family, statistic.range.magnitude, p.range)
    if not found:
        yield f"{p.cell.text} fits no number of degrees of freedom"
        return
    span = f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"
    yield f"{p.cell.text} needs {span} df{_as_pairs(comparison, distribution, found)}"
    if distribution.family == "t" and allowed(comparison, "z") and normal().p(statistic.range).meets(p.range):
        yield f"{p.cell.text} is the P of a normal Z"


def _as_pairs(comparison: PrintedComparison, distribution: Distribution, found: list[int]) -> str:
    pairs = pairs_of(comparison) if comparison.design == "visits" and distribution.family == "t" else None
    if pairs is None:
        return ""
    if found[0] + 1 > pairs.stop - 1:
        return f", more than {pairs.stop - 1} pairs can have"
    span = f"{found[0] + 1}" if len(found) == 1 else f"{found[0] + 1} to {found[-1] + 1}"
    return f": {span} pairs where {pairs.stop - 1} are stated"


def _statistic_of_p(distribution: Distribution, statistic: Reported, p: Reported) -> Iterator[str]:
    """The statistic that the printed P belongs to."""
    low, high = (max(end, 1e-12) for end in p.range)
    if distribution.family == "f" or low >= 1 or p.cell.text.strip()[:1] in "<>≤≥":
        return
    df = distribution.df.high
    ends = [
        float(stats.chi2.isf(end, df) if distribution.family == "chi2" else _isf(end / 2, df)) for end in (high, low)
    ]
    yield f"{p.cell.text} would belong to {said(Range(*ends), statistic.decimals)}"


def _isf(tail: float, df: float) -> float:
    return float(stats.norm.isf(tail) if df == float("inf") else stats.t.isf(tail, df))


def p_said(found: Range, decimals: int) -> str:
    """A P in words, as it would be printed."""
    if found.high < 10**-decimals:
        return f"<{rounded(10**-decimals, decimals)}"
    return said(Range(max(0.0, found.low), min(1.0, found.high)), decimals)


def p_equation(found: Range, decimals: int) -> str:
    """The same as it stands in a sentence: P=0.031 or P<0.001."""
    text = p_said(found, decimals)
    return f"P{text}" if text.startswith("<") else f"P={text}"


def sides_of_level(found: Range, p: Range, level: float = 0.05) -> bool:
    """Whether the recomputed and the printed P lie on different sides of 5%."""
    return (found.high < level < p.low) or (p.high < level < found.low)
