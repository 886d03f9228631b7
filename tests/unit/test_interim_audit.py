"""The gate: whatever is wrong in a report stops it, and a sound report passes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nightround.model.errors import SelfAuditFailed
from nightround.model.language import LANGUAGES, Language
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.making import Pages, pages_of
from nightround.report.numbers.computing import results_of
from nightround.report.numbers.gathering import inputs_of
from nightround.report.self_audit.audit_page import contradictions_of_page
from nightround.report.self_audit.audit_rows import contradictions_of_rows, is_text_of
from nightround.report.self_audit.gate import contradictions, p_against_statistic, recomputed_otherwise, require_sound
from tests.interim_samples import AGE_RULE, PLANNED, edition_of, open_finding, patients, snapshot_of
from tests.report_samples import TEMPLATES

SNAPSHOT = snapshot_of(patients())
ROWS = results_of(PLANNED, SNAPSHOT)
AGE_MEAN = ResultKey("table1", "age", "mean", "open")


@pytest.fixture(scope="module")
def pages() -> Pages:
    """A sound report in both languages."""
    return pages_of(inputs_of(edition_of(SNAPSHOT, [open_finding(AGE_RULE, "2")]), SNAPSHOT), TEMPLATES)


def spoilt(key: ResultKey, **changes: object) -> ResultSet:
    """The result rows with one of them changed."""
    assert ROWS.get(key) is not None, key
    return ResultSet(replace(row, **changes) if row.key == key else row for row in ROWS)  # type: ignore[arg-type]


def test_a_sound_report_passes(pages: Pages) -> None:
    """Nothing contradicts itself in a report that was computed twice from one snapshot."""
    assert list(contradictions(pages.inputs, ROWS, pages.html, pages.contexts)) == []


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        (AGE_MEAN, {"text": "12.3"}),
        (AGE_MEAN, {"value": 12.3}),
        (ResultKey("table1", "age", "summary", "open"), {"text": "55.0±1.0"}),
        (ResultKey("table1", "male", "percent", "open"), {"value": 51.0, "text": "51.0"}),
        (ResultKey("table1", "side", "count", "open", "", "l"), {"value": 5.0, "text": "5"}),
        (ResultKey("table1", "age", "missing", "open"), {"value": 1.0, "text": "1"}),
        (ResultKey("flow", "finished", "n"), {"value": 99.0, "text": "99"}),
        (ResultKey("table1", "days", "p"), {"value": None}),
        (ResultKey("endpoints", "patency", "percent"), {"value": 12.0, "text": "12.0"}),
    ],
)  # fmt: skip
def test_a_number_that_contradicts_its_neighbours_is_found(key: ResultKey, changes: dict[str, object]) -> None:
    """Text against value, parts against the cell, percentages against counts, levels and groups against totals."""
    assert list(contradictions_of_rows(PLANNED, ROWS)) == []
    found = list(contradictions_of_rows(PLANNED, spoilt(key, **changes)))
    assert found
    assert any(one.where.startswith(key.table) for one in found)


def test_a_p_value_that_its_statistic_does_not_give_is_found() -> None:
    """P is computed anew from t and its degrees of freedom."""
    assert list(p_against_statistic(ROWS)) == []
    wrong = spoilt(ResultKey("table1", "age", "p"), value=0.0321, text="0.032")
    assert [one.where for one in p_against_statistic(wrong)] == ["table1 / age / p"]


def test_another_number_from_the_snapshot_is_found() -> None:
    """A row that the second computation does not give, gives otherwise, or gives besides, is named."""
    other = spoilt(AGE_MEAN, value=1.0)
    assert [one.where for one in recomputed_otherwise(ROWS, other)] == ["table1 / age / open / mean"]
    fewer = ResultSet(row for row in ROWS if row.key != AGE_MEAN)
    assert len(list(recomputed_otherwise(ROWS, fewer))) == len(list(recomputed_otherwise(fewer, ROWS))) == 1


def cell_changed(page: str) -> str:
    """A page on which one percentage of a table is another one."""
    row = ROWS[ResultKey("table1", "male", "summary", "open")]
    assert row.text in page
    return page.replace(row.text, row.text.replace("(", "(9"), 1)


def sentence_changed(page: str) -> str:
    """A page on which a sentence of the summary is another one."""
    return (
        page.replace("<li>", "<li>1234 ", 1)
        if '<ul class="findings">' not in page
        else page.replace('<ul class="findings">\n<li>', '<ul class="findings">\n<li>1234 ', 1)
    )


def row_gone(page: str) -> str:
    """A page on which a table lost its last line."""
    start = page.index('id="table-table1"')
    last = page.index("</tbody>\n</table>", start)
    begin = page.rindex("<tr", start, last)
    return page[:begin] + page[last:]


@pytest.mark.parametrize("spoil", [cell_changed, sentence_changed, row_gone])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_prints_something_else_is_found(pages: Pages, language: str, spoil: Callable[[str], str]) -> None:
    """A template that changes a cell, a sentence, or drops a line does not get past the gate."""
    page, context = pages.html[language], pages.contexts[language]  # type: ignore[index]
    assert spoil(page) != page
    assert list(contradictions_of_page(page, context, pages.inputs)) == []
    assert list(contradictions_of_page(spoil(page), context, pages.inputs))


def test_a_sentence_with_a_number_that_no_table_has_is_found(pages: Pages) -> None:
    """A sentence is compared with the result rows, not only against the page."""
    context = pages.contexts["en"]
    wrong = replace(context, headlines=(*context.headlines[:-1], "Patency was 73.21% after all."))
    found = list(contradictions_of_page(pages.html["en"], wrong, pages.inputs))
    assert any("73.21" in one.why for one in found)


def test_the_refusal_says_which_number_and_what_to_do(pages: Pages) -> None:
    """The error has its own exit code, names the first contradictions and counts the rest."""
    texts = {row.key: replace(row, value=-1.0) for row in ROWS if row.statistic == "mean"}
    spoiled = ResultSet(texts.get(row.key, row) for row in ROWS)
    with pytest.raises(SelfAuditFailed, match="was not released") as caught:
        require_sound(replace(pages.inputs, results=spoiled), ROWS, pages.html, pages.contexts)
    assert caught.value.exit_code == 17
    assert "table1 / age / mean" in caught.value.why
    assert "more" in caught.value.why


@pytest.mark.parametrize(
    ("text", "value", "fits"),
    [
        ("0.050", 0.0499, True), ("0.05", 0.0449, False), ("<0.001", 0.0009, True), ("<0.001", 0.001, False),
        (">0.999", 0.9999, True), ("\u22121.5", -1.5, True), ("1.5", -1.5, False), ("1.23e+16", 1.2345e16, True),
        ("many", 3.0, False), ("13", 13.04, True),
    ],
)  # fmt: skip
def test_a_text_prints_a_value_within_half_its_last_digit(text: str, value: float, fits: bool) -> None:  # noqa: FBT001
    """Rounded by half a unit of the last printed digit, with a true minus sign; nothing else."""
    assert is_text_of(text, value) == fits


def test_zeros_may_be_cut_only_as_far_as_the_variable_has_digits() -> None:
    """13 prints 13.04 with one decimal, and does not print 13.4."""
    assert is_text_of("13", 13.04, 1)
    assert not is_text_of("13", 13.4, 1)


def test_rows_that_are_not_there_have_a_reason() -> None:
    """A number that could not be estimated is printed as a sign; a number in its place is found."""
    row = ResultRow("table1", "age", "sd", None, "4.0", error="no values")
    assert list(contradictions_of_rows(PLANNED, ResultSet([*flow(), row])))


def flow() -> list[ResultRow]:
    """The counts of the flow."""
    return [row for row in ROWS if row.table == "flow"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_of_estimates_tells_its_values_in_doubt(pages: Pages, language: Language) -> None:
    """Endpoints, planned tables and the differences between groups mark each line that has a value in doubt."""
    tables = {table.id: table for table in pages.contexts[language].tables}
    planned = [table.id for table in PLANNED.tables]
    differences = [f"{table}_differences" for table in planned if f"{table}_differences" in tables]
    assert differences
    for name in ("endpoints", *planned, *differences):
        told = {
            one.line.variable for one in pages.inputs.trust.lines if name.startswith(one.line.table) and one.open_values
        }
        assert bool(told) == any(row.mark for row in tables[name].rows)
    assert any(row.mark for table in tables.values() for row in table.rows)
