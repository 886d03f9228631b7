"""Findings keep what was said of them, and their history who did what, from which state and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS: dict[str, dict[str, sa.types.TypeEngine[str] | sa.JSON]] = {
    "findings": {"answer": sa.JSON(), "snooze": sa.JSON(), "comment": sa.JSON()},
    "finding_history": {
        "was": sa.String(length=16),
        "by": sa.Text(),
        "why": sa.String(length=32),
        "comment": sa.JSON(),
    },
}


def upgrade() -> None:
    """Add the columns, blank: nothing was said before, and no rule was of protocol deviations."""
    op.add_column("findings", sa.Column("deviation", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
