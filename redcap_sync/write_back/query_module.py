"""The data queries of REDCap's Data Resolution Workflow, by the Data Quality API module, where a site has it.

Its address, its JSON and its oddities were measured on the public module (vanderbilt-redcap/data_quality_api) as it is.
A thread is a queried field, of which there is one for each record, event and field. A line is only ever added to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from redcap_sync.api.answers import UnreadableAnswer
from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import ExplainedError, RedcapRefused, WriteRefused
from redcap_sync.whole_numbers import whole_number
from redcap_sync.write_back.query_rows import NO_RIGHT, Receipt, in_halves, plain

STAMP = "%Y-%m-%d %H:%M:%S"
NEW_THREAD = "0"
"""The `status_id` of a thread that there is not yet; a blank one would make a second thread when it is sent again."""
FIRST_INSTANCE = "1"
"""The instance under which REDCap's own pages keep a query where nothing repeats."""
ANY_EVENT = "1"
"""Named where the project has one event, whose number the API does not show: the module puts the right one there."""
REFUSED = "api.not_accepted"
NO_MODULE = frozenset({"api.empty", "api.page", "api.absent", "api.redirect", "api.not_json"})
"""What comes in place of the module's JSON where the site does not have it, or not for this project.

So does a refusal to read; a refusal to write, which comes behind a reading, is one of the lines that are sent.
"""


Word = TypeVar("Word", bound=StrEnum)


class QueryStatus(StrEnum):
    """The status of a thread, as the module's JSON has it; NONE of one that has comments only."""

    NONE = ""
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    VERIFIED = "VERIFIED"
    DEVERIFIED = "DEVERIFIED"


class QueryResponse(StrEnum):
    """REDCap's five responses, as the module's JSON has them."""

    NONE = ""
    DATA_MISSING = "DATA_MISSING"
    TYPOGRAPHICAL_ERROR = "TYPOGRAPHICAL_ERROR"
    CONFIRMED_CORRECT = "CONFIRMED_CORRECT"
    WRONG_SOURCE = "WRONG_SOURCE"
    OTHER = "OTHER"


class ThreadPlace(NamedTuple):
    """What a thread is about; `event_id` is '' in a project with one event, of which it says nothing."""

    record: str
    event_id: str
    field: str


@dataclass(frozen=True)
class ThreadLine:
    """One line of a thread: who said what when, on the server's clock. Later lines have higher numbers."""

    number: int
    ts: str
    username: str
    response_requested: bool
    response: QueryResponse
    comment: str = field(repr=False)
    """It may hold a patient's value."""
    status: QueryStatus


@dataclass(frozen=True)
class QueryThread:
    """A thread as the module shows it, its lines in the order in which they were added."""

    number: int
    record: str
    event_id: str
    field: str
    repeats: bool
    """Whether it is of an instance of something that repeats: such threads are never written to."""
    status: QueryStatus
    lines: tuple[ThreadLine, ...] = ()

    @property
    def last_line(self) -> int:
        """The number of its last line; 0 without one."""
        return max((one.number for one in self.lines), default=0)

    @property
    def newest(self) -> str:
        """The latest time of its lines, on the server's clock; '' without a line."""
        return max((one.ts for one in self.lines), default="")


@dataclass(frozen=True)
class ThreadWrite:
    """A line to be added: to a thread as it was read, or to a new one where `thread` is None."""

    place: ThreadPlace
    thread: QueryThread | None
    status: QueryStatus
    comment: str = field(repr=False)
    ts: str = ""
    asks: bool = False
    """Whether somebody is to respond."""


def next_stamp(thread: QueryThread | None, now: datetime) -> str:
    """The time of the next line of a thread: now, or a second after its newest line where that is not earlier.

    The module drops a second line of one user in the same second, and a line that is not the newest changes no status.
    """
    written = now.strftime(STAMP)
    if thread is None or written > thread.newest:
        return written
    return (datetime.strptime(thread.newest, STAMP) + timedelta(seconds=1)).strftime(STAMP)  # noqa: DTZ007 - server-local


