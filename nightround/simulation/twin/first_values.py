"""A first value for every cell: what a field may hold, without regard to what other fields say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nightround.model.language import Language
from nightround.simulation.twin.draft import Cells, Draft, Numbers, Rows
from nightround.simulation.twin.enrolment import BIRTH, PAST, People, row_days
from nightround.simulation.twin.made_texts import TextMaker, language_of
from nightround.simulation.twin.scalars import SHAPE, WORKING_DAY, Scalar, expected_range, scalar_of
from nightround.validation.stored import Stored, seconds_of
from redcap_sync.column_name import AS_TEXT, checkbox_column
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Reference, action_tags, parse
from redcap_sync.whole_numbers import whole_number

NONE_OF_THESE = re.compile(
    r"^\s*(none|no (known|of)|not applicable|n/?a\b)|均不|均无|以上(都|皆|均)(不|无)|^\s*无(\s|$)", re.IGNORECASE
)
CHOICE_TYPES = ("radio", "dropdown", "yesno", "truefalse")
WITHOUT_VALUE = ("descriptive",)
DOCUMENT = "synthetic.txt"
DAY = 86_400.0
ADULT_DAYS = (20 * 365, 68 * 365)
PAST_DAYS = (60, 1500)
SECOND_OPTION = 0.35
"""How often a second option of a checkbox is ticked."""


@dataclass(frozen=True)
class RowBounds:
    """The smallest and largest values that rows may hold; NaN for none."""

    low: Numbers
    high: Numbers


class FieldValues:
    """Draws values for the fields of a project."""

    def __init__(
        self, dictionary: Dictionary, people: People, rng: np.random.Generator, summary: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.dictionary, self._people, self._rng, self._summary = dictionary, people, rng, summary
        self._language = language_of(dictionary)

    @cached_property
    def scalars(self) -> dict[str, Scalar]:
        """How the values of each field that has an order are written."""
        found = ((field.name, scalar_of(field)) for field in self.dictionary.fields)
        return {name: scalar for name, scalar in found if scalar is not None}

    def draw(self, draft: Draft, field: Field, rows: Rows) -> dict[str, Cells]:
        """New cells of a field for some rows, by column."""
        if not len(rows) or field.type in WITHOUT_VALUE:
            return {}
        return self._boxes(field, len(rows)) if field.type == "checkbox" else self._one_column(draft, field, rows)

    def _one_column(self, draft: Draft, field: Field, rows: Rows) -> dict[str, Cells]:
        if field.type in CHOICE_TYPES:
            return {field.name: self._choices(field, len(rows))} if field.choices else {}
        if field.type == "file":
            return {field.name: np.full(len(rows), DOCUMENT, dtype=object)}
        scalar = self.scalars.get(field.name)
        if scalar is None:
            return {field.name: self._texts(field).draw(self._rng, self._records(draft, field, rows))}
        if field.name == self.dictionary.secondary_unique_field:
            return {field.name: self._distinct(draft, field, scalar, rows)}
        return {field.name: scalar.write(self.measures(draft, field, scalar, rows))}

    def measures(self, draft: Draft, field: Field, scalar: Scalar, rows: Rows) -> Numbers:
        """Values of a field that has an order, as numbers."""
        bounds = self.bounds(draft, field, scalar, rows)
        if scalar.measure == "moment":
            return self._moments(draft, field, scalar, rows, bounds)
        low, high = bounds.low, bounds.high
        if scalar.measure == "number":
            usual = expected_range(field, self._summary.get(field.name))
            low, high = _inside(usual, low, high)
        share = self._rng.beta(SHAPE, SHAPE, size=len(rows))
        return scalar.within(low + share * np.maximum(high - low, 0), bounds.low, bounds.high)

    def bounds(self, draft: Draft, field: Field, scalar: Scalar, rows: Rows) -> RowBounds:
        """The range of a field in some rows: fixed, today, now, or another field's value."""

        def bound(written: str, fixed: float) -> Numbers:
            if written in ("today", "now") and scalar.measure == "moment":
                return np.full(len(rows), _moment_of(draft.now, written))
            if written.startswith("["):
                return _piped(draft, field, scalar, written)[rows]
            return np.full(len(rows), fixed)

        return RowBounds(bound(field.minimum, scalar.low), bound(field.maximum, scalar.high))

    def _moments(self, draft: Draft, field: Field, scalar: Scalar, rows: Rows, bounds: RowBounds) -> Numbers:
        table = draft.tables[field.instrument]
        day = row_days(self.dictionary, self._people, table, draft.origin)[rows].astype(np.float64)
        described = f"{field.name} {field.label}"
        count = len(rows)
        if BIRTH.search(described):
            day = day - self._rng.integers(*ADULT_DAYS, size=count)
        elif PAST.search(described):
            day = day - self._rng.integers(*PAST_DAYS, size=count)
        else:
            day = day + self._place(field)
        clock = np.zeros(count) if scalar.form == "date" else self._rng.uniform(*WORKING_DAY, size=count)
        seconds = np.floor((day + clock) * DAY / scalar.step) * scalar.step
        return scalar.within(self._brought_inside(seconds, bounds), bounds.low, bounds.high)

    def _brought_inside(self, seconds: Numbers, bounds: RowBounds) -> Numbers:
        """Dates outside of their range become some day of the range that is near."""
        low, high = bounds.low, bounds.high
        share = self._rng.random(len(seconds))
        near_low = low + share * np.fmin(np.fmax(high - low, 0), 300 * DAY)
        near_high = high - share * np.fmin(np.fmax(high - low, 0), 300 * DAY)
        return np.where(seconds < low, near_low, np.where(seconds > high, near_high, seconds))

    def _place(self, field: Field) -> int:
        """Days that a date of an instrument comes after the first one: dates follow each other as they are asked."""
        dates = [one.name for one in self.dictionary.fields_of(field.instrument) if one.kind in ("date", "datetime")]
        asked = [name for name in dates if PAST.search(name) is None]
        return asked.index(field.name) if field.name in asked else 0

    def _choices(self, field: Field, count: int) -> Cells:
        codes = np.array([choice.code for choice in field.choices], dtype=object)
        return codes[self._rng.choice(len(codes), size=count, p=self._shares(field, codes))]

    def _shares(self, field: Field, codes: Cells) -> npt.NDArray[np.float64]:
        """How often each choice is: as the summary says, else alike; what it does not name is as rare as it may be."""
        shares = self._summary.get(field.name, {}).get("shares")
        if not shares:
            return np.full(len(codes), 1 / len(codes))
        known = np.array([float(shares.get(code) or 0.0) for code in codes])
        left = max(0.0, 1 - float(known.sum()))
        unnamed = known == 0
        known = known + np.where(unnamed, left / max(1, int(unnamed.sum())), 0)
        return known / known.sum() if known.sum() else np.full(len(codes), 1 / len(codes))

    def _boxes(self, field: Field, count: int) -> dict[str, Cells]:
        """One or two options ticked; an option that excludes the others is alone, a missing data code is none."""
        options = [choice.code for choice in field.choices]
        cells = {column: np.full(count, "0", dtype=object) for column in self.dictionary.columns_of_field(field)}
        if not options:
            return cells
        first = self._rng.integers(0, len(options), size=count)
        second = np.where(
            self._rng.random(count) < SECOND_OPTION, self._rng.integers(0, len(options), size=count), first
        )
        alone = np.array([code in alone_options(field) for code in options])
        second = np.where(alone[first] | alone[second] | (_most_ticked(field) == 1), first, second)
        for number, code in enumerate(options):
            cells[checkbox_column(field.name, code)][(first == number) | (second == number)] = "1"
        return cells

    def _distinct(self, draft: Draft, field: Field, scalar: Scalar, rows: Rows) -> Cells:
        """A value of its own for each record: the range in equal steps, one a record."""
        bounds = self.bounds(draft, field, scalar, rows)
        usual = expected_range(field) if scalar.measure == "number" else (0.0, len(self._people.ids) * scalar.step)
        low = np.where(np.isnan(bounds.low), usual[0], bounds.low)
        spare = np.where(np.isnan(bounds.high), np.inf, bounds.high) - low
        step = np.maximum(np.floor(np.minimum(spare, usual[1] - usual[0]) / scalar.step / len(self._people.ids)), 1)
        return scalar.write(low + self._records(draft, field, rows) * step * scalar.step)

    def _records(self, draft: Draft, field: Field, rows: Rows) -> npt.NDArray[np.int64]:
        """The numbers of records among all of the twin, also in a draft of some."""
        return draft.origin[draft.tables[field.instrument].records[rows]].astype(np.int64)

    def _texts(self, field: Field) -> TextMaker:
        return _text_maker(field, self._language, field.name == self.dictionary.secondary_unique_field)


