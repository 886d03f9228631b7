"""Action tags in a field's annotation: `@NOMISSING`, `@DEFAULT='1'`, `@CALCTEXT(...)`, `@IF(...)`.

An annotation is free text in which tags may be anywhere. Tags that nobody here knows are read
like the others, so that they can be listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from redcap_sync.dictionary import DATE_FORMATS
from redcap_sync.errors import LogicError
from redcap_sync.logic.language import CALCDATE
from redcap_sync.logic.parser import parse
from redcap_sync.logic.syntax import Call, Expression, Text

_TAG = re.compile(r"(?<![A-Za-z0-9_.@])@([A-Z][A-Z0-9]*(?:[-_][A-Z0-9]+)*)")
_VALUE = re.compile(r"\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^\s'\"@(][^\s@]*))")
_OPENING = re.compile(r"\s*\(")


@dataclass(frozen=True)
class ActionTag:
    """One tag: its name without the @, the value behind `=`, the arguments in parentheses, its place."""

    name: str
    position: int
    value: str = ""
    arguments: tuple[str, ...] = ()


def action_tags(annotation: str) -> tuple[ActionTag, ...]:
    """Read the tags of an annotation in their order; tags inside the parentheses of another are its arguments.

    Raise `LogicError` when a parenthesis behind a tag is never closed.
    """
    found: list[ActionTag] = []
    position = 0
    while match := _TAG.search(annotation, position):
        tag, position = _tag_at(annotation, match)
        found.append(tag)
    return tuple(found)


def _tag_at(annotation: str, match: re.Match[str]) -> tuple[ActionTag, int]:
    name, end = match[1], match.end()
    value = _VALUE.match(annotation, end)
    if value:
        return ActionTag(name, match.start(), next(part for part in value.groups() if part is not None)), value.end()
    opening = _OPENING.match(annotation, end)
    if opening is None:
        return ActionTag(name, match.start()), end
    arguments, end = _arguments(annotation, opening.end())
    return ActionTag(name, match.start(), arguments=arguments), end


def _arguments(annotation: str, start: int) -> tuple[tuple[str, ...], int]:
    """Split at the commas that are outside quotes and inner brackets; return where the parenthesis ends, too."""
    depth, begin, found = 1, start, []
    for position, sign in _outside_quotes(annotation, start):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sign, 0)
        if depth == 0 or (depth == 1 and sign == ","):
            found.append(annotation[begin:position].strip())
            begin = position + 1
        if depth == 0:
            return tuple(found), position + 1
    raise LogicError("logic.open_tag", text=annotation, position=start - 1, hint="hint.close_parenthesis")


def _outside_quotes(text: str, start: int) -> Iterator[tuple[int, str]]:
    quote = ""
    for position, sign in enumerate(text[start:], start):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            yield position, sign


def calculated_text(annotation: str) -> Expression | None:
    """The expression of `@CALCTEXT(...)`, or None. Raise `LogicError` when it cannot be read."""
    tag = next((tag for tag in action_tags(annotation) if tag.name == "CALCTEXT"), None)
    return None if tag is None else parse(", ".join(tag.arguments))


def calculated_date(annotation: str, validation: str) -> Expression | None:
    """The expression of `@CALCDATE(date, offset, 'unit')`, or None.

    `validation` is that of the field, which decides whether a date or a date with time is stored.
    Raise `LogicError` when it cannot be read.
    """
    tag = next((tag for tag in action_tags(annotation) if tag.name == "CALCDATE"), None)
    if tag is None:
        return None
    kind = validation.rpartition("_")[0]
    if kind not in DATE_FORMATS:
        _refuse(annotation, tag, "hint.date_validation")
    if len(tag.arguments) != 3:  # noqa: PLR2004 - date, offset, unit
        _refuse(annotation, tag, "hint.date_arguments")
    return Call(CALCDATE, (*map(parse, tag.arguments), Text(kind)))


def _refuse(annotation: str, tag: ActionTag, hint: str) -> NoReturn:
    raise LogicError("logic.tag", text=annotation, position=tag.position, hint=hint, tag=tag.name)
