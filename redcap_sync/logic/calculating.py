"""Arithmetic and `if` on whole columns. A blank operand, no result or an endless one gives a blank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from redcap_sync.logic.vectors import (
    BLANK,
    Booleans,
    Floats,
    Mask,
    Mixed,
    Numbers,
    Texts,
    Vector,
    as_texts,
    choose,
)

_STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


def finite(numbers: Floats) -> Floats:
    """The numbers, blank where they are infinite. The array is ours to change."""
    endless = np.isinf(numbers)
    if endless.any():
        numbers[endless] = np.nan
    return numbers


def signed(sign: str, numbers: Floats) -> Floats:
    """`-x` or `+x`."""
    return -numbers if sign == "-" else numbers


def power(base: Floats, exponent: Floats) -> Floats:
    """`(base)^(exponent)`, blank where there is no real result, or a blank operand."""
    with np.errstate(all="ignore"):
        result = np.power(base, exponent)
    return finite(np.where(np.isnan(base) | np.isnan(exponent), np.nan, result))


def chained(operators: Sequence[str], numbers: Sequence[Floats]) -> Floats:
    """`a + b - c` or `a * b / c`, from left to right."""
    total = numbers[0]
    with np.errstate(all="ignore"):
        for operator, number in zip(operators, numbers[1:], strict=True):
            total = finite(_STEPS[operator](total, number))
    return total


def choose_values(condition: Mask, first: Vector, second: Vector, digits: int) -> Vector:
    """`if(condition, first, second)`, in the plainest form that contains both."""
    if isinstance(first, Booleans) and isinstance(second, Booleans):
        return Booleans(np.where(condition, first.array, second.array))
    if _is_plain_number(first) and _is_plain_number(second):
        return Numbers(
            np.where(condition, first.numbers, second.numbers),
            lambda: choose(condition, as_texts(first, digits), as_texts(second, digits)),
        )
    numbers, texts = _parts(first, digits)
    other_numbers, other_texts = _parts(second, digits)
    return Mixed(np.where(condition, numbers, other_numbers), choose(condition, texts, other_texts))


def _is_plain_number(vector: Vector) -> bool:
    return vector is BLANK or isinstance(vector, Numbers | Booleans)


def _parts(vector: Vector, digits: int) -> tuple[Floats, Texts]:
    """Its numbers, and its texts where it has no number. A text that looks like a number stays a text."""
    if isinstance(vector, Mixed) and vector.stored is None:
        return vector.array, vector.parts
    if _is_plain_number(vector) and not (isinstance(vector, Numbers) and vector.stored is not None):
        return vector.numbers, BLANK
    return np.full(1, np.nan), as_texts(vector, digits)
