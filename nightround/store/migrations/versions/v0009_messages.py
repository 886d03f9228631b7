"""Digests become messages, which are written before they are sent and keep what became of each."""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Document = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Make the table, and take what was sent so far into it. All of it went into the outbox folder."""
    op.create_table(
        "messages",
        sa.Column("id", Counter, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("since", Counter, nullable=False),
        sa.Column("upto", Counter, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("written_at", Time, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", Time, nullable=True),
        sa.Column("next_at", Time, nullable=True),
        sa.Column("settled_at", Time, nullable=True),
        sa.Column("said", Document, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_messages_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_messages_study_recipient_channel"), "messages", ["study", "recipient", "channel"], unique=False
    )
    op.create_index(op.f("ix_messages_study_settled_at"), "messages", ["study", "settled_at"], unique=False)
    _take_over()
    op.drop_table("digests")


def _take_over() -> None:
    names = ("id", "study", "run_id", "recipient", "channel", "since", "upto", "subject", "message_id")
    old = sa.table(
        "digests",
        *map(sa.column, names),
        sa.column("at", Time),
        sa.column("delivered", sa.Boolean),
        sa.column("trouble"),
    )
    new = sa.table(
        "messages",
        *map(sa.column, names),
        *map(sa.column, ("kind", "role", "text", "html", "state", "attempts")),
        *(sa.column(name, Time) for name in ("written_at", "tried_at", "settled_at")),
        sa.column("said", Document),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(old).order_by(old.c.id)).mappings().all():
        kept = {"code": "delivery.kept", "facts": {"text": row["trouble"]}}
        moved = {
            **{name: row[name] for name in names},
            **dict.fromkeys(("role", "text", "html"), ""),
            "kind": "digest",
            "attempts": 1,
            **dict.fromkeys(("written_at", "tried_at", "settled_at"), row["at"]),
            "state": "written" if row["delivered"] else "refused",
            "said": {"code": "delivery.written", "facts": {"file": "outbox"}} if row["delivered"] else kept,
        }
        connection.execute(sa.insert(new).values(**moved))
