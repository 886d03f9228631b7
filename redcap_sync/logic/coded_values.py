"""Missing data codes as no value: a code such as UNK or -999 is a blank where values are ordered or calculated with."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from redcap_sync.logic.vectors import Booleans, Dates, Floats, Numbers, Texts, Vector, as_texts, objects, read_numbers


def without_codes(vector: Vector, codes: Collection[str], digits: int) -> Vector:
    """A column with a blank wherever its text is one of these codes."""
    if isinstance(vector, Booleans | Dates):
        return vector
    if isinstance(vector, Numbers):
        return _numbers_without(vector, codes, digits)
    return _texts_without(as_texts(vector, digits), codes)


def _numbers_without(vector: Numbers, codes: Collection[str], digits: int) -> Vector:
    if not np.isin(vector.array, _numeric(codes)).any():
        return vector
    texts = as_texts(vector, digits)
    coded = texts.spread(np.isin(texts.uniques, objects(sorted(codes))), False)
    return Numbers(np.where(coded, np.nan, vector.array), lambda: _texts_without(texts, codes))


def _numeric(codes: Collection[str]) -> Floats:
    numbers = read_numbers(objects(sorted(codes)))
    return numbers[~np.isnan(numbers)]


def _texts_without(texts: Texts, codes: Collection[str]) -> Texts:
    coded = np.isin(texts.uniques, objects(sorted(codes)))
    if not coded.any():
        return texts
    renamed = np.append(np.where(coded, -1, np.cumsum(~coded) - 1), -1).astype(texts.codes.dtype)
    return Texts(renamed[texts.codes], texts.uniques[~coded])
