"""The one module that imports PyCap: one method per kind of call, every answer checked.

JSON, but for large batches of records, which come as CSV (a fifth of the bytes) and are proven
against JSON; a timeout always; redirects never followed (a login page hides behind them); PyCap's
`is_longitudinal` and `df` never used, because both swallow errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import local
from typing import Any, TypeVar, cast
from urllib.parse import urlencode, urlsplit

import requests
from redcap.project import Project
from redcap.request import _ContentConfig, _RCRequest
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from redcap_sync.api.answer_rows import (
    VERSION,
    plain_rows,
    require_names,
    require_numbers,
    require_texts,
    require_times,
)
from redcap_sync.api.answers import (
    AskedTooMuch,
    BrokenAnswer,
    ServerBusy,
    TooSlow,
    UnreadableAnswer,
    check_answer,
    empty_body,
    not_json,
    unreachable,
)
from redcap_sync.api.pacing import RequestBudget
from redcap_sync.api.session import ApiSession
from redcap_sync.api.token import Token
from redcap_sync.clean_text import clean, keep_secrets_of
from redcap_sync.errors import ExplainedError, RedcapUnreachable, WriteRefused

Row = dict[str, Any]
T = TypeVar("T")

CONNECT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 60.0
LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]")
"""What looks like half of a pair of escapes for one character. Behind a second backslash it is a text like others."""


class _Project(Project):
    """PyCap's project with a session of its own, which need not ask for the dictionary when it has the id field."""

    id_field = ""

    def __init__(self, session: ApiSession, url: str, token: str, **request_kwargs: Any) -> None:
        super().__init__(url, token, verify_ssl=session.verify or False, **request_kwargs)
        self._session = session

    @property
    def def_field(self) -> str:
        """The record id field."""
        return self.id_field or str(super().def_field)

    def _call_api(self, payload: dict[str, Any], return_type: str, file: Any = None) -> Any:
        """What PyCap does, on our session: its own is one for all projects and servers of the process."""
        config = _ContentConfig(return_empty_json=return_type == "empty_json", return_bytes=return_type == "file_map")
        request = _RCRequest(url=self.url, payload=payload, config=config, session=self._session)
        return request.execute(
            verify_ssl=self.verify_ssl, return_headers=return_type == "file_map", file=file, **self._request_kwargs
        )


