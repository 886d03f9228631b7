"""The evaluator of whole columns says of every row what the plain interpreter says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise, product
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from redcap_sync.errors import LogicError
from redcap_sync.logic import (
    Column,
    Evaluator,
    Expression,
    Reference,
    Switches,
    from_json,
    holds,
    interpret,
    parse,
    to_json,
    to_logic,
)
from redcap_sync.logic import references as references_of
from redcap_sync.logic.interpreter_dates import DATE_ARGUMENTS, written_date
from redcap_sync.logic.interpreter_values import number_of, printed
from redcap_sync.logic.language import CALCDATE, FUNCTIONS, SMART_VARIABLES, UNIT_SECONDS, Arity
from redcap_sync.logic.syntax import And, Call, Chain, Comparison, Not, Number, Or, Power, Text, signed
from redcap_sync.missing_codes import MissingCodes

NOW = datetime(2024, 2, 29, 13, 45, 10)  # noqa: DTZ001 - REDCap's times have no zone
CODES = MissingCodes(("NI", "-99", "UNK"), {name: frozenset({"-99"}) for name in ("n_int", "t_str", "m_number")})
DETERMINISTIC = settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

NUMBERS = (0.0, 1.0, -1.0, 2.5, -2.5, 3.0, 10.0, 0.1, 1.005, -99.0, 1e6, 1234.5678, 1e300)
DATES = ("2024-02-29", "2023-02-28", "1960-02-29", "1999-12-31", "2024-03-01")
TIMES = ("2024-02-29 00:00", "2024-02-29 13:45", "1960-02-29 23:59")
SECONDS = ("2024-02-29 13:45:10", "2024-02-29 00:00:00", "1999-12-31 23:59:59")
TEXTS = (
    "1",
    "01",
    "1.0",
    "-2.5",
    " 1",
    "1e2",
    "1e999",
    "abc",
    "ABC",
    "Abc d",
    "b",
    "NI",
    "-99",
    "x'y",
    "\u75c5\u4eba",
    "NaN",
)
CLOCKS = ("09:00", "23:59", "00:00:07", "24:00", "9:00")
WRITTEN = (
    *("02-29-2024", "29-02-2024", "03/01/2025", "31-03-2025 23:59", "2025-02-30", "2024/02/29 13:45:10"),
    *("02-13-2024T09:00", "2024-02-29 24:00", "13-13-2024", "2024-2-9", "0001-01-01", "0000-05-05"),
)
"""Dates as logic writes them out, in each format; some that can never be one."""
ODD_DATES = ("2023-02-29", "0001-01-01", "9999-12-31", "2024-2-9", "today", "now", "2024-02-29T13:45", "0000-05-05")


@dataclass(frozen=True, repr=False)
class Data:
    """The same rows twice: as columns for the evaluator, as stored texts for the interpreter."""

    columns: dict[str, Any]
    rows: list[dict[str, str]]


def number_texts(numbers: list[float | None]) -> list[str]:
    """Numbers as REDCap would have stored them."""
    return ["" if number is None else f"{Decimal(repr(number)):f}".removesuffix(".0") for number in numbers]


def floats(numbers: list[float | None]) -> np.ndarray[Any, Any]:
    """NaN where there is no number."""
    return np.array([math.nan if number is None else number for number in numbers], dtype="float64")


def moments(texts: list[str], unit: str = "ns") -> Any:
    """NaT where there is no text."""
    return np.array([text.replace(" ", "T") or "NaT" for text in texts], dtype=f"datetime64[{unit}]")


def typed(texts: list[str]) -> np.ndarray[Any, Any]:
    """What a table keeps of stored texts in a number column."""
    return floats([number_of(text) for text in texts])


def data_of(seed: int, count: int) -> Data:
    """So many rows in a column of every dtype a table can have, the same every time."""
    random = Random(seed)

    def some(*values: Any) -> list[Any]:
        return random.choices(values, k=count)

    columns: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    numbers = some(None, *NUMBERS)
    columns["n_float"], texts["n_float"] = floats(numbers), number_texts(numbers)
    numbers = some(None, *NUMBERS)
    columns["n_series"], texts["n_series"] = pd.Series(floats(numbers)), number_texts(numbers)
    whole = some(None, 0, 1, 2, -99, 10)
    columns["n_nullable"], texts["n_nullable"] = pd.Series(whole, dtype="Int64"), number_texts(whole)
    whole = some(0, 1, 2, 3)
    columns["n_int"], texts["n_int"] = np.array(whole, dtype="int64"), number_texts([float(n) for n in whole])
    flags = some(True, False)
    columns["f_bool"], texts["f_bool"] = np.array(flags, dtype=bool), ["1" if flag else "0" for flag in flags]
    flags = some(True, False, None)
    columns["f_nullable"] = pd.Series(flags, dtype="boolean")
    texts["f_nullable"] = ["" if flag is None else "1" if flag else "0" for flag in flags]
    words = some("", *TEXTS)
    columns["t_str"], texts["t_str"] = pd.Series(words, dtype="str"), words
    words = some("", *TEXTS, *ODD_DATES, *DATES, *TIMES)
    columns["t_object"], texts["t_object"] = pd.Series([w or None for w in words], dtype=object), words
    words = some("", "1", "2", "3", "-99")
    columns["t_category"], texts["t_category"] = pd.Series([w or None for w in words], dtype="category"), words
    words = some("", *DATES)
    columns["d_date"], texts["d_date"] = Column(pd.Series(moments(words)), "date"), words
    columns["d_plain"], texts["d_plain"] = moments(words, random.choice(("s", "us", "ns"))), words
    words = some("", *TIMES)
    columns["d_time"], texts["d_time"] = Column(moments(words), "datetime"), words
    words = some("", *SECONDS)
    columns["d_seconds"], texts["d_seconds"] = Column(moments(words), "datetime_seconds"), words
    words = some("", *CLOCKS)
    columns["t_clock"], texts["t_clock"] = pd.Series(words, dtype="str"), words
    words = some("", "1", "2.50", "NI", "-99", "3,5")
    columns["m_number"], texts["m_number"] = Column(typed(words), text=pd.Series(words, dtype="str")), words
    words = some("", "NI", *DATES)
    dates = [word if word in DATES else "" for word in words]
    columns["m_date"], texts["m_date"] = Column(moments(dates), "date", pd.Series(words, dtype="str")), words
    for name in SMART_VARIABLES:
        words = some("", "1", "2", "10", "end_arm_1", "North")
        columns[f"[{name}]"], texts[f"[{name}]"] = pd.Series(words, dtype="str"), words
    return Data(columns, [{name: texts[name][row] for name in columns} for row in range(count)])


DATA = tuple(data_of(seed, count) for seed, count in enumerate((50, 50, 50, 50, 1, 1, 1, 1, 1, 0)))
"""A single row takes other paths than many; an instrument nobody opened has none."""
FIELDS = (
    *("n_float", "n_series", "n_nullable", "n_int", "f_bool", "f_nullable", "t_str", "t_object", "t_category"),
    *("d_date", "d_plain", "d_time", "d_seconds", "m_number", "m_date", "t_clock"),
)
references = st.one_of(
    st.sampled_from(FIELDS).map(Reference), st.sampled_from((*FIELDS, *SMART_VARIABLES)).map(Reference)
)
literals = st.one_of(
    st.sampled_from(NUMBERS).map(Number),
    st.sampled_from(("", *TEXTS, *ODD_DATES, *DATES, *TIMES, *SECONDS)).map(Text),
)
written = st.sampled_from((*DATES, *TIMES, *CLOCKS, *WRITTEN, "today", "now", "")).map(Text)
dates = st.one_of(
    references,
    written,
    st.builds(lambda *parts: Call("if", parts), references, written, st.one_of(references, written)),
)
small = st.sampled_from((-3, -1, 0, 1, 2, 3, 20)).map(lambda n: Number(float(n)))


def call(name: str, *arguments: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """A function of given arguments."""
    return st.tuples(*arguments).map(lambda drawn: Call(name, drawn))


def words(*values: str) -> st.SearchStrategy[Expression]:
    """One of some texts."""
    return st.sampled_from(values).map(Text)


def chains(inner: st.SearchStrategy[Expression], signs: str) -> st.SearchStrategy[Expression]:
    """A sum or a product of two or three operands."""
    return st.integers(2, 3).flatmap(
        lambda n: st.builds(
            Chain,
            st.tuples(*[st.sampled_from(signs)] * (n - 1)),
            st.tuples(*[inner] * n),
        )
    )


def compositions(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Everything that can be built from given operands."""
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    two = st.lists(inner, min_size=2, max_size=3).map(tuple)
    decimals = st.one_of(small, inner)
    texts = ("contains", "not_contain", "starts_with", "ends_with", "find", "left", "right", "hasmissingcode", "mod")
    tests = ("isnumber", "isinteger", "isblankormissingcode", "isblanknotmissingcode", "ismissingcode")
    changes = ("length", "trim", "upper", "lower", "sqrt", "abs", "year", "month", "day", "dayoftheweek")
    return st.one_of(
        st.builds(Comparison, st.sampled_from(("=", "<>", "<", ">", "<=", ">=")), inner, inner),
        st.builds(Comparison, st.sampled_from(("=", "<>", "<", ">", "<=", ">=")), references, literals),
        st.builds(And, two),
        st.builds(Or, two),
        st.builds(Not, inner),
        st.builds(signed, st.sampled_from("+-"), inner),
        chains(inner, "+-"),
        chains(inner, "*/"),
        call("if", inner, inner, inner),
        st.builds(Call, st.sampled_from(("sum", "min", "max", "mean", "median", "stdev", "concat")), several),
        st.builds(Call, st.just("concat_ws"), two),
        *(call(name, inner, decimals) for name in texts),
        call("mid", inner, small, small),
        call("replace_text", inner, inner, inner),
        *(call(name, inner) for name in (*tests, *changes)),
        *(call(name, inner, decimals) for name in ("round", "roundup", "rounddown")),
        call("round", inner),
        call("round", st.builds(Power, inner, small), st.just(Number(6.0))),
        call("round", call("log", inner), st.just(Number(6.0))),
        call("round", call("log", inner, inner), st.just(Number(6.0))),
        call("round", call("exponential", inner), st.just(Number(6.0))),
        call("datediff", dates, dates, words("y", "M", "d", "h", "m", "s", "w")),
        call("datediff", dates, dates, words("y", "d"), words("true", "false", "ymd", "dmy")),
        call("datediff", dates, dates, words("M", "h"), words("mdy"), inner),
        call("age_at_date", dates, dates),
        call("age_at_date", dates, dates, st.one_of(words("true", "false"), inner)),
    )


