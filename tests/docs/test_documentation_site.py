"""The site of `make docs` has every page, with everything that a page links to."""

from __future__ import annotations

import re
from pathlib import Path

from nightround.study.folder import load_content_module

ROOT = Path(__file__).parents[2]
SITE = load_content_module(ROOT / "docs" / "write_site.py", "write_site")
MENU = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_a_page_is_collected_with_what_it_links_to(tmp_path: Path) -> None:
    """Each link to a file leads to a file of the collection, so that the site has no dead end."""
    folder = tmp_path / "pages"
    (folder / "old").mkdir(parents=True)
    SITE.collect(folder)
    assert not (folder / "old").exists()
    lost = [
        (page.name, target)
        for page in folder.rglob("*.md")
        for target in SITE.LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists() and not (ROOT / page.relative_to(folder).parent / target).is_dir()
    ]
    assert lost == []


def test_every_document_is_in_the_menu() -> None:
    """A page that no menu names is found by nobody."""
    named = set(re.findall(r": ([\w./-]+\.md)$", MENU, flags=re.MULTILINE))
    assert {str(page.relative_to(ROOT)) for page in SITE.pages()} <= named


def test_the_menu_names_no_page_that_is_gone() -> None:
    """A page that was removed leaves the menu with it."""
    assert [
        name for name in re.findall(r": ([\w./-]+\.md)$", MENU, flags=re.MULTILINE) if not (ROOT / name).is_file()
    ] == []
