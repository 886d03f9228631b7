"""Two files of results are equal in any form, and every changed number of one is named, and no other."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightround.cli.main import main
from nightround.model.errors import StudyFilesWrong
from nightround.model.result import ResultKey, ResultRow
from nightround.statistics.result_files import compare_files, read_results
from nightround.texts.csv_text import csv_text

NAMES = st.text("abc-=+ 年", min_size=1, max_size=4).map(str.strip).filter(bool)
KEYS = st.builds(ResultKey, NAMES, NAMES, NAMES, NAMES, st.sampled_from(["", "before", "after"]), NAMES)
VALUES = st.one_of(st.none(), st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6))
ROWS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=12).map(
    lambda found: [
        ResultRow(*key[:3], value, "–" if value is None else f"{value:.2f}", key.group, key.visit, key.level)
        for key, value in found.items()
    ]
)
FORMS = ("rows.json", "columns.json", "list.json", "rows.csv")
PLENTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, form: str, rows: list[ResultRow]) -> Path:
    """A file of results in one of the forms in which they are found."""
    plain = [asdict(row) for row in rows]
    columns = {name: [row[name] for row in plain] for name in plain[0]}
    made: Any = {"rows.json": {"rows": plain}, "columns.json": {"results": columns}, "list.json": plain}.get(form)
    path = folder / form
    text = csv_text(list(plain[0]), plain) if made is None else json.dumps(made)
    path.write_text(text, encoding="utf-8", newline="")
    return path


@PLENTY
@given(ROWS, st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_the_form_of_a_file_makes_no_difference(tmp_path: Path, rows: list[ResultRow], one: str, other: str) -> None:
    """The same rows as JSON by row or by column, as a list, and as CSV, are the same results."""
    (tmp_path / "b").mkdir(exist_ok=True)
    found = compare_files(written(tmp_path, one, rows), written(tmp_path / "b", other, rows))
    assert found.same
    assert found.compared == len(rows)


@PLENTY
@given(ROWS, st.data())
def test_each_change_is_named_and_nothing_else(tmp_path: Path, rows: list[ResultRow], data: st.DataObject) -> None:
    """A changed number, a row too many and a row too few are what the comparison names."""
    changed = data.draw(st.sampled_from(rows))
    gone = data.draw(st.sampled_from([None, *(row for row in rows if row is not changed)]))
    others = [
        ResultRow(**{**asdict(row), "value": (row.value or 0.0) * (1 + 1e-8) + 1e-6}) if row is changed else row
        for row in rows
        if row is not gone
    ]
    (tmp_path / "b").mkdir(exist_ok=True)
    found = compare_files(written(tmp_path, "rows.json", rows), written(tmp_path / "b", "rows.csv", others))
    # A number where the other file has a text alone is compared by its text.
    assert [one.key for one in found.different] == ([changed.key] if changed.value is not None else [])
    assert found.only_first == ((gone.key,) if gone else ())
    assert found.only_second == ()


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    """The columns of R's cards package are known; numbers may be printed with fewer digits where asked."""
    ours, theirs = tmp_path / "a.csv", tmp_path / "b.csv"
    ours.write_text("variable,statistic,group,level,value\nage,mean,a,,54.0235294\n", encoding="utf-8")
    theirs.write_text("variable,stat_name,group1_level,variable_level,stat\nage,mean,a,,54.02\n", encoding="utf-8")
    assert not compare_files(ours, theirs).same
    assert compare_files(ours, theirs, digits=4).same


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "{", "[1, 2]", '{"rows": 3}', "variable,statistic\nage,mean\n"])
def test_what_is_no_file_of_results_is_explained(tmp_path: Path, text: str) -> None:
    """Anything without statistics and their values is a mistake with a remedy."""
    for name in ("x.json", "x.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(StudyFilesWrong):
            read_results(path)


def test_a_statistic_twice_is_refused(tmp_path: Path) -> None:
    """Two rows of one statistic cannot be compared with one."""
    path = tmp_path / "x.csv"
    path.write_text("variable,statistic,value\nage,mean,1\nage,mean,2\n", encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match="age"):
        read_results(path)


def test_the_command_answers_as_text_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a difference; the JSON document has the agreed keys."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("variable,statistic,value,text\nage,mean,1.5,1.5\nage,sd,2,2.0\n", encoding="utf-8")
    second.write_text("variable,statistic,value,text\nage,mean,1.6,1.6\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["results", "compare", str(first), str(second), "--language", "en"])
    assert capsys.readouterr().out.splitlines() == [
        "age | mean: A 1.5, B 1.6",
        "age | sd: only in A",
        "1 statistic compared: 1 differ, 1 only in one of the files",
    ]
    with pytest.raises(SystemExit):
        main(["results", "compare", str(first), str(second), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"compared", "same", "different", "only_a", "only_b"}
    assert found["different"][0]["b"] == {"value": 1.6, "text": "1.6"}
