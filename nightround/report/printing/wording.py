"""The fixed texts of the report, in both languages. They stand in words.toml, none in a program."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import Language

WORDS_FILE = "words.toml"


@dataclass(frozen=True)
class Wording:
    """The texts of one language by name."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, name: str, /, **values: object) -> str:
        """The text of a name, its {places} filled. An unknown name is an error of a template."""
        if name not in self.texts:
            raise StudyFilesWrong(
                f"the report has no text named {name} in {self.language}",
                why=f"{WORDS_FILE} of the report templates does not hold it",
                remedy=f'add {name} = {{ zh = "...", en = "..." }} to {WORDS_FILE}',
            )
        return self.texts[name].format(**values)


def read_wording(folders: Iterable[Path], language: Language) -> Wording:
    """Read words.toml of each folder; a later folder's text goes before an earlier one's."""
    texts: dict[str, str] = {}
    for folder in folders:
        path = folder / WORDS_FILE
        if path.is_file():
            entries = tomllib.loads(path.read_text(encoding="utf-8"))
            texts |= {name: entry[language] for name, entry in entries.items()}
    return Wording(language, texts)
