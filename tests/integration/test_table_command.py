"""`nightround table`: the tables of a plan from any CSV, and what it says of a file it cannot use."""

import csv
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main

STUDY = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
PLAN = """
policy = "spss"
grouping = "arm"
population = "all"
groups = [{ id = "drug", label = "drug", codes = ["1"] }, { id = "placebo", label = "placebo", codes = ["0"] }]
flow = [{ id = "all", label = "enrolled" }]

[[tables]]
id = "t1"
title = "Baseline"
kind = "by_group"
effects = ["difference", "smd"]

[[tables.sections]]
variables = [
  { id = "age", label = "Age", type = "continuous", summary = "mean_sd", field = "age" },
  { id = "side", label = "Side", type = "categorical", summary = "n_percent", field = "side", levels = [
    { id = "l", label = "left", codes = ["l"] }, { id = "r", label = "right", codes = ["r"] },
    { id = "b", label = "both", codes = ["b"] } ] },
]
"""
ROWS = [
    ["id", "arm", "age", "side"],
    *([str(number), str(number % 2), f"{50 + number % 7}", "lrb"[number % 3]] for number in range(20)),
]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A small plan."""
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")
    return file


def data_file(folder: Path, rows: list[list[str]], *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """A CSV file."""
    text = "\n".join(delimiter.join(row) for row in rows)
    file = folder / "data.csv"
    file.write_bytes(text.encode(encoding))
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a call."""
    with pytest.raises(SystemExit) as stopped:
        main([str(one) for one in arguments])
    printed = capsys.readouterr()
    code = stopped.value.code
    return (code if isinstance(code, int) else 0), printed.out, printed.err


def document(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    """The JSON document of a call."""
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def number(found: dict[str, Any], **place: str) -> Any:
    """The text of one result row."""
    return next(row["text"] for row in found["rows"] if all(row[key] == value for key, value in place.items()))


def test_the_json_holds_every_result_row(capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path) -> None:
    """One document: the policy, the tables, and rows with value, text, n, df, test and reason."""
    found = document(capsys, "table", data_file(tmp_path, ROWS), "--plan", plan)
    assert found["policy"] == "spss"
    assert [table["id"] for table in found["tables"]] == ["t1"]
    assert number(found, variable="age", statistic="summary", group="drug") == "53.0±2.0"
    t = next(row for row in found["rows"] if (row["variable"], row["statistic"]) == ("age", "t"))
    assert (t["n"], t["df"], t["method"]) == (20, 18.0, "Student t test (pooled variance)")


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), ("|", "utf-8"), (",", "utf-8")]
)
def test_delimiter_and_byte_order_mark_are_found_out(
    capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    """Semicolons, tabs and bars are told from the header; UTF-16 and UTF-8 with a mark are read."""
    file = data_file(tmp_path, ROWS, delimiter=delimiter, encoding=encoding)
    assert number(document(capsys, "table", file, "--plan", plan), variable="all", statistic="n") == "20"


def test_the_tables_are_printed_with_their_methods(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plan: Path, tmp_path: Path
) -> None:
    """In the terminal: groups with n, levels under their variable, and a letter for each method."""
    monkeypatch.setenv("COLUMNS", "160")
    code, out, _ = run(capsys, "table", data_file(tmp_path, ROWS), "--plan", plan)
    assert code == 0
    assert all(text in out for text in ("drug (n=10)", "53.0±2.0", "left", "a Student t test (pooled variance)"))


def test_a_sensitivity_analysis_stands_under_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plan: Path, tmp_path: Path
) -> None:
    """A plan that asks for half of the detection limit gets a second line with its own mean, test and note."""
    monkeypatch.setenv("COLUMNS", "160")
    text = PLAN.replace('field = "age"', 'field = "age", below_detection = true, half_limit = true')
    plan.write_text(text, encoding="utf-8")
    rows = [*ROWS, ["99", "1", "<50", "l"]]
    _, out, _ = run(capsys, "table", data_file(tmp_path, rows), "--plan", plan)
    line = next(line for line in out.splitlines() if "half of the limit" in line)
    assert "50.5±8.7" in line
    assert "set to half of it" in out


def test_two_policies_are_compared(capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path) -> None:
    """Every number that the other policy prints differently, with both methods."""
    found = document(capsys, "table", data_file(tmp_path, ROWS), "--plan", plan, "--compare", "recommended")
    side = next(one for one in found["differences"] if (one["variable"], one["statistic"]) == ("side", "p"))
    assert "Pearson" in side["why"]
    assert "Fisher-Freeman-Halton" in side["why"]
    _, out, _ = run(capsys, "table", tmp_path / "data.csv", "--plan", plan, "--compare", "recommended")
    assert f"{len(found['differences'])} numbers differ" in out


