"""Text functions, and tests for blanks and missing data codes, on whole columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from redcap_sync.logic.language import TRIMMED
from redcap_sync.logic.per_text import to_booleans, to_numbers, to_texts
from redcap_sync.logic.setting import Setting
from redcap_sync.logic.vectors import Booleans, Mask, Numbers, Texts, Vector, as_texts, objects, read_numbers

Function = Callable[[list[Vector], Setting], Vector]


def _text(function: Callable[..., str]) -> Function:
    return lambda arguments, setting: to_texts(function, _as_texts(arguments, setting))


def _test(function: Callable[..., bool]) -> Function:
    return lambda arguments, setting: to_booleans(function, _as_texts(arguments, setting))


def _as_texts(arguments: list[Vector], setting: Setting) -> list[Texts]:
    return [as_texts(argument, setting.switches.printed_digits) for argument in arguments]


def _count(text: str) -> int:
    number = read_numbers(objects([text]))[0]
    return int(number) if number >= 1 else 0


def _right(text: str, count: str) -> str:
    return text[max(0, len(text) - _count(count)) :]


def _mid(text: str, start: str, count: str) -> str:
    first = _count(start)
    return text[first - 1 :][: _count(count)] if first else ""


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def _find(arguments: list[Vector], setting: Setting) -> Numbers:
    change = str.lower if setting.switches.find_ignores_case else str
    return to_numbers(lambda needle, haystack: change(haystack).find(change(needle)) + 1, _as_texts(arguments, setting))


def _length(arguments: list[Vector], setting: Setting) -> Numbers:
    return to_numbers(len, _as_texts(arguments, setting))


def _is_number(arguments: list[Vector], _setting: Setting) -> Booleans:
    return Booleans(~np.isnan(arguments[0].numbers))


def _is_integer(text: str) -> bool:
    digits = text[1:] if text[:1] in ("-", "+") else text
    return digits.isascii() and digits.isdigit()


def _codes_of(vector: Vector, setting: Setting) -> Mask:
    """Where the value is one of the project's missing data codes."""
    known = setting.missing_codes - {""}
    only_numbers = isinstance(vector, Numbers | Booleans)
    if not known or (only_numbers and np.isnan(read_numbers(objects(sorted(known)))).all()):
        return np.zeros(1, dtype=bool)
    return to_booleans(known.__contains__, _as_texts([vector], setting)).array


def _is_blank_or_code(arguments: list[Vector], setting: Setting) -> Booleans:
    return Booleans(arguments[0].blank | _codes_of(arguments[0], setting))


FUNCTIONS: dict[str, Function] = {
    "isnumber": _is_number,
    "isinteger": _test(_is_integer),
    "isblankormissingcode": _is_blank_or_code,
    "isblanknotmissingcode": lambda arguments, _: Booleans(arguments[0].blank),
    "ismissingcode": lambda arguments, setting: Booleans(_codes_of(arguments[0], setting)),
    "hasmissingcode": _test(lambda text, codes: text != "" and text in {code.strip() for code in codes.split(",")}),
    "contains": _test(lambda text, part: part.lower() in text.lower()),
    "not_contain": _test(lambda text, part: part.lower() not in text.lower()),
    "starts_with": _test(lambda text, part: text.lower().startswith(part.lower())),
    "ends_with": _test(lambda text, part: text.lower().endswith(part.lower())),
    "find": _find,
    "left": _text(lambda text, count: text[: _count(count)]),
    "right": _text(_right),
    "mid": _text(_mid),
    "length": _length,
    "trim": _text(partial(lambda characters, text: text.strip(characters), TRIMMED)),
    "upper": _text(str.upper),
    "lower": _text(str.lower),
    "replace_text": _text(_replace),
    "concat": _text(lambda *texts: "".join(texts)),
    "concat_ws": _text(lambda separator, *texts: separator.join(filter(None, texts))),
}
