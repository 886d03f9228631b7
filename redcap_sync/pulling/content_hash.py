"""The exact content of rows as bytes, and its hash: the same data give the same hash, however they were pulled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import Table, in_one_piece


def snapshot_id(parts: Mapping[str, str]) -> str:
    """The name of a snapshot with these parts, in their order."""
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in parts.items()).encode()).hexdigest()


def digest_of(pieces: Iterable[bytes]) -> str:
    """The SHA-256 over pieces of bytes."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def table_pieces(table: Table) -> Iterator[bytes]:
    """The exact content of an instrument's table as bytes: its keys, then the text of its columns."""
    yield from frame_pieces(table.keys)
    for name, column in zip(table.cells.column_names, table.cells.columns, strict=True):
        yield _head(name, len(table))
        yield from _text_pieces(column)


def frame_pieces(frame: pd.DataFrame) -> Iterator[bytes]:
    """Each column as its name, the number of its rows, the end of each cell (8 bytes, little-endian), its UTF-8."""
    for name in frame.columns:
        yield _head(str(name), len(frame))
        if frame[name].dtype.kind == "i":
            yield frame[name].to_numpy(dtype="<i8").tobytes()
        else:
            yield from _text_pieces(pa.array(frame[name], TEXT))


def _head(name: str, rows: int) -> bytes:
    return f"{name}\0{rows}\0".encode()


def _text_pieces(cells: pa.Array | pa.ChunkedArray) -> Iterator[bytes]:
    array = in_one_piece(cells)
    _, offsets, content = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    yield (ends - ends[0]).astype("<i8").tobytes()
    yield memoryview(content)[ends[0] : ends[-1]].tobytes() if content is not None else b""
