"""Files that were found in a study's inbox have a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0016"
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "inbox_files",
        sa.Column("id", Counter, nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("settled_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_inbox_files_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_files")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_inbox_files_study_identity"), "inbox_files", ["study", "identity"], unique=False)
