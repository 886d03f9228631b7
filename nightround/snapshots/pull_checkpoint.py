"""Where the next pull may go on, as it is stored beside the last good snapshot."""

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
    }


def _times(checkpoint: Checkpoint) -> Iterator[tuple[str, datetime | None]]:
    yield "server_time", checkpoint.server_time
    yield "full_server_time", checkpoint.full_server_time


def read_checkpoint(document: Mapping[str, Any]) -> Checkpoint:
    """Read back what `checkpoint_document` wrote."""
    mark = document["mark"]
    times = {name: document[name] for name in ("server_time", "full_server_time")}
    return Checkpoint(
        mark=Mark.read(mark) if mark else None,
        csv_agrees=bool(document.get("csv_agrees")),
        groups_asked=bool(document.get("groups_asked")),
        **{name: datetime.fromisoformat(value) if value else None for name, value in times.items()},
    )
