"""The folders that a simulation writes: an earlier one is replaced, nothing else ever is."""

from __future__ import annotations

import shutil
from pathlib import Path

from nightround.model.errors import UsageWrong
from redcap_sync.private_files import write_private


def empty_folder(out: Path, kind: str, refused: UsageWrong) -> None:
    """Remove what a command of this kind (`demo`, `twin`) wrote there before, and mark the folder as its own.

    Raises `refused` for a folder that contains anything else.
    """
    marker = out / f".nightround-{kind}"
    if out.exists() and not out.is_dir():
        raise refused
    if out.exists() and any(out.iterdir()):
        if not marker.exists():
            raise refused
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    write_private(marker, b"This folder was made by `nightround %s` and may be deleted.\n" % kind.encode())
