"""Completeness as a heat map: the tint says what the numbers say."""

import pytest

from nightround.report.numbers.facts import Filled
from nightround.report.tables.trust_page import filled_cell


@pytest.mark.parametrize(
    ("begun", "filled", "shade"),
    [(20, 100, "all"), (20, 99, "nearly"), (19, 95, "nearly"), (20, 94, "most"), (16, 100, "most"), (15, 100, "least")],
)
def test_the_tint_follows_what_is_missing_most(begun: int, filled: int, shade: str) -> None:
    """Rows that are missing and cells that are missing count alike, and the worse of the two decides."""
    cell = filled_cell(Filled("chart", "", begun, 20, filled, 100))
    assert (cell.shade, cell.text) == (shade, f"{begun}/20 ({filled}.0)")


def test_what_nobody_expects_has_no_tint() -> None:
    """An instrument that is not at a visit is blank; one without required fields goes by its rows."""
    assert filled_cell(Filled("chart", "", 0, 0, 0, 0)).shade == ""
    assert filled_cell(Filled("chart", "", 20, 20, 0, 0)).shade == "all"


def test_what_is_not_all_is_not_a_hundred_percent() -> None:
    """One cell of ten thousand that is blank keeps the percentage under 100."""
    cell = filled_cell(Filled("chart", "", 20, 20, 9_999, 10_000))
    assert (cell.shade, cell.text) == ("nearly", "20/20 (99.9)")
