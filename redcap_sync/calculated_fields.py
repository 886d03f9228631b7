"""What a calculated field is worked out from: a calc field, `@CALCTEXT(...)` or `@CALCDATE(...)`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from redcap_sync.dictionary import DATE_FORMATS, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, parse
from redcap_sync.logic.language import CALCDATE
from redcap_sync.logic.syntax import Call, Text

_TAG = re.compile(r"@(CALCTEXT|CALCDATE)\s*\(")
_DATE_ARGUMENTS = 3


class Calculation(NamedTuple):
    """A formula, and whether its result may be text; a calc field holds numbers only."""

    expression: Expression
    text: bool


def calculation_of(field: Field) -> Calculation | None:
    """Return how a field is calculated, None where it is not; raise LogicError for what cannot be read."""
    if field.type == "calc":
        return Calculation(parse(field.calculation), text=False) if field.calculation.strip() else None
    found = _TAG.search(field.annotation) if field.type in ("text", "notes") else None
    if found is None:
        return None
    if re.search(r"@IF\s*\(", field.annotation):
        _refuse(field, "an @IF around @CALCTEXT or @CALCDATE cannot be represented")
    arguments = _arguments(field, found.end())
    if found[1] == "CALCTEXT":
        return Calculation(parse(",".join(arguments)), text=True)
    return Calculation(_date(field, arguments), text=True)


def _date(field: Field, arguments: list[str]) -> Expression:
    kind = field.validation.rpartition("_")[0]
    if kind not in DATE_FORMATS:
        _refuse(field, "@CALCDATE needs a field that is validated as a date or a date with time")
    if len(arguments) != _DATE_ARGUMENTS:
        _refuse(field, "@CALCDATE takes a date, an offset and a unit")
    return Call(CALCDATE, (*(parse(argument) for argument in arguments), Text(kind)))


def _arguments(field: Field, start: int) -> list[str]:
    """What stands between the tag's brackets, split at the commas outside of quotes and inner brackets."""
    depth, begin, found = 1, start, []
    for position, sign in _outside_quotes(field.annotation, start):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sign, 0)
        if depth == 0 or (depth == 1 and sign == ","):
            found.append(field.annotation[begin:position])
            begin = position + 1
        if depth == 0:
            return found
    return _refuse(field, "a bracket is not closed")


def _outside_quotes(text: str, start: int) -> Iterator[tuple[int, str]]:
    quote = ""
    for position in range(start, len(text)):
        sign = text[position]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            yield position, sign


def _refuse(field: Field, hint: str) -> NoReturn:
    raise LogicError("The action tag cannot be read.", text=field.annotation, position=0, hint=hint)
