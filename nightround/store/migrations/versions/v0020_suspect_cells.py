"""Answers that are gone without a line in REDCap's log have a table."""

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0022"
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table; which answers were gone before it was made nobody wrote down."""
    op.create_table(
        "suspect_cells",
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("run_id", Counter, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instance", sa.Integer(), nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("since", Time, nullable=False),
        sa.Column("cleared", sa.String(length=16), nullable=True),
        sa.Column("cleared_at", Time, nullable=True),
        sa.Column("cleared_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_suspect_cells_run_id")),
        sa.PrimaryKeyConstraint(
            "study", "run_id", "record", "event", "instrument", "instance", "column", name=op.f("pk_suspect_cells")
        ),
    )
    op.create_index(op.f("ix_suspect_cells_study_cleared"), "suspect_cells", ["study", "cleared"], unique=False)
