"""Outcomes and certificates that are those of an earlier run are named, not written again."""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

# Written out here, not imported: a migration says what the tables were, whatever they become.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the run whose outcomes, and the run whose certificate, a run has; until now each run had its own."""
    op.add_column("runs", sa.Column("outcomes_of", Counter, nullable=True))
    op.add_column("runs", sa.Column("coverage_of", Counter, nullable=True))
    op.execute("UPDATE runs SET outcomes_of = id WHERE id IN (SELECT run_id FROM outcomes)")
    op.execute("UPDATE runs SET coverage_of = id WHERE coverage IS NOT NULL")
