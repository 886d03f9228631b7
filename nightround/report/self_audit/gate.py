"""The self-audit gate: a report whose numbers contradict themselves, their rows or their snapshot is not released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from scipy import stats

from nightround.model.errors import SelfAuditFailed
from nightround.model.language import LANGUAGES, Language
from nightround.model.result import ResultRow, ResultSet
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.context import ReportContext
from nightround.report.self_audit.audit_page import contradictions_of_page
from nightround.report.self_audit.audit_pdf import contradictions_of_pdf
from nightround.report.self_audit.audit_rows import (
    NOISE,
    Contradiction,
    contradictions_of_rows,
    place_of,
    row_at_same_place,
)
from redcap_sync.messages import Message

SHOWN = 3
"""Contradictions named in the error; the first is where to begin, and a page of them says no more."""
STATISTICS = ("t", "z", "chi2", "f", "h")


def require_sound(
    inputs: ReportInputs, again: ResultSet, pages: Mapping[Language, str], contexts: Mapping[Language, ReportContext]
) -> None:
    """Compare a report with everything it is made from; raises SelfAuditFailed before anything is written.

    `again` are the result rows computed a second time, from the snapshot read back from disk.
    """
    found = list(contradictions(inputs, again, pages, contexts))
    if found:
        raise refusal(found)


def require_printed(files: Mapping[Language, bytes], pages: Mapping[Language, str]) -> None:
    """Compare the typeset PDFs with their pages; raises SelfAuditFailed before anything is written."""
    found = [one for language, page in pages.items() for one in contradictions_of_pdf(files[language], page)]
    if found:
        raise refusal(found)


def refusal(found: list[Contradiction]) -> SelfAuditFailed:
    """The error that names what was found."""
    named = (one.message() for one in islice(found, SHOWN))
    more = [Message.of("report.reason.more", count=len(found) - SHOWN)] if len(found) > SHOWN else []
    return SelfAuditFailed("report.contradiction", found=(*named, *more))


def contradictions(
    inputs: ReportInputs, again: ResultSet, pages: Mapping[Language, str], contexts: Mapping[Language, ReportContext]
) -> Iterator[Contradiction]:
    """Every check of the gate, the cheapest first."""
    yield from contradictions_of_rows(inputs.plan, inputs.results)
    yield from p_against_statistic(inputs.results)
    yield from recomputed_otherwise(inputs.results, again)
    for language in (language for language in LANGUAGES if language in pages):
        yield from contradictions_of_page(pages[language], contexts[language], inputs)


def recomputed_otherwise(first: ResultSet, second: ResultSet) -> Iterator[Contradiction]:
    """Where the second computation from the snapshot gave another row, or none."""
    for row in first:
        if second.get(row.key) != row:
            yield Contradiction(place_of(row), Message.of("contradiction.second"))
    yield from (
        Contradiction(place_of(row), Message.of("contradiction.only_second"))
        for row in second
        if first.get(row.key) is None
    )


def p_against_statistic(results: ResultSet) -> Iterator[Contradiction]:
    """Each P that has a statistic is computed anew from it and its degrees of freedom."""
    for row in results:
        if (row.statistic == "p" or row.statistic.endswith("_p")) and row.value is not None:
            tested = statistic_of(row, results)
            if tested is not None and not agrees(row, tested, results):
                yield Contradiction(place_of(row), Message.of("contradiction.p", p=row.text, statistic=tested.text))


def statistic_of(row: ResultRow, results: ResultSet) -> ResultRow | None:
    """The statistic that a P belongs to; an exact test has none."""
    prefix = row.statistic.removesuffix("p")
    found: Iterable[ResultRow | None] = (row_at_same_place(row, results, f"{prefix}{name}") for name in STATISTICS)
    return next((one for one in found if one is not None and one.method == row.method), None)


def agrees(p: ResultRow, tested: ResultRow, results: ResultSet) -> bool:
    """Whether a P follows from its statistic."""
    anew = p_of(tested, row_at_same_place(tested, results, "df_within"))
    return anew is None or abs(anew - (p.value or 0.0)) <= NOISE + 1e-6 * anew


def p_of(tested: ResultRow, within: ResultRow | None) -> float | None:
    """The two-sided P of a statistic, by the distribution its name stands for."""
    value, df = abs(tested.value or 0.0), tested.df
    kind = tested.statistic.rpartition("_")[2]
    if kind == "z":
        return float(2 * stats.norm.sf(value))
    if df is None:
        return None
    if kind == "t":
        return float(2 * stats.t.sf(value, df))
    if kind == "f":
        return float(stats.f.sf(value, df, within.value)) if within else None
    return float(stats.chi2.sf(value, df))