leaves = st.one_of(references, references, literals)
numbers = st.one_of(st.sampled_from(("n_float", "m_number", "t_category", "n_nullable")).map(Reference), leaves)
whole = st.one_of(st.sampled_from(("n_int", "n_nullable", "t_category")).map(Reference), small)
BY_NAME: dict[str, st.SearchStrategy[Expression]] = {
    "+": chains(numbers, "+-"),
    "*": chains(numbers, "*/"),
    "^": call("round", st.builds(Power, numbers, small), st.just(Number(6.0))),
    "=": st.builds(Comparison, st.sampled_from(("=", "<>", "<", ">", "<=", ">=")), leaves, leaves),
    "datediff": call("datediff", dates, dates, words("y", "M", "d", "h", "m", "s", "w"), words("true", "ymd")),
    "age_at_date": call("age_at_date", dates, dates, words("true", "false")),
    "exponential": call("round", call("exponential", numbers), st.just(Number(6.0))),
    "log": call("round", call("log", numbers, numbers), st.just(Number(6.0))),
    "median": st.lists(numbers, min_size=2, max_size=4).map(lambda several: Call("median", tuple(several))),
    "mid": call("mid", leaves, whole, whole),
    "left": call("left", leaves, whole),
    "right": call("right", leaves, whole),
    "hasmissingcode": call("hasmissingcode", leaves, words("NI,-99", "NI", "NI , 1", "")),
}


