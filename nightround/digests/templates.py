"""The mail templates and their words, read once from the content folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightround.model.language import LANGUAGES, Language
from nightround.texts.catalogue import Wording, read_wording

if TYPE_CHECKING:
    from jinja2 import Environment


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


def load_digest_templates(*folders: Path) -> DigestTemplates:
    """Read the templates and `words.toml` of `report_templates/digest`; a study's own folder after it goes before it.

    Raises StudyFilesWrong for a text that is not given in both languages.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(tuple(reversed(folders))),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return DigestTemplates(environment, {language: read_wording(folders, language) for language in LANGUAGES})
