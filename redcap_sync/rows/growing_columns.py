"""Columns of text that grow where they are.

Bodies come one after another. Kept as the pieces that came and copied into one piece in the end, their texts take twice
the room for a moment, and an allocator does not give back at once what it got back. So each column has room for all
rows from the start, and texts are moved to their last place while others are on their way.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Number = TypeVar("Number", bound=np.generic)

ROOM = 1.25
"""A column gets so many times the bytes that its first rows let expect. Memory that is never touched costs nothing."""
LEAST_BYTES = 16_000
"""And so many on top: numbered records take more bytes the later they come."""


class GrowingColumns:
    """Exports stacked, in the columns of the first.

    `rows` is how many rows are to come, the first ones among them; where more come, room is made for twice as many.
    """

    def __init__(self, first: pa.Table, rows: int) -> None:
        self.names = tuple(first.column_names)
        self._columns = [_GrowingTexts(texts, max(rows, len(texts))) for texts in first.columns]

    def append(self, rows: pa.Table) -> None:
        """Lay rows of the same columns under those that are here."""
        for batch in rows.to_batches():
            for column, texts in zip(self._columns, batch.columns, strict=True):
                column.append(texts)

    def table(self) -> pa.Table:
        """The rows that are here by now, each column in one piece and on the same memory."""
        return pa.table([column.array() for column in self._columns], names=list(self.names))


class _GrowingTexts:
    """One column in Arrow's layout of large strings without a null: the texts, and where each of them ends."""

    def __init__(self, first: pa.ChunkedArray, rows: int) -> None:
        size = sum(len(_ends_and_texts(piece)[1]) for piece in first.chunks)
        self._ends = _room(rows + 1, np.int64)
        self._texts = _room(int(size * rows / max(1, len(first)) * ROOM) + LEAST_BYTES, np.uint8)
        self._ends[0] = 0
        self._count = self._used = 0

    def append(self, added: pa.Array) -> None:
        ends, texts = _ends_and_texts(added)
        here, used = self._count, self._used
        self._count, self._used = here + len(added), used + len(texts)
        self._ends = _with_room(self._ends, self._count + 1, used=here + 1)
        self._texts = _with_room(self._texts, self._used, used=used)
        np.add(ends[1:], used - ends[0], out=self._ends[here + 1 : self._count + 1])
        self._texts[used : self._used] = texts

    def array(self) -> pa.Array:
        buffers = [None, pa.py_buffer(self._ends[: self._count + 1]), pa.py_buffer(self._texts[: self._used])]
        return pa.Array.from_buffers(pa.large_string(), self._count, buffers)


def _ends_and_texts(texts: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Where the texts of an array end in their buffer, after where they begin; and their bytes."""
    _, ends, room = texts.buffers()
    found = np.frombuffer(ends, np.int64, len(texts) + 1, texts.offset * 8)
    start, end = found[0], found[-1]
    return found, np.frombuffer(room, np.uint8, end - start, start)


def _room(count: int, kind: type[Number]) -> npt.NDArray[Number]:
    """Room for so many numbers, in pyarrow's memory: numpy's would come in pages of two megabytes."""
    found: npt.NDArray[Any] = np.frombuffer(pa.allocate_buffer(count * np.dtype(kind).itemsize), kind)
    return found


def _with_room(here: npt.NDArray[Number], count: int, *, used: int) -> npt.NDArray[Number]:
    """The same room, or where it is too small one of twice the size with what is used of it."""
    if count <= len(here):
        return here
    larger = _room(max(count, 2 * len(here)), here.dtype.type)
    larger[:used] = here[:used]
    return larger
