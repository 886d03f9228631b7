"""What is true of all rows together: which values each test of a cohort check is made on, and what it saw.

A test has a field, or several that are tested together, and a data access group, or none. It sees no record: where
rows stand out they are named for the data manager to look at, and nothing is said of them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.validation.stored import Floats, Mask, StoredTexts

if TYPE_CHECKING:
    from nightround.statistics.monitoring import Monitored

DAY_SECONDS = 86_400
DAYS_OF_WEEK = 7
RECORD = "record"
TOGETHER = ("copied_rows", "outliers")
"""Checks that test their fields together; others test each by itself."""
MOST_ROWS_NAMED = 50
"""So many rows of a finding are named, the first ones."""

Settings = Mapping[str, Any]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class CohortSeen:
    """What one test saw: how improbable it is by chance, and the least that it would have seen in four of five cases.

    `fields` are numbers of the rule's fields, `group` a data access group, '' for none or all. `least` is None where
    nothing would have been seen, and `p` where there were too few values to test.
    """

    fields: tuple[int, ...]
    group: str
    n: int
    p: float | None
    found: bool
    facts: Mapping[str, float]
    least: float | None
    rows: tuple[int, ...] = ()
    """Positions of the rows that stand out."""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` made of it, through JSON."""
        return cls(**{**document, "fields": tuple(document["fields"]), "rows": tuple(document["rows"])})


@dataclass(frozen=True)
class CohortTest:
    """What a test saw, and the positions of the rows it was made on."""

    seen: CohortSeen
    tested: tuple[int, ...]

    @property
    def found(self) -> bool:
        """Whether it is a finding."""
        return self.seen.found


@dataclass(frozen=True)
class CohortRows:
    """The rows of a batch that a check may look at. A missing data code is no value."""

    stored: StoredTexts
    codes: Collection[str]
    scope: Mask

    def numbers(self, column: str) -> Floats:
        """The numbers of a column; NaN where there is none."""
        return np.where(self.known(column), self.stored[column].measured("number"), np.nan)

    def known(self, column: str) -> Mask:
        """Where a column has a value."""
        found: Mask = self.scope & self.stored[column].filled & ~self.stored[column].among(self.codes)
        return found

    def weekdays(self, column: str) -> npt.NDArray[np.int64]:
        """The weekday of a date, 0 to 6; -1 where there is none."""
        moments = np.where(self.known(column), self.stored[column].measured("moment"), np.nan)
        days = np.floor(moments / DAY_SECONDS)
        return np.where(np.isnan(days), -1, np.nan_to_num(days) % DAYS_OF_WEEK).astype(np.int64)

    def names(self, column: str) -> npt.NDArray[np.int64]:
        """A number for each distinct text of a column; -1 where there is none."""
        numbers = pd.factorize(self.stored[column].rows())[0].astype(np.int64)
        return np.where(self.known(column), numbers, -1)

    @cached_property
    def after_own(self) -> tuple[Positions, Positions]:
        """The rows in scope that follow another one of their record, and that other one, in the order of the rows."""
        order = np.flatnonzero(self.scope)
        records = pd.factorize(self.stored[RECORD].rows()[order])[0]
        by_record = order[np.argsort(records, kind="stable")]
        records = np.sort(records, kind="stable")
        same = records[1:] == records[:-1]
        return by_record[1:][same], by_record[:-1][same]


@dataclass(frozen=True)
class _Question:
    """One test: the columns it is made on, the rows of its group, and the probability of a false alarm."""

    rows: CohortRows
    columns: tuple[str, ...]
    own: Mask
    settings: Settings
    alpha: float

    @property
    def column(self) -> str:
        """The one column of a check that tests each by itself."""
        return self.columns[0]


Answer: TypeAlias = tuple["Monitored | None", Positions]
"""What a test saw, None where there are too few values, and the positions of the rows whose values it is made on."""


def cohort_tests(rows: CohortRows, columns: Sequence[str], settings: Settings) -> tuple[CohortTest, ...]:
    """Every test of a check, in the order of its fields and groups."""
    # scipy is a second of loading, which a study without such a check never pays.
    from nightround.statistics.monitoring import LOOKS

    groups = list(_groups(rows, settings))
    alpha = settings["alpha"] / (LOOKS * max(1, len(groups)))
    numbers = range(len(columns))
    sets = [tuple(numbers)] if settings["check"] in TOGETHER else [(number,) for number in numbers]
    asked = ((fields, name, own) for fields in sets for name, own in groups)
    return tuple(
        _test(_Question(rows, tuple(columns[number] for number in fields), own, settings, alpha), fields, name)
        for fields, name, own in asked
    )


