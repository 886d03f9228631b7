"""Findings, and the lines of their history, keep how far it is proven who corrected what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column to both, blank: nothing was graded before."""
    for table in ("findings", "finding_history"):
        op.add_column(table, sa.Column("proof", sa.JSON(none_as_null=True), nullable=True))
