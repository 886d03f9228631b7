"""What is wrong with a piece of logic, before it is known which text it came from."""

from __future__ import annotations


class Trouble(Exception):
    """Raised while reading; `position` is the 0-based offset in the logic."""

    def __init__(self, message: str, position: int, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint
