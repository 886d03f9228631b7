"""A lock of a study that holds for every machine that uses its database.

A study whose database is a file has its locks as files of the same folder. On a PostgreSQL server machines with other
data folders use one database: there a lock is also one of the server's own (an advisory lock of a session of its own),
which it gives back when that session ends, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from sqlalchemy import Engine

STUDY_LOCK = 7_201_844
"""The first half of the number of such a lock; the one next to it is that of writers."""


@contextmanager
def shared_lock_tried(engine: Engine, study: str, name: str) -> Iterator[bool]:
    """Try to get a lock for oneself alone; gives whether it was free. It is given back at the end."""
    if engine.dialect.name == "sqlite":
        yield True
        return
    connection = engine.connect()
    try:
        session: Any = connection.connection.driver_connection
        session.set_autocommit(True)  # the lock is the session's: no transaction stays open for hours
        schema = session.execute("SELECT current_schema()").fetchone()[0]
        number = crc32(f"{schema}\n{study}\n{name}".encode()) - 2**31
        asked = session.execute("SELECT pg_try_advisory_lock(%s, %s)", (STUDY_LOCK, number))
        yield asked.fetchone()[0]
    finally:
        connection.invalidate()  # ends the session, and so gives the lock back
        connection.close()
