"""Choices as the dictionary writes them in one text: `1, A | 2, B`.

A label may itself hold bars, line breaks and commas, so the text alone does not say where a choice begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

CodedLabels = tuple[tuple[str, str], ...]
Begins = Callable[[str, Sequence[str]], bool]
"""Called with what follows a bar and the codes so far: whether a choice begins there."""
_MARK = re.compile(r"([|\n])")
_SPACE = re.compile(r"\s")
_NOTHING_BEHIND = re.compile(r"[\s|]+$")


def read_choices(text: str) -> CodedLabels:
    """Read a list by itself: pairs of code and label.

    A bar or a line break begins a choice where `code, label` follows, with a code that is not used yet and has no
    space (unless the first code has one); any other is part of the label. Without a comma before the first bar the
    text is a list of labels, which are their own codes.
    """
    first = next((piece for piece in _MARK.split(text) if piece.strip(" \t\r\n|")), "")
    if "," not in first:
        return tuple(_pair(piece) for piece in re.split(r"[|\n]", text) if piece.strip())
    spaced = bool(_SPACE.search(_code(first)))
    return _split(text, lambda piece, used: _could_begin(piece, used, spaced=spaced))


def listed_choices(text: str, codes: Sequence[str]) -> CodedLabels:
    """Read the list of a field whose codes are known; a code that the text does not have is its own label."""
    in_order = _split(text, lambda piece, used: len(used) < len(codes) and _code(piece) == codes[len(used)])
    if len(in_order) == len(codes):
        return in_order
    labels = dict(_split(text, lambda piece, used: _code(piece) in codes and _code(piece) not in used))
    return tuple((code, labels.get(code, code)) for code in dict.fromkeys(codes))


def _could_begin(piece: str, used: Sequence[str], *, spaced: bool) -> bool:
    code = _code(piece)
    return "," in piece and code != "" and code not in used and (spaced or not _SPACE.search(code))


def _code(piece: str) -> str:
    return piece.partition(",")[0].strip()


def _pair(piece: str) -> tuple[str, str]:
    code, comma, label = piece.partition(",")
    return code.strip(), _NOTHING_BEHIND.sub("", label).strip() if comma else code.strip()


def _split(text: str, begins: Begins) -> CodedLabels:
    """Cut a text into choices; what is in front of the first is none."""
    found: list[str] = []
    codes: list[str] = []
    mark = ""
    for part in _MARK.split(text):
        if _MARK.fullmatch(part):
            mark = part
        elif begins(part, codes):
            found.append(part)
            codes.append(_code(part))
        elif found:
            found[-1] += mark + part
    return tuple(_pair(_NOTHING_BEHIND.sub("", choice)) for choice in found)
