"""Collect the pages of the documentation site, and what they link to, in one folder: `make docs`.

The pages are the very files that are read in the repository. They link to one another and to files of the repository
by relative paths, so the folder keeps those paths.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIRST = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def pages() -> list[Path]:
    """The pages that are always there; what they link to comes with them."""
    return [*(ROOT / name for name in FIRST), *sorted((ROOT / "docs").rglob("*.md"))]


def _linked(page: Path) -> Iterator[Path]:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve()
        if file.is_file() and file.is_relative_to(ROOT):
            yield file


def collect(folder: Path) -> None:
    """Copy the pages, and every file of the repository that one of them links to, into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    waiting, done = pages(), set[Path]()
    while waiting:
        file = waiting.pop()
        if file in done:
            continue
        done.add(file)
        place = folder / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
        if file.suffix == ".md":
            waiting.extend(_linked(file))


if __name__ == "__main__":
    collect(Path(sys.argv[1]))
