"""Opens the database, brings it to the newest version, and decides how transactions begin."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DatabaseError, NoSuchModuleError, OperationalError

from nightround.model.errors import DatabaseVersionWrong, StoreUnusable, SystemLibraryMissing
from nightround.store.address import StoreAddress, address_of
from nightround.store.copies import copy_of_file, copy_of_server
from nightround.store.versions import newest_version, upgrade, version_of
from nightround.store.waiting import BUSY_SECONDS
from redcap_sync.private_files import private_descriptor

log = logging.getLogger(__name__)

WRITES = "nightround_writes"
WRITER_LOCK = 7_201_843
"""The first half of the number of the lock that writers take on PostgreSQL; the second half is that of the schema."""
ABOUT_DATA = ("22", "23")
"""Classes of PostgreSQL's errors: data exception, integrity constraint violation."""
SAID = 200
"""So much of a server's own words is repeated in a message."""


def open_engine(where: str | Path | StoreAddress) -> Engine:
    """Open a database by its path, URL or address and bring it to the newest version.

    Raises DatabaseVersionWrong (exit code 15) when it was made by a newer Nightround or is none of ours, and
    StoreUnusable (exit code 10) where a server cannot be reached, or refuses.
    """
    address = address_of(where)
    engine = connected(address)
    try:
        with server_explained(address):
            _upgrade(engine, address)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def server_explained(address: StoreAddress) -> Iterator[None]:
    """Raise StoreUnusable for what a server refuses, DatabaseVersionWrong for a file that is no database."""
    try:
        yield
    except DatabaseError as error:
        if address.path is None:
            raise _unusable(address, error) from None
        if isinstance(error, OperationalError):
            raise
        raise DatabaseVersionWrong("store.damaged") from None


def connected(address: StoreAddress) -> Engine:
    """The engine of a database as it is: whatever its version, and also where nothing is there yet."""
    if address.path:
        _private_file(address.path)
    engine = _engine(address)
    if address.path:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", lambda connection: _begin_server(connection, address.lock))
        event.listen(engine, "handle_error", _without_values)
    return engine


def stored_version(address: StoreAddress) -> str | None:
    """The version of the database at an address, None where there is none. Nothing is made or changed.

    Raises what `open_engine` does.
    """
    if address.path and not address.path.is_file():
        return None
    engine = connected(address)
    try:
        with server_explained(address), reading(engine) as connection:
            return version_of(connection)
    finally:
        engine.dispose()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment of the database, whatever others write meanwhile."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading_damaged(engine: Engine) -> Iterator[Connection]:
    """A connection that reads also a text of a file that is no UTF-8 any more, with marks in its place."""
    with reading(engine) as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name != "sqlite":
            yield connection
            return
        driver.text_factory = lambda content: content.decode("utf-8", "replace")
        try:
            yield connection
        finally:
            driver.text_factory = str


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that has the write lock from its start, so that what it reads stays true until it commits."""
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


def compact(engine: Engine) -> bool:
    """Write the tables anew without what was deleted; False where somebody who uses the database keeps us from it.

    A SQLite file and its log, or on PostgreSQL the tables with their statistics, which hold frequent values. The
    server's own log (WAL) and its backups are out of reach.
    """
    sqlite = engine.dialect.name == "sqlite"
    statements = ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)") if sqlite else _vacuum(engine)
    connection = engine.raw_connection()  # outside of any transaction, where alone both take this
    if not sqlite:
        connection.driver_connection.set_autocommit(True)  # type: ignore[union-attr]
    try:
        for statement in statements:
            connection.cursor().execute(statement).close()
    except engine.dialect.loaded_dbapi.OperationalError:
        return False
    finally:
        connection.invalidate()
    return True


def _vacuum(engine: Engine) -> list[str]:
    """What rewrites each table of the schema; the tables of a server's own are not ours to rewrite."""
    with reading(engine) as connection:
        names = engine.dialect.get_table_names(connection)
    quoted = map(engine.dialect.identifier_preparer.quote, names)
    return [f"SET lock_timeout = '{BUSY_SECONDS}s'", *(f"VACUUM (FULL, ANALYZE) {name}" for name in quoted)]


