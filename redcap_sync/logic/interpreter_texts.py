"""Text and blank tests of the row-by-row interpreter. Arguments arrive as printed texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection

from redcap_sync.logic.interpreter_values import Value, number_of
from redcap_sync.logic.language import TRIMMED
from redcap_sync.logic.switches import Switches


def _count(text: str) -> int:
    """A number of characters; blank, text and negative numbers count none."""
    number = number_of(text)
    return 0 if number is None else max(0, math.trunc(number))


def _right(texts: list[str], _switches: Switches) -> Value:
    count = _count(texts[1])
    return texts[0][-count:] if count else ""


def _mid(texts: list[str], _switches: Switches) -> Value:
    start, count = _count(texts[1]), _count(texts[2])
    return texts[0][start - 1 : start - 1 + count] if start else ""


def _find(texts: list[str], switches: Switches) -> Value:
    needle, haystack = texts
    if switches.find_ignores_case:
        needle, haystack = needle.lower(), haystack.lower()
    return float(haystack.find(needle) + 1)


def _contains(texts: list[str]) -> bool:
    return texts[1].lower() in texts[0].lower()


FUNCTIONS: dict[str, Callable[[list[str], Switches], Value]] = {
    "isnumber": lambda texts, _: number_of(texts[0]) is not None,
    "isinteger": lambda texts, _: re.fullmatch(r"[-+]?[0-9]+", texts[0]) is not None,
    "contains": lambda texts, _: _contains(texts),
    "not_contain": lambda texts, _: not _contains(texts),
    "starts_with": lambda texts, _: texts[0].lower().startswith(texts[1].lower()),
    "ends_with": lambda texts, _: texts[0].lower().endswith(texts[1].lower()),
    "find": _find,
    "left": lambda texts, _: texts[0][: _count(texts[1])],
    "right": _right,
    "mid": _mid,
    "length": lambda texts, _: float(len(texts[0])),
    "trim": lambda texts, _: texts[0].strip(TRIMMED),
    "upper": lambda texts, _: texts[0].upper(),
    "lower": lambda texts, _: texts[0].lower(),
    "replace_text": lambda texts, _: texts[0].replace(texts[1], texts[2]) if texts[1] else texts[0],
    "concat": lambda texts, _: "".join(texts),
    "concat_ws": lambda texts, _: texts[0].join(text for text in texts[1:] if text),
}

MISSING_CODE_FUNCTIONS: dict[str, Callable[[list[str], Collection[str]], bool]] = {
    "isblankormissingcode": lambda texts, codes: not texts[0] or texts[0] in codes,
    "isblanknotmissingcode": lambda texts, _: not texts[0],
    "ismissingcode": lambda texts, codes: texts[0] != "" and texts[0] in codes,
    "hasmissingcode": lambda texts, _: texts[0] != "" and texts[0] in [part.strip() for part in texts[1].split(",")],
}
