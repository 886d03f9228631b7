"""What Alembic runs: the migrations, on the connection and inside the transaction it is handed."""

from alembic import context

from nightround.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
