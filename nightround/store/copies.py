"""Copies of a database from before a migration, as `NAME.version-0001`; a copy that is there stays."""

from __future__ import annotations

import os
import sqlite3
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, Engine

from nightround.store.dump import write_dump
from redcap_sync.private_files import WRITING, private_descriptor, private_file

SERVER_NAME = "nightround.postgresql"
"""What the name of a copy of a database on a server begins with."""


def copy_of_file(engine: Engine, path: Path, version: str) -> Path:
    """Copy a SQLite database; gives the path of the copy."""
    copy = _free(path, version)
    part = path.with_name(f"{WRITING}{copy.name}")
    os.close(private_descriptor(part))
    connection = engine.raw_connection()
    target = sqlite3.connect(part)
    try:
        # SQLite's own copy takes what other processes wrote into the log next to the file, and waits for writers.
        connection.driver_connection.backup(target)  # type: ignore[union-attr]
    finally:
        target.close()
        connection.close()
    part.replace(copy)
    return copy


def copy_of_server(connection: Connection, folder: Path, version: str) -> Path:
    """Write a dump of a database on a server into a folder; gives its path."""
    copy = _free(folder / SERVER_NAME, version)
    with private_file(copy) as file:
        write_dump(connection, file)
    return copy


def _free(path: Path, version: str) -> Path:
    name = f"{path.name}.version-{version}"
    names = (path.with_name(name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(one for one in names if not one.exists())
