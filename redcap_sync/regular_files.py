"""Reads files that somebody else wrote: a pipe, a device, a folder or a file of gigabytes is refused at once."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message

LARGEST = 4_000_000
"""Bytes; a thousand rules with examples are a tenth of it."""


def read_regular_file(path: Path, *, largest: int = LARGEST, follow: bool = True) -> bytes:
    """The bytes of a regular file; raises FileNotFoundError where there is none, else ProjectFileWrong.

    Without `follow` a symbolic link is no regular file.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise _unusable(path, Message.of("file.reason.not_opened", error=_named(error))) from None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise _unusable(path, Message.of("file.reason.not_regular"))
        with os.fdopen(opened, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise _unusable(path, Message.of("file.reason.not_opened", error=_named(error))) from None
    finally:
        os.close(opened)
    if len(content) > largest:
        raise _unusable(path, Message.of("file.reason.too_large", largest=largest))
    return content


def read_text_file(path: Path, *, largest: int = LARGEST) -> str:
    """The text of a regular file in UTF-8, without a byte order mark; raises as `read_regular_file` does."""
    content = read_regular_file(path, largest=largest)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(path, Message.of("file.reason.not_utf8", place=error.start)) from None


def _named(error: OSError | ValueError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number, type(error).__name__) if number is not None else type(error).__name__


def _unusable(path: Path, reason: Message) -> ProjectFileWrong:
    return ProjectFileWrong("file.unusable", file=path.name, reason=reason)
