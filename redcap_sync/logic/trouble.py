"""What is wrong with a piece of logic, before it is known which text it came from."""

from __future__ import annotations

from typing import Any


class Trouble(Exception):
    """Raised while reading; `position` is the 0-based offset in the logic, code and hint are those of a LogicError."""

    def __init__(self, code: str, position: int, hint: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.position = position
        self.hint = hint
        self.facts = facts
