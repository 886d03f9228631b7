"""The checks of the audit, one by one, on small made-up tables."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.published_tables.audit_document import audit
from nightround.published_tables.audit_remarks import Audit
from nightround.published_tables.document_form import document_of, read_document
from nightround.published_tables.group_readings import _spss_statistic
from nightround.statistics.categorical import association
from nightround.study.methods import HypothesisTestName

GROUPS = ["drug (n=40)", "placebo (n=30)"]


def audited(rows: list[list[Any]], columns: list[str], **more: Any) -> Audit:
    """The audit of one table; numbers keep their digits as in a JSON file."""
    text = json.dumps({"table": {"columns": columns, "rows": rows, **more.pop("table", {})}, **more})
    return audit(document_of(json.loads(text, parse_float=Decimal)))


def wrong(rows: list[list[Any]], columns: list[str], **more: Any) -> list[tuple[str, str, str]]:
    """Row, cell and what it must be, of every cell that cannot be right."""
    found = audited(rows, columns, **more).inconsistent
    return [(one.cell.row, one.cell.column, one.recomputed) for one in found]


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (["12(30.0)", "6(20.0)"], []),
        (["12(31.6)", "6(20.0)"], []),  # 12 of 38: two are not known
        (["12(35.0)", "6(20.0)"], ["12(30.0)"]),
        (["12/38(31.6)", "6 (20%)"], []),
        (["12/38(30.0)", "6/30 (20.0%)"], ["12(31.6)"]),
        (["41(102.5)", "6(20.0)"], ["at most 40"]),
        (["0(0.0)", "30(100)"], []),
        (["0(0.5)", "30(100)"], ["0(0.0)"]),
    ],
)
def test_percentages_are_held_against_counts_and_n(cells: list[str], named: list[str]) -> None:
    """A percentage is right where some number of known patients up to n gives it."""
    assert [must for _, _, must in wrong([["stroke", "n(%)", *cells]], GROUPS)] == named


def test_levels_add_up_to_the_n_of_their_column() -> None:
    """Levels under one statistic that contain more patients than the column are found, also where percentages fit."""
    columns = [*GROUPS, "χ2", "P"]
    rows = [
        ["side: left", "n(%)", "20(50.0)", "15(50.0)", "0.29", "0.86"],
        ["side: right", "n(%)", "15(37.5)", "10(33.3)", None, None],
        ["side: both", "n(%)", "7(17.5)", "5(16.7)", None, None],
    ]
    assert ("side: left", "drug (n=40)", "levels that add up to 40") in wrong(rows, columns)
    rows[2][2], rows[0][4:] = "5(12.5)", ["0.29", "0.86"]
    assert wrong(rows, columns) == []


def test_a_column_of_all_patients_is_the_sum_of_its_groups() -> None:
    """Counts add up, means average, and a wrong one is named with what it must be."""
    rows = [
        ["stroke", "n(%)", "12(30.0)", "6(20.0)", "18(25.7)"],
        ["fall", "n(%)", "12(30.0)", "6(20.0)", "19(27.1)"],
        ["age", "mean±SD", "60.0±10.0", "50.0±10.0", "55.7±11.1"],
        ["weight", "mean±SD", "60.0±10.0", "50.0±10.0", "55.0±11.1"],
        ["days", "median(IQR)", "5(2~8)", "7(3~9)", "9(2~9)"],
    ]
    named = wrong(rows, [*GROUPS, "Total"])
    assert [row for row, _, _ in named] == ["fall", "weight", "days"]
    assert named[0][2] == "18"


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (["60.0±10.0", "55.0±12.0", "1.900", "0.062"], []),  # Student
        (["60.0±10.0", "55.0±12.0", "1.851", "0.070"], []),  # Welch
        (["60.0±10.0", "55.0±12.0", "1.900", "0.031"], [("P", "0.062")]),
        (["60.0±10.0", "55.0±12.0", "2.900", "0.062"], [("t", "1.853 to 1.947")]),
        (["60.0±10.0", "50.0±12.0", "1.900", "0.062"], [("t", "3.744 to 3.855")]),
        (["60.0±10.0", "55.0±12.0", "1.900", "1.061"], [("P", "at most 1")]),
        (["60.0±10.0", "55.0±12.0", "1.900", "<0.10"], []),
        (["60.0±10.0", "55.0±12.0", "1.900", "<0.05"], [("P", "0.06")]),
    ],
)
def test_means_and_sds_are_held_against_t_and_t_against_p(cells: list[str], named: list[tuple[str, str]]) -> None:
    """The cell that two others exclude is named, with what they make of it."""
    found = wrong([["age", "mean±SD", *cells]], [*GROUPS, "t", "P"])
    assert [(cell, must) for _, cell, must in found] == named


@pytest.mark.parametrize(
    ("statistic", "p", "named"),
    [
        ("0.897", "0.343", []),  # Pearson
        ("0.450", "0.502", []),  # Yates
        ("-0.947", "0.343", []),  # Z of two proportions
        ("0.897", "0.415", ["0.343"]),  # Fisher's P next to Pearson's statistic
        (None, "0.415", []),  # Fisher
        (None, "0.399", ["0.343"]),
    ],
)
def test_counts_are_held_against_every_test_of_counts(statistic: str | None, p: str, named: list[str]) -> None:
    """Pearson, Yates, Z and Fisher are all right; a P that none of them gives is not."""
    rows = [["stroke", "n(%)", "12(30.0)", "6(20.0)", statistic, p]]
    assert [must for _, _, must in wrong(rows, [*GROUPS, "statistic", "P"])] == named


def test_the_statistic_that_spss_prints_beside_an_exact_p_is_known() -> None:
    """Freeman and Halton's statistic approaches chi-square with the number of patients."""
    large = np.array([[2000, 1500, 1000], [1500, 1200, 760], [500, 400, 300]])
    assert _spss_statistic(large) == pytest.approx(association(HypothesisTestName.PEARSON, large).value, rel=0.02)


