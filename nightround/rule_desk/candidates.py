"""For each column of a rule the values to try: all there are, one for each place in the order, or a handful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite

from nightround.rule_desk.allowed import STEPS, Allowed
from nightround.rule_desk.examples import EXAMPLE_TIME
from nightround.rule_desk.usage import THIS_MOMENT, Usage
from redcap_sync.dictionary import DATE_FORMATS
from redcap_sync.logic.interpreter_values import number_of

LONGEST_LIST = 1000
"""More whole numbers than this are not tried one by one."""
ANOTHER_TEXT = "another text "
HANDFUL = (0.0, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 365.0, 1000.0)
NEIGHBOURS = (-400.0, -200.0, -30.0, -1.0, 0.0, 1.0, 30.0, 200.0, 400.0)


@dataclass(frozen=True)
class Candidates:
    """Values to try in a column. `complete` says that no other value could change the rule's truth."""

    texts: tuple[str, ...]
    complete: bool


def candidates_of(column: str, usage: Usage, allowed: Mapping[str, Allowed]) -> Candidates:
    """The values to try in a column that is filled."""
    own = allowed[column]
    found = _listed(own)
    if found is None and column not in usage.worked_with:
        found = _of_order(column, usage, allowed)
    if found is not None:
        return Candidates((*found, *own.missing), complete=True)
    return Candidates((*_handful(column, usage, own), *own.missing), complete=False)


def _listed(own: Allowed) -> tuple[str, ...] | None:
    """Every value there is, where they are few."""
    if own.kind == "codes":
        return own.codes
    if own.whole and own.high - own.low <= LONGEST_LIST:
        return tuple(own.text_of(float(place)) for place in range(ceil(own.low), floor(own.high) + 1))
    return None


def _of_order(column: str, usage: Usage, allowed: Mapping[str, Allowed]) -> tuple[str, ...] | None:
    """One value for each place in the order of constants and other values; None where the order is not known."""
    group = usage.group_of(column)
    own = allowed[column]
    literals = _constants_of(group, usage, allowed)
    kinds = {allowed[one].kind for one in group} - {"codes"}
    if literals is None or kinds > {own.kind}:
        return None
    if own.kind == "text":
        only_told_apart = usage.operators.get(column, set()) <= {"=", "<>"}
        others = (f"{ANOTHER_TEXT}{position}" for position in range(len(group)))
        return (*literals, *others) if only_told_apart else None
    places = [_place(own, text) for text in literals]
    if any(place is None for place in places):
        return None
    marks = {place for place in places if place is not None}
    marks |= {bound for one in group for bound in (allowed[one].low, allowed[one].high) if isfinite(bound)}
    return tuple(own.text_of(place) for place in _spread(marks, own, len(group)) if own.contains(place))


def _constants_of(group: set[str], usage: Usage, allowed: Mapping[str, Allowed]) -> list[str] | None:
    """All that the columns of a group are compared with; None where one takes more values than can be listed."""
    literals = [text for one in group for text in usage.literals.get(one, ())]
    for one in group if len(group) > 1 else ():
        literals += allowed[one].missing
        if allowed[one].kind == "codes" or one in usage.worked_with:
            listed = _listed(allowed[one])
            if listed is None:
                return None
            literals += listed
    return [text for text in dict.fromkeys(literals) if text]


def _place(own: Allowed, literal: str) -> float | None:
    if literal in THIS_MOMENT and own.kind in STEPS:
        return own.place_of(EXAMPLE_TIME.strftime(DATE_FORMATS[own.kind]))
    return number_of(literal) if own.kind == "number" else own.place_of(literal)


def _spread(marks: set[float], own: Allowed, count: int) -> list[float]:
    """The marks, and so many values below, between and above them."""
    whole = _with_gaps(marks or {0.0}, count, whole=True)
    return sorted(whole if own.whole else _with_gaps(whole, count, whole=False))


def _with_gaps(marks: set[float], count: int, *, whole: bool) -> set[float]:
    """Whole steps first, so that values with decimals find room between them."""
    ordered = sorted(marks)
    found = set(ordered)
    for low, high in pairwise(ordered):
        if whole:
            found |= {place for step in range(1, count + 1) if (place := floor(low) + float(step)) < high}
        else:
            found |= {low + (high - low) * step / (count + 1) for step in range(1, count + 1)}
    ends = range(1, count + 1)
    return (
        found | {floor(ordered[0]) - float(step) for step in ends} | {ceil(ordered[-1]) + float(step) for step in ends}
    )


def _handful(column: str, usage: Usage, own: Allowed) -> tuple[str, ...]:
    """Some values, for a column of which not all can be tried."""
    if own.kind == "text":
        return (ANOTHER_TEXT, *(text for text in usage.literals.get(column, ()) if text))
    bounds = [bound for bound in (own.low, own.high) if isfinite(bound)]
    known = (_place(own, text) for text in usage.literals.get(column, ()) if text)
    start = [*(place for place in known if place is not None), *bounds] or [0.0]
    steps = NEIGHBOURS if own.kind in STEPS else HANDFUL
    places = {mark + step for mark in start for step in steps} | {mark - step for mark in start for step in steps}
    if len(bounds) == 2:  # noqa: PLR2004 - a lowest and a highest
        places |= {floor(own.low + (own.high - own.low) * part / 20) for part in range(21)}
    return tuple(own.text_of(float(place)) for place in sorted(places) if own.contains(float(place)))
