"""The Data Quality API module as a person's hands: threads as it exports them, and lines added in anybody's name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

PREFIX = "vanderbilt_dataQuality"


@dataclass(frozen=True)
class QueryDesk:
    """The module of one project, reached as its README says."""

    api_url: str
    token: str
    project_id: int

    def call(self, page: str, *, prefix: str = PREFIX, pid: object = None, **form: Any) -> requests.Response:
        """One call of a page of the module."""
        address = {"prefix": prefix, "page": page, "pid": pid or self.project_id, "type": "module", "NOAUTH": ""}
        return requests.post(self.api_url, params=address, data={"token": self.token, **form}, timeout=10)

    def threads(self, **filters: Any) -> list[dict[str, Any]]:
        """The threads that an export has, each with its lines in their order."""
        found = self.call("export", **filters).json()
        rows = found.values() if isinstance(found, dict) else found
        return [{**row, "resolutions": list(row.get("resolutions", {}).values())} for row in rows]

    def send(self, *rows: dict[str, Any]) -> list[int]:
        """Import rows; the ids of the lines that were added."""
        answered: list[int] = self.call("import", data=json.dumps(rows)).json()
        return answered

    def row(self, record: str, field: str, ts: str, **more: Any) -> dict[str, Any]:
        """A row with one line: `more` are cells of the row or of the line."""
        line = {"res_id": "", "status_id": "", "ts": ts, "response_requested": "0", "response": "", "comment": ""}
        line |= {"current_query_status": "OPEN", "username": "sandbox_user"}
        row = {"status_id": "0", "project_id": str(self.project_id), "record": record, "event_id": "1"}
        row |= {"field_name": field, "repeat_instrument": "", "instance": "1", "assigned_username": ""}
        for name, value in more.items():
            (row if name in row else line)[name] = value
        return {**row, "resolutions": [line]}

    def says(self, thread: dict[str, Any], ts: str, **more: Any) -> list[int]:
        """Add a line to a thread that there is."""
        place = {name: thread[name] for name in ("event_id", "instance", "status_id")}
        return self.send(self.row(thread["record"], thread["field_name"], ts, **{**place, **more}))
