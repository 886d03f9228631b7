"""What the project's log says was changed since a moment on the server's own clock.

The log has the resolution of a minute, its clock may be wrong or set back, and every export of ours
stands in it too. So a look reaches back a whole day before the moment, and what was there at the last
look is told from what is new by counting: the same line once more is a new edit.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

OVERLAP = timedelta(days=1)
"""Wider than any change to or from summer time, and than the clock of a web server that was never set."""
STAMP = "%Y-%m-%d %H:%M"
WRITTEN = re.compile(
    r"^(?:creat|updat|delet)ed? record\b\s*(?:\((?:api|import|auto calculation)[^)]*\))?\s*", re.IGNORECASE
)
"""`Update record (API) 42`, `Created Record (import) 5`, `Update record 1 (Baseline (Arm 1: Control))`."""
DELETED = re.compile(r"^deleted? record\b", re.IGNORECASE)
LOOKED_AT = re.compile(r"^(?:page view|data export|download|manage/design)", re.IGNORECASE)
EXPORTED = re.compile(r"^(?:export|download|view)", re.IGNORECASE)
RESTRUCTURED = re.compile(
    r"^(?:manage/design|(?:add|edit|delete|assign|rename|create).*\b(?:user|role|rights)\b)", re.IGNORECASE
)
FIELD_WRITTEN = re.compile(r"(?:^|[\s,\]])([a-z][a-z0-9_]*)(?:\([^()]*\))? = ")
INSTANCE_WRITTEN = re.compile(r"\[instance = (\d+)\]")


class Edit(NamedTuple):
    """One line of the log about a record, without the values it names."""

    timestamp: str
    username: str
    verb: str
    """create, update, delete, or another first word of the log's action."""
    record: str
    fields: tuple[str, ...]
    instance: int


@dataclass(frozen=True)
class Mark:
    """A moment on the server's clock, and which lines of the overlap before it were already there."""

    newest: str
    """The timestamp of the newest line, `YYYY-MM-DD HH:MM` of the server."""
    seen: Mapping[str, int] = field(default_factory=dict, repr=False)
    """How often each line was there, by a hash of it."""

    @property
    def begin(self) -> datetime:
        """Where the next look begins."""
        return datetime.strptime(self.newest, STAMP) - OVERLAP  # noqa: DTZ007 - the server's own clock

    def document(self) -> dict[str, Any]:
        """The mark as JSON; it holds no value and no record id."""
        return {"newest": self.newest, "seen": dict(self.seen)}


@dataclass(frozen=True)
class Changes:
    """What is new in the log since a mark."""

    mark: Mark
    """The moment up to which this look reaches."""
    records: frozenset[str] = frozenset()
    """Ids the new lines may be about: where a line leaves doubt, every reading of it."""
    deleted: frozenset[str] = frozenset()
    structure: bool = False
    """Whether a new line may have changed structure or rights."""
    edits: tuple[Edit, ...] = field(default=(), repr=False)
    trusted: bool = True
    """False where the log cannot be relied on: lines that were there are gone, or its clock went back."""


def read_changes(rows: Sequence[Mapping[str, Any]], since: Mark | None) -> Changes:
    """Tell what is new in log rows (newest first, from `since.begin` on) against an earlier look."""
    stamps = [str(row["timestamp"])[:16] for row in rows]
    newest = max(stamps, default="")
    counts = Counter(_fingerprint(row) for row in rows)
    if since is None:
        return Changes(_mark(rows, newest, counts), trusted=bool(rows))
    new = list(_not_seen(rows, since))
    kept = all(counts[line] >= times for line, times in since.seen.items())
    names = {id_ for row in new for id_ in _records_of(row)}
    return Changes(
        mark=_mark(rows, newest or since.newest, counts),
        records=frozenset(names),
        deleted=frozenset(id_ for row in new if DELETED.match(str(row["action"])) for id_ in _records_of(row)),
        structure=any(_restructures(row) for row in new),
        edits=tuple(edit for row in new for edit in _edits(row)),
        trusted=kept and bool(new) and newest >= since.newest,
    )


def _mark(rows: Sequence[Mapping[str, Any]], newest: str, counts: Mapping[str, int]) -> Mark:
    """Keep the lines of the overlap only."""
    if not newest:
        return Mark("")
    begin = (datetime.strptime(newest, STAMP) - OVERLAP).strftime(STAMP)  # noqa: DTZ007 - the server's own clock
    kept = {_fingerprint(row) for row in rows if str(row["timestamp"])[:16] >= begin}
    return Mark(newest, {line: counts[line] for line in sorted(kept)})


def _not_seen(rows: Sequence[Mapping[str, Any]], since: Mark) -> Iterable[Mapping[str, Any]]:
    """The rows beyond the number already seen, oldest first: of equal lines the older ones were seen."""
    left = Counter(dict(since.seen))
    for row in reversed(rows):
        line = _fingerprint(row)
        if left[line] > 0:
            left[line] -= 1
        else:
            yield row


def _fingerprint(row: Mapping[str, Any]) -> str:
    """A hash of a line without its details, which hold values."""
    parts = [str(row.get(key) or "") for key in ("timestamp", "username", "action", "record")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _records_of(row: Mapping[str, Any]) -> set[str]:
    action = str(row.get("action") or "").strip()
    named = str(row.get("record") or "").strip()
    if named:
        return set() if LOOKED_AT.match(action) else {named}
    written = WRITTEN.match(action)
    if not written:
        return set()
    rest = action[written.end() :].strip()
    # An id may hold parentheses, and so may the name of the event behind it.
    return {rest, rest.split(" (")[0].strip()} - {""}


def _restructures(row: Mapping[str, Any]) -> bool:
    action, details = str(row.get("action") or "").strip(), str(row.get("details") or "").strip()
    return bool(RESTRUCTURED.match(action)) and not EXPORTED.match(details)


def _edits(row: Mapping[str, Any]) -> Iterable[Edit]:
    """The line once for each record it may be about. Names are read generously: details are not unambiguous."""
    details = str(row.get("details") or "")
    instance = INSTANCE_WRITTEN.search(details)
    names = tuple(sorted(set(FIELD_WRITTEN.findall(details))))
    for record in sorted(_records_of(row)):
        yield Edit(
            timestamp=str(row["timestamp"])[:16],
            username=str(row.get("username") or ""),
            verb=str(row["action"]).split()[0].lower(),
            record=record,
            fields=names,
            instance=int(instance[1]) if instance else 0,
        )
