"""Folders with patients' data: only their owner may open them."""

from __future__ import annotations

from pathlib import Path

PRIVATE = 0o700


def private_folder(path: Path) -> Path:
    """Make a folder, and every missing one above it, readable by its owner alone; returns it.

    `Path.mkdir(parents=True, mode=...)` gives the mode to the last folder only; those above it get the default.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=PRIVATE, exist_ok=True)
    return path
