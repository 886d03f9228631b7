"""A syntax tree as JSON, the form in which Great Expectations suites keep it.

A number is a JSON number, a text a JSON string, a reference an object, and everything else a list
that begins with its operator or function: `["and", [">=", {"field": "total"}, 15], ...]`.
The same tree always gives the same JSON.
"""

from __future__ import annotations

from itertools import chain
from math import isfinite
from typing import Any, NoReturn

from redcap_sync.errors import LogicError
from redcap_sync.logic.language import CALCDATE, COMPARISONS, FUNCTIONS
from redcap_sync.logic.syntax import (
    MAX_DEPTH,
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
    signed,
)

_REFERENCE_KEYS = ("field", "event", "code", "instance", "modifier")
_LEAST_JOINED = 2


def to_json(expression: Expression) -> Any:
    """Turn a tree into lists, objects, strings and numbers."""
    match expression:
        case Number(value):
            return int(value) if value.is_integer() and abs(value) < 2**53 else value
        case Text(value):
            return value
        case Reference():
            return {key: getattr(expression, key) for key in _REFERENCE_KEYS if getattr(expression, key)}
        case Chain(operators, operands):
            pairs = ((sign, to_json(operand)) for sign, operand in zip(operators, operands[1:], strict=True))
            return ["chain", to_json(operands[0]), *chain.from_iterable(pairs)]
    return [_operator(expression), *(to_json(child) for child in expression.children)]


def _operator(expression: Expression) -> str:
    match expression:
        case Comparison(operator):
            return operator
        case Sign(sign):
            return sign
        case Call(name):
            return name
    return {And: "and", Or: "or", Not: "not", Power: "^"}[type(expression)]


def from_json(data: Any) -> Expression:
    """Build the tree that `to_json` wrote. Raise `LogicError` for anything else."""
    return _read(data, 1)


def _read(data: Any, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        _refuse("hint.stored_deep", depth=MAX_DEPTH)
    if isinstance(data, bool) or data is None or (isinstance(data, float) and not isfinite(data)):
        _refuse("hint.stored_value", value=repr(data))
    if isinstance(data, int | float):
        return Number(float(data))
    if isinstance(data, str):
        return Text(data)
    if isinstance(data, dict):
        return _reference(data)
    if isinstance(data, list | tuple) and data and isinstance(data[0], str):
        return _operation(data[0], data[1:], depth + 1)
    return _refuse("hint.stored_kind", kind=type(data).__name__)


def _reference(data: dict[str, Any]) -> Reference:
    if "field" not in data or not set(data) <= set(_REFERENCE_KEYS):
        _refuse("hint.stored_keys", keys=", ".join(_REFERENCE_KEYS))
    if not all(isinstance(value, str) for value in data.values()):
        _refuse("hint.stored_parts")
    return Reference(**data)


def _operation(operator: str, rest: Any, depth: int) -> Expression:  # noqa: PLR0911 - one return for each kind of node
    if operator == "chain":
        return _chain(rest, depth)
    operands = tuple(_read(item, depth) for item in rest)
    match operator, operands:
        case ("and", _) if len(operands) >= _LEAST_JOINED:
            return And(operands)
        case ("or", _) if len(operands) >= _LEAST_JOINED:
            return Or(operands)
        case "not", (operand,):
            return Not(operand)
        case (("+" | "-"), (operand,)):
            return signed(operator, operand)
        case "^", (base, exponent):
            return Power(base, exponent)
        case _, (left, right) if operator in COMPARISONS:
            return Comparison(operator, left, right)
    arity = FUNCTIONS.get(operator)
    if operator != CALCDATE and (arity is None or not arity.accepts(len(operands))):
        _refuse("hint.stored_operation", operator=operator, count=len(operands))
    return Call(operator, operands)


def _chain(rest: Any, depth: int) -> Expression:
    signs = tuple(rest[1::2])
    of_one_kind = set(signs) <= set("+-") or set(signs) <= set("*/")
    if len(rest) % 2 == 0 or not signs or not of_one_kind:
        _refuse("hint.stored_chain")
    return Chain(signs, tuple(_read(item, depth) for item in rest[::2]))


def _refuse(hint: str, **facts: Any) -> NoReturn:
    raise LogicError("logic.stored", text="", position=0, hint=hint, **facts)
