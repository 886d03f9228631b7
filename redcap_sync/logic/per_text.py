"""Functions of texts: worked out once for each distinct combination of arguments, then given to the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from redcap_sync.logic.vectors import Booleans, Numbers, Texts, encode


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


def _worked_out(function: Callable[..., Any], arguments: Sequence[Texts]) -> tuple[list[Any], npt.NDArray[Any]]:
    """The result for each distinct combination, and the combination of each row."""
    columns: list[list[str]] = [[*arguments[0].uniques, ""]]
    codes = arguments[0].codes.astype(np.int64) % len(columns[0])  # the blank comes last
    for argument in arguments[1:]:
        choices = [*argument.uniques, ""]
        pairs = codes * len(choices) + argument.codes % np.int64(len(choices))
        codes, distinct = pd.factorize(pairs)
        columns = [[column[pair // len(choices)] for pair in distinct] for column in columns]
        columns.append([choices[pair % len(choices)] for pair in distinct])
    return [function(*row) for row in zip(*columns, strict=True)], codes
