"""The round of a night: its steps, its schedule, its locks, and the notice of one that failed.

A job file needs one import: `from nightround.night import Night`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightround.night.steps import Night

__all__ = ["Night"]


def __getattr__(name: str) -> Any:
    """Import the steps when a job file asks for them; the command line imports this package for its help."""
    if name == "Night":
        from nightround.night.steps import Night

        return Night
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
