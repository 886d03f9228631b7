"""The private file of a run: what an error must not say aloud, such as the server's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message
from redcap_sync.private_files import WRITING, write_private

FILE = "server_said.txt"
COPIES = ("*.sqlite3.version-*", "*.postgresql.version-*")
"""Copies of the database from before a migration."""
WITH_VALUES = ("snapshots/*/*", "snapshots/*.json", "judged/*", "runs/*/failures*.parquet", *COPIES)
"""Files of a study that contain patients' values, apart from its database and what a person must be able to read.

A copy that was made of the database before a migration is one of them: its values are as they were then.
"""


def files_with_values(folder: Path) -> Iterator[Path]:
    """The files of a study's data folder that are sealed where it has a key."""
    found = (path for pattern in WITH_VALUES for path in folder.glob(pattern))
    return (path for path in found if path.is_file() and not path.name.startswith(WRITING))


@contextmanager
def details_kept(run_folder: Path) -> Iterator[None]:
    """Write the private part of an error into a file of the run that its owner alone may read, and say where it is.

    A file that cannot be written must not hide the error.
    """
    try:
        yield
    except ExplainedError as error:
        if error.private:
            path = run_folder / FILE
            with suppress(OSError):
                write_private(path, error.private.encode())
                error.with_details(Message.of("night.details", path=str(path)))
        raise
