"""Plan and result rows become tables, number for number."""

from dataclasses import replace
from itertools import pairwise

import pytest

from nightround.model.language import Words
from nightround.model.result import ResultKey, ResultSet
from nightround.report.printing.metrics import read_metrics
from nightround.report.tables.column_widths import halves, in_columns
from nightround.report.tables.effect_tables import difference_table, odds_lines
from nightround.report.tables.planned_tables import Notes, measured_label, table_view
from nightround.report.tables.views import Cell, Row, TableColumn, TableView
from nightround.texts.catalogue import read_wording
from tests.report_samples import PLAN, RESULTS, TEMPLATES, night

METRICS = read_metrics(TEMPLATES / "fonts")
ZH = read_wording([TEMPLATES], "zh")
EN = read_wording([TEMPLATES], "en")


def baseline(results: ResultSet = RESULTS) -> TableView:
    """Table 1 in Chinese."""
    return table_view(PLAN, PLAN.table("table1"), results, ZH, "1")


def line(table: TableView, label: str) -> tuple[str, ...]:
    """The printed cells of a line."""
    return tuple(cell.printed for row in table.rows if row.label == label for cell in row.cells)


def test_every_summary_and_test_of_the_plan_is_printed_where_it_belongs() -> None:
    """Groups in the plan's order, then the effect, the statistic before P, and P of the test next to it."""
    table = baseline()
    assert [column.head for column in table.columns] == ["通畅组", "闭塞组", "SMD", "统计量", "P", "P"]
    assert line(table, "男性[n(%)]") == ("29 (67.4)", "9 (47.4)", "", "χ²2.238", "0.135a", "0.165")
    assert line(table, "年龄（岁，x\u0304±s）") == ("54.0±15.4", "154.2±12.0", "−0.55", "t−2.047", "0.045b", "")


def test_levels_stand_under_their_variable_which_carries_the_test() -> None:
    """A categorical variable has a line with the test and one line a level without."""
    table = baseline()
    rows = {row.label: row for row in table.rows}
    assert rows["左侧"].depth > rows["患侧[n(%)]"].depth
    assert line(table, "患侧[n(%)]")[-2] == "0.917a"
    assert line(table, "左侧") == ("22 (51.2)", "10 (52.6)", "", "", "", "")


def test_what_cannot_be_estimated_is_printed_with_its_reason() -> None:
    """A missing number is a sign with a letter, and the letter's note says why."""
    table = baseline()
    assert line(table, "病程[d，M(IQR)]")[1] == "–c"
    assert [note.text for note in table.notes if note.letter == "c"] == ["无可用数据"]


def test_letters_name_each_method_once() -> None:
    """Two variables with one test share its letter."""
    letters = [note.letter for note in baseline().notes if note.letter]
    assert letters == sorted(set(letters))


def test_no_two_notes_share_a_letter() -> None:
    """The twenty-seventh note is aa, and a note asked for again keeps its letter."""
    notes = Notes()
    letters = [notes.letter(str(number)) for number in range(30)]
    assert letters[25:28] == ["z", "aa", "bb"]
    assert len(set(letters)) == 30
    assert notes.letter("3") == "d"


def test_a_p_value_under_the_level_is_bold_by_its_value_not_its_text() -> None:
    """The unrounded P decides: 0.0496 printed as 0.050 is bold."""
    key = ResultKey("table1", "age", "p")
    rows = [replace(row, value=0.0496, text="0.050") if row.key == key else row for row in RESULTS]
    row = next(row for row in baseline(ResultSet(rows)).rows if row.label == "年龄（岁，x\u0304±s）")
    assert row.cells[4].strong


def test_a_visit_at_which_the_groups_differ_says_so() -> None:
    """The second group's cell has a letter whose note gives the test between the groups."""
    table = table_view(PLAN, PLAN.table("table2"), RESULTS, EN, "2")
    assert line(table, "Girth above knee,\u00a0cm")[5] == "48.2 ± 4.0b"
    assert {note.letter: note.text for note in table.notes}["b"] == (
        "between the groups at this visit, Student t test (pooled variance): t = 2.256, P = 0.028"
    )
    assert table.landscape


