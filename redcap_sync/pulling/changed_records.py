"""Looks at what was touched since a moment: in the log where it may be read, else by the dates of change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import ExportIncomplete, RedcapRefused
from redcap_sync.pulling.change_log import (
    SLACK,
    WESTERNMOST,
    LoggedChanges,
    Mark,
    mark_of,
    own_name,
    read_changes,
    sure_begin,
)
from redcap_sync.pulling.pulled import READ_IN_LOG, Checkpoint


@dataclass
class ChangedRecords:
    """Where the last look ended. All times are the server's own; our clock is never asked."""

    client: RedcapClient
    mark: Mark | None
    began: datetime | None
    """The server's clock in UTC when the pull began; None where it does not tell."""
    key_fields: Sequence[str] = ()
    """The record id field, and what makes instances visible."""
    username: str = ""
    """The token's user, '' where the log does not say."""
    since_before: datetime | None = None
    """The same clock when the pull before began: dates of change are asked for from there on, twice in every pull."""

    @property
    def reads_log(self) -> bool:
        """Whether the log tells what was touched."""
        return self.mark is not None

    @property
    def names_again(self) -> bool:
        """Whether a look names again what was named before, so that only equal content proves rest."""
        return not self.reads_log

    @property
    def how(self) -> str:
        """How edits are looked for."""
        return READ_IN_LOG if self.reads_log else "dates of change" if self.began else "ids only"

    def again(self) -> LoggedChanges:
        """What was touched since the last look; raises ExportIncomplete where the server's clock went back."""
        if self.mark is None:
            return self._by_date(self.since_before or self.began)
        changes = self.since(self.mark)
        if changes is not None and changes.silent:
            self.mark = None  # who is in a data access group may be shown a part of the log only
            return self._by_date(self.began)
        if changes is None or not changes.trusted:
            raise ExportIncomplete("pull.log")
        self.mark = changes.mark
        return changes

    def since(self, mark: Mark) -> LoggedChanges | None:
        """What the log has that is new since a mark; None where it may not be read."""
        if self.mark is None:
            return None
        return read_changes(self.client.log(mark.begin), mark, self.client.server_time)

    def _by_date(self, began: datetime | None) -> LoggedChanges:
        if began is None:
            return LoggedChanges(None)
        return _touched_since(self.client, self.key_fields, began)


def first_look(
    client: RedcapClient, checkpoint: Checkpoint, key_fields: Sequence[str]
) -> tuple[ChangedRecords, LoggedChanges | None]:
    """Find where the server's log stands now, and what changed since a checkpoint (None where nothing can tell).

    Where the log may not be read, `key_fields`, the record id field first, are asked for by date of change.
    """
    before = checkpoint.mark
    clock = client.server_time
    begin = before.begin if before else sure_begin(clock) if clock else None
    try:
        rows = client.log(begin)
        changes = read_changes(rows, before, client.server_time) if before else None
        mark = changes.mark if changes else mark_of(rows, client.server_time)
        if begin and (mark is None or mark.begin < begin):
            # The clock was set back: what is new may be before the place where we looked.
            rows, changes = client.log(mark.begin if mark and mark.clock else None), None
            mark = mark_of(rows, client.server_time)
    except RedcapRefused:
        moment = checkpoint.server_time
        touched = _touched_if_known(client, key_fields, moment) if moment and key_fields else None
        # The clock last: a refusal, which is all that a fresh client has had so far, need not be dated.
        return ChangedRecords(client, None, client.server_time, key_fields, since_before=moment), touched
    return ChangedRecords(client, mark, client.server_time, key_fields, own_name(rows)), changes


def _touched_if_known(client: RedcapClient, key_fields: Sequence[str], moment: datetime) -> LoggedChanges | None:
    """What `_touched_since` says; None where the project has not all of the fields any more."""
    try:
        return _touched_since(client, key_fields, moment)
    except RedcapRefused:
        return None


def _touched_since(client: RedcapClient, key_fields: Sequence[str], moment: datetime) -> LoggedChanges:
    """Records that the server dates as changed since a moment of its clock in UTC; too many rather than too few."""
    rows = client.row_keys(key_fields, changed_since=moment - WESTERNMOST - SLACK)
    return LoggedChanges(None, records=frozenset(str(row[key_fields[0]]) for row in rows))
