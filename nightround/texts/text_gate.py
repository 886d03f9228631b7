"""The gate through which texts leave: what every log line, warning and traceback of this process passes.

What a text may have is decided in `redcap_sync.clean_text`. The other doors are few, and each cleans what it is given:
messages where they are put into words or stored, notices, `cli/printing.py`, and the lists of a run.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from redcap_sync.clean_text import clean
from redcap_sync.errors import ExplainedError

CHAINED = {
    True: "The above exception was the direct cause of the following exception:",
    False: "During handling of the above exception, another exception occurred:",
}


class CleanRecord(logging.LogRecord):
    """A log record without secrets and control characters, whose traceback has no foreign message.

    Lines after the first are indented, so that no text from outside looks like a line of the log.
    """

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        if self.exc_info and self.exc_info[1]:
            self.exc_text = traceback_text(self.exc_info[1])  # a formatter takes it in place of its own

    def getMessage(self) -> str:  # noqa: N802 - the library's name
        """The message; of one that does not fit its arguments the format alone."""
        try:
            text = super().getMessage()
        except (TypeError, ValueError, KeyError):
            text = str(self.msg)
        return indented(clean(text))


def indented(text: str) -> str:
    """A text whose lines after the first are indented."""
    first, *others = text.split("\n")
    return "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in others)])


def traceback_text(error: BaseException) -> str:
    """The traceback of a bug: every frame and class, and the message of our own errors alone.

    The message of another exception may contain a patient's value, as that of `int("...")` does.
    """
    return clean("\n".join(_lines(error, frozenset())))


def _lines(error: BaseException, seen: frozenset[int]) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    seen |= {id(error)}
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield from ("", CHAINED[error.__cause__ is not None], "")
    yield "Traceback (most recent call last):"
    yield from (line.rstrip("\n") for line in traceback.format_tb(error.__traceback__))
    yield f"{_name(error)}: {error}" if isinstance(error, ExplainedError) else _name(error)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from (f"  {line}" for part in _lines(one, seen) for line in part.split("\n"))


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def close_the_gate(stderr: TextIO | None = None) -> None:
    """Let every log line, warning and traceback of this process pass the gate, whoever writes it."""

    def write(text: str) -> None:
        print(text, file=stderr or sys.stderr)

    def warn(  # noqa: PLR0917 - the library's form
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del message, file, line  # they may contain a value, as the message of a foreign exception may
        write(clean(f"{filename}:{lineno}: {category.__name__}"))

    logging.setLogRecordFactory(CleanRecord)
    logging.raiseExceptions = False  # else a handler that fails prints the arguments of a line
    warnings.showwarning = warn
    sys.excepthook = lambda _kind, error, _where: write(traceback_text(error))
    threading.excepthook = lambda facts: write(traceback_text(facts.exc_value or facts.exc_type()))
    sys.unraisablehook = lambda facts: write(traceback_text(facts.exc_value or facts.exc_type()))