def test_redcaps_own_export_is_read_by_events(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A row an event: the study's plan gives the published numbers from a flat export."""
    spec = importlib.util.spec_from_file_location("content_cohort_export", STUDY / "synthetic" / "cohort.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = module.records(1)
    file = tmp_path / "export.csv"
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)
    found = document(capsys, "table", file, "--plan", STUDY / "plan.toml")
    assert number(found, table="table1", variable="age", statistic="summary", group="patency") == "54.0±15.4"
    assert number(found, table="table2", variable="vcss", statistic="p", group="occlusion") == "0.551"


def without(column: int) -> list[list[str]]:
    """The rows without one column."""
    return [[cell for place, cell in enumerate(row) if place != column] for row in ROWS]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (without(2), "has no column 'age'"),
        ([["id", "arm", "agee", "side"], *ROWS[1:]], "the nearest is 'agee'"),
        ([*ROWS, ROWS[3]], "repeats the id of an earlier row: data rows 21"),
        (ROWS[:1], "has no rows"),
        ([], "is empty"),
        ([["id", "arm", "age", "age"], *ROWS[1:]], "has the column 'age' twice"),
        ([*ROWS, ["99", "1"]], "line 22 has 2 cells, the header has 4"),
        ([*ROWS, ["99", "1", "about 60", "l"]], "1 value is not a number, the first in data row 21"),
        ([*ROWS, ["99", "1", '"60', "l"]], "cannot be read as CSV"),
    ],
)
def test_a_file_that_does_not_fit_is_explained(
    capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path, rows: list[list[str]], message: str
) -> None:
    """Exit code 10, what is wrong and where, no traceback and no value."""
    code, out, err = run(capsys, "table", data_file(tmp_path, rows), "--plan", plan)
    assert (code, out) == (10, "")
    assert message in err
    assert "about 60" not in err


def test_a_file_in_gbk_is_told_and_read_when_asked(
    capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path
) -> None:
    """Excel on a Chinese Windows saves GBK: the message names the encoding and the option."""
    rows = [[*ROWS[0], "备注"], *([*row, "正常"] for row in ROWS[1:])]
    file = data_file(tmp_path, rows, encoding="gb18030")
    code, _, err = run(capsys, "table", file, "--plan", plan)
    assert code == 10
    assert "GBK" in err
    assert "--encoding gb18030" in err
    found = document(capsys, "table", file, "--plan", plan, "--encoding", "gb18030")
    assert number(found, variable="all", statistic="n") == "20"


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"PK\x03\x04", "an Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"a\0b", "not text"),
        (b"\xff\xff\xff\x80", "cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_named(
    capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path, start: bytes, message: str
) -> None:
    """A workbook is not read as text."""
    file = tmp_path / "data.csv"
    file.write_bytes(start)
    code, _, err = run(capsys, "table", file, "--plan", plan)
    assert code == 10
    assert message in err


def test_a_missing_code_and_the_identifier_can_be_named(
    capsys: pytest.CaptureFixture[str], plan: Path, tmp_path: Path
) -> None:
    """-99 is no age where the call says so; an identifier that does not exist is refused."""
    file = data_file(tmp_path, [*ROWS, ["99", "1", "-99", "l"]])
    found = document(capsys, "table", file, "--plan", plan, "--missing", "-99")
    assert number(found, variable="age", statistic="missing", group="drug") == "1"
    code, _, err = run(capsys, "table", file, "--plan", plan, "--id", "idd")
    assert code == 10
    assert "the nearest is 'id'" in err


SILENT_PLAN = """
policy = "recommended"
grouping = "grp"
population = "all"
groups = [{ id = "a", label = "A", codes = ["1"] }, { id = "b", label = "B", codes = ["2"] }]
flow = [{ id = "all", label = "All" }]
endpoints = [{ id = "e", label = "Endpoint", among = "all", field = "d", codes = ["1"] }]

[[tables]]
id = "t1"
title = "T1"
kind = "by_group"
family = "holm"
effects = ["difference", "smd"]

[[tables.sections]]

[[tables.sections.variables]]
id = "x"
label = "x"
type = "continuous"
summary = "mean_sd"
field = "x"
digits = 1
beside = ["mann_whitney"]

[[tables.sections.variables]]
id = "d"
label = "d"
type = "dichotomous"
summary = "n_percent"
field = "d"
shown = "y"
beside = ["fisher"]
levels = [{ id = "y", label = "yes", codes = ["1"] }, { id = "n", label = "no", codes = ["0"] }]
"""
SILENT_ROWS = [
    ["record_id", "grp", "x", "d"],
    *(["1", "1", "10.1", "1"], ["2", "1", "11.3", "1"], ["3", "1", "9.8", "0"], ["4", "1", "", "9"]),
    *(["5", "1", "", "1"], ["6", "1", "12.2", "0"], ["7", "2", "14.9", "0"], ["8", "2", "15.3", "0"]),
    *(["9", "2", "", "0"], ["10", "2", "13.8", "1"], ["11", "2", "16.2", "9"], ["12", "2.0", "14.2", "1"]),
    ["13", "", "13.0", "0"],
]
THIRD_GROUP = SILENT_PLAN.replace(
    '{ id = "b", label = "B", codes = ["2"] }]',
    '{ id = "b", label = "B", codes = ["2"] }, { id = "c", label = "C", codes = ["3"] }]',
).replace('beside = ["mann_whitney"]', "")


