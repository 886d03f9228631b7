"""How the parts of a snapshot look as files: Parquet for rows, JSON for structure and edits."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence

import pandas as pd

from redcap_sync.change_log import Edit
from redcap_sync.tables import KEY_COLUMNS, Table

KEY, EXACT = "key:", "text:"
"""Prefixes of columns: the four keys, and the exact text where the typed column says less."""


def table_file(table: Table) -> bytes:
    """An instrument as Parquet: keys, typed columns, and `text:<column>` where the text says more than the type."""
    exact = table.text[[c for c in table.text if table.typed[c].dtype.kind in "fM"]].add_prefix(EXACT)
    frame = pd.concat([table.keys[list(KEY_COLUMNS)].add_prefix(KEY), table.typed, exact], axis="columns")
    return _parquet(frame)


def read_table(instrument: str, content: bytes) -> Table:
    """Read an instrument back as it was."""
    frame = pd.read_parquet(io.BytesIO(content))
    keys = frame[[KEY + name for name in KEY_COLUMNS]].set_axis(list(KEY_COLUMNS), axis="columns")
    typed = frame[[name for name in frame if not str(name).startswith((KEY, EXACT))]]
    text = {name: _exact(frame, str(name)) for name in typed}
    return Table(instrument, keys, pd.DataFrame(text, index=frame.index), typed)


def _exact(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    exact = f"{EXACT}{name}"
    return frame[exact] if exact in frame else frame[name].fillna("")


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
    return tuple(Edit(**{**row, "fields": tuple(row["fields"])}) for row in json.loads(content))


def _parquet(frame: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()