class RedcapClient:
    """One project on one server. Several threads may call it at once.

    `sleep` waits between attempts and is an argument so that tests do not wait; `budget` limits the
    requests a minute. Raises RedcapUnreachable, RedcapRefused, ExportIncomplete or WriteRefused, and
    nothing of PyCap's own.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        timeout_seconds: float = 120.0,
        attempts: int = 4,
        sleep: Callable[[float], None],
        budget: RequestBudget | None = None,
    ) -> None:
        if not url.endswith("/api/"):
            raise RedcapUnreachable("api.address")
        if not is_web_address(url):
            raise RedcapUnreachable("api.no_web_address")
        keep_secrets_of(url)
        self.url = url
        self.budget = budget
        self.requests = 0
        """Requests sent so far, repeated ones among them."""
        self.server_time: datetime | None = None
        """The server's clock at its last answer, in UTC; None where the server does not tell it."""
        self._last = local()
        """The body of the last answer, by thread: PyCap makes text of CSV, which pyarrow reads as it was sent."""
        self.session = ApiSession(url)
        self._project = _Project(
            self.session,
            url,
            token.reveal(),
            timeout=(CONNECT_SECONDS, timeout_seconds),
            hooks={"response": self._look_at},
            allow_redirects=False,
        )
        policy: dict[str, Any] = {
            "stop": stop_after_attempt(attempts),
            "wait": _wait,
            "sleep": sleep,
            "reraise": True,
        }
        self._patient = Retrying(retry=retry_if_exception_type((ServerBusy, BrokenAnswer, AskedTooMuch)), **policy)
        # What is too much for the server stays too much: the caller asks for less instead.
        self._brief = Retrying(
            retry=retry_if_exception_type(ServerBusy) & retry_if_not_exception_type(TooSlow), **policy
        )

    def __repr__(self) -> str:
        return clean(f"RedcapClient({self.url!r})")

    def know_id_field(self, name: str) -> None:
        """Remember the record id field, which otherwise costs a call for the dictionary."""
        self._project.id_field = name

    def version(self) -> str:
        """Export the server's version, such as 14.5.0."""
        found = str(self._call(self._project.export_version) or "unknown").strip()
        if not VERSION.fullmatch(found):
            raise UnreadableAnswer("api.no_version")
        return found

    def project(self) -> Row:
        """Export the project's settings: one object."""
        found = self._call(self._project.export_project_info, format_type="json")
        if not isinstance(found, dict) or not found:
            raise UnreadableAnswer("api.no_project")
        plain_rows([found])
        require_numbers([found], ["project_id"], optional=True)
        return found

    def metadata(self) -> list[Row]:
        """Export the data dictionary."""
        rows = self._plain(self._project.export_metadata)
        require_names(rows, ["field_name", "form_name"], own="field_name")
        require_texts(rows, ["field_type"])
        return rows

    def field_names(self) -> list[Row]:
        """Export the columns that each field has in an export, with the code of each option of a checkbox."""
        rows = self._plain(self._project.export_field_names)
        require_texts(rows, ["original_field_name", "export_field_name"])
        return [{**row, "choice_value": str(row.get("choice_value") or "")} for row in rows]

    def instruments(self) -> list[Row]:
        """Export the instruments in their order."""
        rows = self._plain(self._project.export_instruments)
        require_names(rows, ["instrument_name"], own="instrument_name")
        require_texts(rows, ["instrument_label"])
        return rows

    def arms(self) -> list[Row]:
        """Export the arms; classic projects refuse."""
        rows = self._plain(self._project.export_arms)
        require_numbers(rows, ["arm_num"])
        require_texts(rows, ["name"])
        return rows

    def events(self) -> list[Row]:
        """Export the events; classic projects refuse."""
        rows = self._plain(self._project.export_events)
        require_names(rows, ["unique_event_name"], own="unique_event_name")
        require_texts(rows, ["event_name"])
        require_numbers(rows, ["arm_num"])
        require_numbers(rows, ["event_id"], optional=True)
        return rows

    def mapping(self) -> list[Row]:
        """Export which instrument belongs to which event; classic projects refuse."""
        rows = self._plain(self._project.export_instrument_event_mappings)
        require_names(rows, ["unique_event_name", "form"])
        return rows

    def repeating(self) -> list[Row]:
        """Export what repeats; projects without anything that repeats refuse."""
        rows = self._plain(self._project.export_repeating_instruments_events)
        for key in ("event_name", "form_name"):
            require_names([row for row in rows if row.get(key)], [key])
        return rows

    def groups(self) -> list[Row]:
        """Export the data access groups; needs the Data Access Groups right."""
        rows = self._plain(self._project.export_dags)
        require_names(rows, ["unique_group_name"], own="unique_group_name")
        require_texts(rows, ["data_access_group_name"])
        require_numbers(rows, ["data_access_group_id"], optional=True)
        return rows

    def users(self) -> list[Row]:
        """Export the project's users with their rights; needs the User Rights right on some servers."""
        return self._exported(self._project.export_users)

    def row_keys(self, fields: Sequence[str], *, changed_since: datetime | None = None) -> list[Row]:
        """Export a few fields of every record, the record id first, and its data access group: which rows there are.

        With `changed_since` (the server's own clock) only of records that its log knows as touched since then.
        """
        chosen = _keys_chosen(fields)
        return self._exported(self._project.export_records, **chosen, date_begin=changed_since)

    def cells(self, record_ids: Sequence[str], fields: Sequence[str]) -> list[Row]:
        """Export some fields of some records, raw and flat, as they are at this moment."""
        return self._plain(self._project.export_records, records=list(record_ids), fields=list(fields))

    def row_keys_csv(self, fields: Sequence[str]) -> bytes:
        """Export the same of all records as CSV in UTF-8, a tenth of the work; a body without a row leaves it open."""
        return self._patient(self._csv, **_keys_chosen(fields))

    def records(self, record_ids: Sequence[str], instruments: Sequence[str], *, splittable: bool = False) -> list[Row]:
        """Export all rows of some records, all fields of the instruments, raw and flat.

        `splittable`: an answer that breaks off or comes too late is not asked for again, because the
        caller asks for fewer records instead.
        """
        chosen = _chosen(record_ids, instruments)
        export = self._project.export_records
        return self._rows(self._retrying(splittable=splittable)(self._once, export, format_type="json", **chosen))

    def records_csv(self, record_ids: Sequence[str], instruments: Sequence[str], *, splittable: bool = False) -> bytes:
        """Export the same as CSV in UTF-8."""
        body = self._retrying(splittable=splittable)(self._csv, **_chosen(record_ids, instruments))
        if not body:
            raise empty_body()
        return body

    def _retrying(self, *, splittable: bool) -> Retrying:
        return self._brief if splittable else self._patient

    def _csv(self, **chosen: Any) -> bytes:
        try:
            self._once(self._project.export_records, format_type="csv", **chosen)
            return cast("bytes", self._last.body)
        finally:
            self._last.body = b""

    def log(self, begin: datetime | None = None) -> list[Row]:
        """Export the log since a time (the server's clock, whole minutes), newest first."""
        rows = self._plain(self._project.export_logging, begin_time=begin)
        require_times(rows, "timestamp")
        return rows

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
            raise WriteRefused("api.no_count")
        return count

    def call_module(self, address: Mapping[str, str], form: Mapping[str, str]) -> Any:
        """Call a page of an external module: the JSON that it answers with.

        `address` says which module, page and project; what is a patient's belongs into the form. A broken answer is
        not asked for again, because a site without the module answers with nothing.
        """
        return self._brief(self._once, self._post_to_module, address=address, form=form)

    def _post_to_module(self, *, address: Mapping[str, str], form: Mapping[str, str]) -> Any:
        sent = {"token": self._project.token, **form}
        request: dict[str, Any] = self._project._request_kwargs  # noqa: SLF001 - those of every call
        return self.session.post(f"{self.url}?{urlencode(address)}", data=sent, **request).json()

    def _plain(self, method: Callable[..., Any], **arguments: Any) -> list[Row]:
        """Rows whose cells are texts and numbers."""
        rows = self._exported(method, **arguments)
        plain_rows(rows)
        return rows

    def _exported(self, method: Callable[..., Any], **arguments: Any) -> list[Row]:
        return self._rows(self._call(method, format_type="json", **arguments))

    @staticmethod
    def _rows(answer: Any) -> list[Row]:
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise UnreadableAnswer("api.no_rows")
        return answer

    def _call(self, method: Callable[..., T], **arguments: Any) -> T:
        return cast("T", self._patient(self._once, method, **arguments))

    def _once(self, method: Callable[..., T], **arguments: Any) -> T:
        if self.budget is not None:
            self.budget.take()
        self.requests += 1
        try:
            return self._whole(method(**arguments))
        except ExplainedError:
            raise
        except (requests.RequestException, RecursionError, ValueError) as error:
            trouble = _trouble(error, self.url)
        # Raised here and not above, because the error of `requests` carries the request, and that the token.
        raise trouble

    def _whole(self, answer: T) -> T:
        """An answer of whole characters; raises UnicodeEncodeError where half of one is in it."""
        if LONE_SURROGATE.search(getattr(self._last, "body", b"")):
            json.dumps(answer, ensure_ascii=False).encode()
        return answer

    def _look_at(self, response: requests.Response, *_: object, **__: object) -> None:
        check_answer(response)
        self._last.body = response.content
        response.encoding = "utf-8-sig"
        self.server_time = _clock(response.headers.get("Date", "")) or self.server_time