def test_an_f_is_held_against_three_means() -> None:
    """One-way analysis of variance from three means, SDs and n."""
    columns = ["a (n=10)", "b (n=10)", "c (n=10)", "F", "P"]
    right = ["score", "mean±SD", "5.0±2.0", "6.0±2.0", "7.0±2.0", "2.50", "0.101"]
    assert wrong([right], columns) == []
    assert [cell for _, cell, _ in wrong([[*right[:5], "4.50", "0.021"]], columns)] == ["F"]


def test_an_unpaired_test_of_two_visits_is_told_as_what_it_is() -> None:
    """P of 78 degrees of freedom next to 40 pairs: the reason names the independent samples."""
    rows = [["score", "median(IQR)", "5(3~8)", "6(4~9)", "2.402", "0.019"]]
    found = audited(rows, ["drug before (n=40)", "drug after (n=40)", "t", "P"]).inconsistent
    assert [one.recomputed for one in found] == ["0.021"]
    assert "t with 78 df" in found[0].why


def test_a_paired_test_of_counts_must_be_possible_for_some_way_to_move() -> None:
    """10 of 40 before and 20 after: McNemar's chi-square is at most 10, and has gaps."""
    columns = ["drug before (n=40)", "drug after (n=40)", "χ2", "P"]
    assert wrong([["pain", "n(%)", "10(25.0)", "20(50.0)", "10.00", "0.002"]], columns) == []
    assert wrong([["pain", "n(%)", "10(25.0)", "20(50.0)", "8.33", "0.004"]], columns) == []  # 11 gained it, 1 lost it
    found = wrong([["pain", "n(%)", "10(25.0)", "20(50.0)", "11.50", "0.001"]], columns)
    assert [cell for _, cell, _ in found] == ["χ2"]


def test_a_variable_has_one_kind_of_test_in_all_its_groups() -> None:
    """A P that only a Z gives is named where the other group's P is that of a t."""
    columns = [
        "drug before (n=43)",
        "drug after (n=43)",
        "Z/t",
        "P",
        "sham before (n=19)",
        "sham after (n=19)",
        "Z/t",
        "P",
    ]
    rows = [
        ["a", "median(IQR)", "5(3~8)", "6(4~9)", 0.398, 0.692, "5(3~8)", "6(4~9)", 0.394, 0.694],
        ["b", "median(IQR)", "5(3~8)", "6(4~9)", 1.439, 0.157, "5(3~8)", "6(4~9)", 1.319, 0.204],
    ]
    found = audited(rows, columns).inconsistent
    assert [(one.cell.row, one.cell.column) for one in found] == [("a", "sham: P")]
    assert "is the P of a normal Z" in found[0].why


def test_the_difference_of_two_means_bounds_a_paired_t() -> None:
    """The SDs bound the SD of the differences, and so the t."""
    columns = ["before (n=20)", "after (n=20)", "t", "P"]
    assert wrong([["x", "mean±SD", "10.0±2.0", "12.0±5.0", "2.000", "0.060"]], columns) == []
    found = wrong([["x", "mean±SD", "10.0±2.0", "12.0±5.0", "9.000", "<0.001"]], columns)
    assert [(cell, must) for _, cell, must in found] == [("t", "1.197 to 3.238")]


def test_a_score_is_held_against_the_counts_of_its_grades() -> None:
    """A median Villalta of 3 cannot be where 20 of 30 have a grade of 5 points and more."""
    rows: list[list[Any]] = [
        ["Villalta score", "median(IQR)", "3(1~6)"],
        ["PTS grade: none", "n(%)", "10(33.3)"],
        ["PTS grade: mild", "n(%)", "20(66.7)"],
    ]
    found = wrong(rows, ["treated (n=30)"])
    assert [(row, must) for row, _, must in found] == [("Villalta score", "a median of 5 to 9")]


