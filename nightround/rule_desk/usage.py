"""How logic uses what it reads: only held against constants and other fields, or worked with.

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
"""What a value is held against where it stands alone as a condition."""


@dataclass
class Usage:
    """For each column: the constants it is held against, the columns it is held against, and the operators."""

    literals: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, set[str]] = field(default_factory=dict)
    operators: dict[str, set[str]] = field(default_factory=dict)
    worked_with: set[str] = field(default_factory=set)
    """Columns that a function or arithmetic takes, so that more than their order counts."""
    hangs_on_clock: bool = False
    """It reads today or now: what holds tonight may not hold tomorrow."""

    def group_of(self, column: str) -> set[str]:
        """The column, and all that it is held against directly or through others."""
        found, waiting = {column}, [column]
        while waiting:
            for other in self.links.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def hold(self, column: str, literal: str, operator: str) -> None:
        """Enter that a column is held against a constant."""
        self.literals.setdefault(column, []).append(literal)
        self.operators.setdefault(column, set()).add(operator)

    def link(self, column: str, other: str, operator: str) -> None:
        """Enter that two columns are held against each other."""
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
            usage.hold(node.column, CLOCKLESS, "<>")
        case Call(name, (Reference() as reference,)) if name in ASKS_FOR_BLANK:
            usage.hold(reference.column, "", "=")
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
            usage.hold(reference.column, _written(literal), operator)
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
