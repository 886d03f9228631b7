"""The small parts of the sandbox: names, dates, parameters, quoting, order."""

import csv
from io import BytesIO, StringIO

import pypdfium2
import pytest

from redcap_sync.project.structure import unique_event_name, unique_group_name
from redcap_sync.project.values import natural_order
from redcap_sync.sandbox.call_error import ApiError
from redcap_sync.sandbox.parameters import parameters_from_pairs
from redcap_sync.sandbox.plain_pdf import pdf_of_lines
from redcap_sync.sandbox.rendering import csv_text, error_answer
from redcap_sync.sandbox.validation import InvalidValueError, stored_date


@pytest.mark.parametrize(
    ("name", "arm", "expected"),
    [
        ("Deadline to opt out of study", 2, "deadline_to_opt_ou_arm_2"),
        ("Event 1", 1, "event_1_arm_1"),
        ("Dose #2!", 10, "dose_2_arm_10"),
        ("6-month visit", 1, "6_month_visit_arm_1"),
    ],
)
def test_unique_event_names(name: str, arm: int, expected: str) -> None:
    """Lower case, other characters as one underscore, 18 characters, the arm; duplicates get a letter."""
    assert unique_event_name(name, arm, ()) == expected
    assert unique_event_name(name, arm, {expected}) == expected.replace("_arm_", "a_arm_")


@pytest.mark.parametrize(
    ("name", "expected"), [("New DAG", "new_dag"), ("dag-a", "daga"), ("TestGroup1", "testgroup1")]
)
def test_unique_group_names(name: str, expected: str) -> None:
    """Lower case, blanks as underscores, other characters left out; duplicates get a letter."""
    assert unique_group_name(name, ()) == expected
    assert unique_group_name(name, {expected}) == f"{expected}a"


@pytest.mark.parametrize(
    ("written", "kind", "date_format", "stored"),
    [
        ("2024-02-29", "date", "YMD", "2024-02-29"),
        ("02/29/2024", "date", "MDY", "2024-02-29"),
        ("29/02/2024 8:05", "datetime", "DMY", "2024-02-29 08:05"),
        ("2024-02-29 23:59:07", "datetime_seconds", "YMD", "2024-02-29 23:59:07"),
    ],
)
def test_dates_are_stored_year_first(written: str, kind: str, date_format: str, stored: str) -> None:
    """Whatever order they come in; a day the calendar does not have is refused."""
    assert stored_date(written, kind, date_format) == stored
    with pytest.raises(InvalidValueError):
        stored_date(written.replace("29", "30"), kind, date_format)


def test_parameters_are_read_as_clients_write_them() -> None:
    """Arrays with index, with empty brackets and joined by commas; True, true and 1; times to the minute."""
    read = parameters_from_pairs(
        [("fields[0]", "b"), ("fields[1]", "a"), ("forms[]", "x"), ("events", "e1, e2"), ("flag", "True"), ("n", "x")]
    )
    assert (read.names("fields"), read.names("forms"), read.names("events")) == (("b", "a"), ("x",), ("e1", "e2"))
    assert (read.flag("flag"), read.flag("absent")) == (True, False)
    assert (read.format, read.return_format) == ("xml", "xml")
    with pytest.raises(ApiError, match='"n" is not valid'):
        read.integer("n", 1)
    until = parameters_from_pairs([("endTime", "2025-03-01 24:00")]).moment("endTime")
    assert str(until) == "2025-03-01 23:59:59"


def test_cells_are_quoted_as_php_does() -> None:
    """For the delimiter, quotes, blanks and line ends; quotes are doubled; blanks stay bare."""
    text = csv_text(["a", "b"], [["1", "Event 1"], ['say "x"', ""], ["x;y", "l\n2"]], ";")
    assert text == 'a;b\n1;"Event 1"\n"say ""x""";\n"x;y";"l\n2"\n'
    assert list(csv.reader(StringIO(text, newline=""), delimiter=";"))[3] == ["x;y", "l\n2"]
    assert csv_text(["a"], []) == "\n"


def test_errors_have_three_forms() -> None:
    """JSON object, a line, or XML with its special characters escaped."""
    assert error_answer("a\nb", 400, "json").body == b'{"error":"a\\nb"}'
    assert error_answer("a", 400, "csv").body == b"ERROR: a"
    xml = error_answer("<x>", 400, "xml").body
    assert xml == b'<?xml version="1.0" encoding="UTF-8" ?><hash><error>&lt;x&gt;</error></hash>'


def test_records_are_ordered_naturally() -> None:
    """Numbers by their value, also behind a group's prefix."""
    names = ["10", "9", "331-10", "331-9", "b2", "B1", ""]
    assert sorted(names, key=natural_order) == ["", "9", "10", "331-9", "331-10", "B1", "b2"]


def test_a_pdf_can_be_read() -> None:
    """The pages hold the lines, Latin and Chinese."""
    document = pypdfium2.PdfDocument(BytesIO(pdf_of_lines(["Weight 80", "髂静脉", *map(str, range(60))])))
    text = document[0].get_textpage().get_text_range()
    assert ("Weight 80" in text, "髂静脉" in text, len(document)) == (True, True, 2)
