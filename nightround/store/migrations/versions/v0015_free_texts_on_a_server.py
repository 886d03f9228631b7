"""Texts whose length the study's files decide have none on a server; SQLite never held them to one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = (("outcomes", "rule_id"), ("findings", "rule_id"), ("findings", "owner"), ("floods", "rule_id"))


def upgrade() -> None:
    """Take the length away where it is one."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column in COLUMNS:
            op.alter_column(table, column, type_=sa.Text(), existing_nullable=False)
