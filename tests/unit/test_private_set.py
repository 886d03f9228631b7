"""Files that change together: wherever a process ends, all of them are those of before, or all are new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from redcap_sync.private_files import finish_private_set, write_private_set

OLD = {"register.json": b"old", "open/page.html": b"old page", "left.txt": b"stays"}
NEW = {"editions/1/edition.json": b"new edition", "open/page.html": b"new page", "register.json": b"new"}


def visible(folder: Path) -> dict[str, bytes]:
    """The files that a person sees."""
    shown = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != ".aside")
    return {str(path.relative_to(folder)): path.read_bytes() for path in shown}


@contextmanager
def ending_at(folder: Path, call: str, number: int) -> Iterator[list[Path]]:
    """Let a process end, as a kill does it, before the numbered call that changes a folder; gives what it left."""
    kept, real = [], getattr(os, call)
    calls = iter(range(1000))

    def counted(*arguments: object, **more: object) -> object:
        if next(calls) == number:
            kept.append(Path(shutil.copytree(folder, folder.with_name(f"{folder.name}-killed"))))
            raise KeyboardInterrupt
        return real(*arguments, **more)

    with patch.object(os, call, counted):
        yield kept


@pytest.mark.parametrize("call", ["replace", "unlink", "fsync"])
@pytest.mark.parametrize("number", range(12))
def test_a_process_that_ends_anywhere_leaves_all_old_files_or_all_new_ones(
    tmp_path: Path, call: str, number: int
) -> None:
    """What it left on the disk, once the next one has finished it, is one of the two, and nothing else is left."""
    folder = tmp_path / "reports"
    write_private_set(folder, OLD)
    try:
        with ending_at(folder, call, number) as left:
            write_private_set(folder, NEW)
    except KeyboardInterrupt:
        finish_private_set(left[0])
        assert visible(left[0]) in ({**OLD}, {**OLD, **NEW})
        assert [path.name for path in (left[0] / ".aside").iterdir()] == [".lock"]
    write_private_set(folder, NEW)
    assert visible(folder) == {**OLD, **NEW}


def test_a_folder_without_a_set_is_left_alone(tmp_path: Path) -> None:
    """Where nothing was ever laid aside nothing is made."""
    finish_private_set(tmp_path)
    assert list(tmp_path.iterdir()) == []
