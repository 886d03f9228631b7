"""How the parts of a snapshot look as files: Parquet for rows, JSON for structure and edits."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from redcap_sync.pulling.change_log import Edit, Removes
from redcap_sync.rows.export_rows import TEXT
from redcap_sync.rows.tables import KEY_COLUMNS, Table, frame_of

KEY, EXACT = "key:", "text:"
"""Prefixes of columns: the four keys, and the exact text where the typed column says less."""


def table_file(table: Table) -> bytes:
    """An instrument as Parquet: keys, typed columns, and `text:<column>` where the text says more than the type."""
    exact = [name for name in table.cells.column_names if table.typed[name].dtype.kind in "fM"]
    frame = pd.concat([table.keys[list(KEY_COLUMNS)].add_prefix(KEY), table.typed], axis="columns")
    columns = pa.Table.from_pandas(frame, preserve_index=False)
    for name in exact:
        columns = columns.append_column(EXACT + name, table.cells[name])
    content = io.BytesIO()
    # The name of the file proves the text; the checksums prove the numbers and dates that are next to it.
    pa.parquet.write_table(columns, content, write_page_checksum=True)
    return content.getvalue()


def read_table(instrument: str, content: bytes) -> Table:
    """Read an instrument back as it was."""
    columns = pa.parquet.read_table(io.BytesIO(content), page_checksum_verification=True).replace_schema_metadata()
    named = [name for name in columns.column_names if not name.startswith((KEY, EXACT))]
    keys = frame_of(columns.select([KEY + name for name in KEY_COLUMNS]).rename_columns(KEY_COLUMNS))
    cells = pa.table({name: _exact(columns, name) for name in named})
    return Table(instrument, keys, cells, frame_of(columns.select(named)))


def _exact(columns: pa.Table, name: str) -> pa.ChunkedArray:
    exact = EXACT + name
    return columns[exact] if exact in columns.column_names else columns[name].cast(TEXT).fill_null("")


def keys_file(keys: pd.DataFrame) -> bytes:
    """The keys of all rows as Parquet."""
    return _parquet(keys)


def read_keys(content: bytes) -> pd.DataFrame:
    """Read the keys of all rows back."""
    return pd.read_parquet(io.BytesIO(content))


def types_of(table: Table) -> str:
    """A short hash of the columns' types: the same text under other types is another file."""
    return hashlib.sha256(json.dumps([str(dtype) for dtype in table.typed.dtypes]).encode()).hexdigest()[:8]


def edits_file(edits: Sequence[Edit]) -> bytes:
    """The log's edits between two pulls as JSON; names and times, no values."""
    return json.dumps([edit._asdict() for edit in edits], ensure_ascii=False).encode()


def read_edits(content: bytes) -> tuple[Edit, ...]:
    """Read edits back."""
    return tuple(map(_edit, json.loads(content)))


def _edit(row: Mapping[str, Any]) -> Edit:
    """An edit as it was written; earlier versions did not write what a line removes, or blanks."""
    removes = Removes(row.get("removes", Removes.NOTHING))
    lists = {name: tuple(row.get(name, ())) for name in ("fields", "emptied")}
    return Edit(**{**row, **lists, "removes": removes})


def _parquet(frame: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()
