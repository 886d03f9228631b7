"""Number functions on whole columns. Blanks are ignored where several numbers are combined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from redcap_sync.logic.calculating import finite
from redcap_sync.logic.rounding import nearest, outward
from redcap_sync.logic.setting import Setting
from redcap_sync.logic.vectors import Floats, Mask, Numbers, Vector

_FEW = 127
"""Arguments whose number fits into one byte."""
Function = Callable[[list[Vector], Setting], Vector]


def _total(arguments: Sequence[Vector]) -> tuple[Floats, npt.NDArray[Any]]:
    """The sum of what is known, and how many are known."""
    known = [_known(argument) for argument in arguments]
    counted = np.int8 if len(arguments) <= _FEW else np.int32
    total, count = _or_zero(arguments[0].numbers, known[0]), known[0].astype(counted)
    for argument, one in zip(arguments[1:], known[1:], strict=True):
        total = total + _or_zero(argument.numbers, one)
        count = count + one
    return total, count


def _known(argument: Vector) -> Mask:
    """Where an argument is a number; where numbers are blank is known to all rules."""
    return ~argument.blank if isinstance(argument, Numbers) else ~np.isnan(argument.numbers)


def _or_zero(numbers: Floats, known: Mask) -> Floats:
    """The numbers, 0 where they are not known; by their bits, for np.where waits at every blank nobody foresaw."""
    bits = known.astype(np.int64)
    np.negative(bits, out=bits)  # all ones where it is known
    np.bitwise_and(bits, numbers.view(np.int64), out=bits)
    return bits.view(np.float64)


def _sum(arguments: list[Vector], setting: Setting) -> Numbers:
    with np.errstate(over="ignore"):
        total, count = _total(arguments)
    if setting.switches.sum_of_blanks_is_zero:
        return Numbers(finite(total))
    return Numbers(finite(np.where(count == 0, np.nan, total)))


def _mean_of(arguments: Sequence[Vector]) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        total, count = _total(arguments)
        return finite(total / count)


def _mean(arguments: list[Vector], _setting: Setting) -> Numbers:
    return Numbers(_mean_of(arguments))


def _extreme(pick: np.ufunc) -> Function:
    def function(arguments: list[Vector], _setting: Setting) -> Numbers:
        found = arguments[0].numbers
        for argument in arguments[1:]:
            found = pick(found, argument.numbers)
        return Numbers(found)

    return function


def _median(arguments: list[Vector], _setting: Setting) -> Numbers:
    ordered = np.sort(np.stack(np.broadcast_arrays(*(argument.numbers for argument in arguments))), axis=0)
    count = (~np.isnan(ordered)).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(ordered) - 1)
    rows = np.arange(ordered.shape[1])
    with np.errstate(over="ignore"):
        middle = (ordered[low, rows] + ordered[high, rows]) / 2
    return Numbers(finite(np.where(count == 0, np.nan, middle)))


def _stdev(arguments: list[Vector], setting: Setting) -> Numbers:
    with np.errstate(all="ignore"):
        centre = _mean_of(arguments)
        off = [argument.numbers - centre for argument in arguments]
        squares, count = _total([Numbers(one * one) for one in off])
        divisor = count - 1 if setting.switches.stdev_of_sample else count
        return Numbers(finite(np.where(divisor < 1, np.nan, np.sqrt(squares / divisor))))


def _of_one(work: Callable[[Floats], Floats]) -> Function:
    def function(arguments: list[Vector], _setting: Setting) -> Numbers:
        with np.errstate(all="ignore"):
            return Numbers(finite(work(arguments[0].numbers)))

    return function


def _log(arguments: list[Vector], _setting: Setting) -> Numbers:
    numbers = arguments[0].numbers
    with np.errstate(all="ignore"):
        found = np.where(numbers > 0, np.log(numbers), np.nan)
        if len(arguments) == 1:
            return Numbers(found)
        base = arguments[1].numbers
        divisor = np.where(np.isnan(base), 1.0, np.where(_is_base(base), np.log(base), np.nan))
        return Numbers(found / divisor)


def _is_base(base: Floats) -> Mask:
    found: Mask = (base > 0) & (base != 1)
    return found


def _mod(arguments: list[Vector], _setting: Setting) -> Numbers:
    with np.errstate(all="ignore"):
        return Numbers(np.fmod(arguments[0].numbers, arguments[1].numbers))


def _rounding(work: Callable[[Floats, Floats, Setting], Floats]) -> Function:
    def function(arguments: list[Vector], setting: Setting) -> Numbers:
        places = arguments[1].numbers if len(arguments) > 1 else np.zeros(1)
        return Numbers(work(arguments[0].numbers, np.trunc(np.nan_to_num(places)), setting))

    return function


FUNCTIONS: dict[str, Function] = {
    "sum": _sum,
    "mean": _mean,
    "min": _extreme(np.fmin),
    "max": _extreme(np.fmax),
    "median": _median,
    "stdev": _stdev,
    "sqrt": _of_one(np.sqrt),
    "abs": _of_one(np.abs),
    "exponential": _of_one(np.exp),
    "log": _log,
    "mod": _mod,
    "round": _rounding(lambda numbers, places, setting: nearest(numbers, places, setting.switches.round_half)),
    "roundup": _rounding(lambda numbers, places, setting: outward(numbers, places, setting.switches, up=True)),
    "rounddown": _rounding(lambda numbers, places, setting: outward(numbers, places, setting.switches, up=False)),
}
