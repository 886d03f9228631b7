"""`nightround worklist`: a list goes out, is filled in, sorted, damaged or forged, and comes back."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from nightround.findings import worklist_sheet
from nightround.findings.worklist_sheet import COLUMNS, HIDDEN
from tests.commanded_study import Call, call_of, commanded_study
from tests.small_study import PATIENTS, SmallStudy

ANSWER, COMMENT = COLUMNS.index("answer") + 1, COLUMNS.index("comment") + 1
STRANGE = {"record_id": "=1+1", "age": "98", "sex": "1", "systolic": "120", "diastolic": "80"}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study after one night; a record is named like a formula."""
    with commanded_study(tmp_path / "data", monkeypatch, patients=[*PATIENTS, STRANGE]) as one:
        yield one


@pytest.fixture
def call(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """A command on the study, as its exit code and its JSON."""
    return call_of(study, capsys)


@pytest.fixture
def file(call: Call, tmp_path: Path) -> Path:
    """A list of all findings in English."""
    path = tmp_path / "list.xlsx"
    assert call("worklist", "--out", str(path), "--language", "en")[0] == 0
    return path


def read(call: Call, path: Path, by: str = "coordinator") -> tuple[int, dict[str, Any]]:
    """Read a list."""
    return call("worklist", "--read", str(path), "--by", by)


def filled(path: Path, change: Callable[[Any], None]) -> None:
    """Open a list as a spreadsheet program does, change its sheet, and save it."""
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)


def results(said: dict[str, Any]) -> list[str]:
    """The result of each line."""
    return [one["result"] for one in said["lines"]]


def state(call: Call, identity: str) -> str:
    """The state of a finding."""
    return str(call("finding", identity)[1]["finding"]["state"])


def test_a_list_has_links_and_drop_downs_in_the_order_of_a_chart(call: Call, file: Path) -> None:
    """Each open finding once, its exact page, five answers to choose from, and nothing that runs as a formula."""
    sheet = openpyxl.load_workbook(file).worksheets[0]
    listed = {one["id"]: one for one in call("findings", "--open")[1]["findings"] if not one["under"]}
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    assert {row[0] for row in rows} == set(listed)
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), key=lambda one: (one == "'=1+1", one))
    links = {row[0].value: row[COLUMNS.index("page")].hyperlink.target for row in sheet.iter_rows(min_row=3)}
    assert links == {name: one["link"] for name, one in listed.items()}
    (choices,) = sheet.data_validations.dataValidation
    assert (choices.type, str(choices.sqref)) == ("list", f"K3:K{len(rows) + 2}")
    assert sheet.row_dimensions[1].hidden
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert not {row[1] for row in rows if str(row[1]).startswith("=")}
    text = b"".join(zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist())
    assert b">97<" not in text


def test_every_line_is_reported_and_answers_are_written_down(call: Call, file: Path) -> None:
    """An answer by label or code counts, a wrong one is refused, a blank one is left; rows may be sorted."""
    names: list[str] = []

    def fill(sheet: Any) -> None:
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
        rows.reverse()
        for number, row in enumerate(rows, 3):
            for column, value in enumerate(row, 1):
                sheet.cell(number, column).value = value
        names.extend(str(row[0]) for row in rows)
        sheet.cell(3, ANSWER).value, sheet.cell(3, COMMENT).value = "Data missing", "see the chart"
        sheet.cell(4, ANSWER).value = "typo_corrected"
        sheet.cell(5, ANSWER).value = "perhaps"

    filled(file, fill)
    code, said = read(call, file)
    assert code == 0
    assert results(said)[:3] == ["answered", "answered", "refused"]
    assert set(results(said)[3:]) <= {"blank"}
    assert [one["finding"] for one in said["lines"]] == names
    assert [state(call, name) for name in names[:3]] == ["answered", "answered", "open"]
    again = read(call, file)[1]
    assert results(again)[:3] == ["already", "already", "refused"]


def test_nothing_newer_is_overwritten(study: SmallStudy, call: Call, file: Path) -> None:
    """A line is refused once its finding was answered otherwise, or its value is another one that breaks the rule."""
    filled(file, lambda sheet: [sheet.cell(row, ANSWER, "Other") for row in range(3, sheet.max_row + 1)])
    mine = [one for one in call("findings", "--open")[1]["findings"] if one["fields"] == ["age"]]
    (valued,) = (one["id"] for one in mine if one["record"] == "2")
    (answered,) = (one["id"] for one in mine if one["record"] == "=1+1")
    call("answer", answered, "--code", "data_missing", "--by", "somebody")
    study.next_day()
    study.corrected("2", age="99")
    study.round()
    receipts = {one["finding"]: one for one in read(call, file)[1]["lines"]}
    assert {receipts[name]["result"] for name in (valued, answered)} == {"refused"}
    assert "changed after" in receipts[valued]["why"]
    assert call("finding", answered)[1]["finding"]["answer"]["code"] == "data_missing"
    assert state(call, valued) == "open"


