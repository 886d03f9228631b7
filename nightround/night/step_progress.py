"""What somebody who waits for a run sees of its steps; nothing unless a command shows it."""

from __future__ import annotations

from typing import Protocol


class StepProgress(Protocol):
    """Shows how far a run is."""

    def begin(self, step: str) -> None:
        """A step began."""

    def advance(self, done: int, total: int) -> None:
        """So much of the step is done."""

    def end(self) -> None:
        """The step ended, however."""


class NobodyLooks(StepProgress):
    """Nobody looks."""

    def begin(self, step: str) -> None:
        """Show nothing."""

    def advance(self, done: int, total: int) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""
