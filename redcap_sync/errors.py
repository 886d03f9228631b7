"""The errors a user can meet, each with what happened, why it may, what to do, and an exit code.

The tree begins here because `redcap_sync` is the lowest layer; `nightround.model.errors` goes on with it.
A message never contains a token, a patient's value or the words of a server.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from redcap_sync.clean_text import clean
from redcap_sync.messages import Message


class ExplainedError(Exception):
    """An error that is shown to the user without a traceback.

    It is a code with facts; the catalogue has three texts for it: `code.what` says what happened, `code.why` what may
    have caused it, `code.remedy` what to do about it.

    `private` is what may contain values or record ids, such as the server's own words. It is never part of a message; a
    text with a place for {details} says where it can be read.
    """

    exit_code: ClassVar[int] = 1
    private: str = ""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = {name: clean(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}

    def with_private(self, text: str) -> Self:
        """The error with what may contain values or record ids, which is kept out of its message."""
        self.private = clean(text)
        return self.with_details(Message.of("error.details.attribute"))

    def with_details(self, where: Message) -> Self:
        """The error with another sentence on where its private part can be read."""
        self.facts["details"] = where
        return self

    def part(self, name: str) -> Message:
        """One of the three texts, as a message."""
        return Message.of(f"{self.code}.{name}", **self.facts)

    @property
    def what(self) -> str:
        """What happened, in English."""
        return str(self.part("what"))

    @property
    def why(self) -> str:
        """What may have caused it, in English."""
        return str(self.part("why"))

    @property
    def remedy(self) -> str:
        """What to do about it, in English."""
        return str(self.part("remedy"))

    def shown(self) -> Message:
        """The error as a whole, in the form in which a command prints it."""
        return Message.of("error.shown", what=self.part("what"), why=self.part("why"), remedy=self.part("remedy"))

    def __str__(self) -> str:
        return str(self.shown())


class RedcapUnreachable(ExplainedError):
    """REDCap did not answer, or something else answered in its place."""

    exit_code = 11


class RedcapRefused(ExplainedError):
    """REDCap answered and said no: token, rights, or parameters."""

    exit_code = 12


class ExportIncomplete(ExplainedError):
    """The answer came from REDCap but not everything that was asked for is in it."""

    exit_code = 13


class WriteRefused(ExplainedError):
    """REDCap did not accept what was written to it."""

    exit_code = 14


class ProjectFileWrong(ExplainedError):
    """A project XML, dictionary or data file cannot be read as one."""

    exit_code = 10


class LogicError(ExplainedError):
    """A piece of REDCap logic cannot be read, or says something that cannot be represented.

    The code names the text that says what is wrong, `hint` the one that says what to write; both have the same facts.
    `text` is the whole logic, `position` the 0-based offset of the mistake in it.
    """

    exit_code = 10

    def __init__(self, code: str, *, text: str, position: int, hint: str, **facts: Any) -> None:
        super().__init__(code, **facts)
        self.text = text
        self.position = position
        self.hint = hint

    def part(self, name: str) -> Message:
        """What is wrong, the hint as why, or the remedy."""
        return Message.of({"what": self.code, "why": self.hint, "remedy": "logic.remedy"}[name], **self.facts)

    def shown(self) -> Message:
        """The error as a whole, with the line of the mistake."""
        pointer = Message.of("logic.pointer", text=self.pointer())
        return Message.of("logic.shown", what=self.part("what"), pointer=pointer, hint=self.part("why"))

    def pointer(self) -> str:
        """Return the line of the mistake, and below it a caret under the place."""
        line_start = self.text.rfind("\n", 0, self.position) + 1
        line_end = self.text.find("\n", self.position)
        line = self.text[line_start : line_end if line_end >= 0 else len(self.text)]
        line_number = self.text.count("\n", 0, self.position) + 1
        prefix = f"  line {line_number} | "
        return f"{prefix}{line}\n{' ' * (len(prefix) + self.position - line_start)}^"