def _groups(rows: CohortRows, settings: Settings) -> Iterator[tuple[str, Mask]]:
    """The data access groups with the rows of each; one without a name where groups do not count."""
    if not settings["each_group"]:
        yield "", rows.scope
        return
    names = rows.stored[settings["group"]].rows()
    for name in sorted(set(names[rows.scope].tolist())):
        yield name, rows.scope & (names == name)


def _test(asked: _Question, fields: tuple[int, ...], group: str) -> CohortTest:
    """One test of one group."""
    tested, positions = MADE[asked.settings["check"]](asked)
    if tested is None:
        seen = CohortSeen(fields, group, len(positions), p=None, found=False, facts={}, least=None)
        return CohortTest(seen, ())
    found = tested.p < asked.alpha
    out = tuple(int(positions[one]) for one in tested.rows[:MOST_ROWS_NAMED]) if found else ()
    seen = CohortSeen(fields, group, tested.n, tested.p, found, tested.facts, tested.least, out)
    return CohortTest(seen, tuple(positions.tolist()))


def _digit_preference(asked: _Question) -> Answer:
    """The last digit of each number as it is stored."""
    from nightround.statistics import monitoring

    positions = np.flatnonzero(asked.own & ~np.isnan(asked.rows.numbers(asked.column)))
    texts = asked.rows.stored[asked.column].rows()[positions].tolist()
    digits = np.array([int(text.rstrip(".,")[-1]) for text in texts], dtype=np.int64)
    return monitoring.digit_preference(digits, asked.alpha), positions


def _weekday_effect(asked: _Question) -> Answer:
    return _effect(asked, asked.rows.weekdays(asked.settings["date"]))


def _examiner_effect(asked: _Question) -> Answer:
    return _effect(asked, asked.rows.names(asked.settings["examiner"]))


def _effect(asked: _Question, categories: npt.NDArray[np.int64]) -> Answer:
    from nightround.statistics import monitoring

    values = asked.rows.numbers(asked.column)
    positions = np.flatnonzero(asked.own & ~np.isnan(values) & (categories >= 0))
    return monitoring.category_effect(values[positions], categories[positions], asked.alpha), positions


def _little_spread(asked: _Question) -> Answer:
    values = asked.rows.numbers(asked.column)
    if not asked.settings["examiner"]:
        return _less_spread(values, asked.own, asked.rows.scope & ~asked.own, asked.alpha)
    names = asked.rows.names(asked.settings["examiner"])
    known = asked.own & (names >= 0) & ~np.isnan(values)
    return _least_spread(values, names, known, asked.alpha), np.flatnonzero(known)


def _least_spread(values: Floats, names: npt.NDArray[np.int64], known: Mask, alpha: float) -> Monitored | None:
    """Of the tests of each examiner against the others the one with the smallest P, which all of them share."""
    examiners = np.unique(names[known])
    tests = (
        _less_spread(values, known & (names == one), known & (names != one), alpha / len(examiners))[0]
        for one in examiners
    )
    made = [one for one in tests if one is not None]
    if not made:
        return None
    least = min(made, key=lambda one: one.p)
    return replace(least, p=min(1.0, least.p * len(examiners)))


def _less_spread(values: Floats, own: Mask, others: Mask, alpha: float) -> Answer:
    from nightround.statistics import monitoring

    filled = ~np.isnan(values)
    positions = np.flatnonzero(own & filled)
    return monitoring.little_spread(values[positions], values[others & filled], alpha), positions


def _copied_rows(asked: _Question) -> Answer:
    """How many fields of each row contain what the row before of the same record holds."""
    from nightround.statistics import monitoring

    after, before = asked.rows.after_own
    complete = asked.own & np.logical_and.reduce([asked.rows.known(one) for one in asked.columns])
    pairs = complete[after] & complete[before]
    after, before = after[pairs], before[pairs]
    texts = [asked.rows.stored[one].rows() for one in asked.columns]
    agreeing = np.count_nonzero(np.column_stack([one[after] == one[before] for one in texts]), axis=1)
    return monitoring.copied_rows(agreeing, len(asked.columns), asked.alpha), after


def _outliers(asked: _Question) -> Answer:
    from nightround.statistics import monitoring

    values = np.column_stack([asked.rows.numbers(one) for one in asked.columns])
    positions = np.flatnonzero(asked.own & ~np.isnan(values).any(axis=1))
    return monitoring.robust_outliers(values[positions], asked.alpha), positions


MADE: Mapping[str, Callable[[_Question], Answer]] = {
    "digit_preference": _digit_preference,
    "weekday_effect": _weekday_effect,
    "examiner_effect": _examiner_effect,
    "little_spread": _little_spread,
    "copied_rows": _copied_rows,
    "outliers": _outliers,
}
