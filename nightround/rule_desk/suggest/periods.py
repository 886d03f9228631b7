"""Suggests that the end of a period is not before its beginning, where names and labels say which date is which."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nightround.rule_desk.suggest.date_order import LEAST_PAIRS
from nightround.rule_desk.suggest.study_data import StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, Suggestion, suggested_rule
from redcap_sync.dictionary import Field

PERIODS = (
    (r"start(?:ed)?|begin|began|onset|from", r"end(?:ed)?|stop(?:ped)?|until|to|resolved|resolution|recovery"),
    (r"admission|admitted|adm", r"discharged?|disch"),
    (r"birth|dob", r"death|died|dod"),
)
"""How a name calls the first and the last day of a period."""


def suggested_periods(data: StudyData) -> Iterator[Suggestion]:
    """One rule for each two dates of an instrument that are the ends of one period."""
    for first in data.dates:
        for last in data.dates:
            if first.instrument == last.instrument and _are_ends(first, last) and _is_kept(data, first, last):
                yield _suggestion(data, first, last)


def _are_ends(first: Field, last: Field) -> bool:
    """Whether two names differ in the words for beginning and end alone."""
    return any(
        (opened := _without(begin, first.name)) is not None
        and (closed := _without(end, last.name)) is not None
        and opened == closed
        for begin, end in PERIODS
    )


def _without(words: str, name: str) -> frozenset[str] | None:
    """The other parts of a name that has exactly one of some words; `date` is in any such name."""
    parts = [one for one in re.split(r"[_\d]+", name) if one]
    found = [one for one in parts if re.fullmatch(words, one)]
    return frozenset(parts) - set(found) - {"date", "dt"} if len(found) == 1 else None


def _counts(data: StudyData, first: Field, last: Field) -> tuple[int, int]:
    """How many rows are in order, and how many have both dates."""
    opened, closed = data.day(first.name).align(data.day(last.name), join="inner")
    return int((closed >= opened).sum()), len(opened)


def _is_kept(data: StudyData, first: Field, last: Field) -> bool:
    """Whether the data do not speak against it."""
    kept, pairs = _counts(data, first, last)
    return pairs < LEAST_PAIRS or kept >= LEAST_SHARE * pairs


def _suggestion(data: StudyData, first: Field, last: Field) -> Suggestion:
    kept, pairs = _counts(data, first, last)
    return suggested_rule(
        "period",
        ("period", first.name, last.name),
        data.languages,
        {"first": data.label(first.name), "last": data.label(last.name)},
        {"first": first.name, "last": last.name},
        evidence={"kept": kept, "pairs": pairs} if pairs else None,
        severity="major",
        instrument=last.instrument,
        discrepancy=f"datediff([{first.name}], [{last.name}], 'd', 'ymd', true) < 0",
    )
