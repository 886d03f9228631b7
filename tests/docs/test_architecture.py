"""The picture of the house shows the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PICTURE = DOCUMENT.split("## Where a new thing goes")[0]
ROOMS = sorted(
    path.parent.name for package in ("nightround", "redcap_sync") for path in ROOT.glob(f"{package}/*/__init__.py")
)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_in_the_picture(room: str) -> None:
    """Who opens a new room says there what it is for."""
    assert any(line.split()[:1] == [room] for line in PICTURE.splitlines())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", DOCUMENT))))
def test_every_path_of_the_document_is_there(path: str) -> None:
    """A file or folder that it names exists."""
    assert (ROOT / path).exists()
