"""Files that were found in a study's inbox: what became of each, known before the file is moved away.

A row is written in one transaction with the answers and the receipts of its file. A process that is killed before the
file is moved leaves a row that is not settled: the next run moves the file, and reads no line of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from nightround.model.finding import Finding
from nightround.store.finding_reading import read_findings, read_versions
from nightround.store.finding_rows import write_moves
from nightround.store.message_rows import StoredMessage, insert_message
from nightround.store.schema import inbox_files


class InboxFate(StrEnum):
    """What became of a file: also the name of the folder that it is moved to."""

    DONE = "done"
    """Its lines were read."""
    REFUSED = "refused"


@dataclass(frozen=True)
class InboxRow:
    """What the store knows of one file."""

    study: str
    identity: str
    """SHA-256 of its content, or of what the file system says of a file that is not read."""
    run_id: int
    at: datetime
    role: str
    """Who it is from; '' where nothing says so."""
    fate: InboxFate
    reason: str
    """The code of the error for which it was refused; '' where its lines were read."""
    receipt: str
    """What is written next to it; '' once that is done."""
    settled_at: datetime | None = None
    """When it was moved; None before."""
    id: int = 0
    """0 before it is in the store."""


def insert_inbox_row(connection: Connection, row: InboxRow) -> int:
    """Write a row; gives its number."""
    values = {name: value for name, value in vars(row).items() if name != "id"}
    number: int = connection.execute(insert(inbox_files).values(**values).returning(inbox_files.c.id)).scalar_one()
    return number


def settle_inbox_row(connection: Connection, number: int, now: datetime) -> None:
    """Remember that a file was moved and its receipt written."""
    connection.execute(update(inbox_files).where(inbox_files.c.id == number).values(settled_at=now, receipt=""))


def read_inbox_rows(connection: Connection, study: str, identity: str) -> tuple[InboxRow, ...]:
    """What was found of one content before, oldest first."""
    of_file = (inbox_files.c.study == study, inbox_files.c.identity == identity)
    query = select(inbox_files).where(*of_file).order_by(inbox_files.c.id)
    return tuple(InboxRow(**{**row, "fate": InboxFate(row["fate"])}) for row in connection.execute(query).mappings())


@dataclass(frozen=True)
class InboxPen:
    """One transaction for one file: the answers in it, what became of it, and the receipts that go by mail."""

    connection: Connection
    study: str

    def findings(self) -> tuple[Finding, ...]:
        """All findings as they are now."""
        return read_findings(self.connection, self.study)

    def versions(self) -> dict[str, str]:
        """The version of each finding, where its values can be read."""
        return read_versions(self.connection, self.study)

    def answer(self, run_id: int, moves: Sequence[Finding], now: datetime) -> None:
        """Write down what answers change: a finding once for each change of it."""
        write_moves(self.connection, self.study, run_id, moves, now)

    def note(self, row: InboxRow) -> int:
        """Write down what became of the file; gives the row's number."""
        return insert_inbox_row(self.connection, row)

    def write(self, message: StoredMessage) -> None:
        """Write a message."""
        insert_message(self.connection, message)
