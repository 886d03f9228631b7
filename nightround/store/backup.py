"""Backups of a database, and databases made of them: a backup of a SQLite file restores into PostgreSQL too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from nightround.model.errors import UsageWrong
from nightround.store.address import StoreAddress
from nightround.store.dump import DumpHead, load_dump, read_head, set_counters, write_dump
from nightround.store.engine import (
    connected,
    make_schema,
    open_engine,
    reading,
    server_explained,
    stored_version,
    writing,
)
from nightround.store.schema import runs
from nightround.store.versions import newest_version, require_known, upgrade
from redcap_sync.private_files import private_file


@dataclass(frozen=True)
class Restored:
    """What was restored: how many rows, from which version, and the version that it has now."""

    rows: int
    version: str
    now: str


def back_up(engine: Engine, path: Path) -> DumpHead:
    """Write a new private file with everything that a database has at this moment, and prove it.

    Raises UsageWrong where the file is there: no backup is overwritten.
    """
    if path.exists():
        raise UsageWrong("store.backup_exists", file=path.name)
    with private_file(path) as file, reading(engine) as connection:
        write_dump(connection, file)
    return read_head(path)


def restore(path: Path, address: StoreAddress, study: str) -> Restored:
    """Make the database of a study of a backup, of its version, compare each row, and bring it to the newest version.

    All of it is one transaction. Raises UsageWrong where a database is at the address, since none is overwritten, and
    for the backup of another study; DatabaseVersionWrong for one that was changed, or is of a newer version.
    """
    head = read_head(path)
    require_known(head.version)
    if (address.path and address.path.exists()) or stored_version(address) is not None:
        raise UsageWrong("store.not_empty", name=address.name)
    engine = connected(address)
    try:
        with server_explained(address), writing(engine) as connection:
            make_schema(connection, address.schema)
            upgrade(connection, head.version)
            load_dump(connection, path, head)
            upgrade(connection)
            set_counters(connection, head.counters)
            _require_study(connection, study, path)
    except BaseException:
        engine.dispose()
        if address.path:
            address.path.unlink(missing_ok=True)  # it was not there before
        raise
    engine.dispose()
    open_engine(address).dispose()  # which settles how a new file is written
    return Restored(head.count, head.version, newest_version())


def _require_study(connection: Connection, study: str, path: Path) -> None:
    count = select(func.count()).select_from(runs)
    if connection.execute(count).scalar() and not connection.execute(count.where(runs.c.study == study)).scalar():
        raise UsageWrong("store.backup_of_another", file=path.name, study=study)
