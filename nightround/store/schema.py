"""The tables of the database. A change here needs a migration next to it; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)
from sqlalchemy.engine import Dialect

from redcap_sync.messages import Message

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite numbers rows by itself only when the column is its plain INTEGER.
Counter = BigInteger().with_variant(Integer(), "sqlite")


def free_text(length: int) -> Text:
    """Text whose length the study's files decide, such as the id of a rule.

    SQLite never held a text to its length, and would copy the table to change the type that is written down there.
    """
    return Text().with_variant(String(length), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """A point in time: goes in with any zone, comes out in UTC. SQLite keeps it without a zone, always UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a time into UTC; a time without a zone is a mistake of the caller."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Give a stored time its zone back."""
        del dialect
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


class Said(TypeDecorator[Message]):
    """A message: kept as its code and facts."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Message | None, dialect: Dialect) -> dict[str, Any] | None:
        """Turn a message into its document."""
        del dialect
        return value.document() if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Message | None:
        """Read a message back."""
        del dialect
        return Message.read(value) if value else None


runs = Table(
    "runs",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("study", String(64), nullable=False),
    Column("job", String(64), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("ended", String(16), nullable=False),
    Column("exit_code", Integer),
    Column("snapshot_id", String(64)),
    Column("complete", Boolean, nullable=False),
    Column("trouble", Said),
    Column("coverage", JSON(none_as_null=True)),
    Column("outcomes_of", Counter),  # the run whose outcomes are also those of this one; itself where they are new
    Column("coverage_of", Counter),  # the same of its certificate
    Column("firing", String(16)),  # the hour of its schedule, on the study's clock; blank for a run by hand
    Index(None, "study", "id"),
    sqlite_autoincrement=True,
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", Counter, ForeignKey("runs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("ended", String(16), nullable=False),
    Column("note", Said),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("run_id", Counter, ForeignKey("runs.id"), primary_key=True),
    Column("rule_id", free_text(128), primary_key=True),
    Column("status", String(32), nullable=False),
    Column("in_scope", Integer, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("reason", Said),
)

findings = Table(
    "findings",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("study", String(64), nullable=False),
    Column("rule_id", free_text(128), nullable=False),
    Column("record", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("instance", Integer, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("owner", free_text(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("resolution", String(16)),
    Column("times_reopened", Integer, nullable=False),
    Column("observed", JSON, nullable=False),
    Column("logic", String(16), nullable=False, server_default=""),
    Column("title_zh", Text, nullable=False, server_default=""),
    Column("title_en", Text, nullable=False, server_default=""),
    Column("under", String(16), nullable=False, server_default=""),
    Column("others", JSON(none_as_null=True)),  # rows of the same group, of a rule across rows
    Column("cohort_group", Text, nullable=False, server_default=""),  # of a rule on all rows together
    Column("deviation", Boolean, nullable=False, server_default=false()),
    Column("answer", JSON(none_as_null=True)),  # what was said of it, without the comment
    Column("snooze", JSON(none_as_null=True)),
    Column("comment", JSON(none_as_null=True)),  # of either; sealed as `observed` is
    Column("proof", JSON(none_as_null=True)),  # of who corrected what; null while it is live
    Index(None, "study", "state"),
)

forgotten = Table(
    "forgotten",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("study", String(64), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("digest", String(64), nullable=False),  # of the record's id, with the salt
    Column("counts", JSON, nullable=False),
    sqlite_autoincrement=True,
)

suspects = Table(
    "suspects",
    metadata,
    Column("study", String(64), primary_key=True),
    Column("run_id", Counter, ForeignKey("runs.id"), primary_key=True),
    Column("record", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("instrument", Text, primary_key=True),  # '' but of a row of an instrument that repeats alone
    Column("instance", Integer, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("cleared", String(16)),
    Column("cleared_at", UtcTime),
    Column("cleared_by", Text),
    Index(None, "study", "cleared"),
)

suspect_cells = Table(
    "suspect_cells",
    metadata,
    Column("study", String(64), primary_key=True),
    Column("run_id", Counter, ForeignKey("runs.id"), primary_key=True),
    Column("record", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("instrument", Text, primary_key=True),
    Column("instance", Integer, primary_key=True),
    Column("column", Text, primary_key=True),  # of the export: of a checkbox, each box is one
    Column("since", UtcTime, nullable=False),
    Column("cleared", String(16)),
    Column("cleared_at", UtcTime),
    Column("cleared_by", Text),
    Index(None, "study", "cleared"),
)

finding_history = Table(
    "finding_history",
    metadata,
    Column("position", Counter, primary_key=True),
    Column("finding_id", String(16), ForeignKey("findings.id"), index=True),  # blank once it was forgotten
    Column("study", String(64), nullable=False),
    Column("run_id", Counter, ForeignKey("runs.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("change", String(16), nullable=False),
    Column("resolution", String(16)),
    Column("observed", JSON, nullable=False),
    Column("salt", String(32)),  # these four make the history a chain, see history_chain.py
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("forgotten", Counter, ForeignKey("forgotten.id")),
    Column("was", String(16)),  # the state before; blank in lines of an earlier version, as the next three
    Column("by", Text),
    Column("why", String(32)),
    Column("comment", JSON(none_as_null=True)),  # sealed as `observed` is
    Column("proof", JSON(none_as_null=True)),  # of a line that closes a finding
    Index(None, "study", "position"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("study", String(64), nullable=False),
    Column("run_id", Counter, ForeignKey("runs.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("role", Text, nullable=False),  # blank for one of an earlier version
    Column("recipient", Text, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("since", Counter, nullable=False),
    Column("upto", Counter, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("written_at", UtcTime, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),  # these two are blank once nothing is to be sent any more
    Column("html", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", UtcTime),
    Column("next_at", UtcTime),
    Column("settled_at", UtcTime),  # set once nothing is to be sent any more
    Column("said", Said, nullable=False),
    Column("attachments", JSON(none_as_null=True)),  # sealed as `observed` is; null once nothing is to be sent any more
    Index(None, "study", "recipient", "channel"),
    Index(None, "study", "settled_at"),
    sqlite_autoincrement=True,
)

floods = Table(
    "floods",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("study", String(64), nullable=False, index=True),
    Column("rule_id", free_text(128), nullable=False),
    Column("run_id", Counter, ForeignKey("runs.id"), nullable=False),
    Column("position", Counter, nullable=False),  # of the history before that run
    Column("at", UtcTime, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("ended_run", Counter, ForeignKey("runs.id")),
    Column("ended_at", UtcTime),
    Column("ended_by", Text),
    sqlite_autoincrement=True,
)

queries = Table(
    "queries",
    metadata,
    Column("study", String(64), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("finding_id", String(16), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("taken", Boolean, nullable=False),
    Column("road", String(16), nullable=False, server_default="instrument"),
    Column("thread", BigInteger, nullable=False, server_default="0"),
)

inbox_files = Table(
    "inbox_files",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("study", String(64), nullable=False),
    Column("identity", String(64), nullable=False),  # SHA-256 of the content
    Column("run_id", Counter, ForeignKey("runs.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("role", Text, nullable=False),  # blank where nothing says who filled it in
    Column("fate", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("receipt", Text, nullable=False),  # blank once it is written next to the file
    Column("settled_at", UtcTime),  # set once the file was moved
    Index(None, "study", "identity"),
    sqlite_autoincrement=True,
)

settled_rules = Table(
    "settled_rules",
    metadata,
    Column("study", String(64), primary_key=True),
    Column("rule_id", free_text(128), primary_key=True),
    Column("facts", String(64), nullable=False),
    Column("until", Date),
    Column("sealed", Boolean, nullable=False),  # whether the values of its findings were written with a key
)
