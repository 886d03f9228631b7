"""Tables that are right in any style of print are never accused, and of a slip only the mistyped cell is named."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nightround.published_tables.audit_document import audit
from nightround.published_tables.audit_remarks import Audit
from nightround.published_tables.document_form import document_of
from nightround.statistics.numbers import rounded

Counts = list[list[int]]
"""Levels down, groups across."""
MARKS = ["", "*", "†", "a", " b", "ᵃ", "²", "**", "①", "#", "△", "a,b"]


class PrintedTest(NamedTuple):
    """A test as it is printed."""

    statistic: str
    p: str


def percent(count: int, total: int, digits: int = 1) -> str:
    """A percentage, rounded half up."""
    return str(rounded(100 * count / total, digits)) if total else str(rounded(0.0, digits))


def pearson(counts: Counts) -> PrintedTest:
    """Pearson's chi-square with its P, to three decimals; of levels that somebody has."""
    found = stats.chi2_contingency([row for row in counts if any(row)], correction=False)
    return PrintedTest(f"{found.statistic:.3f}", f"{found.pvalue:.3f}" if found.pvalue >= 0.001 else "<0.001")


def audited(
    labels: list[str], cells: list[list[str]], sizes: list[int], tested: PrintedTest, kind: str = "n(%)"
) -> Audit:
    """The audit of one variable with its test in the first row."""
    columns = [f"{name} (n={n})" for name, n in zip("ABC", sizes, strict=False)]
    rows: list[list[Any]] = [[label, kind, *row, None, None] for label, row in zip(labels, cells, strict=True)]
    rows[0][-2:] = tested
    return audit(document_of({"t": {"columns": [*columns, "χ2" if kind == "n(%)" else "t", "P"], "rows": rows}}))


def accused(found: Audit) -> list[tuple[str, str, str]]:
    """Row, printed text and what it must be, of every accused cell."""
    return [(one.cell.row, one.cell.text, one.recomputed) for one in found.inconsistent]


@st.composite
def tables(draw: st.DrawFn, levels: st.SearchStrategy[int] = st.integers(3, 4)) -> Counts:  # noqa: B008 - a strategy
    """Counts of 3 or 4 levels in two or three groups of 20 and more."""
    rows, groups = draw(levels), draw(st.integers(2, 3))
    return [[draw(st.integers(7, 60)) for _ in range(groups)] for _ in range(rows)]


def sizes_of(counts: Counts) -> list[int]:
    """The patients of each group."""
    return [sum(column) for column in zip(*counts, strict=True)]


def labels_of(counts: Counts) -> list[str]:
    """Labels that say that the rows are levels of one variable."""
    return [f"diet: {number}" for number, _ in enumerate(counts)]


def of_columns(counts: Counts, sizes: list[int], digits: int = 1) -> list[list[str]]:
    """Counts with their percentages of the column."""
    return [[f"{count}({percent(count, n, digits)})" for count, n in zip(row, sizes, strict=True)] for row in counts]


@settings(max_examples=40, deadline=None)
@given(tables())
def test_percentages_of_the_row_or_of_everybody_are_no_error(counts: Counts) -> None:
    """A table is read with the base that makes all of its percentages right."""
    sizes, everybody = sizes_of(counts), sum(sizes_of(counts))
    for base in ([sum(row) for row in counts], [everybody] * len(counts)):
        cells = [
            [f"{count}({percent(count, total)})" for count in row] for row, total in zip(counts, base, strict=True)
        ]
        assert accused(audited(labels_of(counts), cells, sizes, pearson(counts))) == []


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(1, 2))
def test_padded_percentages_are_one_note_a_column(counts: Counts, noughts: int) -> None:
    """16.70 for 16.67 in every cell of a column is how it was computed, and is noted once for that column."""
    sizes = sizes_of(counts)
    cells = [
        [f"{count}({percent(count, n)}{'0' * noughts})" for count, n in zip(row, sizes, strict=True)] for row in counts
    ]
    found = audited(labels_of(counts), cells, sizes, pearson(counts))
    assert accused(found) == []
    assert len(found.notes) <= len(sizes)
    assert {one.note.code for one in found.notes} <= {"audit.note.padded"}


@settings(max_examples=40, deadline=None)
@given(tables())
def test_a_level_that_is_not_printed_accuses_nobody(counts: Counts) -> None:
    """The statistic is that of all levels, also of the last one, which the table leaves out."""
    cells = of_columns(counts, sizes_of(counts))
    assert accused(audited(labels_of(counts)[:-1], cells[:-1], sizes_of(counts), pearson(counts))) == []


