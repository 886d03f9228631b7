"""A question names the road by which it was asked, and the thread that it is a line of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both: every question so far is a row of the instrument."""
    op.add_column("queries", sa.Column("road", sa.String(length=16), nullable=False, server_default="instrument"))
    op.add_column("queries", sa.Column("thread", sa.BigInteger(), nullable=False, server_default="0"))
