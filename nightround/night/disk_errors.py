"""What a disk does not take or give is explained, wherever a night or a command was reading or writing."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from nightround.model.errors import DatabaseVersionWrong, StoreUnusable, StudyFilesWrong
from nightround.store.waiting import BUSY_SECONDS
from redcap_sync.errors import ExplainedError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
CLOSED = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EIO),
        *(errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE),
    }
)
"""A file or folder of another user, one in the place of the other, a name that no disk takes, a disk that fails."""
FULL_NAMES = ("SQLITE_FULL", "53100")
"""How databases say it. Sources: SQLite's result codes; PostgreSQL, appendix A, disk_full."""
BUSY_NAMES = ("SQLITE_BUSY", "55P03")
"""Another writer went on for longer than one waits. Source: PostgreSQL, appendix A, lock_not_available."""
LOST_CLASSES = ("08", "57")
"""Classes of PostgreSQL: connection exception, operator intervention. A connection that breaks off has no code."""
DAMAGED_NAMES = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
"""Pages or indexes that are not what was written. Source: as above, data_corrupted and index_corrupted."""
CLOSED_NAMES = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")
"""SQLite's extended codes begin with them."""


@contextmanager
def disk_errors_explained() -> Iterator[None]:
    """Raise an error with exit code 10 where the disk is full or closed to us, or the database is in use or lost."""
    try:
        yield
    except Exception as error:
        if explained := _explained(error):
            raise explained from None
        raise


def _explained(error: Exception) -> ExplainedError | None:
    return _of_files(error) if isinstance(error, OSError) else _of_database(error)


def _of_files(error: OSError) -> StudyFilesWrong | None:
    said = errno.errorcode.get(error.errno or 0, "")
    if error.errno in FULL:
        return StudyFilesWrong("night.disk_full", said=said)
    if error.errno in CLOSED and error.filename is not None:
        return StudyFilesWrong("night.no_access", said=said, path=str(error.filename))
    return None


def _of_database(error: Exception) -> ExplainedError | None:
    from_driver = getattr(error, "orig", None)  # SQLAlchemy's errors carry that of the database's driver
    state = getattr(from_driver, "sqlstate", None) or ""
    name = getattr(from_driver, "sqlite_errorname", None) or state
    if name in FULL_NAMES:
        return StudyFilesWrong("night.disk_full", said=name)
    if name.startswith(CLOSED_NAMES):
        return StudyFilesWrong("night.no_database", said=name)
    if name.startswith(DAMAGED_NAMES):
        return DatabaseVersionWrong("store.damaged")
    if name.startswith(BUSY_NAMES):
        return StoreUnusable("store.busy", seconds=BUSY_SECONDS)
    # A server that cannot be reached has no code; SQLite's errors all have a name.
    unreachable = not name and type(from_driver).__name__ == "OperationalError"
    if state.startswith(LOST_CLASSES) or unreachable or getattr(error, "connection_invalidated", False):
        return StoreUnusable("store.lost", said=state or type(from_driver).__name__)
    return None
