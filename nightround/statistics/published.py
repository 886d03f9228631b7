"""Published proportions next to a study's own, and how far those not looked at could move an endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nightround.model.result import ResultRow
from nightround.statistics.cohort import endpoint_known, meets, step_mask
from nightround.statistics.describe import wilson
from nightround.statistics.numbers import PERCENT_DIGITS, percent, text_of
from nightround.statistics.rows import RowPlace, method_words
from nightround.study.plan import Endpoint, Literature, Plan

LITERATURE, BOUNDS = "literature", "bounds"


def literature_rows(published: Literature) -> Iterator[ResultRow]:
    """A published percentage with Wilson's interval for the number of patients its source names.

    The interval takes everyone as followed, so it is narrower than the source's own where that is a curve.
    """
    place = RowPlace(LITERATURE, published.id)
    found = wilson(round(published.percent * published.n / 100), published.n)
    method = method_words(found.method)
    yield place.count("n", published.n)
    yield place.row("percent", published.percent, text_of(published.percent, PERCENT_DIGITS), n=published.n)
    for end, value in (("low", 100 * found.low), ("high", 100 * found.high)):
        yield place.row(f"wilson_{end}", value, text_of(value, PERCENT_DIGITS), n=published.n, method=method)


def bounds_rows(plan: Plan, endpoint: Endpoint, patients: pd.DataFrame, step: str) -> Iterator[ResultRow]:
    """An endpoint among everyone of an earlier step: the unknown all failures, and all successes.

    Table `bounds`, variable the endpoint. Statistics: n (of the step), known, lowest, highest in percent
    (Manski's bounds, Am Econ Rev 1990;80:319).
    """
    place = RowPlace(BOUNDS, endpoint.id)
    wider = step_mask(plan, patients, step)
    met = int((meets(endpoint, patients) & step_mask(plan, patients, endpoint.among) & wider).sum())
    known = int(endpoint_known(endpoint, plan, patients[wider]).sum())
    total = int(wider.sum())
    yield from (place.count("n", total), place.count("known", known), place.count("met", met))
    for name, count in (("lowest", met), ("highest", met + total - known)):
        if total:
            share = percent(count, total)
            yield place.row(name, share, text_of(share, PERCENT_DIGITS), n=total)
