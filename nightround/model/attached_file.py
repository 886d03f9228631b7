"""A file that goes with a message to a person."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AttachedFile:
    """A file that goes with a message: its name, its media type and what is in it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
