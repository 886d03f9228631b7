"""The project's own rules are read from CSV as different programs write it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.custom_rules import CustomRule, read_custom_rules

HEADER = "rule_name,rule_logic,real_time_execution\n"


def read(folder: Path, text: str) -> tuple[CustomRule, ...]:
    """Write a file and read it."""
    file = folder / "project_rules.csv"
    file.write_text(text, encoding="utf-8", newline="")
    return read_custom_rules(file)


def test_quotes_behind_a_backslash_are_read(tmp_path: Path) -> None:
    """A server's own page writes a quote in a cell as PHP escapes it."""
    text = HEADER + '"say \\"hi\\", now","[c] > 5",n\n"next","[c] = \\"\\"",n\n'
    assert read(tmp_path, text) == (CustomRule('say "hi", now', "[c] > 5"), CustomRule("next", '[c] = ""'))


def test_a_backslash_of_ordinary_csv_stays(tmp_path: Path) -> None:
    """Where quotes are doubled, a backslash is a character like others, at the end of a cell too."""
    text = HEADER + '"a\\b ""c""","[c] = \'\\\'",n\n"path\\","[c] > 5",n\n'
    assert read(tmp_path, text) == (CustomRule('a\\b "c"', "[c] = '\\'"), CustomRule("path\\", "[c] > 5"))


CELL = st.text(st.sampled_from("ab,\" '[]>=5\n"), min_size=1, max_size=12)
ROWS = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4)


@given(rows=ROWS)
def test_doubled_quotes_are_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    """Names and logic with quotes, commas and line breaks come back as they were."""
    folder = tmp_path_factory.mktemp("csv")
    doubled = io.StringIO(newline="")
    csv.writer(doubled, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([*rows])
    expected = tuple(CustomRule(*row) for row in rows)
    assert read(folder, "rule_name,rule_logic\n" + doubled.getvalue()) == expected


QUOTED = st.text(st.sampled_from("ab, '[]>=5"), max_size=5)
WITH_QUOTES = st.tuples(QUOTED, QUOTED, QUOTED).map(lambda parts: '{}"{}"{}'.format(*parts))


@given(rows=st.lists(st.tuples(WITH_QUOTES, WITH_QUOTES), min_size=1, max_size=4))
def test_pairs_of_quotes_behind_backslashes_are_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    """Whatever is around and between two quotes, and however many cells have them."""
    folder = tmp_path_factory.mktemp("csv")
    cells = [[cell.replace('"', '\\"') for cell in row] for row in rows]
    text = "".join(f'"{name}","{logic}",n\n' for name, logic in cells)
    assert read(folder, HEADER + text) == tuple(CustomRule(*row) for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "a,[b] > 1,n,more\n",
        HEADER + "a\n",
        "rule_name,rule_name,rule_logic\na,b,c\n",
        "name,logic\na,b\n",
        HEADER + "a\0,[b] > 1,n\n",
        HEADER + '"a,[b] > 1,n\n',
    ],
)
def test_a_file_that_leaves_doubt_is_refused(tmp_path: Path, text: str) -> None:
    """Too many cells, too few, a column twice, another header, a control character, an open quote."""
    with pytest.raises(ProjectFileWrong) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 10