@settings(max_examples=40, deadline=None)
@given(tables(), st.booleans(), st.booleans())
def test_a_total_with_its_parts_accuses_nobody(counts: Counts, first: bool, whole: bool) -> None:  # noqa: FBT001
    """A total row, first or last, with the test of the total against the rest, or of its parts."""
    parts, sizes = counts[:-1], sizes_of(counts)
    total = sizes_of(parts)
    rest = [n - count for n, count in zip(sizes, total, strict=True)]
    rows = [total, *parts] if first else [*parts, total]
    tested = pearson([total, rest]) if whole and first else pearson(parts)
    assert accused(audited(labels_of(rows), of_columns(rows, sizes), sizes, tested)) == []


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_of_one_mistyped_count_that_count_alone_is_named(counts: Counts, data: st.DataObject) -> None:
    """Percentage, levels and test say what the count was; neither the test nor another cell is accused."""
    sizes = sizes_of(counts)
    row, place = data.draw(st.integers(0, len(counts) - 1)), data.draw(st.integers(0, len(sizes) - 1))
    right = counts[row][place]
    typed = data.draw(st.integers(1, sizes[place]).filter(lambda n: abs(n - right) > 2))
    cells = of_columns(counts, sizes)
    printed = f"{typed}({percent(right, sizes[place])})"
    cells[row][place] = printed
    found = accused(audited(labels_of(counts), cells, sizes, pearson(counts)))
    possible = 100 * typed / float(percent(right, sizes[place])) <= sizes[place]
    # A count that is this percentage of fewer patients can be right: some are not known.
    assert found == [(f"diet: {row}", printed, f"{right}({percent(right, sizes[place])})")] or possible


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(40, 80), st.floats(5, 15), st.integers(12, 80)), min_size=2, max_size=2),
    st.sampled_from(["mean±SEM", "mean (SE)", "x̄±Sx̄ 标准误", "mean ± s.e.m.", "mean±"]),
)
def test_standard_errors_are_read_as_such(groups: list[tuple[float, float, int]], kind: str) -> None:
    """Where the row says SEM, or nothing, and the t fits only the standard error, no cell is accused."""
    means, sds, sizes = ([one[place] for one in groups] for place in range(3))
    found = stats.ttest_ind_from_stats(means[0], sds[0], sizes[0], means[1], sds[1], sizes[1])
    tested = PrintedTest(f"{found.statistic:.3f}", f"{found.pvalue:.3f}" if found.pvalue >= 0.001 else "<0.001")
    errors = [sd / n**0.5 for sd, n in zip(sds, sizes, strict=True)]
    sign = ("±", "") if "(" not in kind else (" (", ")")
    cells = [f"{mean:.2f}{sign[0]}{error:.2f}{sign[1]}" for mean, error in zip(means, errors, strict=True)]
    assert accused(audited(["age"], [cells], [int(n) for n in sizes], tested, kind)) == []


@settings(max_examples=60, deadline=None)
@given(tables(st.just(2)), st.lists(st.sampled_from(MARKS), min_size=8, max_size=8))
def test_marks_of_footnotes_are_read_past(counts: Counts, marks: list[str]) -> None:
    """A mark after a cell, a statistic or a P changes nothing of what the table says."""
    sizes, tested = sizes_of(counts), pearson(counts)
    cells = of_columns(counts, sizes)
    plain = audited(labels_of(counts), cells, sizes, tested)
    flat = [cell + mark for cell, mark in zip([cell for row in cells for cell in row], marks, strict=False)]
    marked = [flat[: len(sizes)], flat[len(sizes) :]]
    found = audited(labels_of(counts), marked, sizes, PrintedTest(tested.statistic + marks[6], tested.p + marks[7]))
    assert accused(plain) == accused(found) == []
    assert found.checked == plain.checked


@pytest.mark.parametrize("mark", MARKS)
def test_a_wrong_t_is_found_behind_a_mark(mark: str) -> None:
    """60.0±10.0 and 55.0±12.0 of 40 each make a t of about 2.024, whatever is marked."""
    found = audited(["x"], [["60.0±10.0", f"55.0±12.0{mark}"]], [40, 40], PrintedTest("2.925", "0.005"), "mean±SD")
    assert accused(found) == [("x", "2.925", "1.975 to 2.074")]


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 90), st.floats(-6, 6).filter(lambda t: abs(t) > 0.2), st.sampled_from(["after", "6 months"]))
def test_the_n_of_the_first_visit_counts_for_the_second(n: int, t: float, second: str) -> None:
    """The P of a paired t is that of n - 1 degrees of freedom, where only the first heading states n."""
    t = float(f"{t:.3f}")
    p, other = (2 * stats.t.sf(abs(t), df) for df in (n - 1, 2 * n - 2))
    first = "before" if second == "after" else "3 months"
    columns = [f"{first} (n={n})", second, "t", "P"]

    def accused_p(printed: float) -> bool:
        row = ["x", "mean±SD", "0.75±9.00", "2.33±9.00", f"{t:.3f}", f"{printed:.4f}"]
        found = audit(document_of({"t": {"columns": columns, "rows": [row]}}))
        return "P" in [one.cell.column for one in found.inconsistent]

    assert not accused_p(p)
    assert accused_p(other) or abs(other - p) < 0.005


def test_what_a_chi_square_of_two_visits_must_be_is_a_chi_square() -> None:
    """50 of 90 before and 8 after: McNemar's chi-square is 30.4 to 42.0; no Z is offered in its place."""
    row = ["ache", "n(%)", "50(55.56)", "8(8.89)", "49.864", "<0.001"]
    columns = ["before (n=90)", "after (n=90)", "χ2", "P"]
    found = audit(document_of({"t": {"columns": columns, "rows": [row]}}))
    assert [one.recomputed for one in found.inconsistent] == ["30.414 to 42.000, but not every value between"]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 5))
def test_nothing_must_be_minus_zero(first: int, second: int, times: int) -> None:
    """Equal shares make a statistic of 0, written without a sign."""
    counts = [[first, first * times], [second, second * times]]
    sizes = sizes_of(counts)
    found = accused(audited(labels_of(counts), of_columns(counts, sizes, 2), sizes, PrintedTest("0.210", "0.647")))
    assert all(not must.startswith("-") for _, _, must in found)
