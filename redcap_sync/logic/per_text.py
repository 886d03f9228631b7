"""Functions of texts: worked out once for each distinct combination of arguments, then given to the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.logic.vectors import Booleans, Numbers, Texts, encode

Places = npt.NDArray[np.int64]


def to_texts(function: Callable[..., str], arguments: Sequence[Texts]) -> Texts:
    """A function whose result is a text."""
    results, codes = _worked_out(function, arguments)
    return encode(results, codes)


def to_booleans(function: Callable[..., bool], arguments: Sequence[Texts]) -> Booleans:
    """A function whose result is true or false."""
    results, codes = _worked_out(function, arguments)
    return Booleans(np.array(results, dtype=bool)[codes])


def to_numbers(function: Callable[..., float], arguments: Sequence[Texts]) -> Numbers:
    """A function whose result is a number; NaN is the blank."""
    results, codes = _worked_out(function, arguments)
    return Numbers(np.array(results, dtype="float64")[codes])


def _worked_out(function: Callable[..., Any], arguments: Sequence[Texts]) -> tuple[list[Any], Places]:
    """The result for each distinct combination, and the combination of each row.

    Constants, of which a rule may have thousands, take no part in the search for combinations.
    """
    varying = [number for number, argument in enumerate(arguments) if len(argument.codes) != 1]
    codes, combinations = _combinations([arguments[number] for number in varying])
    places = dict(zip(varying, combinations, strict=True))
    columns: list[Iterable[str]] = []
    for number, argument in enumerate(arguments):
        choices = [*argument.uniques, ""]  # the blank, whose code is -1, comes last
        found = places.get(number)
        columns.append(repeat(choices[argument.codes[0]]) if found is None else [choices[code] for code in found])
    rows = zip(*columns, strict=False) if varying else iter([tuple(next(iter(column)) for column in columns)])
    return [function(*row) for row in rows], codes


def _combinations(arguments: Sequence[Texts]) -> tuple[Places, list[Places]]:
    """The combination of each row, and for each argument its codes in the distinct combinations."""
    if not arguments:
        return np.zeros(1, dtype=np.int64), []
    if len(arguments) == 1:
        size = len(arguments[0].uniques) + 1
        return arguments[0].codes.astype(np.int64) % size, [np.arange(size) % size]
    codes = arguments[0].codes.astype(np.int64)
    for argument in arguments[1:]:
        codes, _ = pd.factorize(
            (codes + 1) * (len(argument.uniques) + 1) + argument.codes % (len(argument.uniques) + 1)
        )
    first = np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1) > 0)  # they are numbered as they appear
    return codes, [argument.codes[first] for argument in arguments]
