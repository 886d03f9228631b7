"""What a disk does not take or give is explained, wherever a night or a command was reading or writing."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from nightround.model.errors import StudyFilesWrong

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EIO})
"""A file or folder of another user, a file in the place of a folder, a disk that fails."""
FULL_NAMES = ("SQLITE_FULL", "53100")
"""How databases say it. Sources: SQLite's result codes; PostgreSQL, appendix A, disk_full."""
CLOSED_NAMES = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")
"""SQLite's extended codes begin with them."""


@contextmanager
def disk_errors_explained() -> Iterator[None]:
    """Raise StudyFilesWrong (exit code 10) where the disk is full or closed to us; anything else as it is."""
    try:
        yield
    except Exception as error:
        if explained := _explained(error):
            raise explained from None
        raise


def _explained(error: Exception) -> StudyFilesWrong | None:
    if isinstance(error, OSError):
        said = errno.errorcode.get(error.errno or 0, "")
        if error.errno in FULL:
            return StudyFilesWrong("night.disk_full", said=said)
        if error.errno in CLOSED and error.filename is not None:
            return StudyFilesWrong("night.no_access", said=said, path=str(error.filename))
        return None
    from_driver = getattr(error, "orig", None)  # SQLAlchemy's errors carry that of the database's driver
    names = (getattr(from_driver, "sqlite_errorname", ""), getattr(from_driver, "sqlstate", ""))
    if full := next((name for name in names if name in FULL_NAMES), None):
        return StudyFilesWrong("night.disk_full", said=full)
    if closed := next((name for name in names if name and name.startswith(CLOSED_NAMES)), None):
        return StudyFilesWrong("night.no_database", said=closed)
    return None
