"""The oracle: logic worked out for one row at a time, as plainly as the rules can be written down.

It shares no line of evaluation with the evaluator of whole columns, so that the two can be held
against each other. A value is a text, a number or a truth value; the blank is the empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from redcap_sync.logic import interpreter_dates, interpreter_numbers, interpreter_texts
from redcap_sync.logic.interpreter_values import Value, finite, is_true, number_of, power, printed
from redcap_sync.logic.switches import DEFAULT_SWITCHES, Switches
from redcap_sync.logic.syntax import (
    And,
    Call,
    Chain,
    Comparison,
    Expression,
    Not,
    Number,
    Or,
    Power,
    Reference,
    Sign,
    Text,
)
from redcap_sync.missing_codes import MissingCodes

NAN, TODAY, NOW = Text("NaN"), Text("today"), Text("now")


@dataclass(frozen=True)
class _Row:
    values: Mapping[str, str]
    now: datetime
    switches: Switches
    missing_codes: MissingCodes


def interpret(
    expression: Expression,
    row: Mapping[str, str],
    *,
    now: datetime,
    switches: Switches = DEFAULT_SWITCHES,
    missing_codes: Collection[str] = (),
) -> Value:
    """Work an expression out for a row of stored texts by canonical column name; a missing column is blank."""
    return _value(expression, _Row(row, now, switches, MissingCodes.of(missing_codes)))


def holds(
    expression: Expression,
    row: Mapping[str, str],
    *,
    now: datetime,
    switches: Switches = DEFAULT_SWITCHES,
    missing_codes: Collection[str] = (),
) -> bool:
    """Say whether an expression is true for a row."""
    return is_true(interpret(expression, row, now=now, switches=switches, missing_codes=missing_codes))


def _value(node: Expression, row: _Row) -> Value:  # noqa: PLR0911 - one return for each kind of node
    match node:
        case Number(number):
            return number
        case Text(text):
            return text
        case Reference():
            return row.values.get(node.column, "")
        case Comparison(operator, left, right):
            side = _literal if operator in ("=", "<>") else _coded_blank
            return _compare(operator, side(left, row), side(right, row), row.switches)
        case Not(operand):
            return not is_true(_value(operand, row))
        case And(operands):
            return all(is_true(_value(operand, row)) for operand in operands)
        case Or(operands):
            return any(is_true(_value(operand, row)) for operand in operands)
        case Call("if", (condition, first, second)):
            return _literal(first if is_true(_value(condition, row)) else second, row, words=False)
        case Call(name, arguments):
            return _call(name, _arguments(name, arguments, row), row)
    return _arithmetic(node, row)


def _arguments(name: str, arguments: tuple[Expression, ...], row: _Row) -> list[Value]:
    """The arguments of a function; dates that logic writes out itself are read in the format of the call."""
    fourth = arguments[3] if len(arguments) > 3 else None  # noqa: PLR2004 - the place of the format
    form = interpreter_dates.format_of(name, fourth.value if isinstance(fourth, Text) else None)
    dates = interpreter_dates.DATE_ARGUMENTS.get(name, 0)
    first = [_written_or_value(argument, form, row) for argument in arguments[:dates]]
    calculates = name in interpreter_numbers.FUNCTIONS or name in interpreter_dates.FUNCTIONS
    take = _calculated_with if calculates else _value
    return [*first, *(take(argument, row) for argument in arguments[dates:])]


def _written_or_value(node: Expression, form: str, row: _Row) -> Value:
    match node:
        case Text(text):
            return interpreter_dates.written_date(text, form)
        case Call("if", (condition, first, second)):
            return _written_or_value(first if is_true(_value(condition, row)) else second, form, row)
    return _calculated_with(node, row)


def _literal(node: Expression, row: _Row, *, words: bool = True) -> Value:
    """The value of a node whose text may stand for something: NaN for a blank, today and now for this moment."""
    if node == NAN and row.switches.nan_is_blank:
        return ""
    if words and row.switches.today_in_comparisons:
        if node == TODAY:
            return row.now.strftime("%Y-%m-%d")
        if node == NOW:
            return row.now.strftime("%Y-%m-%d %H:%M:%S")
    return _value(node, row)


def _coded_blank(node: Expression, row: _Row, *, words: bool = True) -> Value:
    """The value of a node where it is ordered or calculated with: a missing data code is a blank."""
    if row.switches.missing_code_is_a_value:
        return _literal(node, row, words=words)
    match node:
        case Reference() if row.values.get(node.column, "") in _codes_of(node, row):
            return ""
        case Call("if", (condition, first, second)):
            return _coded_blank(first if is_true(_value(condition, row)) else second, row, words=False)
    return _literal(node, row, words=words)


def _codes_of(node: Reference, row: _Row) -> Collection[str]:
    return row.missing_codes.at(node.field) if row.switches.code_within_limits_is_a_value else row.missing_codes


def _calculated_with(node: Expression, row: _Row) -> Value:
    """The same where a text in quotes stands for nothing else."""
    return node.value if isinstance(node, Text) else _coded_blank(node, row)


def _arithmetic(node: Expression, row: _Row) -> Value:
    numbers = [number_of(_calculated_with(child, row)) for child in node.children]
    if any(number is None for number in numbers):
        return ""
    known = [number for number in numbers if number is not None]
    match node:
        case Sign(sign):
            return -known[0] if sign == "-" else known[0]
        case Power():
            return power(known[0], known[1])
        case Chain(operators):
            return _chain(known, operators)
    raise TypeError(type(node))


def _chain(numbers: list[float], operators: tuple[str, ...]) -> Value:
    total = numbers[0]
    for operator, number in zip(operators, numbers[1:], strict=True):
        if operator == "/" and number == 0:
            return ""
        total = _STEPS[operator](total, number)
        if finite(total) == "":
            return ""
    return total


_STEPS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def _compare(operator: str, left: Value, right: Value, switches: Switches) -> bool:
    if left == "" or right == "":
        return _compare_blank(operator, left == "", right == "", switches)
    left_number, right_number = number_of(left), number_of(right)
    if left_number is not None and right_number is not None:
        return _ordered(operator, (left_number > right_number) - (left_number < right_number))
    digits = switches.printed_digits
    left_text, right_text = printed(left, digits), printed(right, digits)
    return _ordered(operator, (left_text > right_text) - (left_text < right_text))


def _compare_blank(operator: str, left_blank: bool, right_blank: bool, switches: Switches) -> bool:  # noqa: FBT001
    if operator in ("=", "<>") or switches.blank_is_below_everything:
        return _ordered(operator, right_blank - left_blank)
    return False


def _ordered(operator: str, order: int) -> bool:
    """Order is -1, 0 or 1, as left is less than, equal to, or greater than right."""
    allowed = {"=": (0,), "<>": (-1, 1), "<": (-1,), ">": (1,), "<=": (-1, 0), ">=": (0, 1)}
    return order in allowed[operator]


def _call(name: str, arguments: list[Value], row: _Row) -> Value:
    if name in interpreter_dates.FUNCTIONS:
        return interpreter_dates.FUNCTIONS[name](arguments, row.now, row.switches)
    if name in interpreter_numbers.FUNCTIONS:
        return interpreter_numbers.FUNCTIONS[name](arguments, row.switches)
    texts = [printed(argument, row.switches.printed_digits) for argument in arguments]
    if name in interpreter_texts.MISSING_CODE_FUNCTIONS:
        return interpreter_texts.MISSING_CODE_FUNCTIONS[name](texts, row.missing_codes)
    return interpreter_texts.FUNCTIONS[name](texts, row.switches)
