"""Rounding to decimal places as a reader of the printed digits would: 1.005 to two places is 1.01.

Almost every number is rounded by whole-column arithmetic. Only those that lie so close to a boundary
that binary fractions could mislead are taken one by one, as decimals of 15 significant digits (the
sixteenth and seventeenth are noise of the binary form: 0.1 + 0.2 rounded up to one place is 0.3).
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.logic.language import MAX_DECIMALS
from redcap_sync.logic.switches import Switches
from redcap_sync.logic.vectors import Floats, Mask

_DOUBT = 1e-6
_LARGEST = 1e9
"""Scaled numbers above it have too few binary digits left for a doubt of 1e-6 to be safe."""


def nearest(numbers: Floats, places: Floats, half: str) -> Floats:
    """Round to the nearest; `half` says where a half goes: away_from_zero, to_even, or up."""
    rounding = {"away_from_zero": decimal.ROUND_HALF_UP, "to_even": decimal.ROUND_HALF_EVEN, "up": "up"}[half]
    return _rounded(numbers, places, rounding, boundary=0.5)


def outward(numbers: Floats, places: Floats, switches: Switches, *, up: bool) -> Floats:
    """Round up, or down: away from zero and towards it, or to the greater and the lesser number."""
    if switches.roundup_negative == "away_from_zero":
        return _rounded(numbers, places, decimal.ROUND_UP if up else decimal.ROUND_DOWN, boundary=0.0)
    return _rounded(numbers, places, decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR, boundary=0.0)


def _rounded(numbers: Floats, places: Floats, rounding: str, *, boundary: float) -> Floats:
    numbers, places = np.broadcast_arrays(numbers, np.clip(places, -MAX_DECIMALS, MAX_DECIMALS))
    with np.errstate(all="ignore"):
        scaled = _shifted(numbers, places)
        result = _shifted(_WHOLE[rounding](scaled), -places)
    doubtful = _is_doubtful(scaled, boundary) & np.isfinite(numbers)
    if doubtful.any():
        result[doubtful] = _by_decimals(numbers[doubtful], places[doubtful].astype("int64"), rounding)
    return result


def _shifted(numbers: Floats, places: npt.NDArray[np.float64]) -> Floats:
    """Move the decimal point; powers of ten up to 22 are exact, so that a division is rounded once."""
    return np.where(places >= 0, numbers * 10.0 ** np.abs(places), numbers / 10.0 ** np.abs(places))


def _is_doubtful(scaled: Floats, boundary: float) -> Mask:
    size = np.abs(scaled)
    with np.errstate(invalid="ignore"):
        fraction = size % 1
    distance = np.abs(fraction - boundary)
    near: Mask = (np.minimum(distance, 1 - distance) < _DOUBT) & (fraction != 0)
    return near | (size > _LARGEST)


_WHOLE: dict[str, Callable[[Floats], Floats]] = {
    decimal.ROUND_HALF_UP: lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    decimal.ROUND_HALF_EVEN: np.rint,
    "up": lambda x: np.floor(x + 0.5),
    decimal.ROUND_UP: lambda x: np.copysign(np.ceil(np.abs(x)), x),
    decimal.ROUND_DOWN: np.trunc,
    decimal.ROUND_CEILING: np.ceil,
    decimal.ROUND_FLOOR: np.floor,
}


def _by_decimals(numbers: Floats, places: npt.NDArray[np.int64], rounding: str) -> Floats:
    pairs = pd.DataFrame({"number": numbers, "places": places})
    codes = pairs.groupby(["number", "places"], sort=False).ngroup().to_numpy()
    distinct = pairs.drop_duplicates().itertuples(index=False, name=None)
    return np.array([_one(number, place, rounding) for number, place in distinct])[codes]


def _one(number: float, places: int, rounding: str) -> float:
    if rounding == "up":
        rounding = decimal.ROUND_HALF_DOWN if number < 0 else decimal.ROUND_HALF_UP
    with decimal.localcontext() as context:
        context.prec = 400
        return float(Decimal(f"{number:.15g}").quantize(Decimal((0, (1,), -places)), rounding=rounding))
