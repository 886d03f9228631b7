"""The versions of the database: which one it is at, and the migrations that lead to the newest."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from nightround.model.errors import DatabaseVersionWrong

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "head"


def newest_version() -> str:
    """The version that this Nightround works with."""
    return str(_scripts().get_current_head())


def version_of(connection: Connection) -> str | None:
    """The version of a database, None for an empty one.

    Raises DatabaseVersionWrong for a version that is not known, and for tables of another program.
    """
    version = MigrationContext.configure(connection).get_current_revision()
    if version is None and inspect(connection).get_table_names():
        raise DatabaseVersionWrong("store.foreign")
    if version is not None:
        require_known(version)
    return version


def require_known(version: str) -> None:
    """Raise DatabaseVersionWrong for a version that this Nightround does not know."""
    if version not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseVersionWrong("store.newer", version=version, known=newest_version())


def upgrade(connection: Connection, version: str = NEWEST) -> None:
    """Run the migrations up to a version, inside the transaction of a connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
