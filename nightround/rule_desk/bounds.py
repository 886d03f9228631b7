"""Bounds worked out through arithmetic: what a number can be, and what a condition can come to.

A bound is never too narrow: where nothing is known of a value, everything is thought possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import inf, isfinite, isnan

from nightround.rule_desk.allowed import Allowed
from redcap_sync.logic import Expression, Reference
from redcap_sync.logic.interpreter_values import number_of
from redcap_sync.logic.literal_dates import FORMATS
from redcap_sync.logic.syntax import And, Call, Chain, Comparison, Not, Number, Or, Sign, Text

Truths = frozenset[bool]
EITHER: Truths = frozenset({True, False})
EXACT_INTEGERS = 2.0**53
UNSIGNED = frozenset({"", "0", "false", *FORMATS})
"""What behind the unit of a `datediff` leaves it without a sign."""
ROUNDING = 1e-9
"""Relative share by which a bound may be off, because numbers with decimals are rounded at every step."""


@dataclass(frozen=True)
class Span:
    """A number from `low` to `high`, or where `blank` says so no value."""

    low: float
    high: float
    blank: bool = False
    whole: bool = False
    exact: bool = False
    """Whether no rounding has touched its ends, as those of a written number, or of a difference without a sign."""


@dataclass(frozen=True)
class Bounds:
    """What is known of the columns: what the dictionary allows, and which are filled."""

    allowed: Mapping[str, Allowed]
    filled: frozenset[str]

    def of(self, reference: Reference) -> Span | None:
        """The numbers a reference can be; None where it can be anything else."""
        own = self.allowed.get(reference.column)
        if own is None or own.missing or own.kind not in ("codes", "number"):
            return None
        blank = reference.column not in self.filled
        if own.kind == "number":
            return Span(own.low, own.high, blank, own.whole)
        numbers = [number_of(code) for code in own.codes]
        known = [number for number in numbers if number is not None]
        if not known or len(known) < len(numbers):
            return None
        return Span(min(known), max(known), blank, all(number.is_integer() for number in known))


def may_be(node: Expression, bounds: Bounds) -> Truths:
    """What a condition can come to."""
    match node:
        case And(operands):
            return _all_of([may_be(operand, bounds) for operand in operands])
        case Or(operands):
            return _not(_all_of([_not(may_be(operand, bounds)) for operand in operands]))
        case Not(operand):
            return _not(may_be(operand, bounds))
        case Comparison(operator, left, right):
            one, other = span_of(left, bounds), span_of(right, bounds)
            return EITHER if one is None or other is None else _compared(operator, one, other)
    return EITHER


def _all_of(parts: list[Truths]) -> Truths:
    """What conditions come to together, each taken by itself."""
    can = {True} if all(True in part for part in parts) else set()
    return frozenset(can | ({False} if any(False in part for part in parts) else set()))


def _not(part: Truths) -> Truths:
    return frozenset(not truth for truth in part)


def _compared(operator: str, left: Span, right: Span) -> Truths:
    found: set[bool] = set()
    if left.blank or right.blank:
        # One side blank: unequal, and no order is true. Both blank: equal.
        found.add(operator == "<>")
    if left.blank and right.blank:
        found.add(operator == "=")
    largest = max([1.0, *_sizes(left, right)])
    exact = all(one.whole or one.exact for one in (left, right)) and largest < EXACT_INTEGERS
    slack = 0.0 if exact else ROUNDING * largest
    below = left.low < right.high + slack
    above = left.high > right.low - slack
    meets = left.low <= right.high + slack and left.high >= right.low - slack
    one_value = left.low == left.high == right.low == right.high
    can = {"=": meets, "<>": not one_value, "<": below, ">": above, "<=": below or meets, ">=": above or meets}
    opposite = {"=": "<>", "<>": "=", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
    if can[operator]:
        found.add(True)
    if can[opposite[operator]]:
        found.add(False)
    return frozenset(found)


def _sizes(*spans: Span) -> list[float]:
    return [abs(bound) for span in spans for bound in (span.low, span.high) if isfinite(bound)]


def span_of(node: Expression, bounds: Bounds) -> Span | None:  # noqa: PLR0911 - one return for each kind of node
    """The numbers an expression can be; None where it can be anything."""
    match node:
        case Number(value):
            return Span(value, value, whole=value.is_integer(), exact=True)
        case Text(text):
            number = number_of(text)
            return None if number is None else Span(number, number, whole=number.is_integer())
        case Reference():
            return bounds.of(node)
        case Sign(sign, operand):
            span = span_of(operand, bounds)
            return span if span is None or sign == "+" else Span(-span.high, -span.low, span.blank, span.whole)
        case Chain(operators, operands):
            return _chain(operators, [span_of(operand, bounds) for operand in operands])
        case Call(name, arguments) if name in _FUNCTIONS:
            spans = [span_of(argument, bounds) for argument in arguments]
            known = [span for span in spans if span is not None]
            return _FUNCTIONS[name](known) if len(known) == len(spans) else None
        case Call("datediff", arguments):
            return Span(-inf if may_have_sign(arguments) else 0.0, inf, blank=True, exact=True)
    return None


def may_have_sign(arguments: Sequence[Expression]) -> bool:
    """Whether a `datediff` with these arguments can be negative: without its last argument it has no sign."""
    return not all(isinstance(one, Text) and one.value.lower() in UNSIGNED for one in arguments[3:])


def _chain(operators: Sequence[str], spans: list[Span | None]) -> Span | None:
    total = spans[0]
    for operator, span in zip(operators, spans[1:], strict=True):
        if total is None or span is None:
            return None
        total = _step(operator, total, span)
    return total


def _step(operator: str, left: Span, right: Span) -> Span:
    blank = left.blank or right.blank
    if operator == "/" and right.low <= 0 <= right.high:
        return Span(-inf, inf, blank=True)
    steps: dict[str, Callable[[float, float], float]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    corners = [steps[operator](a, b) for a, b in product((left.low, left.high), (right.low, right.high))]
    if any(isnan(corner) for corner in corners):
        return Span(-inf, inf, blank=True)
    endless = not all(isfinite(corner) for corner in corners)
    return Span(min(corners), max(corners), blank or endless, left.whole and right.whole and operator != "/")


def _abs(spans: list[Span]) -> Span:
    (span,) = spans
    ends = abs(span.low), abs(span.high)
    low = 0.0 if span.low <= 0 <= span.high else min(ends)
    return Span(low, max(ends), span.blank, span.whole)


def _sum(spans: list[Span]) -> Span:
    """Blanks count for nothing, and the sum of blanks is 0."""
    low = reduce(float.__add__, (min(span.low, 0.0) if span.blank else span.low for span in spans), 0.0)
    high = reduce(float.__add__, (max(span.high, 0.0) if span.blank else span.high for span in spans), 0.0)
    return _padded(Span(low, high, whole=all(span.whole for span in spans)), spans)


def _between(spans: list[Span]) -> Span:
    """Least, largest and mean lie between the least and the largest, and are blank where all are."""
    whole = all(span.whole for span in spans)
    return Span(
        min(span.low for span in spans), max(span.high for span in spans), all(span.blank for span in spans), whole
    )


def _mean(spans: list[Span]) -> Span:
    span = _between(spans)
    return _padded(Span(span.low, span.high, span.blank), spans)


def _padded(span: Span, spans: list[Span]) -> Span:
    """Wider by what adding numbers with decimals in another order can change."""
    pad = 0.0 if span.whole else ROUNDING * sum(_sizes(*spans))
    return Span(span.low - pad, span.high + pad, span.blank, span.whole)


_FUNCTIONS: Mapping[str, Callable[[list[Span]], Span]] = {
    "abs": _abs,
    "sum": _sum,
    "min": _between,
    "max": _between,
    "mean": _mean,
    "median": _mean,
}
