"""Columns of any dtype, taken up as vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from redcap_sync.logic.text_columns import distinct_texts
from redcap_sync.logic.vectors import (
    Booleans,
    Dates,
    Mixed,
    Numbers,
    StoredNumbers,
    Texts,
    Vector,
    as_stored,
    choose,
    constant_text,
    encode,
    objects,
    small_codes,
)


@dataclass(frozen=True, eq=False)
class Column:
    """A column with what its dtype cannot say.

    `data` is typed, one a row; missing is blank. `kind` says how REDCap stores a datetime64 column as
    text, which decides how it compares: a `date` of 2024-05-01 equals '2024-05-01', a `datetime` of the
    same midnight is '2024-05-01 00:00' and comes after it. Without a kind it is read off the values.
    `text` is the column as REDCap exported it; with it, what could not be typed (a missing data code in
    a number field) still counts, and text functions see what was stored.
    """

    data: pd.Series[Any] | npt.NDArray[Any]
    kind: Literal["", "date", "datetime", "datetime_seconds"] = ""
    text: pd.Series[Any] | npt.NDArray[Any] | None = None


def load(column: Column | pd.Series[Any] | npt.NDArray[Any]) -> Vector:
    """Take up a column: float64, integers, booleans, datetime64, category, text or objects, nullable or not."""
    if not isinstance(column, Column):
        return _load_plain(column, "")
    typed = _load_plain(column.data, column.kind)
    if column.text is None or not isinstance(typed, Numbers | Dates):
        return typed
    return _with_text(typed, column.text)


def _with_text(typed: Numbers | Dates, text: pd.Series[Any] | npt.NDArray[Any]) -> Vector:
    stored = texts_of(pd.Series(text))
    unreadable = typed.blank & ~stored.blank
    if not unreadable.any():
        if isinstance(typed, Dates):
            return Dates(typed.array, typed.kind, lambda: stored)
        return Numbers(typed.array, lambda: stored)
    if isinstance(typed, Dates):
        return stored
    return Mixed(typed.array, choose(unreadable, stored, constant_text("")), lambda: stored)


def _load_plain(values: pd.Series[Any] | npt.NDArray[Any], kind: str) -> Vector:
    dtype = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        values = pd.Series(values).dt.tz_localize(None)
        dtype = values.dtype
    if dtype.kind == "M":
        return Dates(np.asarray(values, dtype="datetime64[ns]"), kind)
    if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        return _booleans(pd.Series(values))
    if pd.api.types.is_numeric_dtype(dtype):
        return StoredNumbers(_floats(values))
    return texts_of(pd.Series(values))


def _floats(values: pd.Series[Any] | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if isinstance(values, np.ndarray):
        return values.astype("float64", copy=False)
    return values.to_numpy(dtype="float64", na_value=np.nan)


def _booleans(values: pd.Series[Any]) -> Vector:
    if values.isna().any():
        return StoredNumbers(values.to_numpy(dtype="float64", na_value=np.nan))
    return Booleans(values.to_numpy(dtype=bool))


def texts_of(values: pd.Series[Any]) -> Texts:
    """Take a column of texts, categories or objects apart into distinct texts; '' and what is missing are blank."""
    if isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow":
        return distinct_texts(pa.array(values))
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes: npt.NDArray[Any] = values.cat.codes.to_numpy()
        uniques = values.cat.categories.to_numpy(dtype=object)
    else:
        codes, found = pd.factorize(values)
        uniques = np.asarray(found, dtype=object)
    if all(isinstance(value, str) and value for value in uniques):
        return Texts(small_codes(codes, len(uniques)), objects(list(uniques)))
    return encode([_text(value) for value in uniques], codes)


def _text(value: Any) -> str:
    """A single value of an object column, written as REDCap stores it."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return ""
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int | float | np.number):
        return str(as_stored(np.array([value], dtype="float64")).uniques[0])
    text = str(value)
    return text.removesuffix(" 00:00:00")
