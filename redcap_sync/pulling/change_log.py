"""What the project's log says was changed since a moment on the server's own clock.

The log has the resolution of a minute, its clock may be wrong or set back, and every export of ours
is in it too. So a look reaches back a whole day and more before the moment, and what was there at
the last look is distinguished from what is new by counting: the same line once more is a new edit.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from redcap_sync.column_name import checkbox_column
from redcap_sync.whole_numbers import whole_number

OVERLAP = timedelta(days=1)
"""Wider than any change to or from summer time, and than the clock of a web server that was never set."""
WESTERNMOST = timedelta(hours=12)
"""The log is in the server's local time, at most this much behind the UTC in which it dates its answers."""
SLACK = timedelta(hours=1)
"""Web servers behind one address need not agree to the second."""
STAMP = "%Y-%m-%d %H:%M"
WRITTEN = re.compile(
    r"^(?:creat|updat|delet)ed? record\b\s*(?:\((?:api|import|auto calculation)[^)]*\))?\s*", re.IGNORECASE
)
"""`Update record (API) 42`, `Created Record (import) 5`, `Update record 1 (Baseline (Arm 1: Control))`."""
LOOKED_AT = re.compile(r"^(?:page view|data export|download|manage/design)", re.IGNORECASE)
EXPORTED = re.compile(r"^(?:export|download|view)", re.IGNORECASE)
QUERIED = re.compile(
    r"^(?:open|close|respond to|send|import|upload document for) data quer(?:y|ies)\b",
    re.IGNORECASE,
)
"""`Open data query (Record: 2, ...)`, as the public validation package (redcap_rsvc, D.106.200) shows the log: people
work on queries every day, and change neither data nor structure by it."""
BY_API = re.compile(r"\(api\)", re.IGNORECASE)
"""`Export Logging (API)` in the details, `Data export (API)` as the action."""
RESTRUCTURED = re.compile(
    r"^(?:manage/design|(?:add|edit|delete|assign|rename|create).*\b(?:user|role|rights)\b)", re.IGNORECASE
)
FIELD_WRITTEN = re.compile(r"(?:^|[\s,\](])([a-z][a-z0-9_]*)(?:\([^()]*\))? = ")
INSTANCE_WRITTEN = re.compile(r"\[instance = (\d+)\]")
INSTANCE_PREFIX = re.compile(r"^\[instance = \d+\],\s*")
ONE_FIELD = re.compile(r"^([a-z][a-z0-9_]*) = '(.*)'$", re.DOTALL)
"""All the details of a renaming, where the value is the new id, and of a deletion of a part, where it is the old."""
STATUS_BLANKED = re.compile(r"(?:^|[\s,\](])[a-z][a-z0-9_]*_complete = ''")
"""The completion status of an instrument is blanked only where all of the instrument is deleted."""
EMPTIED = re.compile(r"(?:^|[\s,\](])([a-z][a-z0-9_]*)(?:\(([^()]*)\))? = (?:''|unchecked)(?=\s*(?:,|$))")
"""A cell that was blanked, `weight = ''`, and a box that was cleared, `complaint(2) = unchecked`."""
FILE_REMOVED = re.compile(r"^[a-z][a-z0-9_]*$")
"""All the details of a file that was deleted: its field."""
VALUE = re.compile(r"'.*'", re.DOTALL)
PART_NAMED = re.compile(r"\b(?:event|instance|instrument|form|survey response|all data)s?\b", re.IGNORECASE)
"""`Deleted event data`, `Delete form instance`; not `Delete uploaded document`."""


class Removes(StrEnum):
    """What a line of the log says was taken away."""

    NOTHING = ""
    RECORD = "record"
    NAME = "name"
    """The record has another id, where the one field that is named is the record id."""
    PART = "part"
    """Some rows of a record: those of an event, an instance, an instrument."""


class Edit(NamedTuple):
    """One line of the log about a record, without the values it names."""

    timestamp: str
    username: str
    verb: str
    """create, update, delete, or another first word of the log's action."""
    record: str
    fields: tuple[str, ...]
    instance: int
    removes: Removes = Removes.NOTHING
    renamed_to: str = ""
    """The new id of a record that was renamed."""
    action: str = ""
    """Action and details without values, of a line that removes a part or blanks cells: they may name the event."""
    emptied: tuple[str, ...] = ()
    """The export columns that the line says were blanked."""


