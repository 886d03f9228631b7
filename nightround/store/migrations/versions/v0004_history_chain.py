"""The history becomes a chain of hashes, and what was forgotten of a patient who withdrew has its own table."""

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
LINKS = ("salt", "digest", "previous", "hash")


def upgrade() -> None:
    """Make the table of what was forgotten, and chain the lines that are there."""
    op.create_table(
        "forgotten",
        sa.Column("id", Counter, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgotten")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_forgotten_study"), "forgotten", ["study"], unique=False)
    # SQLite copies the table for a column that may be blank; nothing refers to its rows.
    with op.batch_alter_table("finding_history", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("finding_id", existing_type=sa.String(length=16), nullable=True)
        table.add_column(sa.Column("salt", sa.String(length=32), nullable=True))
        for name in LINKS[1:]:
            table.add_column(sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("forgotten", Counter, nullable=True))
        table.create_foreign_key(op.f("fk_finding_history_forgotten"), "forgotten", ["forgotten"], ["id"])
    _chain()
    with op.batch_alter_table("finding_history", table_kwargs={"sqlite_autoincrement": True}) as table:
        for name in LINKS[1:]:
            table.alter_column(name, existing_type=sa.String(length=64), server_default=None)


def _chain() -> None:
    names = ("position", "finding_id", "study", "run_id", "change", "resolution", *LINKS)
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
    lines = sa.table("finding_history", *columns, sa.column("at", Time), sa.column("observed", sa.JSON()))
    connection = op.get_bind()
    previous: dict[str, str] = {}
    for line in connection.execute(sa.select(lines).order_by(lines.c.position)).mappings().all():
        link = _linked(line, previous.get(line["study"], ""))
        previous[line["study"]] = link["hash"]
        connection.execute(sa.update(lines).where(lines.c.position == line["position"]).values(**link))


def _linked(line: Any, previous: str) -> dict[str, str]:
    salt = secrets.token_hex(16)
    values = json.dumps(
        [line["finding_id"], line["observed"]], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    digest = hashlib.sha256(f"{salt}\n{values}".encode()).hexdigest()
    at: datetime = line["at"]
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    facts = [line["study"], line["run_id"], utc.isoformat(), line["change"], line["resolution"]]
    text = json.dumps([previous, *facts, digest], ensure_ascii=False, separators=(",", ":"))
    return {
        "salt": salt,
        "digest": digest,
        "previous": previous,
        "hash": hashlib.sha256(text.encode()).hexdigest(),
    }
