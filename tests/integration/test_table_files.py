"""Tables of `nightround table` as files, and tables in a terminal of 80 columns: no number and no word is lost."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from docx import Document

from nightround.cli.main import main
from tests.commanded_study import commanded_study
from tests.integration.test_table_command import PLAN, ROWS, data_file

WIDE, NARROW = "400", "80"
STUDY_COMMANDS = (
    ("findings",),
    ("notify",),
    ("snapshots", "list"),
    ("rules",),
    ("rules", "--yield"),
    ("rules", "backtest", "required:age"),
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A plan and its data."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    return data_file(tmp_path, ROWS), plan


def ended(*words: str | Path) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in words])
    return int(end.value.code or 0)


def test_a_csv_says_what_the_json_says(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same statistics, so that `results compare` finds no difference."""
    data, plan = files
    out, other = tmp_path / "t.csv", tmp_path / "t.json"
    assert ended("table", data, "--plan", plan, "--out", out, "--json") == 0
    other.write_text(capsys.readouterr().out, encoding="utf-8")
    assert ended("results", "compare", out, other, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["compared"] > 10
    assert (found["same"], found["different"], found["only_a"], found["only_b"]) == (True, [], [], [])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_word_file_has_the_tables_of_the_report(
    language: str, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real tables in the language that is asked for; the same call gives the same bytes."""
    data, plan = files
    written = []
    for name in ("a.docx", "b.docx"):
        assert ended("table", data, "--plan", plan, "--language", language, "--out", tmp_path / name) == 0
        assert name in capsys.readouterr().out
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    document = Document(str(tmp_path / "a.docx"))
    (made,) = document.tables
    cells = [cell.text for row in made.rows for cell in row.cells]
    assert any("drug" in one for one in cells)
    assert any("left" in one for one in cells)
    caption = " ".join(one.text for one in document.paragraphs)
    assert ("表" in caption) == (language == "zh")


def test_another_kind_of_file_is_a_mistake(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Nothing is written."""
    data, plan = files
    assert ended("table", data, "--plan", plan, "--out", tmp_path / "t.pdf") == 2
    assert not (tmp_path / "t.pdf").exists()


def words_at(
    columns: str, words: tuple[str | Path, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[set[str], int]:
    """Every word and number that a command prints in a terminal of so many columns, and its longest line of a table.

    Heads are left out: where not even two columns fit, each row is a list, and what names it has no head.
    """
    monkeypatch.setenv("COLUMNS", columns)
    ended(*words)
    text = capsys.readouterr().out
    longest = max((len(line.rstrip()) for line in text.splitlines() if "│" in line or "━" in line), default=0)
    below = [line for line in text.splitlines() if "━" in line]
    heads = {one for line, rule in pairwise(text.splitlines()) if rule in below for one in line.split()}
    return {one for one in text.split() if any(sign.isalnum() for sign in one)} - heads, longest


def test_a_narrow_terminal_breaks_nothing(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What each command that prints tables says in 400 columns it says in 80, word for word, and no table is wider."""
    monkeypatch.setenv("NIGHTROUND_LANGUAGE", "en")
    with commanded_study(tmp_path / "data", monkeypatch) as study:
        named = ("--data", str(study.data))
        commands: list[tuple[str | Path, ...]] = [("table", files[0], "--plan", files[1], "--compare", "recommended")]
        for command in STUDY_COMMANDS:
            first, rest = command[:2] if command[1:2] in (("list",), ("backtest",)) else command[:1], command
            commands.append((*first, str(study.source), *rest[len(first) :], *named))
        for one in commands:
            wide, _ = words_at(WIDE, one, monkeypatch, capsys)
            narrow, longest = words_at(NARROW, one, monkeypatch, capsys)
            assert wide, one
            assert wide - narrow == set(), one
            assert longest <= int(NARROW), one
