"""What else a statistic or a P that does not fit could be. Said next to the cell; it acquits nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scipy import stats

from nightround.published_tables.audit_remarks import because
from nightround.published_tables.comparison import PrintedComparison
from nightround.published_tables.group_readings import allowed, group_readings
from nightround.published_tables.p_values import Distribution, df_that_fit, normal, t_with
from nightround.published_tables.printed_cells import Reported
from nightround.published_tables.ranges import Range, exactly, said
from nightround.published_tables.readings import Reading, fit
from nightround.published_tables.visit_readings import pairs_of
from nightround.statistics.numbers import rounded
from redcap_sync.messages import Message


def explanations(comparison: PrintedComparison, reading: Reading) -> Iterator[Message]:
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


def _as_independent(comparison: PrintedComparison) -> Iterator[Message]:
    """The two visits compared as if they were two groups of different patients."""
    as_groups = replace(comparison, design="groups", symbols=comparison.symbols or frozenset({"t", "z"}))
    for one in group_readings(as_groups):
        if one.weak or (one.family == "z" and one.values is None):
            continue
        if fit(one, comparison.statistic, comparison.p).whole:
            exact = _exactly_pooled(comparison) or one.distribution
            if exact and exact.family != "z":
                yield because("independent_with", test=one.name, distribution=exact.words)
            else:
                yield because("independent", test=one.name)
            return


def _exactly_pooled(comparison: PrintedComparison) -> Distribution | None:
    sizes = [comparison.n(place) or 0 for place in range(len(comparison.sizes))]
    pooled = t_with(sum(sizes) - 2) if comparison.kind != "count" else None
    return pooled if pooled and fit(Reading("", pooled), comparison.statistic, comparison.p).pair else None


def _other_test_of_counts(comparison: PrintedComparison, p: Reported) -> Iterator[Message]:
    if comparison.design == "visits":
        return
    for one in group_readings(comparison):
        if (one.distribution is None or one.test == "yates") and fit(one, None, p).direct:
            yield because("p_of_test", p=p.cell.text, test=one.name)
            return


def _other_df(
    comparison: PrintedComparison, distribution: Distribution, statistic: Reported, p: Reported
) -> Iterator[Message]:
    """The degrees of freedom, and so the patients, that the printed P needs."""
    if distribution.family not in ("t", "chi2"):
        return
    found = df_that_fit(distribution.family, statistic.range.magnitude, p.range)
    if not found:
        yield because("no_df", p=p.cell.text)
        return
    yield _needed_df(comparison, distribution, found, p.cell.text)
    if distribution.family == "t" and allowed(comparison, "z") and normal().p(statistic.range).meets(p.range):
        yield because("p_of_normal", p=p.cell.text)


def _needed_df(comparison: PrintedComparison, distribution: Distribution, found: list[int], p: str) -> Message:
    df = said(Range(found[0], found[-1]), 0)
    pairs = pairs_of(comparison) if comparison.design == "visits" and distribution.family == "t" else None
    if pairs is None:
        return because("needs_df", p=p, df=df)
    most = pairs.stop - 1
    if found[0] + 1 > most:
        return because("needs_df_too_many", p=p, df=df, most=most)
    return because("needs_df_pairs", p=p, df=df, pairs=said(Range(found[0] + 1, found[-1] + 1), 0), most=most)


def _statistic_of_p(distribution: Distribution, statistic: Reported, p: Reported) -> Iterator[Message]:
    """The statistic that the printed P belongs to."""
    low, high = (max(end, 1e-12) for end in p.range)
    if distribution.family == "f" or low >= 1 or p.cell.text.strip()[:1] in "<>≤≥":
        return
    df = distribution.df.high
    ends = [
        float(stats.chi2.isf(end, df) if distribution.family == "chi2" else _isf(end / 2, df)) for end in (high, low)
    ]
    yield because("p_belongs", p=p.cell.text, value=said(Range(*ends), statistic.decimals))


def _isf(tail: float, df: float) -> float:
    return float(stats.norm.isf(tail) if df == float("inf") else stats.t.isf(tail, df))


def p_said(found: Range, decimals: int) -> Message:
    """A P in words, as it would be printed."""
    if _is_tiny(found, decimals):
        return exactly(f"<{rounded(10**-decimals, decimals)}")
    return said(Range(max(0.0, found.low), min(1.0, found.high)), decimals)


def p_equation(found: Range, decimals: int) -> Message:
    """The same as it is written in a sentence: P=0.031 or P<0.001."""
    kind = "p_below" if _is_tiny(found, decimals) else "p_is"
    return Message.of(f"audit.number.{kind}", p=p_said(found, decimals))


def _is_tiny(found: Range, decimals: int) -> bool:
    return bool(found.high < 10**-decimals)


def sides_of_level(found: Range, p: Range, level: float = 0.05) -> bool:
    """Whether the recomputed and the printed P lie on different sides of 5%."""
    return (found.high < level < p.low) or (p.high < level < found.low)


def p_of_statistic(distribution: Distribution, statistic: str, p: Message, *, other_side: bool) -> Message:
    """The P of a printed statistic, and whether it is on the other side of 5% than the printed one."""
    code = "distribution_has_other_side" if other_side else "distribution_has"
    return because(code, distribution=distribution.words, value=statistic, p=p)