def any_call(name: str) -> st.SearchStrategy[Expression]:
    """A call with so many arguments of any kind as the function takes."""
    arity = FUNCTIONS.get(name, Arity(1, 1))
    several = st.lists(leaves, min_size=arity.least, max_size=arity.most or arity.least + 2)
    return several.map(lambda arguments: Call(name, tuple(arguments)))


expressions = st.recursive(st.one_of(references, literals), compositions, max_leaves=8)
switches = st.builds(
    Switches,
    blank_is_below_everything=st.booleans(),
    missing_code_is_a_value=st.booleans(),
    code_within_limits_is_a_value=st.booleans(),
    sum_of_blanks_is_zero=st.booleans(),
    round_half=st.sampled_from(("away_from_zero", "to_even", "up")),
    roundup_negative=st.sampled_from(("away_from_zero", "towards_infinity")),
    stdev_of_sample=st.booleans(),
    find_ignores_case=st.booleans(),
    today_in_comparisons=st.booleans(),
    nan_is_blank=st.booleans(),
    decimal_age=st.sampled_from(("calendar", "average_year")),
    printed_digits=st.sampled_from((6, 14, 15)),
)


def disagreements(tree: Expression, rows: Data, chosen: Switches) -> list[tuple[Any, ...]]:
    """Where the two differ: the row, what the evaluator says, what the interpreter says."""
    evaluator = Evaluator(rows.columns, length=len(rows.rows), now=NOW, switches=chosen, missing_codes=CODES)
    truth, texts, numbers = evaluator.truth(tree), evaluator.values(tree, text=True), evaluator.numbers(tree)
    assert truth.dtype == bool
    assert len(truth) == len(texts) == len(numbers) == len(rows.rows)
    found: list[tuple[Any, ...]] = []
    used = {reference.column for reference in references_of(tree)}
    for position, row in enumerate(rows.rows):
        expected = interpret(tree, row, now=NOW, switches=chosen, missing_codes=CODES)
        is_true = holds(tree, row, now=NOW, switches=chosen, missing_codes=CODES)
        seen = {name: row[name] for name in used}
        text = printed(expected, chosen.printed_digits)
        if (bool(truth[position]), texts[position]) != (is_true, text):
            found.append((seen, truth[position], texts[position], is_true, expected))
        number = number_of(expected)
        if not np.isclose(numbers[position], math.nan if number is None else number, rtol=1e-12, equal_nan=True):
            found.append((seen, numbers[position], number))
    return found


