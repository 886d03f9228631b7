"""Migrations of the database, run by `nightround.store.engine`; never edited once released."""
