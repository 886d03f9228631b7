"""What a finding keeps of its rule: the hash of its logic and its title; and which finding speaks for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS: dict[str, sa.types.TypeEngine[str]] = {
    "logic": sa.String(length=16),
    "title_zh": sa.Text(),
    "title_en": sa.Text(),
    "under": sa.String(length=16),
}


def upgrade() -> None:
    """Add the columns, blank: the next night fills them for what it sees."""
    for name, kind in COLUMNS.items():
        # With a default SQLite adds a column in place; it cannot copy a table whose rows others refer to.
        op.add_column("findings", sa.Column(name, kind, nullable=False, server_default=""))
