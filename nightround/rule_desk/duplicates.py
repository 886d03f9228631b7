"""Lint: rules that ask the same question twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from nightround.rule_desk.linted import ALWAYS, Linted
from nightround.rule_desk.remarks import Remark, RemarkLevel
from redcap_sync.logic import Expression, to_logic
from redcap_sync.logic.interpreter_values import number_of
from redcap_sync.logic.printer import number_as_logic
from redcap_sync.logic.syntax import And, Call, Chain, Comparison, Not, Number, Or, Power, Sign, Text

MIRRORED = {">": "<", ">=": "<="}
OPPOSITE = {"=": "<>", "<>": "="}


def lint_duplicates(every: Iterable[Linted]) -> Iterator[Remark]:
    """Rules whose logic says the same as that of a rule before them, over the same rows."""
    first: dict[object, str] = {}
    for linted in every:
        rule = linted.rule
        events = frozenset(linted.events)
        # Where the logic is joined to its scope by `and`, it does not matter which of the two a condition is in.
        asked = normal(And((linted.applies, linted.discrepancy)))
        same = first.setdefault((rule.instrument, events, frozenset(rule.needs), to_logic(asked)), rule.id)
        if same != rule.id:
            yield linted.remark(
                RemarkLevel.WARNING,
                "same_logic",
                other=same,
                rule_id=rule.id,
            )


def normal(node: Expression) -> Expression:
    """The logic in one way of writing: order of operands, direction of comparisons and kind of quotes do not count."""
    match node:
        case And(operands) | Or(operands):
            return _joined(type(node), [normal(operand) for operand in operands])
        case Not(Comparison(operator, left, right)) if operator in OPPOSITE:
            return normal(Comparison(OPPOSITE[operator], left, right))
        case Comparison(operator, left, right):
            return _comparison(operator, normal(left), normal(right))
        case Text(text) if (number := number_of(text)) is not None and number_as_logic(number) == text:
            return Number(number)
    return _with_normal_parts(node)


def _with_normal_parts(node: Expression) -> Expression:
    match node:
        case Not(operand):
            return Not(normal(operand))
        case Call(name, arguments):
            return Call(name, tuple(normal(argument) for argument in arguments))
        case Chain(operators, operands):
            return Chain(operators, tuple(normal(operand) for operand in operands))
        case Power(base, exponent):
            return Power(normal(base), normal(exponent))
        case Sign(sign, operand):
            return Sign(sign, normal(operand))
    return node


def _joined(kind: type[And | Or], operands: list[Expression]) -> Expression:
    """Operands without brackets of the same kind, sorted, each once, and without what is always true."""
    flat = chain.from_iterable(_inside(kind, one) for one in operands)
    every = {to_logic(one): one for one in flat if kind is Or or one != ALWAYS}
    ordered = tuple(every[text] for text in sorted(every)) or (ALWAYS,)
    return ordered[0] if len(ordered) == 1 else kind(ordered)


def _inside(kind: type[And | Or], node: Expression) -> tuple[Expression, ...]:
    return node.children if isinstance(node, kind) else (node,)


def _comparison(operator: str, left: Expression, right: Expression) -> Expression:
    if operator in MIRRORED:
        return Comparison(MIRRORED[operator], right, left)
    if operator in OPPOSITE and to_logic(right) < to_logic(left):
        left, right = right, left
    return Comparison(operator, left, right)
