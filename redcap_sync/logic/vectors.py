"""Whole columns of values, in the few forms an expression can have.

Every vector has one element a row, or a single one that stands for all rows: numpy stretches it.
What several rules ask of a vector (where is it blank, what number is it) is worked out once and kept.
`part` gives some consecutive rows of a vector of all rows; what was worked out for the distinct texts is shared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.logic.kept import kept

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.datetime64]
Codes = npt.NDArray[np.signedinteger[Any]]

_looks_numeric = re.compile(r"[ \t\n]*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?[ \t\n]*").fullmatch
_EXACT_INTEGERS = 2.0**53
_FEW = 8
_NAT = np.iinfo(np.int64).min
_DATE_LENGTHS = {"date": 10, "datetime": 16, "datetime_seconds": 19}


class Numbers:
    """Numbers; NaN is the blank. `stored` gives their texts where those are not the printed numbers."""

    def __init__(self, array: Floats, stored: Callable[[], Texts] | None = None) -> None:
        self.array = array
        self.stored = stored

    def part(self, rows: slice) -> Numbers:
        """Some consecutive rows."""
        return Numbers(_some(self.array, rows), _part_of(self.stored, rows))

    @kept
    def blank(self) -> Mask:
        """Where there is no value."""
        blank: Mask = np.isnan(self.array)
        return blank

    @property
    def numbers(self) -> Floats:
        """The values as numbers, NaN where they are none."""
        return self.array

    @kept
    def truth(self) -> Mask:
        """Where the value counts as true."""
        truth: Mask = (self.array != 0) & ~self.blank
        return truth


class StoredNumbers(Numbers):
    """Numbers of a column, whose texts are the shortest that are read as the same numbers."""

    def __init__(self, array: Floats) -> None:
        super().__init__(array, lambda: as_stored(array))

    def part(self, rows: slice) -> StoredNumbers:
        """Some consecutive rows."""
        return StoredNumbers(_some(self.array, rows))


class Booleans:
    """Truth values; never blank."""

    blank: Mask = np.zeros(1, dtype=bool)

    def __init__(self, array: Mask) -> None:
        self.array = array

    def part(self, rows: slice) -> Booleans:
        """Some consecutive rows."""
        return Booleans(_some(self.array, rows))

    @kept
    def numbers(self) -> Floats:
        """1 for true and 0 for false."""
        return self.array.astype("float64")

    @property
    def truth(self) -> Mask:
        """The values themselves."""
        return self.array


class Texts:
    """Texts, each distinct one stored once; the code -1 is the blank."""

    def __init__(
        self, codes: Codes, uniques: npt.NDArray[np.object_], answers: dict[Hashable, npt.NDArray[Any]] | None = None
    ) -> None:
        self.codes = codes
        self.uniques = uniques
        self._answers = {} if answers is None else answers

    def part(self, rows: slice) -> Texts:
        """Some consecutive rows."""
        return Texts(_some(self.codes, rows), self.uniques, self._answers)

    def of_uniques(
        self, question: Hashable, work: Callable[[npt.NDArray[np.object_]], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        """What was worked out of the distinct texts; the same question is worked out once for all parts."""
        found = self._answers.get(question)
        if found is None:
            found = self._answers[question] = work(self.uniques)
        return found

    @kept
    def blank(self) -> Mask:
        """Where there is no value."""
        blank: Mask = self.codes < 0
        return blank

    @property
    def unique_numbers(self) -> Floats:
        """The number each distinct text looks like, or NaN."""
        return self.of_uniques("number", read_numbers)

    @property
    def all_numeric(self) -> bool:
        """Say whether every text looks like a number."""
        return bool(self.of_uniques("numeric", lambda _: np.array(not np.isnan(self.unique_numbers).any())))

    @kept
    def numbers(self) -> Floats:
        """The values as numbers, NaN where they are none."""
        return self.spread(self.unique_numbers, np.nan)

    @kept
    def truth(self) -> Mask:
        """Where the value counts as true: any text but zero and blank."""
        return self.spread(self.unique_numbers != 0, False)

    def spread(self, of_uniques: npt.NDArray[Any], of_blank: Any) -> npt.NDArray[Any]:
        """Give every row what was worked out for its distinct text."""
        if of_uniques.dtype == bool and not of_blank and (few := self._few(of_uniques)) is not None:
            return few
        lookup = np.append(of_uniques, np.array([of_blank], dtype=of_uniques.dtype))
        return lookup.take(self.codes)  # -1 picks the last

    def _few(self, chosen: Mask) -> Mask | None:
        """The rows of a few chosen texts: to compare all codes with one is so much faster than to look them up."""
        few = np.flatnonzero(chosen).tolist()  # next to a number of numpy's own the codes would all be widened
        if len(few) > _FEW:
            return None
        rows: Mask = self.codes == few[0] if len(few) else np.zeros(len(self.codes), dtype=bool)
        for code in few[1:]:
            rows |= self.codes == code
        return rows


class Dates:
    """Moments as datetime64[ns]; NaT is the blank. `kind` says with how much time REDCap stores them."""

    def __init__(self, array: Moments, kind: str, stored: Callable[[], Texts] | None = None) -> None:
        self.array = array
        self._kind = kind
        self.stored = stored

    def part(self, rows: slice) -> Dates:
        """Some consecutive rows; their kind is that of all rows."""
        return Dates(_some(self.array, rows), self.kind, _part_of(self.stored, rows))

    @kept
    def kind(self) -> str:
        """date, datetime or datetime_seconds; found in the values when nobody said it."""
        return self._kind or _kind_of(self.array, self.blank)

    @kept
    def blank(self) -> Mask:
        """Where there is no value."""
        blank: Mask = self.nanoseconds == _NAT
        return blank

    @property
    def nanoseconds(self) -> npt.NDArray[np.int64]:
        """The moments as whole numbers, the blank below all others; numpy compares these five times as fast."""
        return self.array.view(np.int64)

    @property
    def numbers(self) -> Floats:
        """No date looks like a number."""
        return np.full(1, np.nan)

    @kept
    def truth(self) -> Mask:
        """Any date counts as true."""
        return ~self.blank


class Mixed:
    """Numbers in some rows, texts in others: `parts` where there is no number."""

    def __init__(self, array: Floats, parts: Texts, stored: Callable[[], Texts] | None = None) -> None:
        self.array = array
        self.parts = parts
        self.stored = stored

    def part(self, rows: slice) -> Mixed:
        """Some consecutive rows."""
        return Mixed(_some(self.array, rows), self.parts.part(rows), _part_of(self.stored, rows))

    @kept
    def blank(self) -> Mask:
        """Where there is no value."""
        return np.isnan(self.array) & self.parts.blank

    @kept
    def numbers(self) -> Floats:
        """The values as numbers, NaN where they are none."""
        return np.where(np.isnan(self.array), self.parts.numbers, self.array)

    @kept
    def truth(self) -> Mask:
        """Where the value counts as true."""
        return np.where(np.isnan(self.array), self.parts.truth, self.array != 0)


Vector = Numbers | Booleans | Texts | Dates | Mixed


def _some(array: npt.NDArray[Any], rows: slice) -> npt.NDArray[Any]:
    """Some consecutive rows; a single value stands for any of them."""
    return array if len(array) == 1 else array[rows]


def _part_of(stored: Callable[[], Texts] | None, rows: slice) -> Callable[[], Texts] | None:
    return None if stored is None else lambda: stored().part(rows)


def constant_text(value: str) -> Texts:
    """One text for all rows."""
    if value == "":
        return BLANK
    return Texts(np.zeros(1, dtype=np.int8), objects([value]))


def constant_number(value: float) -> Numbers:
    """One number for all rows."""
    return Numbers(np.array([value], dtype="float64"))


def objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    """A sequence as a numpy array of Python objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


