"""The data queries of a project, as a person saves them from REDCap's page Resolve Issues: one row a query.

The columns are those that the public validation package (redcap_rsvc, D.106.300) shows of that file, and those of the
Data Quality API module's JSON. What later versions call theirs is not publicly known, so an unknown one is an error.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.regular_files import read_text_file
from redcap_sync.whole_numbers import whole_number
from redcap_sync.write_back.query_module import QueryResponse, QueryStatus

LARGEST = 50_000_000
"""Bytes; a hundred thousand queries with comments."""
COLUMNS = {
    "status": ("current query status", "query status", "query_status", "current_query_status"),
    "record": ("record",),
    "event": ("event", "event_id", "event_name", "redcap_event_name"),
    "field": ("field", "field_name"),
    "instance": ("instance",),
    "response": ("response",),
    "comment": ("comment",),
    "by": ("username",),
    "at": ("ts",),
    "first": ("first update",),
    "last": ("last update",),
    "resolved": ("time resolved",),
}
"""What is read, and under which heads, in small letters and without what is behind a bracket."""
UNREAD = frozenset(
    {
        *("number of comments", "data access group", "data quality rule", "user assigned", "days open"),
        *("time raised", "status_id", "repeat_instrument", "assigned_username", "group_id", "project_id"),
    }
)
NEEDED = ("status", "record", "field")
LABELS = {
    "data missing": QueryResponse.DATA_MISSING,
    "typographical error": QueryResponse.TYPOGRAPHICAL_ERROR,
    "confirmed correct": QueryResponse.CONFIRMED_CORRECT,
    "wrong source": QueryResponse.WRONG_SOURCE,
    "other": QueryResponse.OTHER,
}
"""What the label of each response says, such as `Verified - Confirmed correct (no error)`."""
SAME = "[same as first update]"
UPDATE = re.compile(r"(?P<by>[^\s()]+) \((?P<at>[^()]*[0-9][^()]*)\)\s*:\s*(?P<said>.*)", re.DOTALL)
INSTANCE = re.compile(r"(?P<record>.*\S)\s+\(#(?P<instance>[0-9]{1,9})\)")
FIELD = re.compile(r"(?:field: )?(?P<name>[a-z0-9_]+)(?:\s+\(.*)?", re.IGNORECASE | re.DOTALL)
STAMPS = tuple(
    f"{day} {hour}"
    for day in ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%Y/%m/%d", "%d.%m.%Y")
    for hour in ("%H:%M", "%H:%M:%S", "%I:%M%p", "%I:%M %p")
)
"""The forms of a time that a user of REDCap can choose; which one a file has, it does not say."""


@dataclass(frozen=True)
class SavedQuery:
    """One query as the file has it."""

    line: int
    """Its row in the file, the heads being row 1."""
    record: str
    event: str
    field_name: str
    """'' of a query about a rule on several fields."""
    instance: int
    """0 where nothing repeats, or the file does not say."""
    status: QueryStatus
    response: QueryResponse = QueryResponse.NONE
    comment: str = field(default="", repr=False)
    by: str = ""
    at: str = ""
    """When it was updated last, as the file writes it; '' where it does not say."""

    def times(self, before: datetime) -> tuple[datetime, ...]:
        """What that time can be: of 03/04/2025 two days; none of a time that cannot be read, or that is not yet."""
        readings = {_time(self.at, form) for form in STAMPS}
        return tuple(sorted(one for one in readings if one is not None and one <= before))

    @property
    def digest(self) -> str:
        """What it says, as sixteen digits; how long it has been open does not count."""
        said = (
            self.record,
            self.event,
            self.field_name,
            str(self.instance),
            self.response,
            self.comment,
            self.by,
            self.at,
        )
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


def read_saved_queries(path: Path) -> tuple[SavedQuery, ...]:
    """Read the CSV of the page Resolve Issues, in its order; raises ProjectFileWrong, FileNotFoundError without one."""
    reader = csv.reader(io.StringIO(read_text_file(path, largest=LARGEST), newline=""), strict=True)
    try:
        heads, rows = next(reader, []), list(reader)
    except csv.Error as error:
        raise _wrong(path, Message.of("file.reason.no_csv", error=type(error).__name__)) from None
    columns = _columns(path, heads)
    found: list[SavedQuery] = []
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(heads):
            raise _wrong(path, Message.of("file.reason.cells", row=number))
        cells = {name: row[position].strip() for name, position in columns.items()}
        found.append(_query(path, number, cells))
    return tuple(found)


def _columns(path: Path, heads: Sequence[str]) -> dict[str, int]:
    """The position of each column that is read."""
    plain = [" ".join(head.partition("(")[0].lower().split()) for head in heads]
    known = {head: name for name, several in COLUMNS.items() for head in several}
    if unknown := [head for head, one in zip(heads, plain, strict=True) if one not in known.keys() | UNREAD]:
        shown = ", ".join(sorted({*known, *UNREAD}))
        raise _wrong(path, Message.of("file.reason.unknown_column", name=_shown(unknown[0]), known=shown))
    found: dict[str, int] = {}
    for position, one in enumerate(plain):
        if (name := known.get(one)) and name in found:
            raise _wrong(path, Message.of("file.reason.same_header", name=one))
        if name:
            found[name] = position
    if lacking := [name for name in NEEDED if name not in found]:
        raise _wrong(path, Message.of("file.reason.no_column", name=COLUMNS[lacking[0]][0]))
    return found


def _query(path: Path, number: int, cells: Mapping[str, str]) -> SavedQuery:
    record, instance = cells["record"], whole_number(cells.get("instance", "")) or 0
    if split := INSTANCE.fullmatch(record):
        record, instance = split["record"], int(split["instance"])
    name = FIELD.fullmatch(cells["field"])
    by, at, said = _last_update(cells)
    label = cells.get("response") or _response_in(said)
    try:
        status = QueryStatus(cells["status"].upper())
        response = _response(label)
    except ValueError:
        raise _wrong(path, Message.of("file.reason.word", row=number)) from None
    return SavedQuery(
        line=number,
        record=record,
        event=cells.get("event", ""),
        field_name=name["name"].lower() if name else "",
        instance=instance,
        status=status,
        response=response,
        comment=cells.get("comment") or said,
        by=cells.get("by") or by,
        at=cells.get("at") or at or cells.get("resolved", ""),
    )


def _last_update(cells: Mapping[str, str]) -> tuple[str, str, str]:
    """Who said what when in the last update: `Test_User1 (12/31/2025 13:30): "Closed"`."""
    last = cells.get("last", "")
    found = UPDATE.fullmatch(cells.get("first", "") if last.lower() == SAME else last)
    return (found["by"], found["at"], found["said"].strip().strip('"')) if found else ("", "", last)


def _response_in(said: str) -> str:
    """The response that the text of an update begins with, as REDCap's window of a query writes it; ''."""
    found = re.match(r"response:\s*(.+)", said, re.IGNORECASE | re.DOTALL)
    return found[1] if found else ""


def _response(label: str) -> QueryResponse:
    """The response of a code or a label; raises ValueError for another word."""
    plain = label.strip().lower()
    found = next((code for words, code in LABELS.items() if re.search(rf"^(?:[a-z]+ - )?{words}\b", plain)), None)
    return found or QueryResponse(label.strip().upper())


def _time(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), form)  # noqa: DTZ007 - server-local
    except ValueError:
        return None


def _shown(head: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in head[:60])


def _wrong(path: Path, reason: Message) -> ProjectFileWrong:
    return ProjectFileWrong("file.not_queries", file=path.name, reason=reason)
