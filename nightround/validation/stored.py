"""Stored texts of a batch, taken apart into distinct ones once for all checks, and what they measure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Measure = Literal["number", "moment", "clock"]

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_CLOCK = re.compile(r"[0-9]{1,2}(:[0-5][0-9]){1,2}")
_LAYOUTS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - REDCap stores no zone


class Stored:
    """One column: for each row the place of its text among the distinct ones."""

    def __init__(self, column: pd.Series[Any]) -> None:
        codes, uniques = pd.factorize(column.fillna("").astype("str"))
        self._codes = codes
        self.texts = [str(text) for text in uniques]
        self.filled = self.where(lambda text: text != "")

    def rows(self) -> npt.NDArray[Any]:
        """The text of every row."""
        return self._spread(np.array(self.texts, dtype=object))

    def where(self, holds: Callable[[str], bool]) -> Mask:
        """The rows whose text has a property, asked once for each distinct text."""
        return self._spread(np.array([holds(text) for text in self.texts], dtype=bool))

    def among(self, texts: Collection[str]) -> Mask:
        """The rows whose text is one of these, compared as text."""
        return self.where(frozenset(texts).__contains__)

    def measured(self, measure: Measure) -> Floats:
        """What each text measures: a number, or seconds; NaN where it cannot be read so."""
        return self._spread(np.array([MEASURES[measure](text) for text in self.texts], dtype="float64"))

    def _spread(self, of_texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return of_texts[self._codes] if len(of_texts) else of_texts


class StoredTexts:
    """The columns of a frame as `Stored`, each taken apart when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._known: dict[str, Stored] = {}

    def __getitem__(self, column: str) -> Stored:
        """Raises KeyError for a column that is not in the frame.

        A frame that was not made here has one column a field: `f` serves for `[f:text]`.
        """
        if column not in self._known:
            plain = column.replace(":text]", "]").removeprefix("[").removesuffix("]")
            self._known[column] = Stored(self._frame[column if column in self._frame else plain])
        return self._known[column]


def number(text: str) -> float:
    """A decimal number, its comma read as a point; NaN for anything else."""
    plain = text.replace(",", ".")
    value = float(plain) if _NUMBER.fullmatch(plain) else np.nan
    return value if np.isfinite(value) else np.nan


def moment(text: str) -> float:
    """A stored date or time of a day in seconds from an arbitrary zero; NaN for anything else."""
    for layout in _LAYOUTS:
        try:
            return seconds_of(datetime.strptime(text.replace("T", " "), layout))  # noqa: DTZ007
        except ValueError:
            continue
    return np.nan


def seconds_of(when: datetime) -> float:
    """A time in the seconds of `moment`; REDCap's clock has no zone, so a zone counts for nothing."""
    return (when.replace(tzinfo=None) - _EPOCH).total_seconds()


def clock(text: str) -> float:
    """`8:30`, `8:30:15` or minutes with seconds, in units of the last part; NaN for anything else."""
    if _CLOCK.fullmatch(text) is None:
        return np.nan
    total = 0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return float(total)


MEASURES: dict[Measure, Callable[[str], float]] = {"number": number, "moment": moment, "clock": clock}