def test_laboratory_groups_stand_one_below_the_other() -> None:
    """Each group is a heading with its size over every measurement."""
    table = table_view(PLAN, PLAN.table("table3"), RESULTS, EN, "3")
    assert [row.label for row in table.rows] == [
        "Patency group (n\u00a0=\u00a043)",
        "PLT,\u00a010⁹/L",
        "Occlusion group (n\u00a0=\u00a019)",
        "PLT,\u00a010⁹/L",
    ]


def test_plus_minus_signs_of_a_column_stand_under_one_another() -> None:
    """Room before plus what is before the sign is the same width in every cell of a kind."""
    rows = tuple(Row("x", (Cell(text),)) for text in ("54.0±15.4", "154.2±2.0", "29 (67.4)", "9 (100.0)"))
    table = in_columns(TableView("t", "1", "t", "x", (TableColumn("c"),), rows), METRICS)
    places = [row.cells[0].before + halves(row.cells[0], METRICS)[0] for row in table.rows]
    assert places[0] == pytest.approx(places[1], abs=1e-3)
    assert places[2] == pytest.approx(places[3], abs=1e-3)


def test_columns_fill_the_page_and_hold_their_widest_cell() -> None:
    """Widths add up to the whole measure, and a longer cell never makes its column narrower."""
    widths = []
    for text in ("1.0", "1.0 (0.5, 2.0)", "1.0 (0.5, 2.0) and more"):
        rows = (Row("label", (Cell(text), Cell("0.05"))),)
        table = in_columns(TableView("t", "1", "t", "x", (TableColumn("c"), TableColumn("P", kind="p")), rows), METRICS)
        assert table.label_width + sum(column.width for column in table.columns) == pytest.approx(100)
        widths.append(table.columns[0].width)
    assert all(first < second for first, second in pairwise(widths))


def test_changes_of_the_groups_are_compared_with_and_without_adjustment() -> None:
    """The table of differences has both estimates with their intervals, then P of the adjusted one."""
    table = difference_table(night(), PLAN.table("table2"), EN)
    assert line(table, "Girth above knee,\u00a0cm") == ("−1.9 (−2.8, −1.0)", "−1.9 (−2.8, −1.0)", "<0.001")
    assert "Patency group minus Occlusion group" in table.notes[0].text


def test_a_factor_that_cannot_be_estimated_keeps_its_line() -> None:
    """The regression's figure names every factor and level, per how many units, and against which level."""
    lines = [
        one for factor in PLAN.regressions[0].factors for one in odds_lines(night(), PLAN.regressions[0], factor, EN)
    ]
    assert [one.label for one in lines] == ["Age, per 10 years", "Side: Right (against Left)"]
    assert (lines[0].text, lines[0].p) == ("1.02 (0.70, 1.50)", "0.910")
    assert (lines[1].text, lines[1].value) == ("–", None)


def test_a_long_text_is_broken_and_takes_no_room_from_the_numbers() -> None:
    """A reason of a thousand characters leaves the column of numbers as wide as it needs."""
    rows = (Row("label", (Cell("why " * 250), Cell("12.5 (10.0, 15.0)"))),)
    table = in_columns(TableView("t", "1", "t", "x", (TableColumn("c", kind="text"), TableColumn("v")), rows), METRICS)
    assert table.columns[1].width / 100 * 61 >= METRICS.width("12.5 (10.0, 15.0)")


def test_a_halved_table_parts_at_the_heading_nearest_to_its_middle() -> None:
    """Both halves hold all rows once, in their order, and the second begins with a heading."""
    rows = tuple(Row(f"{n}", heading=n in {0, 2, 5}, depth=0) for n in range(9))
    table = TableView("t", "A", "title", "head", (), rows, halved=True)
    assert table.stretches == ((rows[:5], rows[5:]),)
    assert replace(table, halved=False).stretches == ((rows,),)
    plain = tuple(Row(f"{n}") for n in range(5))
    assert replace(table, rows=plain).stretches == ((plain[:2], plain[2:]),)


def test_a_unit_goes_into_the_bracket_a_chinese_label_ends_with() -> None:
    """No two pairs of brackets follow one another; an English unit stays on the line of its label."""
    variable = (
        PLAN.table("table2").variables[0].model_copy(update={"label": Words("面积（汇合处）", "Area (confluence)")})
    )
    assert measured_label(variable, ZH) == "面积（汇合处，cm）"
    assert measured_label(variable, EN) == "Area (confluence),\u00a0cm"