@pytest.mark.parametrize(
    ("label", "cell", "named"),
    [
        ("VCSS", "5.19±2.00", 1),  # of 28 whole numbers no mean rounds to 5.19
        ("VCSS", "5.18±2.00", 0),
        ("VCSS", "5.18±0.01", 1),  # GRIMMER: 145 points cannot lie so close together
        ("height", "5.19±2.00", 0),  # not in whole numbers
        ("children", "5.19±2.00", 1),  # said so by the table
    ],
)
def test_means_of_whole_numbers_must_exist(label: str, cell: str, named: int) -> None:
    """GRIM and GRIMMER hold for known scores, and for rows the table declares."""
    table = {"granularity": {"children": 1}}
    assert len(wrong([[label, "mean±SD", cell]], ["drug (n=28)"], table=table)) == named


def test_a_test_in_a_note_and_a_share_are_checked() -> None:
    """A note that names two groups is compared with their n; a share against its own numbers."""
    rows = [["age", "mean±SD", "60.0±10.0", "55.0±12.0"]]
    table = {"note": "drug vs placebo: t=2.256, P=0.028; 12/40 (31.0%)"}
    assert wrong(rows, GROUPS, table=table) == [("note", "12/40 (31.0%)", "30.0%")]
    told = wrong(rows, GROUPS, table={"note": "drug vs placebo: t=2.256, P=0.128"})
    assert told == [("note", "t=2.256, P=0.128", "P=0.027 to 0.032")]


@pytest.mark.parametrize(
    ("flow", "named"),
    [
        ({"treated": 80, "completed": 70, "drug": 40, "placebo": 30}, []),
        ({"treated": 80, "completed": 69, "drug": 40, "placebo": 30}, ["completed"]),
        ({"treated": 80, "excluded": 10, "drug": 40, "placebo": 30}, []),
        ({"treated": 60, "excluded": 10, "drug": 40, "placebo": 30}, ["treated"]),
    ],
)
def test_the_flow_holds_its_groups(flow: dict[str, int], named: list[str]) -> None:
    """A box cannot hold fewer patients than the groups below it; those left out are no such box."""
    rows = [["age", "mean±SD", "60.0±10.0", "55.0±12.0"]]
    assert [row for row, _, _ in wrong(rows, GROUPS, flow=flow)] == named


def test_a_one_sided_p_is_right_where_the_table_says_so() -> None:
    """Half of the two-sided P, in a table whose note calls it one-sided."""
    rows = [["age", "mean±SD", "60.0±10.0", "55.0±12.0", "1.900", "0.031"]]
    assert len(wrong(rows, [*GROUPS, "t", "P"])) == 1
    assert wrong(rows, [*GROUPS, "t", "P"], table={"note": "P is one-sided"}) == []


def test_chinese_tables_are_read() -> None:
    """Full-width signs, 例, x̄±s and a header such as t值."""
    columns = ["试验组（n＝40）", "对照组（n＝30）", "t/χ2值", "P值"]
    rows = [
        ["年龄（岁）", "x̄±s", "60.0±10.0", "55.0±12.0", "1.900", "0.031"],
        ["卒中", "例（％）", "12（30.0）", "6（21.0）", "0.897", "0.343"],
        ["病程", "M（P25，P75）", "5（3，8）", "6（4，9）", "-0.5", "0.617"],
    ]
    assert [(row, cell) for row, cell, _ in wrong(rows, columns)] == [("年龄（岁）", "P值"), ("卒中", columns[1])]


def test_a_blank_and_an_unreadable_cell_accuse_nobody() -> None:
    """A dash is not printed; a remark is unverifiable, with its reason."""
    found = audited([["age", "mean±SD", "60±x", "–", "1.902", "see text"]], [*GROUPS, "t", "P"])
    assert found.inconsistent == ()
    assert {one.cell.text: one.why for one in found.unverifiable} == {
        "60±x": "this cannot be read as mean",
        "1.902": "no test is known that the printed numbers determine",
        "see text": "this cannot be read as a statistic or a P",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "is not a JSON file"),
        ("item,drug,placebo\nage,60.0,55.0\n", r"(?s)is not a JSON file.*only from JSON, not from CSV.*docs/tables.md"),
        ("[]", "has no table"),
        ('{"a": 1}', "has no table"),
        ('{"t": {"columns": ["a"], "rows": 3}}', "has no list of rows"),
        ('{"t": {"columns": ["a"], "rows": [["x", "n", 1, 2]]}}', "row 1 does not fit"),
    ],
)
def test_a_file_that_is_no_table_is_explained(tmp_path: Path, text: str, message: str) -> None:
    """The place and the form are named; nothing crashes."""
    file = tmp_path / "tables.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match=message):
        read_document(file)
