"""The one module that imports PyCap: one method per kind of call, every answer checked.

JSON only; a timeout always; redirects never followed (a login page hides behind them); PyCap's
`is_longitudinal` and `df` never used, because both swallow errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import requests
from redcap.project import Project
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from redcap_sync.answers import ServerBusy, check_answer, empty_body, unreachable, unreadable_body
from redcap_sync.errors import ExplainedError, ExportIncomplete, RedcapUnreachable, WriteRefused
from redcap_sync.token import Token

Row = dict[str, Any]
T = TypeVar("T")

CONNECT_SECONDS = 10.0


class RedcapClient:
    """One project on one server.

    `sleep` waits between attempts and is an argument so that tests do not wait. Raises
    RedcapUnreachable, RedcapRefused, ExportIncomplete or WriteRefused, and nothing of PyCap's own.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        timeout_seconds: float = 120.0,
        attempts: int = 4,
        sleep: Callable[[float], None],
    ) -> None:
        if not url.endswith("/api/"):
            raise RedcapUnreachable(
                "The address of the REDCap API does not end in /api/.",
                why="the address of REDCap's web page was given, or the last slash is missing",
                remedy="give the address shown on the project's API Playground, such as https://redcap.example.org/api/",
            )
        self.url = url
        self._project = Project(
            url,
            token.reveal(),
            timeout=(CONNECT_SECONDS, timeout_seconds),
            hooks={"response": check_answer},
            allow_redirects=False,
        )
        self._retrying = Retrying(
            retry=retry_if_exception_type(ServerBusy),
            stop=stop_after_attempt(attempts),
            wait=wait_exponential_jitter(initial=1, max=60),
            sleep=sleep,
            reraise=True,
        )

    def __repr__(self) -> str:
        return f"RedcapClient({self.url!r})"

    def version(self) -> str:
        """Export the server's version, such as 14.5.0."""
        found = self._call(self._project.export_version)
        return str(found) if found else "unknown"

    def project(self) -> Row:
        """Export the project's settings: one object."""
        return cast("Row", self._call(self._project.export_project_info, format_type="json"))

    def metadata(self) -> list[Row]:
        """Export the data dictionary."""
        return self._rows(self._project.export_metadata, format_type="json")

    def instruments(self) -> list[Row]:
        """Export the instruments in their order."""
        return self._rows(self._project.export_instruments, format_type="json")

    def arms(self) -> list[Row]:
        """Export the arms; classic projects refuse."""
        return self._rows(self._project.export_arms, format_type="json")

    def events(self) -> list[Row]:
        """Export the events; classic projects refuse."""
        return self._rows(self._project.export_events, format_type="json")

    def mapping(self) -> list[Row]:
        """Export which instrument belongs to which event; classic projects refuse."""
        return self._rows(self._project.export_instrument_event_mappings, format_type="json")

    def repeating(self) -> list[Row]:
        """Export what repeats; projects without anything that repeats refuse."""
        return self._rows(self._project.export_repeating_instruments_events, format_type="json")

    def field_names(self) -> list[Row]:
        """Export the export column names."""
        return self._rows(self._project.export_field_names, format_type="json")

    def record_ids(self, record_id_field: str) -> list[str]:
        """Export the ids of all records, each once, in the server's order."""
        rows = self._rows(self._project.export_records, format_type="json", fields=[record_id_field])
        return list(dict.fromkeys(str(row[record_id_field]) for row in rows))

    def records(self, record_ids: Sequence[str], instruments: Sequence[str]) -> list[Row]:
        """Export all rows of some records, all fields of the instruments, raw and flat."""
        return self._rows(
            self._project.export_records, format_type="json", records=list(record_ids), forms=list(instruments)
        )

    def log(self, begin: datetime | None = None) -> list[Row]:
        """Export the log since a time (the server's clock, whole minutes), newest first."""
        return self._rows(self._project.export_logging, format_type="json", begin_time=begin)

    def import_records(self, rows: Iterable[Mapping[str, Any]], *, overwrite: bool) -> int:
        """Import rows, all or none; with `overwrite` a blank erases. Returns the number of records."""
        rows = [dict(row) for row in rows]
        answer = self._call(
            self._project.import_records,
            to_import=rows,
            import_format="json",
            overwrite="overwrite" if overwrite else "normal",
            return_format_type="json",
        )
        count = answer.get("count") if isinstance(answer, dict) else None
        if not isinstance(count, int):
            raise WriteRefused(
                "REDCap did not say how many records it took.",
                why="the server's answer to the import has another form than any we know",
                remedy="look at the project's Logging page for what was written before trying again",
            )
        return count

    def _rows(self, method: Callable[..., Any], **arguments: Any) -> list[Row]:
        answer = self._call(method, **arguments)
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise ExportIncomplete(
                "REDCap answered with something that is not a list of rows.",
                why="another program than REDCap's API may stand at this address",
                remedy="open the address in a browser and check REDCAP_URL",
            )
        return answer

    def _call(self, method: Callable[..., T], **arguments: Any) -> T:
        return cast("T", self._retrying(self._once, method, **arguments))

    def _once(self, method: Callable[..., T], **arguments: Any) -> T:
        try:
            return method(**arguments)
        except ExplainedError:
            raise
        except requests.exceptions.JSONDecodeError as error:
            raise (unreadable_body() if error.doc.strip() else empty_body()) from None
        except requests.RequestException as error:
            raise unreachable(error, self.url) from None
