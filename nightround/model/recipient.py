"""A person who gets digests."""

from __future__ import annotations

from dataclasses import dataclass

from nightround.model.language import Language


@dataclass(frozen=True)
class Recipient:
    """A person who gets digests."""

    role: str
    address: str
    language: Language
    owns: tuple[str, ...]
    """Owner roles whose findings this person hears of."""