BLANK = Texts(np.full(1, -1, dtype=np.int8), objects([]))
"""The blank in all rows."""


def read_numbers(texts: npt.NDArray[np.object_]) -> Floats:
    """The number each text looks like; NaN where it looks like none."""
    found = (float(text) if _looks_numeric(text) else np.nan for text in texts)
    numbers = np.fromiter(found, dtype="float64", count=len(texts))
    numbers[np.isinf(numbers)] = np.nan
    return numbers


def small_codes(codes: npt.NDArray[Any], distinct: int) -> Codes:
    """Codes in the smallest integer type that contains them."""
    for kind in (np.int8, np.int16, np.int32):
        if distinct <= np.iinfo(kind).max:
            return codes.astype(kind, copy=False)
    return codes.astype(np.int64, copy=False)


def encode(values: Sequence[Hashable], codes: npt.NDArray[Any]) -> Texts:
    """Texts from a text for each code, where several codes may have the same text, or the blank."""
    found: dict[Hashable, int] = {"": -1}
    for value in values:
        found.setdefault(value, len(found) - 1)
    renamed = np.array([*(found[value] for value in values), -1], dtype=np.int64)
    del found[""]
    return Texts(small_codes(renamed[codes], len(found)), objects(list(found)))


def as_texts(vector: Vector, digits: int) -> Texts:
    """A vector as texts; numbers are printed with so many significant digits."""
    if isinstance(vector, Texts):
        return vector
    known: Texts | None = getattr(vector, "printed", None)
    if known is None:
        known = _printed(vector, digits)
        vector.printed = known  # type: ignore[union-attr]
    return known


def _printed(vector: Numbers | Booleans | Dates | Mixed, digits: int) -> Texts:
    if isinstance(vector, Booleans):
        return Texts(vector.array.astype(np.int8), objects(["0", "1"]))
    if vector.stored is not None:
        return vector.stored()
    if isinstance(vector, Dates):
        return _printed_dates(vector)
    numbers = _printed_numbers(vector.array, digits)
    return numbers if isinstance(vector, Numbers) else choose(np.isnan(vector.array), vector.parts, numbers)


def _printed_numbers(values: Floats, digits: int) -> Texts:
    codes, uniques = pd.factorize(values)
    return encode([print_number(float(value), digits) for value in uniques], codes)


def print_number(value: float, digits: int) -> str:
    """A number as REDCap stores it: whole numbers plainly, others with so many significant digits."""
    if value == int(value) and abs(value) <= _EXACT_INTEGERS:
        return f"{value:.0f}" if value else "0"
    return _without_exponent(f"{value:.{digits}g}")


def as_stored(values: Floats) -> Texts:
    """Numbers of a column as the shortest texts that are read as the same numbers."""
    codes, uniques = pd.factorize(values)
    texts = (_without_exponent(repr(float(value))) for value in uniques)
    return encode([text.removesuffix(".0") for text in texts], codes)


def _without_exponent(text: str) -> str:
    return f"{Decimal(text):f}" if "e" in text else text


def _printed_dates(dates: Dates) -> Texts:
    codes, uniques = pd.factorize(dates.array)
    written = np.datetime_as_string(np.asarray(uniques, dtype="datetime64[s]"), unit="s")
    length = _DATE_LENGTHS[dates.kind]
    return encode([str(text)[:length].replace("T", " ") for text in written], codes)


def _kind_of(values: Moments, blank: Mask) -> str:
    nanoseconds, blanks = values.view("int64"), np.count_nonzero(blank)
    for kind, unit in (("date", 86_400_000_000_000), ("datetime", 60_000_000_000)):
        # numpy divides by one number much faster than it takes the remainder; NaT is no multiple of either.
        if np.count_nonzero(nanoseconds // unit * unit != nanoseconds) == blanks:
            return kind
    return "datetime_seconds"


def choose(condition: Mask, first: Texts, second: Texts) -> Texts:
    """The first text where the condition is true, else the second."""
    names = {text: code for code, text in enumerate(first.uniques)}
    for text in second.uniques:
        names.setdefault(text, len(names))
    renamed = np.array([*(names[text] for text in second.uniques), -1], dtype=np.int64)
    codes = np.where(condition, first.codes, renamed[second.codes])
    return Texts(small_codes(codes, len(names)), objects(list(names)))
