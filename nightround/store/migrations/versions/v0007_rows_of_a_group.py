"""A finding of several rows names the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, blank for a finding of one row, as those of earlier versions are."""
    op.add_column("findings", sa.Column("others", sa.JSON(none_as_null=True)))
