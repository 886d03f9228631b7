"""What is raised where a snapshot on disk is not what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from nightround.snapshots.manifest import Manifest
from redcap_sync.errors import ExportIncomplete
from redcap_sync.messages import Message

T = TypeVar("T")


def prove(manifest: Manifest, part: str, digest: str) -> None:
    """Raise ExportIncomplete where a part is another one than the manifest names."""
    if manifest.parts[part] != digest:
        raise changed(manifest)


def opened(manifest: Manifest, read: Callable[[bytes], T], content: bytes) -> T:
    """Read a part; one that is damaged may be no Parquet or JSON at all."""
    try:
        return read(content)
    except (ValueError, KeyError, OSError, pa.ArrowException):
        raise changed(manifest) from None


def unreadable(path: Path, error: Message | str) -> ExportIncomplete:
    """The error for a file that cannot be read."""
    return ExportIncomplete("snapshot.unreadable", file=path.name[:40], error=error)


def changed(manifest: Manifest) -> ExportIncomplete:
    """The error for a snapshot whose content is another one."""
    return ExportIncomplete("snapshot.changed", name=manifest.id[:12])
