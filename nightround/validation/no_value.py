"""Why something that a rule reads has no value at night."""

from __future__ import annotations

from typing import Any

from redcap_sync.messages import Message


class NoValue(Exception):
    """Raised for a reference that cannot be read, with the reason."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.reason = Message.of(code, **facts)
