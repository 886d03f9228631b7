"""A person who gets digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    reports: str = ""
    """The version of the report that this person gets: open, closed, or '' for none."""
    certificate: Path | None = None
    """The certificate of the key with which this person reads encrypted mail."""
    worklist: bool = False
    """Whether digests come with the worklist of what waits: attached where mails may name records, or encrypted."""
