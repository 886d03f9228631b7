"""A full disk is explained, wherever a night or a command was writing."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from nightround.model.errors import StudyFilesWrong

TAKES_NOTHING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
SQLITE_FULL, POSTGRESQL_FULL = "SQLITE_FULL", "53100"
"""How databases say it. Sources: SQLite's result codes; PostgreSQL, appendix A, disk_full."""


@contextmanager
def full_disk_explained() -> Iterator[None]:
    """Raise StudyFilesWrong (exit code 10) where a file or the database was not taken; anything else as it is."""
    try:
        yield
    except Exception as error:
        if said := _said(error):
            raise _full(said) from None
        raise


def _said(error: Exception) -> str:
    """How the system named the full disk; '' where something else is wrong."""
    if isinstance(error, OSError):
        return errno.errorcode[error.errno] if error.errno in TAKES_NOTHING else ""
    from_driver = getattr(error, "orig", None)  # SQLAlchemy's errors carry that of the database's driver
    names = (getattr(from_driver, "sqlite_errorname", ""), getattr(from_driver, "sqlstate", ""))
    return next((name for name in names if name in (SQLITE_FULL, POSTGRESQL_FULL)), "")


def _full(said: str) -> StudyFilesWrong:
    return StudyFilesWrong("night.disk_full", said=said)