@dataclass(frozen=True)
class Mark:
    """A moment on the server's clock, and which lines of the overlap before it were already there."""

    begin: datetime
    """Where the next look begins, in the server's local time: well before the moment, wherever the server stands."""
    newest: str
    """The latest timestamp in the log, `YYYY-MM-DD HH:MM`; a clock that was wrong once may have left one to come."""
    clock: datetime | None = None
    """The server's clock in UTC; None where its answers are not dated."""
    seen: Mapping[str, int] = field(default_factory=dict, repr=False)
    """How often each line was there, by a hash of it."""

    def document(self) -> dict[str, Any]:
        """The mark as JSON; it contains no value and no record id."""
        clock = self.clock.isoformat() if self.clock else None
        return {"begin": self.begin.isoformat(), "newest": self.newest, "clock": clock, "seen": dict(self.seen)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Mark:
        """Read back what `document` wrote."""
        clock = document["clock"]
        return cls(
            begin=datetime.fromisoformat(document["begin"]),
            newest=document["newest"],
            clock=datetime.fromisoformat(clock) if clock else None,
            seen=document["seen"],
        )

    def is_after(self, clock: datetime | None, newest: str) -> bool:
        """Say whether the server's clock went back since."""
        if self.clock and clock:
            return clock < self.clock - SLACK
        return newest < self.newest


@dataclass(frozen=True)
class LoggedChanges:
    """What is new in the log since a mark."""

    mark: Mark | None
    """The moment up to which this look reaches; None where nothing was looked at."""
    records: frozenset[str] = frozenset()
    """Ids the new lines may be about: where a line leaves doubt, every reading of it."""
    structure: bool = False
    """Whether a new line may have changed structure or rights."""
    edits: tuple[Edit, ...] = field(default=(), repr=False)
    trusted: bool = True
    """False where the log cannot be relied on: lines that were there are gone, or its clock went back."""
    silent: bool = False
    """Whether nothing else is wrong with it than that not even our own calls are in it."""


def read_changes(rows: Sequence[Mapping[str, Any]], since: Mark, clock: datetime | None) -> LoggedChanges:
    """Tell what is new in log rows (newest first, from `since.begin` on) against an earlier look.

    `clock` is the server's time in UTC at this look.
    """
    lines = [_fingerprint(row) for row in rows]
    mark = _mark_of(rows, lines, clock)
    if mark is None:
        return LoggedChanges(None, trusted=False)
    new = list(_not_seen(rows, lines, since))
    counts = Counter(lines)
    kept = all(counts[line] >= times for line, times in since.seen.items()) and not since.is_after(clock, mark.newest)
    return LoggedChanges(
        mark=mark,
        records=frozenset(id_ for row in new for id_ in _records_of(row)),
        structure=any(_restructures(row) for row in new),
        edits=tuple(edit for row in new for edit in _edits(row)),
        # Our own last call is in the log, so there is always something new where the clock is sound.
        trusted=kept and bool(new),
        silent=kept and not new,
    )


def mark_of(rows: Sequence[Mapping[str, Any]], clock: datetime | None) -> Mark | None:
    """Remember where a look ended; None where the log had no line at all."""
    return _mark_of(rows, [_fingerprint(row) for row in rows], clock)


def _mark_of(rows: Sequence[Mapping[str, Any]], lines: Sequence[str], clock: datetime | None) -> Mark | None:
    if not rows:
        return None
    stamps = [_stamp(row) for row in rows]
    newest = max(stamps)
    begin = sure_begin(clock) if clock else datetime.strptime(newest, STAMP) - OVERLAP  # noqa: DTZ007 - server-local
    earliest = begin.strftime(STAMP)
    kept = (line for line, stamp in zip(lines, stamps, strict=True) if stamp >= earliest)
    return Mark(begin, newest, clock, dict(sorted(Counter(kept).items())))


def sure_begin(clock: datetime) -> datetime:
    """A local time of the server that is more than the overlap before its clock, wherever on earth it stands."""
    return (clock - WESTERNMOST - OVERLAP - SLACK).replace(second=0, microsecond=0)


def own_name(rows: Sequence[Mapping[str, Any]]) -> str:
    """The token's user, by log rows, newest first: who last looked at something through the API; '' without a row.

    The very newest line may be anybody's, who saved a page between our call and its answer. A server that does not
    write `(API)` leaves nothing better than that line.
    """
    looked = (row for row in rows if BY_API.search(_said(row)) and not WRITTEN.match(str(row.get("action") or "")))
    row = next(looked, rows[0] if rows else {})
    return str(row.get("username") or "")


def _said(row: Mapping[str, Any]) -> str:
    return f"{row.get('action') or ''} {row.get('details') or ''}"


def _stamp(row: Mapping[str, Any]) -> str:
    return str(row["timestamp"])[:16]


def _not_seen(rows: Sequence[Mapping[str, Any]], lines: Sequence[str], since: Mark) -> Iterable[Mapping[str, Any]]:
    """The rows beyond the number already seen, oldest first: of equal lines the older ones were seen."""
    left = Counter(dict(since.seen))
    for row, line in zip(reversed(rows), reversed(lines), strict=True):
        if left[line] > 0:
            left[line] -= 1
        else:
            yield row


def _fingerprint(row: Mapping[str, Any]) -> str:
    """A hash of a line without its details, which contain values."""
    named = (row.get("timestamp"), row.get("username"), row.get("action"), row.get("record"))
    return hashlib.sha256("\0".join([str(one or "") for one in named]).encode()).hexdigest()[:16]


def _records_of(row: Mapping[str, Any]) -> set[str]:
    action = str(row.get("action") or "").strip()
    named = str(row.get("record") or "").strip()
    if named:
        return set() if LOOKED_AT.match(action) else {named}
    written = WRITTEN.match(action)
    if not written:
        return set()
    rest = action[written.end() :].strip()
    # An id may contain parentheses, and so may the name of the event behind it.
    return {rest, rest.split(" (")[0].strip()} - {""}


def _restructures(row: Mapping[str, Any]) -> bool:
    action, details = str(row.get("action") or "").strip(), str(row.get("details") or "").strip()
    return bool(RESTRUCTURED.match(action)) and not EXPORTED.match(details) and not QUERIED.match(details)


def _edits(row: Mapping[str, Any]) -> Iterable[Edit]:
    """The line once for each record it may be about. Names are read generously: details are not unambiguous."""
    action, details = str(row.get("action") or "").strip(), str(row.get("details") or "").strip()
    instance = INSTANCE_WRITTEN.search(details)
    names = tuple(sorted(set(FIELD_WRITTEN.findall(details))))
    emptied = _emptied(action, details)
    for record in sorted(_records_of(row)):
        removes, renamed_to = _removal(action, details, record)
        says_where = removes is Removes.PART or bool(emptied)
        yield Edit(
            timestamp=_stamp(row),
            username=str(row.get("username") or ""),
            verb=next(iter(action.split()), "").lower(),
            record=record,
            fields=names,
            instance=(whole_number(instance[1]) or 0) if instance else 0,
            removes=removes,
            renamed_to=renamed_to,
            action=f"{action} {VALUE.sub('', details)}" if says_where else "",
            emptied=emptied,
        )


def _emptied(action: str, details: str) -> tuple[str, ...]:
    """The export columns that a line says were blanked; a file that is deleted leaves no value behind."""
    if action.lower().startswith("delet") and FILE_REMOVED.match(details):
        return (details,)
    found = EMPTIED.findall(details)
    return tuple(sorted({checkbox_column(name, code) if code else name for name, code in found}))


def _removal(action: str, details: str, record: str) -> tuple[Removes, str]:
    """What a line takes away of a record, and the record's new id; of a line that leaves doubt nothing."""
    verb = action.lower()
    if verb.startswith("delet"):
        written = WRITTEN.match(action)
        rest = action[written.end() :].strip() if written else ""
        if written and rest in ("", record):
            return Removes.RECORD, ""
        return (Removes.PART if PART_NAMED.search(action) or written else Removes.NOTHING), ""
    one = ONE_FIELD.match(INSTANCE_PREFIX.sub("", details)) if verb.startswith("updat") else None
    if one and FIELD_WRITTEN.findall(details) == [one[1]]:
        return (Removes.PART, "") if one[2] == record else (Removes.NAME, one[2])
    blanked = verb.startswith("updat") and STATUS_BLANKED.search(details)
    return (Removes.PART if blanked else Removes.NOTHING), ""
