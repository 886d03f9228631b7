"""Every function of REDCap logic, on examples worked out by hand, in both implementations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd
import pytest

from redcap_sync.logic import DEFAULT_SWITCHES, Evaluator, Switches, interpret, parse, references
from redcap_sync.logic.interpreter_values import printed
from redcap_sync.logic.language import FUNCTIONS
from redcap_sync.missing_codes import MissingCodes

NOW = datetime(2024, 5, 17, 13, 45, 10)  # noqa: DTZ001 - REDCap's times have no zone
CODES = MissingCodes(("NI", "-99", "77"), {"limited": frozenset({"77"})})


def value_of(logic: str, row: Mapping[str, str] | None = None, switches: Switches = DEFAULT_SWITCHES) -> str:
    """What both implementations print for a row; they must agree."""
    tree, row = parse(logic), row or {}
    columns = {r.column: pd.Series([row.get(r.column, "")], dtype="str") for r in references(tree)}
    evaluator = Evaluator(columns, length=1, now=NOW, switches=switches, missing_codes=CODES)
    expected = interpret(tree, row, now=NOW, switches=switches, missing_codes=CODES)
    (found,) = evaluator.values(tree, text=True)
    assert found == printed(expected, switches.printed_digits)
    return str(found)


EXAMPLES = {
    "if": {"if([a] = 1, 'yes', 'no')": "yes", "if([b] = 1, 'yes', 'no')": "no", "if(1, if(0, 1, 2), 3)": "2"},
    "datediff": {
        "datediff('2024-05-01', '2024-05-17', 'd')": "16",
        "datediff('2024-05-17', '2024-05-01', 'd')": "16",
        "datediff('2024-05-17', '2024-05-01', 'd', true)": "-16",
        "datediff('2024-05-17', '2024-05-01', 'd', 'ymd', true)": "-16",
        "datediff('2024-05-17', '2024-05-01', 'd', 'mdy', 'false')": "16",
        "datediff('2024-05-17', '2024-05-01', 'd', 'dmy', 1)": "-16",
        "datediff('2000-01-01', '2001-01-01', 'y')": "1.0020739645578",
        "datediff('2024-01-01', '2024-01-31', 'M')": "0.98554533508541",
        "datediff('2024-05-01', '2024-05-01 12:30', 'h')": "12.5",
        "datediff('2024-05-01 12:00', '2024-05-01 12:30:30', 'm')": "30.5",
        "datediff('2024-05-01', '2024-05-01 00:00:07', 's')": "7",
        "datediff('2024-05-15', 'today', 'd')": "2",
        "datediff('2024-05-17', 'now', 'h')": "13.752777777778",
        "datediff('2024-05-15', today, 'd', true)": "2",
        "datediff([b], 'today', 'd')": "",
        "datediff('03-01-2025', '2025-03-05', 'd', 'mdy', true)": "4",
        "datediff('01/03/2025', '05/03/2025 12:00', 'h', 'dmy')": "108",
        "datediff('09:00', '10:30', 'm')": "90",
        "datediff('10:30:30', '09:00', 'h', true)": "-1.5083333333333",
        "datediff('09:00', '2025-03-05', 'm')": "",
    },
    "age_at_date": {
        "age_at_date('1980-05-17', '2024-05-16')": "43",
        "age_at_date('1980-05-17', '2024-05-17 08:00')": "44",
        "age_at_date('2000-02-29', '2023-02-28')": "22",
        "age_at_date('2000-02-29', '2023-03-01')": "23",
        "age_at_date('2000-01-01', '2001-07-02', true)": "1.4986301369863",
        "age_at_date([b], 'today')": "",
    },
    "year": {"year('2024-05-17')": "2024", "year('today')": "2024", "year([b])": ""},
    "month": {"month('2024-05-17 10:00')": "5", "month('2024/05/17')": "5"},
    "day": {"day('2024-05-17')": "17", "day('now')": "17"},
    "dayoftheweek": {"dayoftheweek('2024-05-13')": "1", "dayoftheweek('2024-05-19')": "7"},
    "round": {
        "round(2.5)": "3",
        "round(-2.5)": "-3",
        "round(1.005, 2)": "1.01",
        "round(14.384, 1)": "14.4",
        "round(1250, -2)": "1300",
        "round([b], 1)": "",
    },
    "roundup": {
        "roundup(14.324, 1)": "14.4",
        "roundup(-1.2)": "-2",
        "roundup(1.1, 1)": "1.1",
        "roundup(0.1 + 0.2, 1)": "0.3",
    },
    "rounddown": {"rounddown(14.384, 1)": "14.3", "rounddown(-1.8)": "-1", "rounddown(2.3, 1)": "2.3"},
    "sqrt": {"sqrt(9)": "3", "sqrt(-1)": "", "sqrt([b])": ""},
    "abs": {"abs(-7.1)": "7.1", "abs([b])": ""},
    "exponential": {"exponential(0)": "1", "exponential(1)": "2.718281828459", "exponential(1000)": ""},
    "log": {
        "log(100, 10)": "2",
        "log(1)": "0",
        "log(8, 'x')": "2.0794415416798",
        "log(0)": "",
        "log(5, 1)": "",
        "log(5, 0)": "",
    },
    "mod": {"mod(7, 3)": "1", "mod(-7, 3)": "-1", "mod(7, 0)": "", "mod(7.5, 2)": "1.5"},
    "min": {"min([b], 3, [a])": "1", "min([b])": "", "min('NI', 4)": "4"},
    "max": {"max([b], 3, [a])": "3", "max([b], [b])": ""},
    "mean": {"mean(1, [b], 4)": "2.5", "mean([b])": ""},
    "median": {"median(5, [b], 1, 2)": "2", "median(1, 4)": "2.5", "median([b], [b])": ""},
    "sum": {"sum(1, [b], 4)": "5", "sum([b], [b])": "0", "sum('NI', 2)": "2"},
    "stdev": {"stdev(1, 2, 3, 4)": "1.2909944487358", "stdev(5)": "", "stdev([b], [b])": ""},
    "isnumber": {"isnumber([a])": "1", "isnumber([b])": "0", "isnumber('12a')": "0", "isnumber('-1.5')": "1"},
    "isinteger": {"isinteger('5')": "1", "isinteger('5.5')": "0", "isinteger([b])": "0", "isinteger(4 / 2)": "1"},
    "isblankormissingcode": {
        "isblankormissingcode([b])": "1",
        "isblankormissingcode([m])": "1",
        "isblankormissingcode([a])": "0",
        "isblankormissingcode(-99)": "1",
    },
    "isblanknotmissingcode": {"isblanknotmissingcode([b])": "1", "isblanknotmissingcode([m])": "0"},
    "ismissingcode": {"ismissingcode([m])": "1", "ismissingcode([b])": "0", "ismissingcode('ni')": "0"},
    "hasmissingcode": {
        "hasmissingcode([m], 'NI, UNK')": "1",
        "hasmissingcode([m], 'UNK')": "0",
        "hasmissingcode([b], '')": "0",
    },
    "contains": {"contains([t], 'KARL')": "1", "contains([t], 'x')": "0", "contains([b], 'x')": "0"},
    "not_contain": {"not_contain([t], 'karl')": "0", "not_contain([b], 'x')": "1"},
    "starts_with": {"starts_with([t], 'anna')": "1", "starts_with([t], 'karl')": "0"},
    "ends_with": {"ends_with([t], 'karl')": "1", "ends_with([t], 'anna')": "0"},
    "find": {"find('karl', [t])": "6", "find('z', [t])": "0", "find('x', [b])": "0"},
    "left": {"left([t], 4)": "Anna", "left([t], 99)": "Anna Karl", "left([t], 0)": "", "left([t], [b])": ""},
    "right": {"right([t], 4)": "Karl", "right([t], 99)": "Anna Karl", "right([t], 0)": ""},
    "mid": {"mid([t], 6, 3)": "Kar", "mid([t], 0, 3)": "", "mid([t], 6, 99)": "Karl"},
    "length": {"length([t])": "9", "length([b])": "0", "length('\u75c5\u4eba')": "2"},
    "trim": {"trim('  a b ')": "a b"},
    "upper": {"upper([t])": "ANNA KARL"},
    "lower": {"lower([t])": "anna karl"},
    "replace_text": {"replace_text([t], 'a', 'o')": "Anno Korl", "replace_text([t], '', 'o')": "Anna Karl"},
    "concat": {"concat([t], '-', [a], [b])": "Anna Karl-1", "concat(1.50, 2 / 4)": "1.50.5"},
    "concat_ws": {"concat_ws(', ', [t], [b], [a])": "Anna Karl, 1", "concat_ws('-', [b])": ""},
}
ROW = {"a": "1", "b": "", "m": "NI", "t": "Anna Karl", "limited": "77", "code": "-99"}


@pytest.mark.parametrize(("logic", "value"), [pair for examples in EXAMPLES.values() for pair in examples.items()])
def test_a_function_gives_what_was_worked_out_by_hand(logic: str, value: str) -> None:
    """Each example holds in the evaluator and in the interpreter."""
    assert value_of(logic, ROW) == value


def test_every_function_has_examples() -> None:
    """A function without an example would be taken on trust."""
    assert set(EXAMPLES) == set(FUNCTIONS)


@pytest.mark.parametrize(
    ("logic", "value"),
    {
        "2 + 3 * 4": "14",
        "(2 + 3) * 4": "20",
        "10 - 4 - 3": "3",
        "24 / 4 / 2": "3",
        "(2)^(10)": "1024",
        "-(2)^(2)": "4",
        "(-8)^(1/3)": "",
        "(0)^(-1)": "",
        "1 / 0": "",
        "0.1 + 0.2": "0.3",
        "1 / 3": "0.33333333333333",
        "1000000 * 1000000": "1000000000000",
        "0.00001 / 10": "0.000001",
        "[b] + 1": "",
        "[m] * 2": "",
        "[t] + 1": "",
        "+[a]": "1",
        "-[b]": "",
        "([a] = 1) + 1": "2",
    }.items(),
)
def test_arithmetic_is_exact_or_blank(logic: str, value: str) -> None:
    """A blank, a text, a division by zero or no real result gives a blank; true counts 1."""
    assert value_of(logic, ROW) == value


SWITCHED = {
    "if([b] < 5, 1, 0)": ("0", "1", Switches(blank_is_below_everything=True)),
    "if(5 > [b], 1, 0)": ("0", "1", Switches(blank_is_below_everything=True)),
    "if([b] > -5, 1, 0)": ("0", "0", Switches(blank_is_below_everything=True)),
    "if([code] < 5, 1, 0)": ("0", "1", Switches(missing_code_is_a_value=True)),
    "if([limited] > 5, 1, 0)": ("1", "0", Switches(code_within_limits_is_a_value=False)),
    "sum([b])": ("0", "", Switches(sum_of_blanks_is_zero=False)),
    "round(2.5) + round(-2.5)": ("0", "1", Switches(round_half="up")),
    "round(2.5)": ("3", "2", Switches(round_half="to_even")),
    "roundup(-1.2)": ("-2", "-1", Switches(roundup_negative="towards_infinity")),
    "rounddown(-1.2)": ("-1", "-2", Switches(roundup_negative="towards_infinity")),
    "stdev(1, 3)": ("1.4142135623731", "1", Switches(stdev_of_sample=False)),
    "find('KARL', [t])": ("6", "0", Switches(find_ignores_case=False)),
    "if('2024-05-18' > 'today', 1, 0)": ("1", "0", Switches(today_in_comparisons=False)),
    "if([b] = 'NaN', 1, 0)": ("1", "0", Switches(nan_is_blank=False)),
    "age_at_date('2000-01-01', '2001-07-02', true)": (
        "1.4986301369863",
        "1.5003730398297",
        Switches(decimal_age="average_year"),
    ),
    "1 / 3": ("0.33333333333333", "0.333333", Switches(printed_digits=6)),
}


@pytest.mark.parametrize("logic", SWITCHED)
def test_each_unverified_behaviour_is_one_switch(logic: str) -> None:
    """What no public page states has a recommended default, and one place to turn it."""
    default, other, switches = SWITCHED[logic]
    assert value_of(logic, ROW) == default
    assert value_of(logic, ROW, switches) == other


def test_every_switch_is_tried() -> None:
    """A switch that nothing tests could be dead."""
    turned = {
        name
        for _, _, switches in SWITCHED.values()
        for name, value in vars(switches).items()
        if value != getattr(DEFAULT_SWITCHES, name)
    }
    assert turned == set(vars(DEFAULT_SWITCHES))