def test_forged_doubled_and_running_lines_are_refused(call: Call, file: Path) -> None:
    """An id of nobody, a formula, a comment alone, and two different answers to one finding change nothing."""

    def forge(sheet: Any) -> None:
        sheet.cell(3, ANSWER).value = '=HYPERLINK("http://x")'
        first = [sheet.cell(4, column).value for column in range(1, len(COLUMNS) + 1)]
        sheet.cell(4, ANSWER).value = "Other"
        bottom = sheet.max_row
        for column, value in enumerate(first, 1):
            sheet.cell(bottom + 1, column).value = value
        sheet.cell(bottom + 1, ANSWER).value = "Data missing"
        for column, value in (("finding", "97 of patient 2"), ("answer", "Other"), ("version", "x")):
            sheet.cell(bottom + 2, COLUMNS.index(column) + 1).value = value
        sheet.cell(5, COMMENT).value = "a comment alone"

    filled(file, forge)
    said = read(call, file)[1]
    assert [one["result"] for one in said["lines"] if one["result"] != "blank"] == ["refused"] * 5
    assert "97 of" not in json.dumps(said)
    assert {one["state"] for one in call("findings")[1]["findings"]} == {"open"}


def other(**parts: bytes) -> bytes:
    """A zip file of parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def with_part(path: Path, name: str, content: bytes) -> bytes:
    """The list with one part more."""
    out = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return out.getvalue()


def changed(path: Path, change: Callable[[Any], None]) -> bytes:
    """The list with a changed workbook."""
    book, out = openpyxl.load_workbook(path), io.BytesIO()
    change(book)
    book.save(out)
    return out.getvalue()


FORGED: dict[str, Callable[[Path], bytes]] = {
    "nothing": lambda _: b"",
    "text": lambda _: b"finding,answer\n",
    "an empty zip": lambda _: other(),
    "another zip": lambda _: other(a=b"b"),
    "half of it": lambda path: path.read_bytes()[: path.stat().st_size // 2],
    "a bomb": lambda path: with_part(path, "xl/bomb.xml", b"0" * 150_000_000),
    "macros": lambda path: with_part(path, "xl/vbaProject.bin", b"x"),
    "links": lambda path: with_part(path, "xl/externalLinks/externalLink1.xml", b"<a/>"),
    "entities": lambda path: with_part(path, "xl/a.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'),
    "another study": lambda path: changed(path, lambda book: book[HIDDEN].cell(3, 1, "another")),
    "another form": lambda path: changed(path, lambda book: book[HIDDEN].cell(2, 1, "0")),
    "no marker": lambda path: changed(path, lambda book: book.remove(book[HIDDEN])),
    "no columns": lambda path: changed(path, lambda book: book.worksheets[0].delete_rows(1)),
    "a column twice": lambda path: changed(path, lambda book: book.worksheets[0].cell(1, 20, "answer")),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_file_that_is_no_list_of_the_study_is_refused_whole(call: Call, file: Path, name: str) -> None:
    """It is an explained error with exit code 2, and no finding is changed."""
    filled(file, lambda sheet: sheet.cell(3, ANSWER, "Other"))
    file.write_bytes(FORGED[name](file))
    code, said = read(call, file)
    assert (code, said["error"]["code"].split(".")[0]) == (2, "worklist")
    assert {one["state"] for one in call("findings")[1]["findings"]} == {"open"}


@pytest.mark.parametrize(
    "options",
    [[], ["--out", "a.xlsx", "--read", __file__], ["--read", __file__], ["--out", "a.xlsx", "--for", "nobody_at_all"]],
)
def test_wrong_options_are_usage_errors(
    call: Call, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither or both ways, answers of nobody, and a name that is no role and no group."""
    monkeypatch.chdir(tmp_path)
    assert call("worklist", *options)[0] == 2
    assert not (tmp_path / "a.xlsx").exists()


def test_a_role_has_its_own_list(call: Call, tmp_path: Path) -> None:
    """What belongs to somebody else is not in it."""
    owners = {one["owner"] for one in call("findings", "--open")[1]["findings"] if not one["under"]}
    for owner in owners:
        path = tmp_path / f"{owner}.xlsx"
        code, said = call("worklist", "--for", owner, "--out", str(path), "--language", "zh")
        mine = [one for one in call("findings", "--open", "--owner", owner)[1]["findings"] if not one["under"]]
        assert (code, said["lines"]) == (0, len(mine))


def test_a_list_has_no_more_lines_than_a_spreadsheet_takes(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is counted, and the list that is written can be read back."""
    whole = call("worklist", "--out", str(tmp_path / "whole.xlsx"))[1]
    monkeypatch.setattr(worklist_sheet, "MOST_WRITTEN", 1)
    code, said = call("worklist", "--out", str(tmp_path / "cut.xlsx"))
    assert (code, said["lines"], said["left_out"]) == (0, 1, whole["lines"] - 1)
    assert whole["left_out"] == 0
    assert results(read(call, tmp_path / "cut.xlsx")[1]) == ["blank"]
