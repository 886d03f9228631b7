"""The mail templates and their words, read once from the content folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES, Language

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Wording:
    """The words of one language."""

    words: Mapping[str, str]

    def __call__(self, key: str, **facts: object) -> str:
        """The text of a key with its placeholders filled."""
        return self.words[key].format(**facts)


@dataclass(frozen=True)
class DigestTemplates:
    """The two bodies of the mail and their words in both languages."""

    environment: Environment
    wording: Mapping[Language, Wording]

    def html(self, page: Any) -> str:
        """The HTML body; everything that is filled in is escaped."""
        return self.environment.get_template("digest.html.j2").render(page=page)

    def text(self, page: Any) -> str:
        """The plain text body."""
        return self.environment.get_template("digest.txt.j2").render(page=page)


def load_digest_templates(folder: Path) -> DigestTemplates:
    """Read the templates and `words.toml` of `report_templates/digest`.

    Raises StudyFilesWrong when a language lacks a word the other has.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    words = tomllib.loads((folder / "words.toml").read_text(encoding="utf-8"))
    missing = sorted(words["zh"].keys() ^ words["en"].keys())
    if missing:
        raise StudyFilesWrong(
            f"words.toml of the digest has words in one language only: {', '.join(missing)}.",
            why="a word was added or renamed in one language",
            remedy=f"add them to the other language in {folder / 'words.toml'}",
        )
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return DigestTemplates(environment, {language: Wording(words[language]) for language in LANGUAGES})
