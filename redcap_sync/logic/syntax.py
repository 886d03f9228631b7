"""The syntax tree of REDCap logic: frozen nodes, compared by what they say.

A node knows its hash and its depth from the moment it is made, so that an evaluator can look up
a subtree in constant time and a parser can refuse what is nested too deeply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from redcap_sync.column_name import ColumnName

MAX_DEPTH = 100
"""Deeper nesting is refused, so that no walk over a tree can exhaust Python's stack (1,000 frames)."""


class Expression:
    """Any piece of logic that has a value."""

    _key: tuple[Any, ...]
    _hash: int
    depth: int
    children: tuple[Expression, ...]

    def __post_init__(self) -> None:
        own = self.__dict__
        parts = tuple(own.values())
        children: list[Expression] = []
        for part in parts:
            if isinstance(part, Expression):
                children.append(part)
            elif isinstance(part, tuple):
                children += [item for item in part if isinstance(item, Expression)]
        own["_key"] = parts
        own["_hash"] = hash((type(self), parts))
        own["children"] = tuple(children)
        own["depth"] = 1 + max([child.depth for child in children], default=0)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and isinstance(other, Expression) and self._same(other)

    def _same(self, other: Expression) -> bool:
        return self._hash == other._hash and self._key == other._key


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """A number that was written without quotes."""

    value: float


@dataclass(frozen=True, eq=False)
class Text(Expression):
    """A text in quotes; '' is the blank."""

    value: str


@dataclass(frozen=True, eq=False)
class Reference(Expression):
    """A value of the record: a field, an option of a checkbox, or a smart variable such as `[record-name]`.

    `event` is a unique event name, a relative one such as `previous-event-name`, or '' for the row's
    own event. `instance` is a number, a selector such as `last-instance`, or ''. `modifier` is what
    is behind a colon, for piping.
    """

    field: str
    event: str = ""
    code: str = ""
    instance: str = ""
    modifier: str = ""

    @classmethod
    def of_column(cls, column: str) -> Reference:
        """The reference that a canonical column name stands for."""
        name = ColumnName.parse(column)
        return cls(name.field, name.event, name.code, name.instance, name.modifier)

    @cached_property
    def name(self) -> ColumnName:
        """The name of its column."""
        return ColumnName(self.field, self.code, self.event, self.instance, self.modifier)

    @property
    def is_smart(self) -> bool:
        """Say whether it names a smart variable."""
        return self.name.is_smart

    @property
    def export_column(self) -> str:
        """The column of a flat export that contains it, whatever the event and the instance."""
        return self.name.exported

    @cached_property
    def column(self) -> str:
        """The canonical column name: `f`, `f___2`, `[e][f]`, `[f][last-instance]`, `[f:label]`, `[record-name]`."""
        return str(self.name)


@dataclass(frozen=True, eq=False)
class Sign(Expression):
    """`-x` or `+x`."""

    sign: str
    operand: Expression


@dataclass(frozen=True, eq=False)
class Chain(Expression):
    """`a + b - c` or `a * b / c`, from left to right; one operator fewer than operands."""

    operators: tuple[str, ...]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Power(Expression):
    """`(a)^(b)`."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True, eq=False)
class Comparison(Expression):
    """Two values compared; the operator is one of `= <> < > <= >=`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Not(Expression):
    """`not x`."""

    operand: Expression


@dataclass(frozen=True, eq=False)
class And(Expression):
    """`a and b and c`, two operands or more."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Or(Expression):
    """`a or b or c`, two operands or more."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Call(Expression):
    """A function with its arguments; the name is in lower case."""

    name: str
    arguments: tuple[Expression, ...]


def signed(sign: str, operand: Expression) -> Expression:
    """A sign in front of an operand; in front of a number it becomes part of it."""
    if isinstance(operand, Number):
        return Number(-operand.value if sign == "-" else operand.value)
    return Sign(sign, operand)


def references(expression: Expression) -> tuple[Reference, ...]:
    """Every reference in the expression, once each, in the order of the text."""
    found: dict[Reference, None] = {}
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Reference):
            found.setdefault(node)
        waiting.extend(reversed(node.children))
    return tuple(found)