@cache
def _text_maker(field: Field, language: Language, unique: bool) -> TextMaker:  # noqa: FBT001 - a cache takes no keyword
    return TextMaker(field, language, unique=unique)


def _inside(usual: tuple[float, float], low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """The usual range, moved into the bounds of each row where it lies outside."""
    width = usual[1] - usual[0]
    bottom, top = np.fmax(usual[0], low), np.fmin(usual[1], high)
    outside = bottom > top
    bottom = np.where(outside, np.where(np.isnan(low), high - width, low), bottom)
    top = np.where(outside, np.where(np.isnan(high), low + width, high), top)
    return bottom, top


def _moment_of(now: datetime, word: str) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return seconds_of(midnight if word == "today" else now.replace(microsecond=0))


def _piped(draft: Draft, field: Field, scalar: Scalar, written: str) -> Numbers:
    """The values of another field that are the bound of this one; NaN where it is blank, or is no bound."""
    nothing = np.full(len(draft.tables[field.instrument]), np.nan)
    try:
        reference = parse(written)
    except LogicError:
        return nothing
    if not isinstance(reference, Reference) or reference.is_smart:
        return nothing
    text = Reference(reference.field, reference.event, reference.code, reference.instance, AS_TEXT)
    batch = draft.batch([text], field.instrument)
    if text.column not in batch.sources:
        return nothing
    return Stored.of(batch.frame[text.column]).measured(scalar.measure)


def alone_options(field: Field) -> frozenset[str]:
    """The codes of a checkbox that exclude every other: by its action tag, else by what they are called."""
    tags = action_tags(field.annotation) if "@NONEOFTHEABOVE" in field.annotation else ()
    named = [tag.value for tag in tags if tag.name == "NONEOFTHEABOVE" and tag.value]
    if named:
        return frozenset(code.strip() for code in named[0].split(","))
    return frozenset(choice.code for choice in field.choices if NONE_OF_THESE.search(choice.label))


def _most_ticked(field: Field) -> int:
    tags = action_tags(field.annotation) if "@MAXCHECKED" in field.annotation else ()
    found = next((whole_number(tag.value) for tag in tags if tag.name == "MAXCHECKED"), None)
    return 2 if found is None else found
