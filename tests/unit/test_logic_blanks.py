"""How REDCap's comparisons treat blanks, numbers, texts and dates."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from redcap_sync.errors import LogicError
from redcap_sync.logic import Column, Evaluator, holds, parse, references

NOW = datetime(2024, 5, 17, 13, 45, 10)  # noqa: DTZ001 - REDCap's times have no zone


def is_true(logic: str, **row: str) -> bool:
    """What both implementations say of a row of texts; they must agree."""
    tree = parse(logic)
    columns = {r.column: pd.Series([row.get(r.column, "")], dtype="str") for r in references(tree)}
    (found,) = Evaluator(columns, length=1, now=NOW).truth(tree)
    assert found == holds(tree, row, now=NOW)
    return bool(found)


@pytest.mark.parametrize(
    ("logic", "expected"),
    {
        "[n] = ''": True,
        '[n] = ""': True,
        "'' = ''": True,
        "'' <> 'x'": True,
        "[n] <> ''": False,
        "[n] = 0": False,
        "[n] <> 0": True,
        "[n] <> '1999'": True,
        "[n] < 5": False,
        "[n] > 5": False,
        "[n] <= 5": False,
        "[n] >= 5": False,
        "[n] <= [n]": False,
        "5 > [n]": False,
        "[n] + 1 > 0": False,
        "[n] + 1 = ''": True,
        "sum([n], 1) = 1": True,
        "[n]": False,
        "not [n]": True,
        "not ([n] < 5)": True,
        "[n] = [other]": True,
        "[n] <> [other]": False,
    }.items(),
)
def test_a_blank_is_not_zero(logic: str, expected: bool) -> None:  # noqa: FBT001
    """A blank equals a blank only, is in no order with anything, and makes arithmetic blank."""
    assert is_true(logic) is expected


@pytest.mark.parametrize(
    ("logic", "row", "expected"),
    [
        ("[age] = 18", {"age": "18"}, True),
        ("[age] = '18'", {"age": "18"}, True),
        ("[age] = '18.0'", {"age": "18"}, True),
        ("'018' = 18", {}, True),
        ("[age] < 9", {"age": "10"}, False),
        ("[age] < '9'", {"age": "10"}, False),
        ("[t] = 'abc'", {"t": "ABC"}, False),
        ("[t] = 'abc'", {"t": "abc"}, True),
        ("[t] < 'b'", {"t": "a"}, True),
        ("[t] > '9'", {"t": "NI"}, True),
        ("[n] = 'NI'", {"n": "NI"}, True),
        ("[n] + 0 = ''", {"n": "NI"}, True),
        ("[n] = '1' or [n] = '2'", {"n": "2"}, True),
        ("[box(1)] = '1'", {"box___1": "1"}, True),
        ("[box(1)] = 0", {"box___1": "0"}, True),
        ("[box(1)]", {"box___1": "0"}, False),
        ("[box(-99)]", {"box____99": "1"}, True),
        ("[visit_arm_1][n] = 3", {"[visit_arm_1][n]": "3"}, True),
        ("[visit_arm_1][n] = ''", {}, True),
        ("[n][last-instance] > [n]", {"[n][last-instance]": "3", "n": "2"}, True),
        ("[record-name] = 'r1'", {"[record-name]": "r1"}, True),
        ("[t]", {"t": "some text"}, True),
        ("[t]", {"t": "0.0"}, False),
    ],
)
def test_numbers_compare_as_numbers_and_all_else_as_text(logic: str, row: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    """Quotes do not matter; where both sides look numeric they are numbers, else texts with their case."""
    assert is_true(logic, **row) is expected


@pytest.mark.parametrize(
    ("logic", "row", "expected"),
    [
        ("'2003-01-01' < [dob]", {"dob": "2003-01-02"}, True),
        ("[dob] > 'today'", {"dob": "2024-05-17"}, False),
        ("[dob] > 'today'", {"dob": "2024-05-18"}, True),
        ("[dob] = 'today'", {"dob": "2024-05-17"}, True),
        ("[at] < 'now'", {"at": "2024-05-17 13:45"}, True),
        ("[at] > '2024-05-17'", {"at": "2024-05-17 00:00"}, True),
        ("[at] = '2024-05-17'", {"at": "2024-05-17 00:00"}, False),
        ("[dob] < [at]", {"dob": "2024-05-17", "at": "2024-05-17 00:00"}, True),
        ("[dob] < '2024'", {"dob": "2023-12-31"}, True),
    ],
)
def test_dates_compare_as_their_stored_text(logic: str, row: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    """A date comes before the same date with a time, because its text is the shorter one."""
    assert is_true(logic, **row) is expected


def evaluator(**columns: object) -> Evaluator:
    """An evaluator of given columns."""
    data = next(iter(columns.values()))
    length = len(data.data) if isinstance(data, Column) else len(data)  # type: ignore[arg-type]
    return Evaluator(columns, length=length, now=NOW)  # type: ignore[arg-type]


MIDNIGHTS = np.array(["2024-05-17", "NaT"], dtype="datetime64[ns]")


@pytest.mark.parametrize(
    ("column", "equal_to_date", "written"),
    [
        (MIDNIGHTS, True, "2024-05-17"),
        (Column(MIDNIGHTS, "date"), True, "2024-05-17"),
        (Column(MIDNIGHTS, "datetime"), False, "2024-05-17 00:00"),
        (Column(MIDNIGHTS, "datetime_seconds"), False, "2024-05-17 00:00:00"),
        (MIDNIGHTS + np.timedelta64(1, "h"), False, "2024-05-17 01:00"),
        (MIDNIGHTS + np.timedelta64(1, "s"), False, "2024-05-17 00:00:01"),
        (pd.Series(MIDNIGHTS).dt.tz_localize("UTC"), True, "2024-05-17"),
    ],
)
def test_a_datetime_column_compares_as_what_redcap_stores(column: object, equal_to_date: bool, written: str) -> None:  # noqa: FBT001
    """Its kind says how; without one, midnights are dates, and seconds count only where there are some."""
    found = evaluator(d=column)
    assert found.truth(parse("[d] = '2024-05-17'")).tolist() == [equal_to_date, False]
    assert found.truth(parse("[d] >= '2024-05-17'")).tolist() == [True, False]
    assert found.values(parse("[d]"), text=True).tolist() == [written, ""]


def test_a_number_column_with_its_texts_keeps_missing_data_codes() -> None:
    """What could not be read as a number still equals itself, while the rest is compared as numbers."""
    text = pd.Series(["5", "NI", "", "7.50"], dtype="str")
    typed = Column(pd.to_numeric(text, errors="coerce"), text=text)
    found = evaluator(n=typed)
    assert found.truth(parse("[n] = 'NI'")).tolist() == [False, True, False, False]
    assert found.truth(parse("[n] <> ''")).tolist() == [True, True, False, True]
    assert found.numbers(parse("[n] + 1")).tolist()[::3] == [6, 8.5]
    assert found.values(parse("concat([n], '!')"), text=True).tolist() == ["5!", "NI!", "!", "7.50!"]
    assert found.filled("n").tolist() == [True, True, False, True]


def test_truth_is_plain_and_cannot_be_changed() -> None:
    """Rules share their masks, so nobody may write into one; constants have a value for every row."""
    found = evaluator(n=np.array([1.0, np.nan, 3.0]))
    mask = found.truth(parse("[n] > 2"))
    assert mask.dtype == bool
    assert found.truth(parse("1 = 1")).tolist() == [True, True, True]
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = True


def test_a_calc_stores_numbers_only() -> None:
    """The text result of a calc field is blank; @CALCTEXT keeps it."""
    found = evaluator(n=np.array([1.0, np.nan]))
    assert found.values(parse("if([n] = 1, 'yes', 5)")).tolist() == ["", "5"]
    assert found.values(parse("if([n] = 1, 'yes', 5)"), text=True).tolist() == ["yes", "5"]
    assert found.values(parse("[n] = 1")).tolist() == ["1", "0"]


def test_a_missing_column_is_explained() -> None:
    """A rule on a field that is not there cannot be evaluated, and says so."""
    with pytest.raises(LogicError, match="column gone is missing"):
        evaluator(n=np.array([1.0])).truth(parse("[gone] = 1"))


def test_the_data_are_never_changed() -> None:
    """Evaluation copies no frame and writes into no column."""
    numbers = np.array([1.0, np.nan, np.inf])
    numbers.flags.writeable = False
    found = evaluator(n=numbers)
    for logic in ("[n] / 0", "-[n]", "round([n])", "sum([n], [n])", "max([n])", "if([n] = 1, [n], 2)", "[n] * [n]"):
        found.numbers(parse(logic))
    assert np.array_equal(numbers, [1.0, np.nan, np.inf], equal_nan=True)


def test_a_part_keeps_nothing_after_its_last_use() -> None:
    """Without an announcement results are kept; a part drops each after the last use that was announced."""
    rules = [parse("[n] <> '' and [n] > 5"), parse("[n] <> '' and [n] < 1")]
    keeping = evaluator(n=np.array([1.0]))
    keeping.truth(rules[0])
    assert keeping.kept > 0
    (frugal,) = evaluator(n=np.array([1.0])).parts([slice(0, 1)], rules, filled=["n"])
    frugal.truth(rules[0])
    assert frugal.kept > 0
    frugal.truth(rules[1])
    frugal.filled("n")
    assert frugal.kept == 0
