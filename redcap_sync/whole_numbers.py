"""Whole numbers as somebody outside writes them: whatever the text, it is read or refused, and never fails."""

from __future__ import annotations

MOST_DIGITS = 18
"""So many always fit into the 64 bits of a server's whole number, and of a database's."""


def whole_number(written: str) -> int | None:
    """Read a whole number without a sign; None for anything else, and for more digits than 64 bits are sure to hold."""
    if not (written.isascii() and written.isdecimal()):
        return None
    digits = written.lstrip("0") or "0"
    return int(digits) if len(digits) <= MOST_DIGITS else None
