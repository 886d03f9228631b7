"""Text columns of Arrow taken apart into codes and distinct texts; short texts as numbers, without hashing them.

What kind of short texts a column has is guessed from its first rows and checked in all others, for to read a
column twice takes longer than to work on it. A guess that was wrong is given up, and the texts are hashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from redcap_sync.logic.vectors import Codes, Texts, objects, small_codes

_AT_ONCE = 65_536
"""Rows that are worked on at a time, so that what is in between stays in the processor's cache."""
_SHORT = 2
"""Bytes of a text that serve as its place in a table: the codes of choices."""
_WORD = 8
"""Bytes that fit into one whole number, which is found three times as fast as a text: the times of a day."""
_TABLE_BITS = 16
_NARROW = 6
"""Bytes of a word that leave two for a code."""
_CODE = np.uint64(8 * _NARROW)
_WORTH_A_TABLE = 262_144
"""Words from which a table of half a megabyte is made sooner than all are hashed."""
_BLANK = -1
_ZERO, _NINE = ord("0"), ord("9")

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class _Piece(NamedTuple):
    """Some rows: which they are, where their texts begin and where the last one ends, and the texts' bytes."""

    rows: slice
    bounds: Places
    lengths: Places

    @property
    def blank(self) -> Mask:
        """Where there is no text."""
        blank: Mask = self.lengths == 0
        return blank


class _Letters(NamedTuple):
    """A column as Arrow stores it: where each text begins and the last one ends, and all their bytes in a row."""

    starts: Places
    held: Bytes

    def __len__(self) -> int:
        return len(self.starts) - 1

    def pieces(self) -> Iterator[_Piece]:
        """All rows, some at a time."""
        for first in range(0, len(self), _AT_ONCE):
            bounds = self.starts[first : first + _AT_ONCE + 1]
            yield _Piece(slice(first, first + len(bounds) - 1), bounds, np.diff(bounds))


