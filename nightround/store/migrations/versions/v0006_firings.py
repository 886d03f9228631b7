"""A scheduled run names the hour of its schedule, so that one hour is one run."""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the hour; runs of before have none."""
    op.add_column("runs", sa.Column("firing", sa.String(length=16), nullable=True))
