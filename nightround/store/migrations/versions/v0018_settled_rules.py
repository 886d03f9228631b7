"""Rules whose findings a night need not read have a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "settled_rules",
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("rule_id", sa.Text().with_variant(sa.String(length=128), "sqlite"), nullable=False),
        sa.Column("facts", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("study", "rule_id", name=op.f("pk_settled_rules")),
    )
