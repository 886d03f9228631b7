"""Adjust the P values of a table where the plan declares them a family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nightround.model.result import ResultRow
from nightround.statistics.multiplicity import fdr, holm
from nightround.statistics.numbers import p_text
from nightround.statistics.rows import method_words
from nightround.study.plan import PlannedTable


def family_rows(table: PlannedTable, rows: Iterable[ResultRow]) -> Iterator[ResultRow]:
    """A row `p_adjusted` for every P of a planned test that was estimated; `n` is the size of the family.

    Tests at a single visit and tests listed next to the planned one are no part of it.
    """
    if table.family == "none":
        return
    family = [row for row in rows if row.statistic == "p" and row.value is not None and not row.visit]
    values = [row.value for row in family if row.value is not None]
    adjusted = (holm if table.family == "holm" else fdr)(values)
    for row, p in zip(family, adjusted, strict=True):
        yield replace(
            row,
            statistic="p_adjusted",
            value=p,
            text=p_text(p),
            n=len(family),
            df=None,
            method=method_words(table.family),
            warning="",
        )
