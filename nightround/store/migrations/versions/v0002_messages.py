"""What was said in a sentence is kept as a code with facts; a sentence that is there becomes `kept.text`."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None

SENTENCES = (("runs", "trouble"), ("steps", "note"), ("outcomes", "reason"))
Document = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Replace each column of sentences by one of documents."""
    for table, column in SENTENCES:
        _replace(table, column)


def _replace(table: str, column: str) -> None:
    new = f"{column}_said"
    op.add_column(table, sa.Column(new, Document))
    rows = sa.table(table, sa.column(column, sa.Text), sa.column(new, Document))
    connection = op.get_bind()
    for (text,) in connection.execute(sa.select(rows.c[column]).where(rows.c[column] != "").distinct()).all():
        document = {"code": "kept.text", "facts": {"text": text}}
        connection.execute(sa.update(rows).where(rows.c[column] == text).values({new: document}))
    # No copy of the table, which Alembic would make of SQLite's: others refer to its rows.
    op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {column}")
