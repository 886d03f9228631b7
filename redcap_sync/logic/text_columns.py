"""Text columns of Arrow taken apart into codes and distinct texts, the short ones without hashing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from redcap_sync.logic.vectors import Codes, Texts, objects, small_codes

_AT_ONCE = 65_536
"""Rows that are worked on at a time, so that what is in between stays in the processor's cache."""
_SHORT = 2
"""Bytes of a text that serve as its number: the codes of choices, and the options of a checkbox."""

Keys = npt.NDArray[np.uint16]


def distinct_texts(column: pa.Array | pa.ChunkedArray) -> Texts:
    """Take a column of strings apart; an empty string and a null are the blank."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    array = column.cast(pa.large_string())
    keys = _short_keys(array)
    return _hashed(array) if keys is None else _by_keys(keys)


def _short_keys(array: pa.LargeStringArray) -> Keys | None:
    """A number for each text of a column that has no long one, 0 for the blank; None for other columns."""
    _, places, held = array.buffers()
    if array.null_count or held is None:
        return None
    starts = np.frombuffer(places, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    letters = np.frombuffer(held, dtype=np.uint8)[: starts[-1]]
    if len(letters) > _SHORT * len(array) or not letters.all():
        return None
    keys = np.empty(len(array), dtype=np.uint16)
    for first in range(0, len(array), _AT_ONCE):
        some = starts[first : first + _AT_ONCE + 1]
        lengths = np.diff(some)
        longest = lengths.max()
        if longest > _SHORT:
            return None
        keys[first : first + _AT_ONCE] = _keys(letters, some[:-1], lengths, longest)
    return keys


def _keys(
    letters: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], longest: int
) -> Keys:
    if not longest:
        return np.zeros(len(starts), dtype=np.uint16)
    keys = (letters.take(starts, mode="clip") * (lengths > 0)).astype(np.uint16)
    if longest == _SHORT:
        keys |= (letters.take(starts + 1, mode="clip") * (lengths == _SHORT)).astype(np.uint16) << 8
    return keys


def _by_keys(keys: Keys) -> Texts:
    used = np.zeros(2**16, dtype=bool)
    used[keys] = True
    used[0] = False
    distinct = np.flatnonzero(used)
    codes = np.full(2**16, -1)
    codes[distinct] = np.arange(len(distinct))
    uniques = [bytes([key & 0xFF, key >> 8]).rstrip(b"\0").decode() for key in distinct.tolist()]
    return Texts(_taken(small_codes(codes, len(distinct)), keys), objects(uniques))


def _taken(table: Codes, keys: Keys) -> Codes:
    found = np.empty(len(keys), dtype=table.dtype)
    for first in range(0, len(keys), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        table.take(keys[some], out=found[some], mode="clip")
    return found


def _hashed(array: pa.LargeStringArray) -> Texts:
    encoded = array.dictionary_encode()
    uniques = encoded.dictionary.to_pylist()
    places = (encoded.indices.fill_null(-1) if encoded.indices.null_count else encoded.indices).to_numpy()
    if "" not in uniques:
        return Texts(small_codes(places, len(uniques)), objects(uniques))
    blank = uniques.index("")
    del uniques[blank]
    return Texts(
        _without(places, blank, small_codes(np.empty(0, dtype=np.int32), len(uniques)).dtype), objects(uniques)
    )


def _without(places: npt.NDArray[np.int32], blank: int, kind: np.dtype[Any]) -> Codes:
    """The places after one of them was taken out; who was there gets -1."""
    codes = np.empty(len(places), dtype=kind)
    for first in range(0, len(places), _AT_ONCE):
        some = places[first : first + _AT_ONCE]
        np.subtract(some, some > blank, out=codes[first : first + _AT_ONCE], casting="unsafe")
        np.copyto(codes[first : first + _AT_ONCE], -1, where=some == blank)
    return codes