def _trouble(error: Exception, url: str) -> ExplainedError:
    """What is wrong where a call ended without an answer that can be read."""
    match error:
        case requests.exceptions.JSONDecodeError():
            return not_json(error.doc, error.pos, goes_on=error.msg.startswith("Extra data"))
        case requests.RequestException() if type(error) is requests.RequestException:
            return UnreadableAnswer("api.no_rows")  # PyCap's own error, which repeats the whole answer
        case requests.RequestException():
            return unreachable(error, url)
        case RecursionError():
            return UnreadableAnswer("api.deep")
        case UnicodeEncodeError():
            return UnreadableAnswer("api.surrogate")
    return UnreadableAnswer("api.long_number")  # of more digits than Python reads


def _clock(stamp: str) -> datetime | None:
    """The time of a `Date` header in UTC; None where it is no time."""
    try:
        return parsedate_to_datetime(stamp).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, TypeError, OverflowError):
        return None


def is_web_address(url: str) -> bool:
    """Whether a text is an address that can be called: http or https, a host, and nothing that is no part of one."""
    if not url.isprintable() or " " in url:
        return False
    try:
        found = urlsplit(url)
        return found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:
        return False


def _chosen(record_ids: Sequence[str], instruments: Sequence[str]) -> dict[str, Any]:
    return {"records": list(record_ids), "forms": list(instruments)}


def _keys_chosen(fields: Sequence[str]) -> dict[str, Any]:
    return {"fields": list(fields), "export_data_access_groups": True}


def _wait(state: RetryCallState) -> float:
    """Back off with jitter, and at least as long as the server asked."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, ServerBusy) else 0.0
    return max(min(asked, LONGEST_WAIT_SECONDS), JITTER(state))


JITTER = wait_exponential_jitter(max=LONGEST_WAIT_SECONDS)