def distinct_texts(column: pa.Array | pa.ChunkedArray) -> Texts:
    """Take a column of strings apart; an empty string and a null are the blank."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    array = column.cast(pa.large_string())
    letters = _letters(array)
    return (letters and _short_texts(letters)) or _hashed(array)


def _letters(array: pa.LargeStringArray) -> _Letters | None:
    """The bytes of a column without nulls; a zero byte among them would be lost at the end of a number."""
    _, places, held = array.buffers()
    if array.null_count or not len(array):
        return None
    starts = np.frombuffer(places, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    letters = np.frombuffer(held or b"", dtype=np.uint8)[starts[0] : starts[-1]]
    return _Letters(starts - starts[0] if starts[0] else starts, letters) if letters.all() else None


def _short_texts(letters: _Letters) -> Texts | None:
    """Take short texts apart; None where they are not."""
    if not len(letters.held):
        return Texts(np.full(len(letters), _BLANK, dtype=np.int8), objects([]))
    if len(letters.held) > _WORD * len(letters):
        return None
    longest = int(next(letters.pieces()).lengths.max())
    if longest <= 1 and (found := _digits(letters)):
        return found
    if longest <= _SHORT:
        return _by_keys(letters)
    return _by_words(letters, longest) if longest <= _WORD else None


def _digits(letters: _Letters) -> Texts | None:
    """Codes of single digits, which are the digits themselves; None where there is any other text."""
    codes = np.empty(len(letters), dtype=np.int8)
    for piece in letters.pieces():
        if piece.lengths.max() > 1:
            return None
        digits = (letters.held.take(piece.bounds[:-1], mode="clip") - np.uint8(_ZERO)) * (piece.lengths > 0)
        if digits.max() > _NINE - _ZERO:
            return None
        codes[piece.rows] = _blanked(digits.view(np.int8), piece.blank)
    return Texts(codes, objects([str(digit) for digit in range(_NINE - _ZERO + 1)]))


def _blanked(codes: Codes, blank: Mask) -> Codes:
    """The codes with that of the blank, all ones, in some rows; to ask row by row takes eight times as long."""
    bits = blank.astype(codes.dtype)
    return np.bitwise_or(codes, np.negative(bits, out=bits), out=bits)


def _by_keys(letters: _Letters) -> Texts | None:
    """Codes by a table of all numbers of two bytes; None where a text is longer."""
    keys = np.empty(len(letters), dtype=np.uint16)
    used = np.zeros(2**16, dtype=bool)
    for piece in letters.pieces():
        if piece.lengths.max() > _SHORT:
            return None
        keys[piece.rows] = _keys(letters.held, piece)
        used[keys[piece.rows]] = True
    used[0] = False
    distinct = np.flatnonzero(used)
    places = np.full(2**16, _BLANK)
    places[distinct] = np.arange(len(distinct))
    table = small_codes(places, len(distinct))
    codes = np.empty(len(keys), dtype=table.dtype)
    for piece in letters.pieces():
        table.take(keys[piece.rows], out=codes[piece.rows], mode="clip")
    return Texts(codes, objects(_as_texts(distinct)))


def _keys(held: Bytes, piece: _Piece) -> npt.NDArray[np.uint16]:
    """A number for each text, 0 for the blank."""
    first, second = (held.take(piece.bounds[:-1] + place, mode="clip") for place in range(_SHORT))
    keys = (first * (piece.lengths > 0)).astype(np.uint16)
    keys |= (second * (piece.lengths > 1)).astype(np.uint16) << 8
    return keys


def _as_texts(numbers: npt.NDArray[Any] | Sequence[int]) -> list[str]:
    """The texts whose bytes are those of numbers."""
    texts: list[bytes] = np.asarray(numbers, dtype="<u8").view(f"S{_WORD}").tolist()
    return b"\0".join(texts).decode().split("\0") if texts else []


def _by_words(letters: _Letters, width: int) -> Texts | None:
    """Codes of texts of one width, each a number by its bytes; None where one that is not blank has another width.

    Those that are not blank are one after another, so that their numbers need not be gathered.
    """
    padded = np.concatenate([letters.held, np.zeros(_WORD - width, dtype=np.uint8)])
    words = np.ndarray(len(letters.held) // width, "<u8", padded, strides=(width,))
    used = np.uint64(256**width - 1)
    worth_a_table = width <= _NARROW and len(words) >= _WORTH_A_TABLE
    coded = _TableOfWords(words, used) if worth_a_table else _HashedWords(words, used)
    codes = np.empty(len(letters), dtype=np.int32)
    for piece in letters.pieces():
        blank = piece.blank
        if not (blank | (piece.lengths == width)).all():
            return None
        first, last = piece.bounds[0] // width, piece.bounds[-1] // width
        if first == last:
            codes[piece.rows] = _BLANK
        else:
            of_rows = piece.bounds[:-1] // width - first
            codes[piece.rows] = _blanked(coded.codes(first, last).take(of_rows, mode="clip"), blank)
    return Texts(small_codes(codes, len(coded.distinct)), objects(_as_texts(coded.distinct)))


class _HashedWords:
    """The place of each word, of which some bits are used, among the distinct ones, and these."""

    def __init__(self, words: Words, used: np.uint64) -> None:
        hashed = pa.array(words & used).dictionary_encode()
        self._codes: Codes = hashed.indices.to_numpy()
        self.distinct: list[int] = hashed.dictionary.to_pylist()

    def codes(self, first: int, last: int) -> Codes:
        """The places of some consecutive words."""
        return self._codes[first:last]


class _TableOfWords:
    """The same by a table, in a third of the time where there are many words and few distinct ones.

    The first words are entered at a place that they give themselves, each with its code in the bytes that it leaves
    free; where two want one place the later has it. Who is not in its place is a stranger, and strangers, mostly
    few, are hashed.
    """

    def __init__(self, words: Words, used: np.uint64) -> None:
        self._words, self._used = words, used
        self._table = np.zeros(2**_TABLE_BITS, dtype=np.uint64)
        sample = words[:_AT_ONCE] & used
        self._table[_place(sample)] = sample
        known = np.flatnonzero(self._table)
        self.distinct: list[int] = self._table[known].tolist()
        self._table[known] |= np.arange(len(known), dtype=np.uint64) << _CODE
        self._strangers: dict[int, int] = {}

    def codes(self, first: int, last: int) -> Codes:
        """The places of some consecutive words."""
        words = self._words[first:last] & self._used
        found = self._table.take(_place(words), mode="clip")
        codes = (found >> _CODE).astype(np.int32)
        strange = np.flatnonzero((found & self._used) != words)
        if len(strange):
            hashed = _HashedWords(words[strange], self._used)
            known = np.array([self._code_of_stranger(word) for word in hashed.distinct], dtype=np.int32)
            codes[strange] = known[hashed.codes(0, len(strange))]
        return codes

    def _code_of_stranger(self, word: int) -> int:
        code = self._strangers.setdefault(word, len(self.distinct))
        if code == len(self.distinct):
            self.distinct.append(word)
        return code


def _place(words: Words) -> Places:
    """The upper bits of the product with a constant: words that differ in any bit are spread evenly.

    Source: Knuth, The Art of Computer Programming, volume 3, section 6.4, Fibonacci hashing.
    """
    return ((words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _TABLE_BITS)).view(np.int64)


def _hashed(array: pa.LargeStringArray) -> Texts:
    encoded = array.dictionary_encode()
    uniques = encoded.dictionary.to_pylist()
    places = (encoded.indices.fill_null(_BLANK) if encoded.indices.null_count else encoded.indices).to_numpy()
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
        some = slice(first, first + _AT_ONCE)
        np.subtract(places[some], places[some] > blank, out=codes[some], casting="unsafe")
        codes[some] = _blanked(codes[some], places[some] == blank)
    return codes
