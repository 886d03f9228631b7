"""What would be printed otherwise under another policy, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from nightround.model.language import Words
from nightround.model.result import ResultKey, ResultRow
from nightround.statistics.tables import tables
from nightround.study.methods import words_of
from nightround.study.plan import Plan, PolicyName
from nightround.texts.catalogue import words


@dataclass(frozen=True)
class Difference:
    """A number that two policies print differently. A side is None where that policy has no such number."""

    key: ResultKey
    first: ResultRow | None
    second: ResultRow | None
    why: Words


def compare(plan: Plan, patients: pd.DataFrame, first: PolicyName, second: PolicyName) -> tuple[Difference, ...]:
    """Every number whose printed text differs between two policies, in the order of the tables."""
    one, other = tables(plan, patients, first), tables(plan, patients, second)
    keys = dict.fromkeys([*(row.key for row in one), *(row.key for row in other)])
    return tuple(_differences((key, one.get(key), other.get(key)) for key in keys))


def _differences(sides: Iterator[tuple[ResultKey, ResultRow | None, ResultRow | None]]) -> Iterator[Difference]:
    for key, one, other in sides:
        if one is None or other is None or one.text != other.text:
            yield Difference(key, one, other, _why(one, other))


def _why(one: ResultRow | None, other: ResultRow | None) -> Words:
    """The two methods; where they are the same, the two warnings, which name a sign or a caution."""
    if one is None or other is None:
        made = one or other
        return words("table.only_one", method=_named(made.method if made else ""))
    if one.method != other.method:
        return words("table.two_methods", first=_named(one.method), second=_named(other.method))
    if one.value is not None and other.value is not None and one.value == -other.value:
        return words("table.other_sign")
    first, second = (_named(row.warning or row.method) for row in (one, other))
    return words("table.two_methods", first=first, second=second)


def _named(english: str) -> Words:
    return words_of(english) if english else words("table.no_method")
