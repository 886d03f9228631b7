"""Lint: comparisons that cannot come out as they are meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from nightround.rule_desk.allowed import STEPS, Allowed
from nightround.rule_desk.candidates import candidates_of
from nightround.rule_desk.examples import EXAMPLE_TIME
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import allowed_columns
from nightround.rule_desk.remarks import Remark, RemarkLevel
from nightround.rule_desk.usage import THIS_MOMENT, usage_of
from redcap_sync.dictionary import Choice, Field
from redcap_sync.logic import Expression, Reference, holds, to_logic
from redcap_sync.logic.interpreter_values import number_of
from redcap_sync.logic.printer import number_as_logic
from redcap_sync.logic.syntax import Call, Chain, Comparison, Number, Power, Sign, Text

EQUALITIES = ("=", "<>")
LEFT_OF = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
DATE_ARGUMENTS = {
    "datediff": (0, 1),
    "age_at_date": (0, 1),
    "year": (0,),
    "month": (0,),
    "day": (0,),
    "dayoftheweek": (0,),
}
NUMBERS = ("abs", "round", "roundup", "rounddown", "sqrt", "sum", "mean", "median", "stdev", "min", "max", "mod", "log")
NUMBER_CALLS = (*NUMBERS, *DATE_ARGUMENTS, "length", "find", "exponential")
FORMS = {"date": "'2024-05-31'", "datetime": "'2024-05-31 08:30'", "datetime_seconds": "'2024-05-31 08:30:00'"}
DATE_LIKE = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?.*")


@dataclass(frozen=True)
class Compared:
    """A comparison of one column with a constant, the column on the left."""

    node: Comparison
    reference: Reference
    operator: str
    literal: Number | Text
    allowed: Allowed

    @property
    def text(self) -> str:
        """The constant as a text."""
        return number_as_logic(self.literal.value) if isinstance(self.literal, Number) else self.literal.value


def lint_comparisons(linted: Linted) -> list[Remark]:
    """Codes that do not exist, numbers outside the limits, dates held against what is no date, text against numbers."""
    allowed = allowed_columns(linted)
    return [remark for node in dict.fromkeys(linted.nodes()) for remark in _node(linted, node, allowed)]


def _node(linted: Linted, node: Expression, allowed: dict[str, Allowed]) -> Iterator[Remark]:
    match node:
        case Comparison(operator, Reference() as reference, (Number() | Text()) as literal):
            compared = Compared(node, reference, operator, literal, allowed[reference.column])
            yield from _with_constant(linted, compared)
        case Comparison(operator, (Number() | Text()) as literal, Reference() as reference):
            compared = Compared(node, reference, LEFT_OF[operator], literal, allowed[reference.column])
            yield from _with_constant(linted, compared)
        case Comparison(_, left, right):
            yield from _of_two_values(linted, node, left, right, allowed)
        case Call(name, arguments) if name in DATE_ARGUMENTS:
            for position in DATE_ARGUMENTS[name]:
                yield from _date_argument(linted, name, arguments[position], allowed)
        case Chain() | Sign() | Power():
            for operand in node.children:
                yield from _number_operand(linted, operand, allowed)


def _with_constant(linted: Linted, compared: Compared) -> Iterator[Remark]:
    if compared.text in ("", "NaN") or compared.text in compared.allowed.missing:
        return
    if compared.allowed.kind in STEPS:
        problem = _no_date(compared)
    elif compared.allowed.kind == "number":
        problem = _no_number(compared)
    elif compared.allowed.kind == "text":
        problem = _order_of_text(compared)
    else:
        problem = _no_code(linted, compared)
    if problem is not None:
        level, what, why, fix = problem
        yield linted.remark(level, what, why, fix)
    else:
        yield from _settled(linted, compared)


Problem = tuple[RemarkLevel, str, str, str]


def _no_date(compared: Compared) -> Problem | None:
    kind, text = compared.allowed.kind, compared.text
    if text in THIS_MOMENT or compared.allowed.place_of(text) is not None:
        return None
    what = (
        f"{compared.reference.column} holds a {kind.split('_')[0]} and is compared with {to_logic(compared.literal)}."
    )
    return (
        RemarkLevel.ERROR,
        what,
        "dates are stored year first, and anything else is compared letter by letter" if DATE_LIKE.match(text)
        else "a date never equals it, and its order says nothing",
        f"write the day as {FORMS[kind]}, or 'today'",
    )  # fmt: skip


def _no_number(compared: Compared) -> Problem | None:
    if number_of(compared.text) is not None:
        return None
    return (
        RemarkLevel.ERROR,
        f"{compared.reference.column} holds a number and is compared with the text {to_logic(compared.literal)}.",
        "a number never equals it",
        "compare it with a number",
    )


def _order_of_text(compared: Compared) -> Problem | None:
    if compared.operator in EQUALITIES or isinstance(compared.literal, Text):
        return None
    return (
        RemarkLevel.WARNING,
        f"{compared.reference.column} holds any text and is compared with the number {compared.text}.",
        "a text that is no number, such as '<5' or '12 kg', is compared letter by letter",
        "validate the field as a number in REDCap, or ask isnumber([field]) first",
    )


def _no_code(linted: Linted, compared: Compared) -> Problem | None:
    codes = compared.allowed.codes
    number = number_of(compared.text)
    exists = compared.text in codes or (number is not None and number in {number_of(code) for code in codes})
    if exists or (number is not None and compared.operator not in EQUALITIES):
        return None
    column, field = compared.reference.column, linted.dictionary.by_name.get(compared.reference.field)
    return (
        RemarkLevel.ERROR,
        f"{column} has no code {compared.text!r}.",
        "no stored value equals it, so the comparison always comes out the same",
        _nearest_code(compared, field),
    )


def _nearest_code(compared: Compared, field: Field | None) -> str:
    """The code behind a label that was written in its place, or all codes."""
    choices = field.choices if field is not None and not compared.reference.code else ()
    for choice in choices:
        label = choice.label.casefold()
        if compared.text.casefold() in (label, *label.split()):
            return f"the code of {choice.label!r} is '{choice.code}'"
    return f"its codes are: {', '.join(_shown(choice) for choice in choices) or ', '.join(compared.allowed.codes)}"


def _shown(choice: Choice) -> str:
    return f"{choice.code} ({choice.label})"


def _settled(linted: Linted, compared: Compared) -> Iterator[Remark]:
    """A comparison that comes out the same for every value the dictionary allows."""
    usage = usage_of([compared.node])
    tried = candidates_of(compared.reference.column, usage, {compared.reference.column: compared.allowed})
    if not tried.complete or usage.hangs_on_clock:
        return
    column = compared.reference.column
    found = {holds(compared.node, {column: text}, now=EXAMPLE_TIME) for text in tried.texts}
    if len(found) == 1:
        always = "always" if True in found else "never"
        yield linted.remark(
            RemarkLevel.WARNING,
            f"{to_logic(compared.node)} is {always} true of a value that the dictionary allows.",
            _why_settled(compared.allowed),
            "change the constant, or leave the comparison out",
        )


def _why_settled(own: Allowed) -> str:
    if own.kind == "codes":
        return f"the codes are {', '.join(own.codes)}"
    low, high = (own.text_of(bound) if isfinite(bound) else "…" for bound in (own.low, own.high))
    return f"its limits are {low} to {high}"


def _of_two_values(
    linted: Linted, node: Comparison, left: Expression, right: Expression, allowed: dict[str, Allowed]
) -> Iterator[Remark]:
    kinds = _kind(left, allowed), _kind(right, allowed)
    dates = [kind for kind in kinds if kind in STEPS]
    if len(dates) == 1 and None not in kinds:
        yield linted.remark(
            RemarkLevel.ERROR,
            f"{to_logic(node)} compares a date with what is no date.",
            "they are compared letter by letter, which says nothing",
            "compare a date with a date, or use datediff() and compare the days with a number",
        )
    elif len(set(dates)) > 1 and node.operator in EQUALITIES:
        yield linted.remark(
            RemarkLevel.ERROR,
            f"{to_logic(node)} compares a date with a date and time.",
            "the two are stored with different lengths and are never equal",
            "compare left([field], 10), or use datediff()",
        )
    elif set(kinds) == {"number", "text"}:
        yield linted.remark(
            RemarkLevel.WARNING,
            f"{to_logic(node)} compares a number with a field that holds any text.",
            "a text that is no number is compared letter by letter",
            "validate the field as a number in REDCap, or ask isnumber([field]) first",
        )


def _kind(node: Expression, allowed: dict[str, Allowed]) -> str | None:
    """What an expression gives: a kind of the dictionary, or None where it may be anything."""
    match node:
        case Reference(column=column):
            return allowed[column].kind if not node.is_smart else None
        case Chain() | Sign() | Power() | Number():
            return "number"
        case Call(name) if name in NUMBER_CALLS and not _of_dates(node, allowed):
            return "number"
    return None


def _of_dates(node: Call, allowed: dict[str, Allowed]) -> bool:
    """min() and max() of dates are no numbers."""
    return node.name in ("min", "max") and any(_kind(argument, allowed) in STEPS for argument in node.arguments)


def _date_argument(linted: Linted, name: str, argument: Expression, allowed: dict[str, Allowed]) -> Iterator[Remark]:
    kind = _kind(argument, allowed)
    if kind is not None and kind not in (*STEPS, "text"):
        yield linted.remark(
            RemarkLevel.ERROR,
            f"{name}() is given {to_logic(argument)}, which is no date.",
            "the result is always blank",
            "give it a field that REDCap validates as a date",
        )


def _number_operand(linted: Linted, operand: Expression, allowed: dict[str, Allowed]) -> Iterator[Remark]:
    kind = _kind(operand, allowed)
    if kind in STEPS:
        yield linted.remark(
            RemarkLevel.ERROR,
            f"{to_logic(operand)} is a date and is calculated with.",
            "the result is always blank",
            "use datediff() for the time between two dates",
        )
