"""A finding of all rows together names its data access group."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, blank for a finding of rows, or of all groups together."""
    op.add_column("findings", sa.Column("cohort_group", sa.Text(), nullable=False, server_default=""))