@DETERMINISTIC
@given(expressions, st.sampled_from(DATA), st.one_of(st.just(Switches()), switches))
def test_the_evaluator_agrees_with_the_interpreter(tree: Expression, rows: Data, chosen: Switches) -> None:
    """For any expression, any dtype, any blanks and any switch, both give the same truth, text and number."""
    assert disagreements(tree, rows, chosen) == []


@pytest.mark.parametrize("operator", ["=", "<>", "<", ">", "<=", ">="])
@pytest.mark.parametrize("blank_is_below_everything", [False, True])
def test_every_comparison_of_two_columns_agrees(operator: str, blank_is_below_everything: bool) -> None:  # noqa: FBT001
    """Comparisons take a fast path for each pair of dtypes, and every path means the same."""
    chosen = Switches(blank_is_below_everything=blank_is_below_everything)
    columns = [Reference(field) for field in FIELDS]
    constants = [
        Number(2.5),
        *(Text(text) for text in ("", "1", "-99", "NI", "abc", *DATES[:2], *TIMES[:2], *SECONDS[:2])),
    ]
    rows = DATA[0]
    evaluator = Evaluator(rows.columns, length=len(rows.rows), now=NOW, switches=chosen)
    for left, right in product(columns, [*columns, *constants]):
        for tree in (Comparison(operator, left, right), Comparison(operator, right, left)):
            expected = [interpret(tree, row, now=NOW, switches=chosen) for row in rows.rows]
            assert evaluator.truth(tree).tolist() == expected, to_logic(tree)


@DETERMINISTIC
@given(
    st.tuples(
        dates,
        st.one_of(references, small),
        words("y", "M", "d", "h", "m", "s", "w"),
        words("date", "datetime", "datetime_seconds"),
    ),
    st.sampled_from(DATA),
)
def test_calculated_dates_agree(arguments: tuple[Expression, ...], rows: Data) -> None:
    """@CALCDATE adds the same offset in whole columns and in single rows."""
    assert disagreements(Call(CALCDATE, arguments), rows, Switches()) == []


