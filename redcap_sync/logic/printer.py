"""A syntax tree written back as logic; parsing the result gives the same tree."""

from __future__ import annotations

from redcap_sync.errors import LogicError
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

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _POWER, _UNARY, _ATOM = range(1, 10)


def to_logic(expression: Expression) -> str:  # noqa: PLR0911 - one return for each kind of node
    """Write an expression in REDCap's logic, with no more parentheses than it needs."""
    match expression:
        case Number(value):
            return number_as_logic(value)
        case Text(value):
            return _quoted(value)
        case Reference():
            return _brackets(expression)
        case Sign(sign, operand):
            return f"{sign}{_inner(operand, _UNARY)}"
        case Power(base, exponent):
            return f"({to_logic(base)})^({to_logic(exponent)})"
        case Comparison(operator, left, right):
            return f"{_inner(left, _SUM)} {operator} {_inner(right, _SUM)}"
        case Not(operand):
            return f"not {_inner(operand, _NOT)}"
        case Call(name, arguments):
            return f"{name}({', '.join(map(to_logic, arguments))})"
    return _joined(expression)


def number_as_logic(value: float) -> str:
    """Write a number as shortly as it can be read back exactly."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004


def _joined(expression: Expression) -> str:
    match expression:
        case And(operands):
            return " and ".join(_inner(operand, _NOT) for operand in operands)
        case Or(operands):
            return " or ".join(_inner(operand, _AND) for operand in operands)
        case Chain(operators, operands):
            level = _level(expression) + 1
            rest = (f" {sign} {_inner(operand, level)}" for sign, operand in zip(operators, operands[1:], strict=True))
            return _inner(operands[0], level) + "".join(rest)
    raise TypeError(type(expression))


def _level(expression: Expression) -> int:  # noqa: PLR0911 - one return for each kind of node
    match expression:
        case Or():
            return _OR
        case And():
            return _AND
        case Not():
            return _NOT
        case Comparison():
            return _COMPARISON
        case Chain(operators):
            return _SUM if operators[0] in "+-" else _PRODUCT
        case Power():
            return _POWER
        case Sign():
            return _UNARY
        case Number(value):
            return _UNARY if value < 0 else _ATOM
    return _ATOM


def _inner(expression: Expression, least: int) -> str:
    written = to_logic(expression)
    return written if _level(expression) >= least else f"({written})"


def _quoted(value: str) -> str:
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    raise LogicError("logic.both_quotes", text=value, position=0, hint="hint.no_escape")


def _brackets(reference: Reference) -> str:
    event = f"[{reference.event}]" if reference.event else ""
    code = f"({reference.code})" if reference.code else ""
    modifier = f":{reference.modifier}" if reference.modifier else ""
    instance = f"[{reference.instance}]" if reference.instance else ""
    return f"{event}[{reference.field}{code}{modifier}]{instance}"
