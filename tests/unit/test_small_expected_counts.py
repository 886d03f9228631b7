"""Where a planned Pearson test has expected counts under 5, what counts was decided in the plan."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.tables.planned_tables import calls_difference
from nightround.statistics.tables import tables
from nightround.study.plan import Plan

LEVELS = [{"id": "y", "label": "yes", "codes": ["1"]}, {"id": "n", "label": "no", "codes": ["0"]}]
PUBLISHED = ((0, 43), (2, 17))
"""Of two groups with and without: Pearson's chi-square of 4.677 has P 0.031, Fisher's exact P is 0.090."""


def plan(**variable: Any) -> Plan:
    """One dichotomous variable between two groups."""
    line = {
        "id": "d", "label": "d", "type": "dichotomous", "summary": "n_percent", "field": "d", "shown": "y",
        "levels": LEVELS, "test": "pearson", **variable,
    }  # fmt: skip
    groups = [{"id": one, "label": one, "codes": [one]} for one in ("a", "b")]
    return Plan.model_validate(
        {
            "policy": "as-published", "grouping": "g", "population": "all", "groups": groups,
            "flow": [{"id": "all", "label": "all"}],
            "tables": [{"id": "t", "title": "t", "kind": "by_group", "sections": [{"variables": [line]}]}],
        }
    )  # fmt: skip


def results(made: Plan, counts: tuple[tuple[int, int], ...]) -> ResultSet:
    """The rows of patients by group: with the level, without it."""
    people = [
        {"g": group, "d": code}
        for group, numbers in zip("ab", counts, strict=True)
        for code, n in zip("10", numbers, strict=True)
        for _ in range(n)
    ]
    return tables(made, pd.DataFrame(people))


def p(found: ResultSet, name: str = "p") -> ResultRow:
    """A P of the variable."""
    row = found.get(ResultKey("t", "d", name))
    assert row is not None
    return row


def test_without_a_fallback_pearson_counts_and_calls_nothing() -> None:
    """Pearson's P is printed with a warning and Fisher's next to it; no bold, no sentence calls the difference."""
    found = results(plan(), PUBLISHED)
    assert (p(found).text, p(found, "fisher_p").text) == ("0.031", "0.090")
    assert "an expected count is below 5" in p(found).warning
    assert not calls_difference(p(found))


@pytest.mark.parametrize(
    ("fallback", "text"), [("fisher", "0.090"), ("fisher_freeman_halton", "0.090"), ("yates", "0.167")]
)
def test_the_fallback_of_the_plan_counts_and_says_so(fallback: str, text: str) -> None:
    """The headline is the fallback's P, with the reason, and Pearson's is next to it."""
    found = results(plan(fallback=fallback), PUBLISHED)
    assert (p(found).text, p(found, "pearson_p").text) == (text, "0.031")
    assert p(found).warning == "an expected count is below 5, where the plan uses this test"


@pytest.mark.parametrize("counts", [((10, 10), (10, 10)), ((5, 45), (5, 45)), ((20, 20), (5, 35))])
def test_expected_counts_of_five_and_more_leave_pearson_alone(counts: tuple[tuple[int, int], ...]) -> None:
    """At exactly 5 Pearson counts, with no warning, no fallback and nothing next to it."""
    found = results(plan(fallback="fisher"), counts)
    assert p(found).warning == ""
    assert {row.statistic for row in found if row.statistic.endswith("_p")} == set()


def test_a_difference_of_the_fallback_is_called() -> None:
    """A fallback's P under the customary level is one like any other."""
    found = results(plan(fallback="fisher"), ((0, 30), (6, 6)))
    assert calls_difference(p(found))
    assert not calls_difference(replace(p(found), value=0.05))


def test_a_fallback_that_is_no_test_of_counts_is_refused() -> None:
    """Only an exact or a corrected test of counts can be in for Pearson's."""
    with pytest.raises(ValidationError, match="fallback"):
        plan(fallback="student")


def test_random_tables_never_call_a_difference_by_pearson_alone() -> None:
    """Whatever the counts, Pearson's P calls a difference only where every expected count is 5 or more."""
    random = np.random.default_rng(20261129)
    for _ in range(60):
        counts = tuple((int(random.integers(0, 12)), int(random.integers(0, 30))) for _ in range(2))
        if (
            min(sum(one) for one in counts) == 0
            or not any(one[0] for one in counts)
            or not any(one[1] for one in counts)
        ):
            continue
        table = np.array(counts, dtype=float)
        least = (np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()).min()
        found = results(plan(), counts)
        assert not (calls_difference(p(found)) and least < 5)
        assert (found.get(ResultKey("t", "d", "fisher_p")) is None) == (least >= 5)
