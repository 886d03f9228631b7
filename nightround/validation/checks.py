"""The kinds of check that REDCap's logic cannot say, each worked out over the rows of a batch.

A check looks at texts as REDCap stored them. It is given the rows in its rule's scope and says which
of them it could judge and which of those fail. What the kinds mean: REDCap's built-in Data Quality
rules (blank, filled, format, range, outlier, choice, calculation, missing_code), and what goes beyond them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.validation.alike_rows import Near, alike_rows
from nightround.validation.cohort_checks import CohortRows, CohortSeen, cohort_tests
from nightround.validation.slips import slipped
from nightround.validation.stored import Floats, Mask, Measure, Stored, StoredTexts, number, seconds_of
from redcap_sync.logic import Evaluator, from_json
from redcap_sync.validation_types import form_of

RECORD = "record"
"""The key column that names the record of a row."""
LEAST_EXPECTED = 5
"""A visit is lost to the study where so many records at least should have it,"""
MOST_PRESENT = 0.05
"""and no more than this share of them has it."""
EXACTLY = 1e-9
"""Relative difference below which two numbers are one: what is left of a decimal number's own rounding."""


class Verdict(NamedTuple):
    """Rows in scope, those of them that could be judged, and those of the judged that fail."""

    scope: Mask
    judged: Mask
    failing: Mask
    suggested: Mapping[int, str] = MappingProxyType({})
    """What a failing row probably should hold, by its position."""
    others: Mapping[int, tuple[int, ...]] = MappingProxyType({})
    """The rows that fail together with a failing row, by its position."""
    cohort: tuple[CohortSeen, ...] = ()
    """What each test on all rows together saw."""


@dataclass(frozen=True)
class Rows:
    """What a check looks at: the stored texts, the evaluator for logic, and the clock."""

    stored: StoredTexts
    evaluator: Evaluator
    now: datetime


Settings = Mapping[str, Any]
Kind = Callable[[Rows, Sequence[str], Settings, Mask], Verdict]


def run_check(check: Mapping[str, Any], rows: Rows, scope: Mask) -> Verdict:
    """Judge the rows in scope by a check, as the suite's JSON has it.

    Raises KeyError for a column that is not there, LogicError for logic that cannot be worked out.
    """
    return KINDS[check["kind"]](rows, check["columns"], check["settings"], scope)


def _any_filled(rows: Rows, columns: Sequence[str], settings: Settings) -> Mask:
    """Where a cell contains a value; options of a checkbox hold one where they are ticked."""
    ticked = set(settings.get("options", ()))
    masks = (rows.stored[name].among("1") if name in ticked else rows.stored[name].filled for name in columns)
    return reduce(np.logical_or, masks)


