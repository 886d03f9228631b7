"""The worklist that goes with a person's digests: what makes one, and how it reaches its reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightround.model.attached_file import AttachedFile
from nightround.model.finding import Finding
from nightround.model.recipient import Recipient


@dataclass(frozen=True)
class ReaderWorklist:
    """A worklist to fill in, and whether it may go with the message or stays in the data folder."""

    file: AttachedFile
    attached: bool


Worklists = Callable[[Recipient, str, Sequence[Finding]], ReaderWorklist | None]
"""Makes the worklist of a reader, for a channel, of the findings that wait; None where nothing is to be filled in."""


def no_worklist(_reader: Recipient, _channel: str, _waiting: Sequence[Finding]) -> None:
    """Where nobody has asked for one."""
