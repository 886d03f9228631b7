"""The one catalogue of messages: each code with its text in Chinese and English.

The texts of the engine are in the TOML files next to this module, `code = { zh = "...", en = "..." }`.
Those of `redcap_sync` have their English there (`redcap_sync/messages.toml`) and their Chinese in `redcap_zh.toml`.
What a study team may edit, the words of reports and mails, has the same form in `report_templates/`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES, Language, Words
from redcap_sync.messages import Message, english_texts, fill, flat
from redcap_sync.regular_files import read_text_file

SEPARATORS: Mapping[Language, str] = {"zh": "；", "en": "; "}
"""What is between several messages that are listed in another one."""
COMMAS: Mapping[Language, str] = {"zh": "，", "en": ", "}
REDCAP_CHINESE = "redcap_zh.toml"
WORDS_FILE = "words.toml"
"""The texts in a folder of templates, which a study may replace by its own."""


@dataclass(frozen=True)
class Wording:
    """The texts of one language by code."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, code: str, /, **facts: Any) -> str:
        """The text of a code with its places filled; raises StudyFilesWrong for a code without a text."""
        return self.say(Message.of(code, **facts))

    def listed(self, parts: Iterable[str]) -> str:
        """Short texts one after another, such as counts."""
        return COMMAS[self.language].join(parts)

    def say(self, message: Message) -> str:
        """A message in words."""
        text = self.texts.get(message.code)
        if text is None:
            raise StudyFilesWrong("texts.missing", name=message.code, language=self.language)
        return fill(text, message.facts, self.say, SEPARATORS[self.language])


def in_language(message: Message, language: Language) -> str:
    """A message of the engine or of `redcap_sync` in words."""
    return wording(language).say(message)


def in_both(message: Message) -> Words:
    """A message in both languages."""
    return Words(*(in_language(message, language) for language in LANGUAGES))


def words(code: str, /, **facts: Any) -> Words:
    """The text of a code in both languages; a fact that is itself in both languages is given in the one at hand."""
    return Words(*(wording(language)(code, **_facts_in(language, facts)) for language in LANGUAGES))


def _facts_in(language: Language, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fact.in_(language) if isinstance(fact, Words) else fact for name, fact in facts.items()}


def texts_under(prefix: str) -> Mapping[str, Words]:
    """Every text of the engine whose code begins with a prefix and a dot, by the rest of its code."""
    start = f"{prefix}."
    return {code.removeprefix(start): Words(**text) for code, text in own_texts().items() if code.startswith(start)}


@cache
def wording(language: Language) -> Wording:
    """The catalogue of the engine and of `redcap_sync` in one language."""
    own = {code: text[language] for code, text in own_texts().items()}
    return Wording(language, {**redcap_texts(language), **own})


@cache
def own_english() -> Mapping[str, str]:
    """The English text of each code of the engine."""
    return {code: text["en"] for code, text in own_texts().items()}


@cache
def own_texts() -> Mapping[str, Mapping[str, str]]:
    """Every text of the engine by code, each a mapping from language to text."""
    folder = files("nightround.texts")
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".toml") and one.name != REDCAP_CHINESE)
    return dict(entry for name in names for entry in entries_of(folder.joinpath(name).read_text(encoding="utf-8")))


def redcap_texts(language: Language) -> Mapping[str, str]:
    """Every text of `redcap_sync` by code."""
    if language == "en":
        return english_texts()
    document = tomllib.loads(files("nightround.texts").joinpath(REDCAP_CHINESE).read_text(encoding="utf-8"))
    return dict(flat(document, lambda entry: isinstance(entry, str)))


def entries_of(toml: str) -> list[tuple[str, Mapping[str, str]]]:
    """Code and texts of each entry of a TOML file."""
    return list(flat(tomllib.loads(toml), _is_text))


def _is_text(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() <= set(LANGUAGES)
        and all(isinstance(one, str) for one in entry.values())
    )


def read_wording(folders: Iterable[Path], language: Language) -> Wording:
    """Read words.toml of each folder that has one; a later folder's text replaces an earlier one's.

    Raises StudyFilesWrong or ProjectFileWrong for a file that is no such file, or a text that is not in both languages.
    """
    texts: dict[str, str] = {}
    for folder in folders:
        path = folder / WORDS_FILE
        if path.exists() or path.is_symlink():
            entries = _entries_in(path)
            _require_both_languages(path, entries)
            texts |= {code: text[language] for code, text in entries}
    return Wording(language, texts)


def _entries_in(path: Path) -> list[tuple[str, Mapping[str, str]]]:
    try:
        return entries_of(read_text_file(path))
    except FileNotFoundError:
        raise StudyFilesWrong("study.no_file", file=path.name, path=str(path)) from None
    except (ValueError, RecursionError, AttributeError) as error:  # no TOML, nested too deeply, a text without a table
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise StudyFilesWrong("study.not_toml", file=path.name, said=said) from None


def _require_both_languages(path: Path, entries: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    codes = sorted(code for code, text in entries if text.keys() != set(LANGUAGES))
    if codes:
        raise StudyFilesWrong("texts.one_language", path=str(path), names=", ".join(codes))
