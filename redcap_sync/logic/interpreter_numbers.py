"""Number functions of the row-by-row interpreter."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    localcontext,
)

from redcap_sync.logic.interpreter_values import Value, finite, number_of
from redcap_sync.logic.language import MAX_DECIMALS
from redcap_sync.logic.switches import Switches

Function = Callable[[list[Value], Switches], Value]


def _known(arguments: list[Value]) -> list[float]:
    numbers = (number_of(argument) for argument in arguments)
    return [number for number in numbers if number is not None]


def _total(numbers: list[float]) -> float:
    total = 0.0
    for number in numbers:
        total += number
    return total


def _of_known(combine: Callable[[list[float]], float]) -> Function:
    def function(arguments: list[Value], _switches: Switches) -> Value:
        numbers = _known(arguments)
        return finite(combine(numbers)) if numbers else ""

    return function


def _sum(arguments: list[Value], switches: Switches) -> Value:
    numbers = _known(arguments)
    if not numbers:
        return 0.0 if switches.sum_of_blanks_is_zero else ""
    return finite(_total(numbers))


def _stdev(arguments: list[Value], switches: Switches) -> Value:
    numbers = _known(arguments)
    divisor = len(numbers) - 1 if switches.stdev_of_sample else len(numbers)
    if divisor < 1:
        return ""
    centre = _total(numbers) / len(numbers)
    return finite(math.sqrt(_total([(number - centre) * (number - centre) for number in numbers]) / divisor))


def _of_one(work: Callable[[float], float]) -> Function:
    def function(arguments: list[Value], _switches: Switches) -> Value:
        number = number_of(arguments[0])
        try:
            return "" if number is None else finite(work(number))
        except (ValueError, OverflowError):
            return ""

    return function


def _log(arguments: list[Value], _switches: Switches) -> Value:
    number = number_of(arguments[0])
    base = number_of(arguments[1]) if len(arguments) > 1 else None
    if number is None or number <= 0 or (base is not None and (base <= 0 or base == 1)):
        return ""
    return math.log(number) if base is None else math.log(number) / math.log(base)


def _mod(arguments: list[Value], _switches: Switches) -> Value:
    number, divisor = number_of(arguments[0]), number_of(arguments[1])
    return "" if number is None or divisor is None or divisor == 0 else math.fmod(number, divisor)


def _rounded(arguments: list[Value], rounding: str) -> Value:
    """Round the first 15 significant decimal digits, so that 1.005 to two decimals is 1.01."""
    number = number_of(arguments[0])
    if number is None:
        return ""
    decimals = int(number_of(arguments[1]) or 0) if len(arguments) > 1 else 0
    decimals = max(-MAX_DECIMALS, min(MAX_DECIMALS, decimals))
    with localcontext() as context:
        context.prec = 700
        step = Decimal(1).scaleb(-decimals)
        return float((Decimal(f"{number:.15g}") / step).to_integral_value(rounding) * step)


def _round(arguments: list[Value], switches: Switches) -> Value:
    negative = (number_of(arguments[0]) or 0) < 0
    half_up = ROUND_HALF_DOWN if negative else ROUND_HALF_UP
    ways = {"away_from_zero": ROUND_HALF_UP, "to_even": ROUND_HALF_EVEN, "up": half_up}
    return _rounded(arguments, ways[switches.round_half])


def _roundup(arguments: list[Value], switches: Switches) -> Value:
    return _rounded(arguments, ROUND_UP if switches.roundup_negative == "away_from_zero" else ROUND_CEILING)


def _rounddown(arguments: list[Value], switches: Switches) -> Value:
    return _rounded(arguments, ROUND_DOWN if switches.roundup_negative == "away_from_zero" else ROUND_FLOOR)


FUNCTIONS: dict[str, Function] = {
    "sum": _sum,
    "min": _of_known(min),
    "max": _of_known(max),
    "mean": _of_known(lambda numbers: _total(numbers) / len(numbers)),
    "median": _of_known(statistics.median),
    "stdev": _stdev,
    "sqrt": _of_one(math.sqrt),
    "abs": _of_one(abs),
    "exponential": _of_one(math.exp),
    "log": _log,
    "mod": _mod,
    "round": _round,
    "roundup": _roundup,
    "rounddown": _rounddown,
}
