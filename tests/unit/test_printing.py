"""What the command line prints: tables as wide as the terminal in which no number and no word is broken."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightround.cli.printing import ListColumn, number, print_error, print_table, words, wrapped
from nightround.model.errors import StudyFilesWrong

ROWS = [
    ("age", "the age on the day of the operation", "-23.96", "0.001"),
    ("ctv_middle_ivc_area", "年龄在18~70岁之间", "166.4±6.9", "<0.001"),
]
COLUMNS = ("field", words("title"), number("before"), number("P"))


def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    """The table above in a terminal of some width."""
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(COLUMNS, ROWS, title="A table")
    return capsys.readouterr().out


def test_a_wide_terminal_shows_each_row_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is room nothing is wrapped."""
    lines = printed(capsys, monkeypatch, 120).splitlines()
    assert len(lines) == 1 + 2 + len(ROWS)
    assert all(cell in lines[3] for cell in ROWS[0])


def test_text_gives_way_before_numbers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In 60 columns the title goes on in a next line, and no line is longer than the terminal."""
    out = printed(capsys, monkeypatch, 60)
    assert max(map(len, out.splitlines())) <= 60
    assert len(out.splitlines()) > 1 + 2 + len(ROWS)
    assert all(cell in out for row in ROWS for cell in (row[0], row[2], row[3]))


def test_columns_that_do_not_fit_come_in_parts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part repeats what names the row."""
    out = printed(capsys, monkeypatch, 40)
    assert max(map(len, out.splitlines())) <= 40
    assert out.count("ctv_middle_ivc_area") == 3
    assert all(cell in out for row in ROWS for cell in (row[0], row[2], row[3]))


def test_a_very_narrow_terminal_lists_the_cells_of_each_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a column does not fit even next to the row's name, every cell has a line with its heading."""
    out = printed(capsys, monkeypatch, 24)
    assert "    before: -23.96\n" in out
    assert "    title: 年龄在18~70岁之间\n" in out


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.from_regex(r"[a-z]{0,9}( -?[0-9]{1,6}\.[0-9])?", fullmatch=True), min_size=4, max_size=4)
    ),
    width=st.integers(10, 120),
    wrap=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_no_word_of_any_table_is_broken(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: list[list[str]],
    width: int,
    wrap: list[bool],
) -> None:
    """Whatever the cells and the width, each word is printed whole."""
    monkeypatch.setenv("COLUMNS", str(width))
    columns = [ListColumn(head, wrap=may) for head, may in zip(("one", "two", "three", "four"), wrap, strict=True)]
    print_table(columns, rows)
    out = set(re.split(r"[\s│:]+", capsys.readouterr().out))
    assert {word for row in rows for cell in row for word in cell.split()} <= out


def test_chinese_is_broken_between_signs_and_numbers_stay_whole() -> None:
    """A line never begins with a closing sign, and never inside a number."""
    assert wrapped("年龄在18~70岁之间，含两端。", 10) == ["年龄在", "18~70岁之", "间，含两", "端。"]


def test_a_cell_cannot_move_the_cursor_or_be_read_as_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control characters become blanks, brackets stay."""
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("field", "value"), [("age", "[red]7\x9b\x1b[2J0")])
    out = capsys.readouterr().out
    assert "[red]7  [2J0" in out


def test_an_error_is_a_document_only_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The text is on stderr in both cases."""
    error = StudyFilesWrong("night.no_plan")
    print_error(error, as_json=False)
    assert capsys.readouterr().out == ""
    print_error(error, as_json=True)
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["exit_code"], document["error"]["code"]) == (10, "night.no_plan")
    assert (document["error"]["what"], document["error"]["remedy"]) == (error.what, error.remedy)
    assert err.startswith(f"nightround: {error.what}\n  Why: plan.toml is not in the study folder")
