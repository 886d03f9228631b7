"""Since when a finding that was closed is open again: it waits since then, not since it was first seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from nightround.model.finding_answer import Change
from nightround.store.finding_rows import ASKED_AGAIN
from nightround.store.schema import UtcTime, finding_history


def read_back_since(connection: Connection, study: str) -> dict[str, datetime]:
    """The hour at which each finding came back, or was asked again, the last time; only of those that ever did."""
    lines = finding_history.c
    begins = (Change.REOPENED, *ASKED_AGAIN)
    came_back = (lines.study == study, lines.change.in_(begins), lines.finding_id.is_not(None))
    latest = func.max(lines.at, type_=UtcTime()).label("at")
    query = select(lines.finding_id, latest).where(*came_back).group_by(lines.finding_id)
    return {row.finding_id: row.at for row in connection.execute(query)}
