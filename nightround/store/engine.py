"""Opens the database, brings it to the newest version, and decides how transactions begin."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, NoSuchModuleError, OperationalError

from nightround.model.errors import DatabaseVersionWrong, SystemLibraryMissing
from redcap_sync.private_files import WRITING, private_descriptor

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
"""How long a writer waits for another one. A night's writes take well under a second; a backup may take more."""
WRITES = "nightround_writes"
# One number for the whole database on PostgreSQL: one writer at a time, as SQLite has it anyway.
WRITER_LOCK = 7_201_843


def open_engine(where: str | Path) -> Engine:
    """Open a database by its path or URL and bring it to the newest version.

    Raises DatabaseVersionWrong (exit code 15) when it was made by a newer Nightround or is none of ours.
    """
    url = _url(where)
    sqlite = url.get_backend_name() == "sqlite"
    path = Path(url.database or "") if sqlite else None
    if path:
        _private_file(path)
    engine = _engine(url, {"timeout": BUSY_SECONDS} if sqlite else {})
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite if sqlite else _begin_server)
    try:
        _upgrade(engine, path)
    except DatabaseError as error:
        engine.dispose()
        if isinstance(error, OperationalError):
            raise
        raise DatabaseVersionWrong("store.damaged") from None
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment of the database, whatever others write meanwhile."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start, so that what it reads stays true until it commits."""
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


def compact(engine: Engine) -> None:
    """Write a SQLite file anew without what was deleted, also in the log beside it; a server does this by itself."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()  # outside of any transaction, where alone SQLite takes this
    for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
        connection.cursor().execute(statement).close()
    connection.close()


def _url(where: str | Path) -> URL:
    if isinstance(where, str) and "://" in where:
        return make_url(where)
    return URL.create("sqlite", database=str(where))


def _engine(url: URL, settings: dict[str, Any]) -> Engine:
    try:
        # Parameters are patients' values, and SQLAlchemy would print them in its errors.
        return create_engine(url, hide_parameters=True, connect_args=settings)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise SystemLibraryMissing("store.no_driver", kind=url.drivername) from None


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


def _begin_server(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _upgrade(engine: Engine, path: Path | None) -> None:
    """Run the migrations that are missing, in one transaction; an up-to-date database is only read."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with reading(engine) as connection:
        version = _version(connection, scripts)
    if path:
        _settle_file(engine, path)
    if version != scripts.get_current_head():
        if path and version is not None:
            _copy(engine, path, version)
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _copy(engine: Engine, path: Path, version: str) -> None:
    """Copy a SQLite database before a migration, as `NAME.version-0001`; a copy that is there stays."""
    name = f"{path.name}.version-{version}"
    names = (path.with_name(name if number == 1 else f"{name}-{number}") for number in count(1))
    copy = next(one for one in names if not one.exists())
    part = path.with_name(f"{WRITING}{copy.name}")
    _private_file(part)
    connection = engine.raw_connection()
    target = sqlite3.connect(part)
    try:
        # SQLite's own copy takes what other processes wrote into the log beside the file, and waits for writers.
        connection.driver_connection.backup(target)  # type: ignore[union-attr]
    finally:
        target.close()
        connection.close()
    part.replace(copy)
    log.info("the database is copied to %s before it is brought to a newer version", copy.name)


def _version(connection: Connection, scripts: ScriptDirectory) -> str | None:
    """The revision the database is at, None for an empty one."""
    version = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if version is None and inspect(connection).get_table_names():
        raise DatabaseVersionWrong("store.foreign")
    if version is not None and version not in known:
        raise DatabaseVersionWrong("store.newer", version=version, known=scripts.get_current_head())
    return version
