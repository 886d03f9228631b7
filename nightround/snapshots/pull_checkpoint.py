"""Where the next pull may go on, as it is stored next to the last good snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from redcap_sync.pulling.change_log import Mark
from redcap_sync.pulling.pulled import Checkpoint


def checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as JSON."""
    return {
        "mark": checkpoint.mark.document() if checkpoint.mark else None,
        **{name: value.isoformat() if value else None for name, value in _times(checkpoint)},
        "csv_agrees": checkpoint.csv_agrees,
        "groups_asked": checkpoint.groups_asked,
        "last_mark": checkpoint.last_mark.document() if checkpoint.last_mark else None,
    }


def _times(checkpoint: Checkpoint) -> Iterator[tuple[str, datetime | None]]:
    yield "server_time", checkpoint.server_time
    yield "full_server_time", checkpoint.full_server_time


def read_checkpoint(document: Mapping[str, Any]) -> Checkpoint:
    """Read back what `checkpoint_document` wrote."""
    return Checkpoint(
        mark=_mark(document["mark"]),
        server_time=_time(document["server_time"]),
        full_server_time=_time(document["full_server_time"]),
        csv_agrees=bool(document.get("csv_agrees")),
        groups_asked=bool(document.get("groups_asked")),
        last_mark=_mark(document.get("last_mark")),
    )


def _mark(document: Mapping[str, Any] | None) -> Mark | None:
    return Mark.read(document) if document else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
