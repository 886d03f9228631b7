"""Counts of patients as result rows: how many of how many, in percent, with the exact interval where asked for."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model.result import ResultRow
from nightround.statistics.describe import clopper_pearson
from nightround.statistics.numbers import PERCENT_DIGITS, count_text, percent, text_of
from nightround.statistics.rows import RowPlace, method_words
from nightround.study.methods import Reason


def share_rows(place: RowPlace, count: int, among: int, *, interval: bool = False) -> Iterator[ResultRow]:
    """Count, percent and both as they are printed, of `among` patients; percent_low and percent_high if asked."""
    yield place.row("count", float(count), str(count), n=among)
    if not among:
        yield from (place.refused(statistic, Reason.NO_VALUES) for statistic in ("percent", "summary"))
        return
    share = percent(count, among)
    yield place.row("percent", share, text_of(share, PERCENT_DIGITS), n=among)
    yield place.row("summary", float(count), count_text(count, among), n=among)
    if interval:
        exact = clopper_pearson(count, among)
        for end, value in (("low", 100 * exact.low), ("high", 100 * exact.high)):
            text = text_of(value, PERCENT_DIGITS)
            yield place.row(f"percent_{end}", value, text, n=among, method=method_words(exact.method))
