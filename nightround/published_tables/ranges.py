"""What a printed number can have been before it was rounded."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from math import inf
from typing import NamedTuple

from nightround.statistics.numbers import rounded
from redcap_sync.messages import Message

NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_NOISE = 1e-9
"""Relative width added to every range, for the last bits of the arithmetic."""
_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-"})


class Range(NamedTuple):
    """Every value from low to high, both ends included: half-up, half-even and half-down all fit in."""

    low: float
    high: float

    def meets(self, other: Range) -> bool:
        """Whether one value can be in both."""
        return self.low <= other.high and other.low <= self.high

    def overlap(self, other: Range) -> Range:
        """The values in both; only of two ranges that meet."""
        return Range(max(self.low, other.low), min(self.high, other.high))

    @property
    def magnitude(self) -> Range:
        """The range without its sign."""
        if self.low <= 0 <= self.high:
            return Range(0.0, max(-self.low, self.high))
        return Range(*sorted((abs(self.low), abs(self.high))))

    def minus(self, other: Range) -> Range:
        """Every difference."""
        return Range(self.low - other.high, self.high - other.low)

    def times(self, factor: float) -> Range:
        """Every value times a positive factor."""
        return Range(self.low * factor, self.high * factor)


def point(value: float) -> Range:
    """A computed value, with the noise of its arithmetic."""
    noise = _NOISE * max(1.0, abs(value))
    return Range(value - noise, value + noise)


def plain(text: str) -> str:
    """Text in one spelling: full-width signs narrow, every dash a hyphen, no blanks at the ends."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip()


def decimals_of(text: str) -> int:
    """How many decimals a number is printed with."""
    return len(text.partition(".")[2])


def printed_range(text: str, decimals: int | None = None) -> Range:
    """What a number such as `-0.047` can have been; `decimals` where trailing zeros were lost on the way."""
    exact = Decimal(text.replace(",", ""))
    half = Decimal(5).scaleb(-1 - max(decimals_of(text), decimals or 0))
    low, high = float(exact - half), float(exact + half)
    return Range(point(low).low, point(high).high)


def exactly(text: object) -> Message:
    """One number, or what is printed for it."""
    return Message.of("audit.number.exact", n=str(text))


def said(found: Range, decimals: int) -> Message:
    """A range in words, rounded like the cell it is compared with: one number where both ends agree."""
    if found.high == inf:
        return Message.of("audit.number.at_least", low=str(rounded(found.low, decimals)))
    low, high = (_unsigned_zero(str(rounded(end, decimals))) for end in found)
    return exactly(low) if low == high else Message.of("audit.number.range", low=low, high=high)


def _unsigned_zero(number: str) -> str:
    """Zero without the sign that the noise of the arithmetic gave it."""
    return number.removeprefix("-") if not number.strip("-0.") else number


def is_number(text: str) -> bool:
    """Whether the whole text is one number."""
    return re.fullmatch(NUMBER, text) is not None
