"""Stored texts of a batch, taken apart into distinct ones once for all checks, and what they measure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import datetime
from threading import RLock
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.column_name import ColumnName
from redcap_sync.logic import Texts, texts_of

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Measure = Literal["number", "moment", "clock"]

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_CLOCK = re.compile(r"[0-9]{1,2}(:[0-5][0-9]){1,2}")
_LAYOUTS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - REDCap stores no zone


class Remembered(dict[str, bool]):
    """Whether texts have a property, asked once for each text in whatever column it stands."""

    def __init__(self, has: Callable[[str], object]) -> None:
        super().__init__()
        self._has = has

    def __missing__(self, text: str) -> bool:
        found = self[text] = bool(self._has(text))
        return found


class Stored:
    """One column: for each row the place of its text among the distinct ones."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Stored:
        """Take a column apart; what is no text is written as pandas writes it."""
        return cls(texts_of(column if isinstance(column.dtype, pd.StringDtype) else column.fillna("").astype("str")))

    def part(self, rows: slice) -> Stored:
        """Some consecutive rows."""
        return Stored(self._texts.part(rows))

    @property
    def filled(self) -> Mask:
        """Where any text is stored."""
        return ~self._texts.blank

    def rows(self) -> npt.NDArray[Any]:
        """The text of every row."""
        return self._texts.spread(self._texts.uniques, "")

    def where(self, question: Hashable, has: Callable[[str], object]) -> Mask:
        """The rows whose text has a property, asked once for each distinct text; blank ones have it not.

        `question` stands for the property: what was answered once is not asked again.
        """
        return self._texts.spread(self._chosen(question, has), False)

    def unless(self, question: Hashable, has: Callable[[str], object]) -> Mask:
        """The rows whose text has the property not; blank ones are not among them either."""
        return self._texts.spread(~self._chosen(question, has), False)

    def _chosen(self, question: Hashable, has: Callable[[str], object]) -> Mask:
        return self._texts.of_uniques(
            question, lambda texts: np.fromiter(map(has, texts), dtype=bool, count=len(texts))
        )

    def among(self, texts: Collection[str]) -> Mask:
        """The rows whose text is one of these, compared as text; a blank is among none."""
        known = frozenset(texts)
        return self.where(known, known.__contains__) if known else np.zeros(len(self._texts.codes), dtype=bool)

    def measured(self, measure: Measure) -> Floats:
        """What each text measures: a number, or seconds; NaN where it cannot be read so."""
        read = MEASURES[measure]
        measures = self._texts.of_uniques(
            ("measure", measure), lambda texts: np.array([read(text) for text in texts], dtype="float64")
        )
        return self._texts.spread(measures, np.nan)


class StoredTexts:
    """The columns of a frame as `Stored`, each taken apart when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._known: dict[str, Stored] = {}
        self._remembered: dict[Hashable, Remembered] = {}
        self._one_at_a_time = RLock()

    def __len__(self) -> int:
        return len(self._frame)

    def __getitem__(self, column: str) -> Stored:
        """Raises KeyError for a column that is not in the frame.

        A frame that was not made here has one column a field: `f` serves for `[f:text]`.
        """
        if column not in self._known:
            with self._one_at_a_time:
                self._known.setdefault(column, self._take_up(column))
        return self._known[column]

    def load(self, columns: Iterable[str], run: Callable[..., Iterable[Any]] = map) -> None:
        """Take columns up ahead of their use, with `run` for `map`, such as that of a pool of threads.

        A column that is missing, or cannot be taken up, is left to the rule that asks for it.
        """
        waiting = list(dict.fromkeys(columns))
        found = zip(waiting, run(self._take_up_quietly, waiting), strict=True)
        self._known.update((name, stored) for name, stored in found if stored is not None)

    def _take_up_quietly(self, column: str) -> Stored | None:
        try:
            return self._take_up(column)
        except Exception:  # noqa: BLE001 - raised again by the rule that needs it, which then is the one to fail
            return None

    def remembered(self, question: Hashable, has: Callable[[str], object]) -> Callable[[str], bool]:
        """The same question with a memory that all columns share: times of a day are the same in each."""
        return self._remembered.setdefault(question, Remembered(has)).__getitem__

    def part(self, rows: slice) -> StoredTexts:
        """Some consecutive rows, for one thread."""
        return _StoredPart(self, rows)

    def _take_up(self, column: str) -> Stored:
        name = column if column in self._frame else str(ColumnName.parse(column).typed)
        return Stored.of(self._frame[name])


class _StoredPart(StoredTexts):
    """Some rows of the columns, each taken apart for all rows at once."""

    def __init__(self, whole: StoredTexts, rows: slice) -> None:
        super().__init__(whole._frame)  # noqa: SLF001 - of its own kind
        self._whole = whole
        self._part = rows
        self._remembered = whole._remembered  # noqa: SLF001

    def _take_up(self, column: str) -> Stored:
        return self._whole[column].part(self._part)


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