def _engine(address: StoreAddress) -> Engine:
    settings = {"timeout": BUSY_SECONDS} if address.path else address.connect_arguments()
    try:
        # Parameters are patients' values, and SQLAlchemy would print them in its errors.
        engine = create_engine(
            address.url, hide_parameters=True, connect_args=settings, pool_pre_ping=address.path is None
        )
    except (ImportError, NoSuchModuleError):  # also where psycopg has no libpq
        raise SystemLibraryMissing("store.no_driver", kind=address.url.get_backend_name()) from None
    if engine.dialect.name not in {"sqlite", "postgresql"}:
        raise SystemLibraryMissing("store.no_driver", kind=engine.dialect.name)
    return engine


def _unusable(address: StoreAddress, error: DatabaseError) -> StoreUnusable | DatabaseError:
    """A server's refusal, in its own words without the password; an error of our own statements as it is."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "55P03":
        return StoreUnusable("store.busy", seconds=BUSY_SECONDS)
    if state and not state.startswith(("08", "28", "3D", "42501", "53", "57", "25006")):
        return error
    lines = str(error.orig).strip().splitlines()
    said = lines[-1].rpartition("FATAL:")[2].strip() if lines else ""
    if password := address.url.password:
        said = said.replace(str(password), "***")
    return StoreUnusable("store.unreachable", name=address.name, said=said[:SAID] or state)


def _private_file(path: Path) -> None:
    """Create the file before SQLite does, because it will hold patients' values: 0600, in a folder of 0700."""
    os.close(private_descriptor(path))


def _settle_file(engine: Engine, path: Path) -> None:
    """Make the file private and readable while it is written: lasting changes, so only once it is known to be ours."""
    path.chmod(0o600)
    connection = engine.raw_connection()  # outside of any transaction, where alone SQLite takes this
    connection.cursor().execute("PRAGMA journal_mode = WAL").close()
    connection.close()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    # Python's sqlite3 would begin transactions by itself, late and without a write lock.
    connection.isolation_level = None
    # What is deleted is overwritten: a patient who withdrew must not stay in a free page of the file.
    for pragma in ("foreign_keys = ON", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer half-way fails at once with "database is locked" and cannot be helped by waiting.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_server(connection: Connection, lock: int) -> None:
    """One writer at a time, as SQLite has it: each statement after the lock sees all that earlier ones committed."""
    if connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK}, {lock})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _without_values(context: ExceptionContext) -> None:
    """Keep a server's words out of an error about data: they have the whole row that it refused."""
    original, raised = context.original_exception, context.sqlalchemy_exception
    state = getattr(original, "sqlstate", None) or ""
    if state.startswith(ABOUT_DATA) and raised is not None:
        where = original.diag  # type: ignore[attr-defined]
        said = f"SQLSTATE {state}, {where.constraint_name or where.column_name or 'value refused'}"
        original.args, raised.args = (said,), (said,)


def _upgrade(engine: Engine, address: StoreAddress) -> None:
    """Run the migrations that are missing, in one transaction; an up-to-date database is only read."""
    with reading(engine) as connection:
        version = version_of(connection)
        if address.path is None:
            _require_utf8(connection)
    if address.path:
        _settle_file(engine, address.path)
    if version == newest_version():
        return
    if version is not None:
        _copied(engine, address, version)
    with writing(engine) as connection:
        make_schema(connection, address.schema)
        upgrade(connection)


def make_schema(connection: Connection, schema: str) -> None:
    """Make the schema of a study on a server, where it is not there; nothing without a name."""
    known = text("SELECT 1 FROM pg_namespace WHERE nspname = :name").bindparams(name=schema)
    if schema and connection.execute(known).scalar() is None:
        connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')


def _require_utf8(connection: Connection) -> None:
    """Texts of a database in another encoding would come back as bytes, or not at all."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreUnusable("store.encoding", encoding=encoding)


def _copied(engine: Engine, address: StoreAddress, version: str) -> None:
    """Copy a database before a migration, as `NAME.version-0001`; a copy that is there stays."""
    if address.path:
        copy = copy_of_file(engine, address.path, version)
    elif address.copies:
        with reading(engine) as connection:
            copy = copy_of_server(connection, address.copies, version)
    else:
        return
    log.info("the database is copied to %s before it is brought to a newer version", copy.name)
