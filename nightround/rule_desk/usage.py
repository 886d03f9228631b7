"""How logic uses what it reads: only compared with constants and other fields, or worked with.

Where a value is only compared, the truth of the logic hangs on nothing but its order among the constants
and the values it is compared with; a few values, one for each place in that order, stand for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from redcap_sync.logic import Expression, Reference
from redcap_sync.logic.syntax import And, Call, Comparison, Not, Number, Or, Text

ASKS_FOR_BLANK = ("isblankormissingcode", "isblanknotmissingcode", "ismissingcode")
THIS_MOMENT = ("today", "now")
CLOCKLESS = "0"
"""What a value is compared with where it is alone as a condition."""


@dataclass
class Usage:
    """For each column: the constants it is compared with, the columns it is compared with, and the operators."""

    literals: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, set[str]] = field(default_factory=dict)
    operators: dict[str, set[str]] = field(default_factory=dict)
    worked_with: set[str] = field(default_factory=set)
    """Columns that a function or arithmetic takes, so that more than their order counts."""
    hangs_on_clock: bool = False
    """It reads today or now: what is true tonight may not be true tomorrow."""

    def group_of(self, column: str) -> set[str]:
        """The column, and all that it is compared with directly or through others."""
        found, waiting = {column}, [column]
        while waiting:
            for other in self.links.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def compare(self, column: str, literal: str, operator: str) -> None:
        """Enter that a column is compared with a constant."""
        self.literals.setdefault(column, []).append(literal)
        self.operators.setdefault(column, set()).add(operator)

    def link(self, column: str, other: str, operator: str) -> None:
        """Enter that two columns are compared."""
        for one, two in ((column, other), (other, column)):
            self.links.setdefault(one, set()).add(two)
            self.operators.setdefault(one, set()).add(operator)


def usage_of(expressions: Iterable[Expression]) -> Usage:
    """See how the references of some conditions are used."""
    usage = Usage()
    for expression in expressions:
        _condition(expression, usage)
    return usage


def _condition(node: Expression, usage: Usage) -> None:
    match node:
        case And() | Or() | Not():
            for operand in node.children:
                _condition(operand, usage)
        case Comparison(operator, left, right):
            _comparison(operator, left, right, usage)
        case Reference():
            usage.compare(node.column, CLOCKLESS, "<>")
        case Call(name, (Reference() as reference,)) if name in ASKS_FOR_BLANK:
            usage.compare(reference.column, "", "=")
        case _:
            _worked_with(node, usage)


def _comparison(operator: str, left: Expression, right: Expression, usage: Usage) -> None:
    match left, right:
        case Reference(), Reference():
            usage.link(left.column, right.column, operator)
        case (Reference() as reference, (Number() | Text()) as literal) | (
            (Number() | Text()) as literal,
            Reference() as reference,
        ):
            usage.hangs_on_clock |= isinstance(literal, Text) and literal.value in THIS_MOMENT
            usage.compare(reference.column, _written(literal), operator)
        case _:
            _worked_with(left, usage)
            _worked_with(right, usage)


def _written(literal: Number | Text) -> str:
    if isinstance(literal, Number):
        return repr(literal.value)
    return "" if literal.value == "NaN" else literal.value


def _worked_with(node: Expression, usage: Usage) -> None:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Reference):
            usage.worked_with.add(one.column)
        usage.hangs_on_clock |= isinstance(one, Text) and one.value in THIS_MOMENT
        waiting.extend(one.children)
