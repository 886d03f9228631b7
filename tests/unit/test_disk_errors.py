"""A disk that is full or closed to us is explained; what else goes wrong stays what it is."""

import errno

import pytest

from nightround.model.errors import StoreUnusable, StudyFilesWrong
from nightround.night.disk_errors import disk_errors_explained


class _FromDriver(Exception):
    """An error of a database's driver, as SQLAlchemy carries it."""

    def __init__(self, **names: str | bool) -> None:
        super().__init__("could not extend file")
        self.orig = self
        for name, value in names.items():
            setattr(self, name, value)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "full"), "ENOSPC"),
        (OSError(errno.EDQUOT, "quota"), "EDQUOT"),
        (OSError(errno.EROFS, "read-only"), "EROFS"),
        (_FromDriver(sqlite_errorname="SQLITE_FULL"), "SQLITE_FULL"),
        (_FromDriver(sqlstate="53100"), "53100"),
        (PermissionError(errno.EACCES, "denied", "/data/other/.round.lock"), "EACCES"),
        (NotADirectoryError(errno.ENOTDIR, "no folder", "/data/file/runs"), "ENOTDIR"),
        (OSError(errno.EIO, "input/output error", "/data/x"), "/data/x"),
        (_FromDriver(sqlite_errorname="SQLITE_READONLY_DIRECTORY"), "SQLITE_READONLY_DIRECTORY"),
        (_FromDriver(sqlite_errorname="SQLITE_CANTOPEN"), "SQLITE_CANTOPEN"),
    ],
)
def test_a_full_or_closed_disk_is_explained(error: Exception, named: str) -> None:
    """A file system, SQLite and PostgreSQL each say it in their way; all end in exit code 10."""
    with pytest.raises(StudyFilesWrong, match=named) as told, disk_errors_explained():
        raise error
    assert told.value.exit_code == 10


@pytest.mark.parametrize(
    "error", [OSError("no number"), ConnectionResetError(), _FromDriver(sqlstate="23505"), KeyError("a bug")]
)
def test_any_other_error_stays_what_it_is(error: Exception) -> None:
    """A lost line or a bug is no trouble of the disk."""
    with pytest.raises(type(error)) as kept, disk_errors_explained():
        raise error
    assert kept.value is error


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (_FromDriver(sqlite_errorname="SQLITE_BUSY"), "30 seconds"),
        (_FromDriver(sqlstate="55P03"), "30 seconds"),
        (_FromDriver(sqlstate="57P01"), "57P01"),
        (_FromDriver(sqlstate="08006"), "08006"),
        (_FromDriver(connection_invalidated=True), "lost"),
    ],
)
def test_a_database_in_use_or_lost_is_explained(error: Exception, named: str) -> None:
    """Another writer that goes on for too long, and a server that is gone: exit code 10, and no traceback."""
    with pytest.raises(StoreUnusable, match=named) as told, disk_errors_explained():
        raise error
    assert told.value.exit_code == 10