def silent(folder: Path, plan: str, rows: list[list[str]]) -> tuple[Path, Path]:
    """A data file and a plan."""
    file = folder / "silent.toml"
    file.write_text(plan, encoding="utf-8")
    return data_file(folder, rows), file


def test_the_text_says_what_the_json_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Missing values, unknown codes, patients in no group, adjusted P and further tests are printed."""
    data, plan = silent(tmp_path, SILENT_PLAN, SILENT_ROWS)
    _, out, _ = run(capsys, "table", data, "--plan", plan)
    lines = out.splitlines()
    unknown = "codes the plan does not know were left out"
    assert "in no group: 2" in lines
    assert f"Endpoint: 45.5% (5/11); 2 missing; {unknown}" in lines
    assert {"x, A: 2 missing", "x, B: 1 missing", f"d, A: 1 missing; {unknown}", "x: P=0.003 (Holm adjustment)"} <= {
        *lines
    }
    assert any(line.startswith("x: P=0.021 (Mann-Whitney") for line in lines)


def test_an_unknown_code_is_missing_in_the_endpoint_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A code that no level of the field has is unknown everywhere; a plan without levels takes every code as known."""
    data, plan = silent(tmp_path, SILENT_PLAN, SILENT_ROWS)
    assert number(document(capsys, "table", data, "--plan", plan), table="endpoints", statistic="n") == "11"
    bare = SILENT_PLAN[: SILENT_PLAN.rindex("[[tables.sections.variables]]")]
    data, plan = silent(tmp_path, bare, SILENT_ROWS)
    assert number(document(capsys, "table", data, "--plan", plan), table="endpoints", statistic="n") == "13"


@pytest.mark.parametrize("code", ["-99", "-99.0", "-99.00", " -99", "-9.9e1"])
def test_a_missing_code_is_a_number_however_it_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, code: str
) -> None:
    """--missing -99 matches -99.0; a patient's id of -99 stays an id."""
    rows = [["record_id", "grp", "x", "d"], ["-99", "1", code, "1"], ["2", "1", "10", "0"], ["3", "2", "12", "1"]]
    data, plan = silent(tmp_path, SILENT_PLAN, rows)
    found = document(capsys, "table", data, "--plan", plan, "--missing", "-99")
    assert number(found, table="t1", variable="x", statistic="mean", group="a") == "10.0"
    assert number(found, table="flow", variable="all") == "3"


def test_a_group_of_one_takes_part_where_the_method_allows_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """3+3+1 patients: F 3.755 and P .121 as R's aov has them; Welch's test leaves the one out and says so."""
    values = {"1": ["10", "12", "9"], "2": ["14", "12", "15"], "3": ["13"]}
    people = [[group, value] for group, several in values.items() for value in several]
    rows = [["record_id", "grp", "x", "d"], *([str(k), *one, "1"] for k, one in enumerate(people))]
    data, plan = silent(tmp_path, THIRD_GROUP, rows)
    spss = document(capsys, "table", data, "--plan", plan, "--policy", "spss")
    assert [number(spss, table="t1", variable="x", statistic=one) for one in ("f", "p")] == ["3.755", "0.121"]
    _, out, _ = run(capsys, "table", data, "--plan", plan)
    assert "Welch ANOVA; a group with too few values for this test is left out" in out


def test_three_groups_have_the_largest_smd_and_say_why_there_is_no_difference(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The largest standardised difference of any two groups; a difference needs two groups, and the cell says so."""
    people = [[str(1 + k % 3), f"{10 + k % 3 + k // 3}"] for k in range(18)]
    rows = [["record_id", "grp", "x", "d"], *([str(k), *one, str(k % 2)] for k, one in enumerate(people))]
    data, plan = silent(tmp_path, THIRD_GROUP, rows)
    found = document(capsys, "table", data, "--plan", plan)
    # Means differ by 2 between the first and the last group, and each group's SD is the root of 3.5.
    assert number(found, table="t1", variable="x", statistic="smd") == "1.07"
    _, out, _ = run(capsys, "table", data, "--plan", plan)
    assert "this needs exactly two groups" in out
    assert "largest standardised difference of any two groups" in out
