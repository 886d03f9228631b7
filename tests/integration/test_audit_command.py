"""`nightround audit-table`: one JSON document, or a line a cell."""

import json
from pathlib import Path

import pytest

from nightround.cli.main import main

PRINTED = Path(__file__).parents[1] / "reference" / "published_tables.json"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """Exit code, stdout and stderr of a call."""
    with pytest.raises(SystemExit) as stopped:
        main(["audit-table", *arguments])
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def test_the_json_names_each_cell_that_cannot_be_right(capsys: pytest.CaptureFixture[str]) -> None:
    """One document with the agreed keys and nothing else on stdout."""
    code, out, _ = run(capsys, str(PRINTED), "--json")
    found = json.loads(out)
    assert code == 0
    assert found.keys() == {"checked", "inconsistent", "unverifiable", "remarks"}
    keys = {"table", "row", "cell", "printed", "recomputed", "why", "code"}
    assert all(one.keys() == keys and all(one.values()) for one in found["inconsistent"])
    assert all(one.keys() == keys - {"recomputed"} for one in found["unverifiable"])
    assert found["checked"] > len(found["inconsistent"]) > 0


def test_the_listing_says_what_must_stand_there_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    """Cell, printed, recomputed, reason; then how many cells were checked."""
    code, out, _ = run(capsys, str(PRINTED))
    assert code == 0
    assert "table1 | cerebrovascular disease | P: printed 0.09, must be 0.031" in out
    assert "15 cannot be right" in out


def test_the_listing_can_be_read_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    """The same cells with their reasons in Chinese, the names of tests included."""
    _, out, _ = run(capsys, str(PRINTED), "--language", "zh")
    assert "table1 | cerebrovascular disease | P：所印为 0.09，应为 0.031" in out
    assert "χ²（自由度 1）" in out
    assert "cannot be right" not in out


def test_a_row_of_whole_numbers_can_be_declared(capsys: pytest.CaptureFixture[str]) -> None:
    """With --whole the means of that row must be those of whole numbers."""
    _, out, _ = run(capsys, str(PRINTED), "--whole", "Cr")
    assert "GRIM" in out


def test_a_file_without_tables_ends_with_exit_code_10(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It says which form is read."""
    file = tmp_path / "x.json"
    file.write_text("{}", encoding="utf-8")
    code, out, err = run(capsys, str(file))
    assert (code, out) == (10, "")
    assert "rows of [label, kind, cells...]" in err