def _blank(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """No value is stored. With `opened`, only where one of these columns shows that the instrument was opened."""
    opened = settings.get("opened", ())
    if opened:
        scope = scope & _opened(rows, opened, settings)
    return Verdict(scope, scope, scope & ~_any_filled(rows, columns, settings))


def _filled(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """A value is stored."""
    return Verdict(scope, scope, scope & _any_filled(rows, columns, settings))


def _never_opened(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """Nothing of the instrument was ever stored."""
    return Verdict(scope, scope, scope & ~_opened(rows, columns, settings))


def _opened(rows: Rows, columns: Sequence[str], settings: Settings) -> Mask:
    """A value is stored, or the completion status was set to more than its default."""
    status = settings["status"]
    return _any_filled(rows, columns, settings) | (rows.stored[status].filled & ~rows.stored[status].among("0"))


def _absent_visit(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:  # noqa: ARG001
    """The record contains nothing in an event that is due, or that a later one has overtaken."""
    due = np.zeros(len(scope), dtype=bool)
    if "formula" in settings:
        due = rows.evaluator.truth(from_json(settings["formula"]))
    for later in settings["later"]:
        due = due | rows.stored[later].filled
    expected = scope & due
    return Verdict(expected, expected, expected & ~rows.stored[settings["visit"]].filled)


def _usual_visit(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The record contains nothing in an event that is due, or overtaken where most overtaken records have it."""
    overtaken = reduce(np.logical_or, (rows.stored[later].filled for later in settings["later"]), np.zeros_like(scope))
    far_enough = scope & overtaken
    with_it = far_enough & rows.stored[settings["visit"]].filled
    is_usual = np.count_nonzero(with_it) >= settings["share"] * np.count_nonzero(far_enough)
    return _absent_visit(rows, columns, settings if is_usual else {**settings, "later": ()}, scope)


def _lost_visit(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """Many records should have an event, by the same reasons as each of them, and hardly any has."""
    expected, _, missing, *_ = _absent_visit(rows, columns, settings, scope)
    n, gone = int(np.count_nonzero(expected)), int(np.count_nonzero(missing))
    lost = n >= LEAST_EXPECTED and n - gone <= n * MOST_PRESENT
    seen = CohortSeen((), "", n, p=float(not lost), found=lost, facts={"present": n - gone}, least=None)
    failing = np.zeros_like(expected)
    failing[np.flatnonzero(expected)[:1]] = lost
    return Verdict(expected, expected, failing, cohort=(seen,))


def _format(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The value does not have the form of its validation type."""
    stored = rows.stored[columns[0]]
    judged = scope & _valued(stored, settings)
    question = "format", settings["validation"]
    follows = rows.stored.remembered(question, form_of(settings["validation"]))
    return Verdict(scope, judged, judged & stored.unless(question, follows))


def _choice(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The value is none of the field's codes, compared as text."""
    stored = rows.stored[columns[0]]
    judged = scope & _valued(stored, settings)
    return Verdict(scope, judged, judged & ~stored.among(settings["codes"]))


def _missing_code(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The value is one of the project's missing data codes, or such an option of a checkbox is ticked."""
    judged = scope & _any_filled(rows, columns, settings)
    coded = settings.get("coded_options")
    failing = _any_filled(rows, coded, settings) if coded else rows.stored[columns[0]].among(settings["missing"])
    return Verdict(scope, judged, judged & failing)


def _range(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The value lies outside its bounds and not beyond its hard ones; what is blank in a row binds nothing."""
    measure: Measure = settings["measure"]
    stored = rows.stored[columns[0]]
    values = stored.measured(measure)
    judged = scope & _valued(stored, settings) & ~np.isnan(values)
    outside = _outside(rows, values, settings, "minimum", "maximum")
    beyond = _outside(rows, values, settings, "hard_minimum", "hard_maximum")
    return Verdict(scope, judged, judged & outside & ~beyond)


def _outside(rows: Rows, values: Floats, settings: Settings, low: str, high: str) -> Mask:
    lower, upper = (_bound(rows, settings.get(name), settings["measure"]) for name in (low, high))
    outside: Mask = (values < lower) | (values > upper)
    return outside


def _bound(rows: Rows, written: Mapping[str, str] | None, measure: Measure) -> Floats | float:
    """A bound as a number for all rows or one a row; NaN, with which no order is true, where there is none."""
    match written:
        case {"column": column}:
            return rows.stored[column].measured(measure)
        case {"day": "today"}:
            return seconds_of(rows.now.replace(hour=0, minute=0, second=0, microsecond=0))
        case {"day": _}:
            return seconds_of(rows.now.replace(microsecond=0))
        case {"value": value}:
            return float(value)
    return np.nan


def _outlier(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The value is further from the mean of the field than so many sample standard deviations."""
    values, judged = _numbers(rows, columns, settings, scope)
    failing = np.zeros(len(scope), dtype=bool)
    known = values[judged]
    if len(known) > 1:
        spread = settings["deviations"] * known.std(ddof=1) * (1 + EXACTLY)
        failing[judged] = np.abs(known - known.mean()) > spread
    return Verdict(scope, judged, failing)


def _slip(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The value fits the field's other values only after a factor of a unit or of the decimal point."""
    values, judged = _numbers(rows, columns, settings, scope)
    factors = np.ones(len(scope))
    factors[judged] = slipped(values[judged], [factor for factor, _ in settings["factors"]])
    failing = factors != 1
    why = dict(settings["factors"])
    suggested = {int(row): f"{values[row] * factors[row]:.4g} ({why[factors[row]]})" for row in np.flatnonzero(failing)}
    return Verdict(scope, judged, failing, suggested)


def _numbers(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> tuple[Floats, Mask]:
    stored = rows.stored[columns[0]]
    values = stored.measured("number")
    return values, scope & _valued(stored, settings) & ~np.isnan(values)


def _calculation(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """The stored value is not what the formula gives now; blank and blank agree."""
    computed = Stored.of(rows.evaluator.values(from_json(settings["formula"]), text=settings["text"]))
    stored = rows.stored[columns[0]]
    return Verdict(scope, scope, scope & ~_same(stored, computed))


def _same(stored: Stored, computed: Stored) -> Mask:
    """Equal as text, or as numbers up to the rounding of the last digit that is printed."""
    pairs = pd.DataFrame({"stored": stored.rows(), "computed": computed.rows()})
    distinct = pairs.drop_duplicates()
    agree = [_one_value(*pair) for pair in distinct.itertuples(index=False, name=None)]
    known = pd.Series(agree, index=pd.MultiIndex.from_frame(distinct), dtype=bool)
    return known.reindex(pd.MultiIndex.from_frame(pairs)).to_numpy(dtype=bool)


def _one_value(stored: str, computed: str) -> bool:
    first, second = number(stored), number(computed)
    return stored == computed or abs(first - second) <= EXACTLY * max(abs(first), abs(second))


def _alike(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """Another row says the same: equal in the columns, near enough in others. One failing row stands for its group."""
    measured = {name: rows.stored[name].measured(measure) for name, measure, _ in settings["near"]}
    judged = scope & reduce(np.logical_and, (~np.isnan(values) for values in measured.values()), scope)
    positions = np.flatnonzero(judged)
    near = [Near(measured[name][positions], largest) for name, _, largest in settings["near"]]
    equal = [_codes_of(rows.stored[name].rows()[positions]) for name in columns]
    records = pd.factorize(rows.stored[RECORD].rows()[positions])[0]
    groups = [positions[group].tolist() for group in alike_rows(equal, near, records, settings["between"])]
    failing = np.zeros(len(scope), dtype=bool)
    failing[[first for first, *_ in groups]] = True
    return Verdict(scope, judged, failing, others={first: tuple(others) for first, *others in groups})


def _codes_of(texts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """A number for each text, the same for texts that differ in case, width of characters and spaces alone."""
    found, distinct = pd.factorize(texts)
    return pd.factorize(np.array([plain_text(text) for text in distinct], dtype=object))[0][found]


def plain_text(text: str) -> str:
    """A text as two people would write it alike: case, width of characters and spaces do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _cohort(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:
    """Something is true of all rows together that chance does not explain; the first row tested stands for them."""
    codes = rows.evaluator.missing_codes
    tests = cohort_tests(CohortRows(rows.stored, codes, scope), columns, settings)
    judged = np.zeros(len(scope), dtype=bool)
    judged[sorted({row for one in tests for row in one.tested})] = True
    failing = np.zeros(len(scope), dtype=bool)
    failing[[one.tested[0] for one in tests if one.found]] = True
    return Verdict(scope, judged, failing, cohort=tuple(one.seen for one in tests))


def _count(rows: Rows, columns: Sequence[str], settings: Settings, scope: Mask) -> Verdict:  # noqa: ARG001
    """The record has fewer or more of what is counted than the rule allows."""
    counts = sum(np.nan_to_num(rows.stored[name].measured("number")) for name in settings["counted"])
    failing = (counts < settings["at_least"]) | (counts > settings["at_most"])
    return Verdict(scope, scope, scope & failing)


def _valued(stored: Stored, settings: Settings) -> Mask:
    """Where a value is stored that is no missing data code."""
    return stored.filled & ~stored.among(settings["missing"])


KINDS: Mapping[str, Kind] = {
    "blank": _blank,
    "filled": _filled,
    "never_opened": _never_opened,
    "absent_visit": _absent_visit,
    "usual_visit": _usual_visit,
    "lost_visit": _lost_visit,
    "format": _format,
    "range": _range,
    "outlier": _outlier,
    "slip": _slip,
    "choice": _choice,
    "calculation": _calculation,
    "missing_code": _missing_code,
    "alike": _alike,
    "count": _count,
    "cohort": _cohort,
}

NEEDS_ALL_ROWS = ("outlier", "slip", "alike", "usual_visit", "lost_visit", "cohort")
"""Kinds that compare every value with all the others, so that no part of the rows can be judged by itself."""
