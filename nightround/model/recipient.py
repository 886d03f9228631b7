"""A person who gets digests."""

from __future__ import annotations

from dataclasses import dataclass

from nightround.model.language import Language

OUTBOX = "outbox"
"""The id of the channel that every study has: a folder of files."""


@dataclass(frozen=True)
class Recipient:
    """A person who gets digests."""

    role: str
    address: str
    language: Language
    owns: tuple[str, ...]
    """Owner roles whose findings this person hears of."""
    channels: tuple[str, ...] = (OUTBOX,)
    """The ids of the channels by which this person is written to."""
    groups: frozenset[str] | None = None
    """The data access groups whose records this person hears of, by unique name; None for all records."""