@DETERMINISTIC
@given(st.lists(expressions, min_size=1, max_size=4), st.integers(0, 3), st.lists(st.integers(0, 50), max_size=3))
def test_parts_of_the_rows_give_what_all_rows_give(trees: list[Expression], which: int, cuts: list[int]) -> None:
    """Wherever the rows are cut, each part says of its rows what the whole says, and ends up empty."""
    rows = DATA[which]
    length = len(rows.rows)
    ends = sorted({0, *cuts, length})
    slices = [slice(*pair) for pair in pairwise(ends)]
    plain, whole = (Evaluator(rows.columns, length=length, now=NOW, missing_codes=CODES) for _ in range(2))
    parts = whole.parts(slices, [*trees, *trees], filled=FIELDS)
    for tree in trees:
        assert np.concatenate([part.truth(tree) for part in parts]).tolist() == plain.truth(tree).tolist()
        numbers = np.concatenate([part.numbers(tree) for part in parts])
        assert np.array_equal(numbers, plain.numbers(tree), equal_nan=True)
    for name in FIELDS:
        assert np.concatenate([part.filled(name) for part in parts]).tolist() == plain.filled(name).tolist()
    assert [part.kept for part in parts] == [0] * len(parts)


@DETERMINISTIC
@given(expressions)
@example(parse("1 - (2 - 3) - -4"))
@example(parse("not (not [a]) = 1"))
def test_a_written_tree_is_read_as_the_same_tree(tree: Expression) -> None:
    """Printing loses nothing and parsing adds nothing; only what can never be a date or a unit is refused."""
    if has_impossible_literal(tree):
        with pytest.raises(LogicError):
            parse(to_logic(tree))
    else:
        assert parse(to_logic(tree)) == tree


def has_impossible_literal(tree: Expression) -> bool:
    """Whether a date function of the tree has a written date, unit or format that can never be one."""
    return any(map(has_impossible_literal, tree.children)) or (
        isinstance(tree, Call) and tree.name in DATE_ARGUMENTS and is_impossible(tree)
    )


def is_impossible(tree: Call) -> bool:
    """The same of the arguments of one date function."""
    third, fourth = (tree.arguments[n] if len(tree.arguments) > n else None for n in (2, 3))
    is_difference = tree.name == "datediff"
    bad_unit = is_difference and isinstance(third, Text) and third.value not in UNIT_SECONDS
    flag = fourth.value.lower() if is_difference and isinstance(fourth, Text) else ""
    bad_format = flag not in {"", "0", "1", "true", "false", "ymd", "mdy", "dmy"}
    form = flag if flag in {"ymd", "mdy", "dmy"} else "ymd"
    texts = [text for node in tree.arguments[: DATE_ARGUMENTS[tree.name]] for text in written_texts(node)]
    bad_date = any(text and not written_date(text, form) for text in texts)
    bad_clock = not is_difference and any(":" in text[:3] for text in texts)
    return bad_unit or bad_format or bad_date or bad_clock


def written_texts(node: Expression) -> list[str]:
    """The texts that stand for a date, also in the branches of an `if`."""
    if isinstance(node, Call) and node.name == "if":
        return [text for branch in node.arguments[1:] for text in written_texts(branch)]
    return [node.value] if isinstance(node, Text) else []


@DETERMINISTIC
@given(expressions)
def test_json_keeps_the_whole_tree(tree: Expression) -> None:
    """A stored rule is the written rule."""
    assert from_json(to_json(tree)) == tree


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, "+", "*", "^", "="}))
def test_each_function_agrees_on_plain_values(name: str) -> None:
    """Each function by itself, called with columns and literals of every kind."""

    @settings(DETERMINISTIC, max_examples=25)
    @given(st.lists(BY_NAME.get(name, any_call(name)), min_size=3, max_size=3), st.sampled_from(DATA))
    def check(trees: list[Expression], rows: Data) -> None:
        for tree in trees:
            assert disagreements(tree, rows, Switches()) == []

    check()
