"""Single values of the row-by-row interpreter: how they are read as numbers, texts and truth."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

Value = str | float | bool

_NUMBER = re.compile(r"[ \t\n]*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?[ \t\n]*")
_EXACT_INTEGERS = 2.0**53


def number_of(value: Value) -> float | None:
    """The number a value looks like, or None."""
    if not isinstance(value, str):
        return float(value)
    if _NUMBER.fullmatch(value) is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def finite(number: float) -> Value:
    """A number, or blank when it is none."""
    return number if math.isfinite(number) else ""


def is_true(value: Value) -> bool:
    """Zero and blank are false; any other number or text is true."""
    number = number_of(value)
    return value != "" if number is None else number != 0


def printed(value: Value, digits: int) -> str:
    """A value as text: whole numbers without a decimal point, others with so many significant digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if value.is_integer() and abs(value) <= _EXACT_INTEGERS:
        return str(int(value))
    rounded = Context(prec=digits, rounding=ROUND_HALF_EVEN).create_decimal(Decimal(value))
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def power(base: float, exponent: float) -> Value:
    """`(base)^(exponent)`, blank where there is no real and finite result."""
    try:
        result = math.pow(base, exponent)
    except (ValueError, OverflowError):
        return ""
    return finite(result)