@dataclass(frozen=True)
class QueryModule:
    """The module of one project. `username` is the token's user, in whose name lines are added; '' for nobody."""

    client: RedcapClient
    prefix: str
    project_id: int
    username: str = ""

    def threads(
        self, records: Sequence[str] = (), *, status: QueryStatus = QueryStatus.NONE
    ) -> tuple[QueryThread, ...]:
        """Every thread on a field of the dictionary, or those of some records, or of one status.

        Raises RedcapRefused where the module does not answer, UnreadableAnswer for JSON that is not the module's.
        """
        form = {f"record[{number}]": record for number, record in enumerate(records)}
        if status:
            form["status"] = status.value
        found = self._called("export", form)
        if found == []:
            return ()
        if not isinstance(found, Mapping):
            raise UnreadableAnswer("query_module.shape", key="status_id")
        threads = tuple(map(_thread, found.values()))
        return tuple(one for one in threads if not records or one.record in records)

    def write(self, record: str, writes: Sequence[ThreadWrite]) -> Receipt[ThreadWrite]:
        """Add lines to the threads of one record, and read them again: what REDCap then shows is the receipt.

        Where the lines together are refused, each half is tried. Raises WriteRefused where the module takes nothing.
        """
        refused = in_halves(writes, self._import)
        after = self.threads([record])
        taken = [one for one in writes if one not in refused]
        proven = [one for one in taken if _shows(after, one)]
        return Receipt(tuple(proven), tuple(refused), tuple(one for one in taken if one not in proven))

    def _import(self, writes: Sequence[ThreadWrite]) -> None:
        data = json.dumps([self._document(one) for one in writes], ensure_ascii=False)
        try:
            added = self._called("import", {"data": data})
        except RedcapRefused as error:
            if error.code == NO_RIGHT:
                raise WriteRefused("query_module.no_import") from None
            raise
        if not isinstance(added, list):
            raise UnreadableAnswer("query_module.shape", key="res_id")

    def _called(self, page: str, form: Mapping[str, str]) -> Any:
        address = {"prefix": self.prefix, "page": page, "pid": str(self.project_id), "type": "module", "NOAUTH": ""}
        shared = {"format": "json", "returnFormat": "json", "pid": str(self.project_id)}
        try:
            return self.client.call_module(address, {**shared, **form})
        except ExplainedError as error:
            if error.code not in NO_MODULE and (page, error.code) != ("export", REFUSED):
                raise
        raise RedcapRefused("query_module.absent", prefix=self.prefix)

    def _document(self, write: ThreadWrite) -> dict[str, Any]:
        thread = NEW_THREAD if write.thread is None else str(write.thread.number)
        line = {
            "res_id": "",
            "status_id": "" if write.thread is None else thread,
            "ts": write.ts,
            "response_requested": str(int(write.asks)),
            "response": "",
            "comment": write.comment,
            "current_query_status": write.status.value,
            "username": self.username,
        }
        return {
            "status_id": thread,
            "project_id": str(self.project_id),
            "record": write.place.record,
            "event_id": write.place.event_id or ANY_EVENT,
            "field_name": write.place.field,
            "repeat_instrument": "",
            "instance": FIRST_INSTANCE,
            "assigned_username": "",
            "resolutions": [line],
        }


def threads_at(threads: Sequence[QueryThread], place: ThreadPlace) -> tuple[QueryThread, ...]:
    """The threads about a place: one, unless something else than REDCap's pages made a second one."""
    return tuple(
        one
        for one in threads
        if (one.record, one.field) == (place.record, place.field) and one.event_id == (place.event_id or one.event_id)
    )


def _shows(threads: Sequence[QueryThread], write: ThreadWrite) -> bool:
    """Whether the one thread of a place has the line, as a new one, and the status."""
    there, known = threads_at(threads, write.place), write.thread
    if len(there) != 1 or there[0].status is not write.status or (known and known.number != there[0].number):
        return False
    lines = (one for one in there[0].lines if known is None or one.number > known.last_line)
    return any(one.status is write.status and plain(one.comment) == plain(write.comment) for one in lines)


def _thread(row: Any) -> QueryThread:
    return QueryThread(
        number=_number(row, "status_id"),
        record=_text(row, "record"),
        event_id=_text(row, "event_id"),
        field=_text(row, "field_name"),
        repeats=bool(_text(row, "repeat_instrument")) or _text(row, "instance") not in ("", FIRST_INSTANCE),
        status=_word(row, "query_status", QueryStatus),
        lines=tuple(sorted(_lines(row), key=lambda one: one.number)),
    )


def _lines(row: Mapping[str, Any]) -> Iterator[ThreadLine]:
    found = row.get("resolutions") or {}
    for line in found.values() if isinstance(found, Mapping) else found:
        stamp = _text(line, "ts")
        try:
            datetime.strptime(stamp, STAMP)  # noqa: DTZ007 - server-local
        except ValueError:
            raise UnreadableAnswer("query_module.shape", key="ts") from None
        yield ThreadLine(
            number=_number(line, "res_id"),
            ts=stamp,
            username=_text(line, "username"),
            response_requested=_text(line, "response_requested") == "1",
            response=_word(line, "response", QueryResponse),
            comment=_text(line, "comment"),
            status=_word(line, "current_query_status", QueryStatus),
        )


def _text(row: Any, key: str) -> str:
    """A text of the module's JSON. A key that is not there is another version of the module, which nobody has tried."""
    if not isinstance(row, Mapping) or key not in row or isinstance(row[key], list | Mapping):
        raise UnreadableAnswer("query_module.shape", key=key)
    return "" if row[key] is None else str(row[key])


def _number(row: Any, key: str) -> int:
    found = whole_number(_text(row, key))
    if found is None:
        raise UnreadableAnswer("query_module.shape", key=key)
    return found


def _word(row: Any, key: str, words: type[Word]) -> Word:
    """A status or a response: a word that is not known may mean anything, so nothing is done then."""
    try:
        return words(_text(row, key))
    except ValueError:
        raise UnreadableAnswer("query_module.word", key=key) from None
