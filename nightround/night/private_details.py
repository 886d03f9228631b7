"""The private file of a run: what an error must not say aloud, such as the server's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private

FILE = "server_said.txt"


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
