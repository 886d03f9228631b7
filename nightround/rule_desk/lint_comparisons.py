"""Lint: comparisons that cannot come out as they are meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from nightround.rule_desk.allowed import STEPS, Allowed
from nightround.rule_desk.candidates import candidates_of
from nightround.rule_desk.examples import EXAMPLE_TIME
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import allowed_columns
from nightround.rule_desk.remarks import Remark, RemarkLevel, fix_by, why_of
from nightround.rule_desk.usage import THIS_MOMENT, usage_of
from redcap_sync.dictionary import Choice, Field
from redcap_sync.logic import Expression, Reference, holds, to_logic
from redcap_sync.logic.interpreter_values import number_of
from redcap_sync.logic.printer import number_as_logic
from redcap_sync.logic.syntax import Call, Chain, Comparison, Number, Power, Sign, Text
from redcap_sync.messages import Message

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
    """Codes that do not exist, numbers outside the limits, dates against what is no date, text against numbers."""
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
            yield from _minutes(linted, node)
        case Chain() | Sign() | Power():
            for operand in node.children:
                yield from _number_operand(linted, operand, allowed)


def _with_constant(linted: Linted, compared: Compared) -> Iterator[Remark]:
    if compared.text in ("", "NaN"):
        return
    if compared.text in compared.allowed.missing:
        yield from _missing_code(linted, compared)
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
        level, code, facts = problem
        yield linted.remark(level, code, **facts)
    else:
        yield from _settled(linted, compared)


def _missing_code(linted: Linted, compared: Compared) -> Iterator[Remark]:
    """A comparison with the number of a missing data code, which is better asked for by the function of codes."""
    facts = {"logic": to_logic(compared.node), "name": to_logic(compared.reference), "missing": compared.text}
    if compared.operator not in EQUALITIES:
        yield linted.remark(RemarkLevel.WARNING, "order_of_code", **facts)
    elif number_of(compared.text) is not None:
        yield linted.remark(RemarkLevel.NOTE, "code_as_number", **facts)


def _minutes(linted: Linted, node: Call) -> Iterator[Remark]:
    """A unit that is easily mistaken for another one."""
    if node.name == "datediff" and node.arguments[2] == Text("m"):
        yield linted.remark(RemarkLevel.NOTE, "minutes", logic=to_logic(node))


Problem = tuple[RemarkLevel, str, dict[str, Any]]


def _no_date(compared: Compared) -> Problem | None:
    kind, text = compared.allowed.kind, compared.text
    if text in THIS_MOMENT or compared.allowed.place_of(text) is not None:
        return None
    code = f"{kind.split('_')[0]}_order" if DATE_LIKE.match(text) else f"no_{kind.split('_')[0]}"
    return RemarkLevel.ERROR, code, {**_facts(compared), "form": FORMS[kind]}


def _facts(compared: Compared) -> dict[str, Any]:
    return {"column": compared.reference.column, "literal": to_logic(compared.literal)}


def _no_number(compared: Compared) -> Problem | None:
    if number_of(compared.text) is not None:
        return None
    return RemarkLevel.ERROR, "no_number", _facts(compared)


def _order_of_text(compared: Compared) -> Problem | None:
    if compared.operator in EQUALITIES or isinstance(compared.literal, Text):
        return None
    return RemarkLevel.WARNING, "text_order", {**_facts(compared), "literal": compared.text}


def _no_code(linted: Linted, compared: Compared) -> Problem | None:
    codes = compared.allowed.codes
    number = number_of(compared.text)
    exists = compared.text in codes or (number is not None and number in {number_of(code) for code in codes})
    if exists or (number is not None and compared.operator not in EQUALITIES):
        return None
    column, field = compared.reference.column, linted.dictionary.by_name.get(compared.reference.field)
    facts = {"column": column, "code": compared.text, "fix": _nearest_code(compared, field)}
    return RemarkLevel.ERROR, "no_code", facts


def _nearest_code(compared: Compared, field: Field | None) -> Message:
    """The code behind a label that was written in its place, or all codes."""
    choices = field.choices if field is not None and not compared.reference.code else ()
    for choice in choices:
        label = choice.label.casefold()
        if compared.text.casefold() in (label, *label.split()):
            return fix_by("code_of_label", label=choice.label, code=choice.code)
    return fix_by("codes", names=", ".join(map(_shown, choices)) or ", ".join(compared.allowed.codes))


def _shown(choice: Choice) -> str:
    return f"{choice.code} ({choice.label})"


def _settled(linted: Linted, compared: Compared) -> Iterator[Remark]:
    """A comparison that comes out the same for every value the dictionary allows."""
    usage = usage_of([compared.node])
    tried = candidates_of(compared.reference.column, usage, {compared.reference.column: compared.allowed})
    if not tried.complete or usage.hangs_on_clock:
        return
    column = compared.reference.column
    codes = linted.codes
    found = {holds(compared.node, {column: text}, now=EXAMPLE_TIME, missing_codes=codes) for text in tried.texts}
    if len(found) == 1:
        code, why = "always_true" if True in found else "never_true", _why_settled(compared.allowed)
        yield linted.remark(RemarkLevel.WARNING, code, logic=to_logic(compared.node), why=why)


def _why_settled(own: Allowed) -> Message:
    if own.kind == "codes":
        return why_of("codes", names=", ".join(own.codes))
    low, high = (own.text_of(bound) if isfinite(bound) else "…" for bound in (own.low, own.high))
    return why_of("limits", low=low, high=high)


def _of_two_values(
    linted: Linted, node: Comparison, left: Expression, right: Expression, allowed: dict[str, Allowed]
) -> Iterator[Remark]:
    kinds = _kind(left, allowed), _kind(right, allowed)
    dates = [kind for kind in kinds if kind in STEPS]
    if len(dates) == 1 and None not in kinds:
        yield linted.remark(RemarkLevel.ERROR, "date_with_other", logic=to_logic(node))
    elif len(set(dates)) > 1 and node.operator in EQUALITIES:
        yield linted.remark(RemarkLevel.ERROR, "date_with_datetime", logic=to_logic(node))
    elif set(kinds) == {"number", "text"}:
        yield linted.remark(RemarkLevel.WARNING, "number_with_text", logic=to_logic(node))


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
        yield linted.remark(RemarkLevel.ERROR, "argument_no_date", function=name, logic=to_logic(argument))


def _number_operand(linted: Linted, operand: Expression, allowed: dict[str, Allowed]) -> Iterator[Remark]:
    kind = _kind(operand, allowed)
    if kind in STEPS:
        yield linted.remark(RemarkLevel.ERROR, "date_in_arithmetic", logic=to_logic(operand))
