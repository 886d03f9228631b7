"""What the head of a column says: groups or visits, how many patients, which statistic, or P."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from nightround.published_tables.ranges import plain

Role = Literal["values", "statistic", "p", "total"]
Design = Literal["groups", "visits"]

_SYMBOLS = {
    **dict.fromkeys(("chi2", "χ2", "x2", "chi", "chi-square", "卡方", "χ"), "chi2"),
    **{one: one for one in ("t", "z", "f", "h", "u", "w")},
}
_ENGLISH_FILLERS = ("statistic", "statistics", "test", "value", "values", "of", "or", "and", "square")
_FILLERS = frozenset((*_ENGLISH_FILLERS, "统计量", "统计值", "检验统计量", "检验值", "值", "或"))
_SIZE = re.compile(r"[\(\[]?\s*n\s*=\s*(\d+)\s*[\)\]]?|[\(\[]\s*(\d+)\s*例\s*[\)\]]", re.IGNORECASE)
_TOTAL = re.compile(r"total|overall|all( patients)?|合计|总计|总体|全部")
_BEFORE_AFTER = r"before|after|pre|post|baseline|前|后|基线"
_MOMENTS = rf"{_BEFORE_AFTER}|months?|weeks?|days?|years?|hours?|visit|follow|mo|个月|周|天|年|日|随访|出院|入院"
_A_VISIT = re.compile(rf"(?<![a-z])(?:{_MOMENTS})(?![a-z])|[前后月周天]")
_CERTAIN_VISIT = re.compile(rf"(?<![a-z])(?:{_BEFORE_AFTER})(?![a-z])|[前后]")


def size_of(header: str) -> int | None:
    """The number of patients a header states, as in `patency (n=43)`."""
    found = _SIZE.search(plain(header))
    return int(found[1] or found[2]) if found else None


def name_of(header: str) -> str:
    """A header without its number of patients."""
    return _SIZE.sub(" ", plain(header)).strip()


def symbols_of(header: str) -> frozenset[str]:
    """The statistics a header names: `Z/t` gives z and t; `statistic` gives none."""
    return frozenset(_SYMBOLS[word] for word in _words(header) if word in _SYMBOLS)


def role_of(header: str) -> Role:
    """What a column holds."""
    words = _words(header)
    if words and words[0] in ("p", "p值", "p-value", "pvalue"):
        return "p"
    if words and all(word in _SYMBOLS or word in _FILLERS for word in words):
        return "statistic"
    return "total" if _TOTAL.fullmatch(name_of(header).lower()) else "values"


def _words(header: str) -> list[str]:
    text = re.sub(r"(?<=[a-zχ2方])值", " 值", plain(header).lower())
    return [word for word in re.split(r"[\s/,;:()\[\]、]+|(?<=[a-z2χ])或", text) if word]


def design_of(headers: Sequence[str]) -> Design:
    """Visits of the same patients, or groups of different ones.

    Headers that state sizes of their own are groups, unless they say before and after. The size of the first one
    alone is that of all visits.
    """
    names = [name_of(header).lower() for header in headers]
    sure = all(_CERTAIN_VISIT.search(name) for name in names)
    likely = sum(bool(_A_VISIT.search(name)) for name in names) == len(names)
    sized = any(size_of(header) is not None for header in headers[1:])
    return "visits" if sure or (likely and not sized) else "groups"


def common_name(headers: Sequence[str]) -> str:
    """The words every header begins with: `patency before` and `patency 6 months` share `patency`."""
    words = [name_of(header).split() for header in headers]
    shared = []
    for together in zip(*words, strict=False):
        if len(set(together)) > 1:
            break
        shared.append(together[0])
    return " ".join(shared)
