"""Floods have a table, and messages keep the files that go with them."""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table and the column; what was sent before had no file with it."""
    op.add_column("messages", sa.Column("attachments", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "floods",
        sa.Column("id", Counter, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("rule_id", sa.String(length=128), nullable=False),
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("position", Counter, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("ended_run", Counter, nullable=True),
        sa.Column("ended_at", Time, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["ended_run"], ["runs.id"], name=op.f("fk_floods_ended_run")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_floods_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floods")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_floods_study"), "floods", ["study"], unique=False)
