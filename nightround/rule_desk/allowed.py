"""Which values the data dictionary allows in a column, for what can be said of a rule before there is any data.

The limits of a text field are soft: REDCap warns and saves all the same. So every answer comes in two
kinds, with the limits and without them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, isfinite
from typing import Literal

from nightround.validation.stored import number
from redcap_sync.dictionary import COMPLETE_STATES, DATE_FORMATS, Dictionary, Field
from redcap_sync.logic import Reference

Kind = Literal["codes", "number", "date", "datetime", "datetime_seconds", "text"]

EPOCH = datetime(2020, 1, 1)  # noqa: DTZ001 - REDCap stores no zone
STEPS = {"date": timedelta(days=1), "datetime": timedelta(minutes=1), "datetime_seconds": timedelta(seconds=1)}
EARLIEST = datetime(1000, 1, 1) - EPOCH  # noqa: DTZ001
LATEST = datetime(9999, 12, 31) - EPOCH  # noqa: DTZ001
"""No date outside has four digits of a year."""
WHOLE_VALIDATIONS = ("integer", "int")
SLIDER = (0.0, 100.0)
"""A slider without limits of its own runs from 0 to 100."""
TICKS = ("0", "1")


@dataclass(frozen=True)
class Allowed:
    """The values of one column. `codes` are all of them where `kind` is codes; else `low` to `high` are.

    Dates and times are counted in days, minutes or seconds from an epoch. `missing` are the missing data
    codes that the field takes besides.
    """

    kind: Kind
    codes: tuple[str, ...] = ()
    low: float = -inf
    high: float = inf
    whole: bool = False
    missing: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Say whether a text that is not blank may be stored in the column."""
        if text in self.missing or self.kind == "text":
            return True
        if self.kind == "codes":
            return text in self.codes
        place = self.place_of(text)
        return place is not None and self.contains(place)

    def contains(self, place: float) -> bool:
        """Say whether a number, or a count of days, minutes or seconds, is within the limits."""
        if self.kind in STEPS and not EARLIEST <= place * STEPS[self.kind] <= LATEST:
            return False
        return self.low <= place <= self.high and (not self.whole or place.is_integer())

    def place_of(self, text: str) -> float | None:
        """A text as a number or as a count from the epoch; None where it is not of the column's kind."""
        if self.kind in ("number", "codes"):
            place = number(text)
            return place if isfinite(place) else None
        return _count_of(text, self.kind)

    def text_of(self, place: float) -> str:
        """A number or a count as REDCap would store it."""
        if self.kind in ("number", "codes"):
            return f"{place:.0f}" if place.is_integer() else repr(place)
        return (EPOCH + place * STEPS[self.kind]).strftime(DATE_FORMATS[self.kind])


def _count_of(text: str, kind: str) -> float | None:
    try:
        when = datetime.strptime(text, DATE_FORMATS[kind])  # noqa: DTZ007
    except (KeyError, ValueError):
        return None
    return float((when - EPOCH) // STEPS[kind])


def allowed_in(
    reference: Reference, dictionary: Dictionary, *, events: tuple[str, ...], instrument: str, limits: bool = True
) -> Allowed:
    """The values of what a reference reads in a rule of an instrument at some events; `limits` heeds soft limits."""
    if reference.is_smart:
        fixed = {"event-name": events, "instrument-name": (instrument,), "form-name": (instrument,)}
        return Allowed("codes", fixed[reference.field]) if reference.field in fixed else Allowed("text")
    if reference.code:
        return Allowed("codes", TICKS)
    field = dictionary.by_name.get(reference.field)
    if field is None:
        is_status = any(reference.field == f"{one.name}_complete" for one in dictionary.instruments)
        return Allowed("codes", tuple(code for code, _ in COMPLETE_STATES)) if is_status else Allowed("text")
    missing = () if "@NOMISSING" in field.annotation else tuple(code.code for code in dictionary.missing_data_codes)
    return _of_field(field, missing, limits=limits)


def _of_field(field: Field, missing: tuple[str, ...], *, limits: bool) -> Allowed:
    if field.choices:
        return Allowed("codes", tuple(choice.code for choice in field.choices), missing=missing)
    if field.type == "slider":
        low, high = (number(text) for text in (field.minimum, field.maximum))
        bounds = (low if isfinite(low) else SLIDER[0], high if isfinite(high) else SLIDER[1])
        return Allowed("number", low=bounds[0], high=bounds[1], whole=True, missing=missing)
    kind = _kind_of(field)
    open_ = Allowed(kind, whole=field.validation in WHOLE_VALIDATIONS or kind in STEPS, missing=missing)
    if kind == "text" or not limits:
        return open_
    least, most = (open_.place_of(text) for text in (field.minimum, field.maximum))
    return replace(open_, low=-inf if least is None else least, high=inf if most is None else most)


def _kind_of(field: Field) -> Kind:
    if field.type not in ("text", "calc"):
        return "text"
    if field.kind == "number":
        return "number"
    kinds: tuple[Kind, ...] = ("datetime_seconds", "datetime", "date")
    return next((kind for kind in kinds if field.validation.startswith(f"{kind}_")), "text")
