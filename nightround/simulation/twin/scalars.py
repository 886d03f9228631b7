"""Fields whose values have an order: numbers, dates and times of a day, written as their validation types demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from nightround.validation.stored import MEASURES, Measure
from redcap_sync.dictionary import COMMA_NUMBER_VALIDATIONS, NUMBER_VALIDATIONS, Field

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.object_]
SHAPE = 1.2
"""Of the beta distribution that numbers are drawn from: its ends are 1.84 standard deviations away from its middle, so
that no value counts as an outlier of REDCap's rule E, which begins at 2."""
REACH = float(np.sqrt(2 * SHAPE + 1))
"""Standard deviations from the middle of that distribution to its ends: the variance on [0, 1] is 1 / (4 (2a + 1))."""
RANGE = re.compile(
    r"(?<![\w.,/-])([-\u2212]?\d+(?:[.,]\d+)?)\s*(?:-|\u2013|\u2014|~|\uff5e|\u81f3|to|bis)\s*([-\u2212]?\d+(?:[.,]\d+)?)(?![\w/-])"
)
DATE_STEPS = {"date": 86_400.0, "datetime": 60.0, "datetime_seconds": 1.0}
STORED = {"date": "D", "datetime": "m", "datetime_seconds": "s"}
CLOCKS = {"time": (60, 24 * 60), "time_mm_ss": (60, 3600), "time_hh_mm_ss": (3600, 24 * 3600)}
"""Of each type of clock: the units of its first part, and the end of its scale."""
USUAL = (1.0, 100.0)
WORKING_DAY = (8 / 24, 17 / 24)


@dataclass(frozen=True)
class Scalar:
    """How the values of a field are measured, spaced and written; its own range, NaN where it has no fixed bound."""

    measure: Measure
    step: float
    low: float
    high: float
    form: str
    """Decimals of a number, or the type of a date or clock."""
    comma: bool = False

    def within(self, values: Floats, low: Floats | float, high: Floats | float) -> Floats:
        """The nearest values on the grid of the field that lie inside, where there are any."""
        steps = np.rint(values / self.step)
        lowest, highest = np.ceil(_steps(low, self.step) - 1e-9), np.floor(_steps(high, self.step) + 1e-9)
        steps = np.fmin(steps, highest)
        return np.fmax(steps, lowest) * self.step

    def write(self, values: Floats) -> Cells:
        """Values as REDCap stores them; NaN is a blank."""
        steps = np.rint(values / self.step)
        distinct, back = np.unique(steps, return_inverse=True)
        texts = np.array(["" if np.isnan(one) else self._text(int(one)) for one in distinct], dtype=object)
        return texts[back]

    def read(self, cells: Cells) -> Floats:
        """The values of texts; NaN for a blank and for what is none."""
        distinct, back = np.unique(cells.astype(str), return_inverse=True)
        return np.array([MEASURES[self.measure](str(text)) for text in distinct], dtype=np.float64)[back]

    def _text(self, steps: int) -> str:
        if self.measure == "number":
            decimals = int(self.form)
            text = f"{Decimal(steps).scaleb(-decimals):.{decimals}f}" if decimals else str(steps)
            return text.replace(".", ",") if self.comma else text
        if self.measure == "moment":
            moment = np.datetime64(int(steps * self.step), "s").astype(f"datetime64[{STORED[self.form]}]")
            return str(moment).replace("T", " ")
        if self.form == "time_hh_mm_ss":
            return f"{steps // 3600:02d}:{steps // 60 % 60:02d}:{steps % 60:02d}"
        return f"{steps // 60:02d}:{steps % 60:02d}"


def _steps(bound: Floats | float, step: float) -> Floats | float:
    return bound / step


def scalar_of(field: Field) -> Scalar | None:
    """How the values of a field are ordered; None for one whose values have no order."""
    validation = field.validation
    kind = validation.rpartition("_")[0]
    if field.type == "slider":
        return Scalar("number", 1.0, _number(field.minimum, 0.0), _number(field.maximum, 100.0), "0")
    if field.type != "text":
        return None
    if validation in NUMBER_VALIDATIONS | COMMA_NUMBER_VALIDATIONS:
        decimals = _decimals(field)
        low, high = _number(field.minimum, np.nan), _number(field.maximum, np.nan)
        return Scalar("number", 10.0**-decimals, low, high, str(decimals), comma=field.decimal_comma)
    if kind in DATE_STEPS:
        return Scalar("moment", DATE_STEPS[kind], _read("moment", field.minimum), _read("moment", field.maximum), kind)
    if validation in CLOCKS:
        end = CLOCKS[validation][1] - 1.0
        low, high = _read("clock", field.minimum), _read("clock", field.maximum)
        return Scalar("clock", 1.0, 0.0 if np.isnan(low) else low, end if np.isnan(high) else high, validation)
    return None


def _read(measure: Measure, written: str) -> float:
    return MEASURES[measure](written) if written else np.nan


def _number(written: str, otherwise: float) -> float:
    found = _read("number", written)
    return otherwise if np.isnan(found) else found


def _decimals(field: Field) -> int:
    """Decimals that the type demands, else those of the range, else as many as a value of that size usually has."""
    if field.validation in ("integer", "int"):
        return 0
    demanded = re.match(r"number_(\d)dp", field.validation)
    if demanded:
        return int(demanded[1])
    low, high = expected_range(field)
    written = [len(part) for _, _, part in (text.replace(",", ".").partition(".") for text in _bounds(field))]
    return max([*written, 2 if high - low <= 5 else 1])  # noqa: PLR2004 - narrower than this, one decimal says little


def _bounds(field: Field) -> list[str]:
    return [text for text in (field.minimum, field.maximum) if not np.isnan(_read("number", text))]


def expected_range(field: Field, summary: Mapping[str, Any] | None = None) -> tuple[float, float]:
    """Where the numbers of a field lie: its range, what a summary or its note says, else what is left of these."""
    low, high = _number(field.minimum, np.nan), _number(field.maximum, np.nan)
    if field.type == "slider":
        low, high = _number(field.minimum, 0.0), _number(field.maximum, 100.0)
    said = _of_summary(summary) or _written_range(field)
    if said is not None:
        inside = (np.fmax(said[0], low), np.fmin(said[1], high))
        if inside[0] <= inside[1]:
            return float(inside[0]), float(inside[1])
    if np.isnan(low) and np.isnan(high):
        return USUAL
    if np.isnan(low):
        return (0.0 if high > 0 else high - max(10.0, abs(high))), high
    if np.isnan(high):
        return low, low + max(10.0, abs(low))
    return low, high


def _of_summary(summary: Mapping[str, Any] | None) -> tuple[float, float] | None:
    if not summary or summary.get("mean") is None or summary.get("sd") is None:
        return None
    reach = REACH * float(summary["sd"])
    return float(summary["mean"]) - reach, float(summary["mean"]) + reach


def _written_range(field: Field) -> tuple[float, float] | None:
    for text in (field.note, field.label):
        found = RANGE.search(text)
        if found:
            low, high = (float(part.replace("\u2212", "-").replace(",", ".")) for part in found.groups())
            if low < high:
                return low, high
    return None
